// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Lines in, lines out: how the tests talk to the programs of the harness.
// There is no runtime library here either, so the toolchain builds nothing else.
#pragma once

#include <winsock2.h>
#include <windows.h>

namespace harness {

// One line of words that are separated by single spaces. Static objects only:
// only the loader sets the first values.
class Line {
 public:
  // Reads a line from `source` (a handle or a socket); false at the end.
  bool read(HANDLE source);

  // The next word, or "" at the end of the line.
  const char* word();
  DWORD number();
  // The next word's pairs of hexadecimal digits, at most `capacity` bytes.
  DWORD bytes(BYTE* target, DWORD capacity);
  // The next word (UTF-8) as UTF-16.
  const wchar_t* wide();

 private:
  static constexpr DWORD kSize = 1 << 16;
  char text_[kSize];
  char* at_;
  wchar_t wide_[600];
  char pending_[4096];
  DWORD used_;
  DWORD have_;
};

bool same(const char* one, const char* other);

// A line of output that is put together, then written whole. Static objects only.
class Reply {
 public:
  Reply& add(const char* text);
  Reply& number(const char* name, LONGLONG value);
  Reply& hexadecimal(const char* name, DWORD value);
  // `name` and a JSON string, ASCII only; null for nullptr. `units` as a count or -1.
  Reply& text(const char* name, const wchar_t* text, int units = -1);
  // A list of numbers: open, its items, close.
  Reply& open(const char* name);
  Reply& item(LONGLONG value);
  Reply& close();
  // A JSON object in braces, with a newline.
  void write(HANDLE target);

 private:
  void field(const char* name);
  Reply& decimal(LONGLONG value);
  char text_[1 << 16];
  DWORD size_;
  bool begun_;
};

}  // namespace harness
