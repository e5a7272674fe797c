// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "memory.h"

#include "wire/secret.h"

#include <tlhelp32.h>
#include <winternl.h>

namespace harness {
namespace {

constexpr DWORD kMost = 64;
ULONGLONG pieces[kMost];
DWORD piece_count;

bool searched(const MEMORY_BASIC_INFORMATION& region) {
  constexpr DWORD kWritable = PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
  return region.State == MEM_COMMIT && (region.Protect & kWritable) != 0 && (region.Protect & PAGE_GUARD) == 0;
}

bool is_piece(ULONGLONG value) {
  const ULONGLONG scrambled = value * kScramble;
  for (DWORD i = 0; i < piece_count; i++)
    if (pieces[i] == scrambled) return true;
  return false;
}

// Through ReadProcessMemory: a thread of the provider may end meanwhile, and its stack go with it.
BYTE window[1 << 16];

void search_window(BYTE* from, SIZE_T size, Found& found) {
  for (SIZE_T i = 0; i + sizeof(ULONGLONG) <= size; i++) {
    if (!is_piece(*reinterpret_cast<const __attribute__((aligned(1))) ULONGLONG*>(window + i))) continue;
    if (found.places++ == 0) found.first = from + i;
  }
}

void search_region(const MEMORY_BASIC_INFORMATION& region, Found& found) {
  auto* at = static_cast<BYTE*>(region.BaseAddress);
  BYTE* end = at + region.RegionSize;
  found.bytes += region.RegionSize;
  // Windows overlap by what could be cut in two.
  for (; at + sizeof(ULONGLONG) <= end; at += sizeof window - sizeof(ULONGLONG)) {
    const auto left = static_cast<SIZE_T>(end - at);
    SIZE_T size = 0;
    if (!ReadProcessMemory(GetCurrentProcess(), at, window, left < sizeof window ? left : sizeof window, &size)) return;
    if (at > window + sizeof window || at + size < window) search_window(at, size, found);
    latchkey::wipe(window, sizeof window);
  }
}

DWORD thread_count() {
  HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
  THREADENTRY32 entry;
  entry.dwSize = sizeof entry;
  DWORD threads = 0;
  for (BOOL more = Thread32First(snapshot, &entry); more; more = Thread32Next(snapshot, &entry))
    if (entry.th32OwnerProcessID == GetCurrentProcessId()) threads++;
  CloseHandle(snapshot);
  return threads;
}

// SYSTEM_HANDLE_INFORMATION: Wine counts no handles for GetProcessHandleCount.
DWORD handle_count() {
  struct Entry {
    USHORT process, trace;
    UCHAR type, attributes;
    USHORT handle;
    void* object;
    ULONG access;
  };
  struct Table {
    ULONG count;
    Entry entries[50000];
  };
  static Table table;
  constexpr auto kSystemHandleInformation = static_cast<SYSTEM_INFORMATION_CLASS>(16);
  if (NtQuerySystemInformation(kSystemHandleInformation, &table, sizeof table, nullptr) < 0) return 0;
  DWORD handles = 0;
  for (ULONG i = 0; i < table.count; i++)
    if (table.entries[i].process == GetCurrentProcessId()) handles++;
  return handles;
}

void walk_heap(Usage& usage) {
  PROCESS_HEAP_ENTRY entry = {};
  HeapLock(GetProcessHeap());
  while (HeapWalk(GetProcessHeap(), &entry)) {
    if ((entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) == 0) continue;
    usage.heap_blocks++;
    usage.heap_bytes += entry.cbData;
  }
  HeapUnlock(GetProcessHeap());
}

}  // namespace

void set_pieces(const ULONGLONG* scrambled, DWORD count) {
  piece_count = count < kMost ? count : kMost;
  for (DWORD i = 0; i < piece_count; i++) pieces[i] = scrambled[i];
}

Found search() {
  Found found = {};
  MEMORY_BASIC_INFORMATION region;
  for (BYTE* at = nullptr; VirtualQuery(at, &region, sizeof region) != 0;
       at = static_cast<BYTE*>(region.BaseAddress) + region.RegionSize)
    if (searched(region)) search_region(region, found);
  return found;
}

Usage usage() {
  Usage now = {};
  now.handles = handle_count();
  now.threads = thread_count();
  walk_heap(now);
  return now;
}

}  // namespace harness
