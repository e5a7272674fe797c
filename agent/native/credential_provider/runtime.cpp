// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The functions that a compiler expects of a runtime library. There is none: the DLL
// has only this project's code, and every import is listed in imports/.

#include <windows.h>

extern "C" {

// Windows' loader replaces this default by a random value when it loads the
// DLL, because the load configuration below names it as the security cookie.
// https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-image_load_config_directory64
ULONG_PTR __stack_chk_guard = 0x00002B992DDFA232;

[[noreturn]] void __stack_chk_fail() { __fastfail(FAST_FAIL_STACK_COOKIE_CHECK_FAILURE); }

[[noreturn]] void __cxa_pure_virtual() { __fastfail(FAST_FAIL_FATAL_APP_EXIT); }

// In assembly: a loop in C++ would be compiled into a call of the same function.
void* memset(void* target, int value, size_t size) {
  void* at = target;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
  return target;
}

void* memcpy(void* target, const void* source, size_t size) {
  void* at = target;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(size) : : "memory");
  return target;
}

int memcmp(const void* one, const void* other, size_t size) {
  auto* a = static_cast<const volatile BYTE*>(one);
  auto* b = static_cast<const volatile BYTE*>(other);
  for (; size > 0; size--, a++, b++)
    if (*a != *b) return *a < *b ? -1 : 1;
  return 0;
}

}  // extern "C"

// Control Flow Guard before Windows has put its own checks in place, and the
// load configuration (IMAGE_LOAD_CONFIG_DIRECTORY64, winnt.h) that leads Windows
// to them: cookie, guard tables, and "imports from System32 only" (0x0800,
// LOAD_LIBRARY_SEARCH_SYSTEM32). The __guard symbols are made by the linker.
__asm__(R"(
  .text
guard_check:
  ret
guard_dispatch:
  jmp *%rax

  .section .00cfg, "dr"
  .p2align 3
  .globl __guard_check_icall_fptr
__guard_check_icall_fptr:
  .quad guard_check
  .globl __guard_dispatch_icall_fptr
__guard_dispatch_icall_fptr:
  .quad guard_dispatch

  .section .rdata, "dr"
  .p2align 3
  .globl _load_config_used
_load_config_used:
  .long 0x118              # Size
  .fill 0x4a, 1, 0
  .short 0x800             # 0x4e DependentLoadFlags
  .quad 0                  # 0x50 EditList
  .quad __stack_chk_guard  # 0x58 SecurityCookie
  .quad 0, 0               # 0x60 SEHandlerTable, SEHandlerCount
  .quad __guard_check_icall_fptr, __guard_dispatch_icall_fptr  # 0x70 GuardCF...FunctionPointer
  .quad __guard_fids_table, __guard_fids_count                 # 0x80 GuardCFFunctionTable, ...Count
  .long __guard_flags      # 0x90 GuardFlags
  .fill 0xc, 1, 0          # 0x94 CodeIntegrity
  .quad __guard_iat_table, __guard_iat_count                   # 0xa0 GuardAddressTakenIatEntryTable, ...Count
  .quad __guard_longjmp_table, __guard_longjmp_count           # 0xb0 GuardLongJumpTargetTable, ...Count
  .fill 0x58, 1, 0         # 0xc0 to the end of Size
)");
