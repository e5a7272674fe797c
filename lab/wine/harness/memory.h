// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Searches this process for a password's bytes, and counts its memory, handles and threads.
#pragma once

#include <windows.h>

namespace harness {

// Pieces of 8 bytes to look for. They are given multiplied by kScramble, so that
// this program never holds the password itself.
constexpr ULONGLONG kScramble = 0x9E3779B97F4A7C15;
void set_pieces(const ULONGLONG* scrambled, DWORD count);

struct Found {
  DWORD places;     // where a piece stands in writable memory: heaps, stacks, data
  ULONGLONG bytes;  // searched
  void* first;
};

Found search();

struct Usage {
  DWORD handles;
  DWORD threads;
  SIZE_T heap_blocks;  // in use in the process heap
  SIZE_T heap_bytes;
};

Usage usage();

}  // namespace harness
