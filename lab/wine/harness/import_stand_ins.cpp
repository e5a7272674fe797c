// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "import_stand_ins.h"

#include <ntsecapi.h>
#include <objbase.h>
#include <wincred.h>

namespace harness {

FakeWindows fake_windows;

namespace {

bool fails() { return fake_windows.fail_at > 0 && InterlockedDecrement(&fake_windows.fail_at) == 0; }

// Wine's LSA knows no Negotiate package.
NTSTATUS WINAPI lookup(HANDLE, LSA_STRING* name, ULONG* number) {
  const bool right = name->Length == 9 && lstrcmpA(name->Buffer, "Negotiate") == 0;
  if (fake_windows.lsa_fails || !right) return static_cast<NTSTATUS>(0xC00000FE);  // STATUS_NO_SUCH_PACKAGE
  *number = kNegotiate;
  return 0;
}

// Wine has no CredProtectW. This one hides the text, and the test can undo it.
BOOL WINAPI protect(BOOL as_self, LPWSTR text, DWORD size, LPWSTR hidden, DWORD* capacity, CRED_PROTECTION_TYPE*) {
  if (fake_windows.protect_fails || as_self || size == 0 || text[size - 1] != 0) return FALSE;
  if (*capacity < size) {
    SetLastError(ERROR_INSUFFICIENT_BUFFER);
    return FALSE;
  }
  for (DWORD i = 0; i + 1 < size; i++)
    hidden[i] = static_cast<wchar_t>(const_cast<volatile wchar_t*>(text)[i] + kProtection);
  hidden[size - 1] = 0;
  *capacity = size;
  return TRUE;
}

ULONGLONG WINAPI tick_count() { return GetTickCount64() + fake_windows.clock_ahead; }

int WINAPI system_metrics(int index) {
  if (index == SM_CLEANBOOT) return fake_windows.clean_boot;
  if (index == SM_REMOTESESSION) return fake_windows.remote_session;
  return GetSystemMetrics(index);
}

LANGID WINAPI ui_language() { return fake_windows.language; }

void* WINAPI task_alloc(SIZE_T size) { return fails() ? nullptr : CoTaskMemAlloc(size); }

void* WINAPI heap_alloc(HANDLE heap, DWORD flags, SIZE_T size) {
  return fails() ? nullptr : HeapAlloc(heap, flags, size);
}

HANDLE WINAPI create_event(SECURITY_ATTRIBUTES* security, BOOL manual, BOOL set, const wchar_t* name) {
  return fails() ? nullptr : CreateEventW(security, manual, set, name);
}

HANDLE WINAPI create_thread(SECURITY_ATTRIBUTES* security, SIZE_T stack, LPTHREAD_START_ROUTINE start, void* value,
                            DWORD flags, DWORD* id) {
  return fails() ? nullptr : CreateThread(security, stack, start, value, flags, id);
}

struct Detour {
  const char* name;
  void* target;
};

const Detour kDetours[] = {
    {"LsaLookupAuthenticationPackage", reinterpret_cast<void*>(lookup)},
    {"CredProtectW", reinterpret_cast<void*>(protect)},
    {"GetTickCount64", reinterpret_cast<void*>(tick_count)},
    {"GetSystemMetrics", reinterpret_cast<void*>(system_metrics)},
    {"GetUserDefaultUILanguage", reinterpret_cast<void*>(ui_language)},
    {"CoTaskMemAlloc", reinterpret_cast<void*>(task_alloc)},
    {"HeapAlloc", reinterpret_cast<void*>(heap_alloc)},
    {"CreateEventW", reinterpret_cast<void*>(create_event)},
    {"CreateThread", reinterpret_cast<void*>(create_thread)},
};

bool replace(void** slot, void* target) {
  DWORD before;
  if (!VirtualProtect(slot, sizeof *slot, PAGE_READWRITE, &before)) return false;
  *slot = target;
  return VirtualProtect(slot, sizeof *slot, before, &before);
}

int redirect(BYTE* base, const IMAGE_IMPORT_DESCRIPTOR& from) {
  int found = 0;
  auto* names = reinterpret_cast<IMAGE_THUNK_DATA64*>(base + from.OriginalFirstThunk);
  auto* slots = reinterpret_cast<void**>(base + from.FirstThunk);
  for (; names->u1.AddressOfData != 0; names++, slots++) {
    auto* name = reinterpret_cast<IMAGE_IMPORT_BY_NAME*>(base + names->u1.AddressOfData)->Name;
    for (const auto& detour : kDetours)
      if (lstrcmpA(reinterpret_cast<char*>(name), detour.name) == 0) found += replace(slots, detour.target);
  }
  return found;
}

}  // namespace

bool redirect_imports(const wchar_t* dll) {
  auto* base = reinterpret_cast<BYTE*>(GetModuleHandleW(dll));
  if (base == nullptr) return false;
  auto* header = reinterpret_cast<IMAGE_NT_HEADERS64*>(base + reinterpret_cast<IMAGE_DOS_HEADER*>(base)->e_lfanew);
  const auto& directory = header->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
  auto* from = reinterpret_cast<IMAGE_IMPORT_DESCRIPTOR*>(base + directory.VirtualAddress);
  int found = 0;
  for (; from->Name != 0; from++) found += redirect(base, *from);
  return found == sizeof kDetours / sizeof kDetours[0];
}

}  // namespace harness
