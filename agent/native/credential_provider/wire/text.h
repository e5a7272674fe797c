// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// NUL-terminated UTF-16 text in arrays of fixed size.
#pragma once

#include <stddef.h>

namespace latchkey {

inline size_t length(const wchar_t* text) {
  size_t units = 0;
  while (text[units] != 0) units++;
  return units;
}

inline bool equal(const wchar_t* one, const wchar_t* other) {
  while (*one != 0 && *one == *other) one++, other++;
  return *one == *other;
}

// The first `unit` in `text`, or nullptr.
inline const wchar_t* find(const wchar_t* text, wchar_t unit) {
  for (; *text != 0; text++)
    if (*text == unit) return text;
  return nullptr;
}

// Copies `text`; false, and empty, where it does not fit.
template <size_t Size>
bool assign(wchar_t (&target)[Size], const wchar_t* text) {
  size_t units = length(text);
  bool fits = units < Size;
  if (!fits) units = 0;
  for (size_t i = 0; i < units; i++) target[i] = text[i];
  target[units] = 0;
  return fits;
}

}  // namespace latchkey
