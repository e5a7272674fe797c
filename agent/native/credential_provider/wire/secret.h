// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The one place where the password lives in clear.
#pragma once

#include <stddef.h>

namespace latchkey {

// Overwrites `size` bytes. Volatile, so that no compiler leaves it out as a dead store.
inline void wipe(void* memory, size_t size) {
  auto* byte = static_cast<volatile unsigned char*>(memory);
  while (size-- > 0) *byte++ = 0;
}

// A password in UTF-16LE, overwritten when it goes out of scope, on every path.
class Secret {
 public:
  static constexpr size_t kMaxBytes = 1024;  // protocol/frames.py: MAX_SECRET

  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(this, sizeof *this); }

  // Where kMaxBytes may be written; `accept` then says how many were.
  void* buffer() { return units_; }

  // Ends the text after `bytes`. False where that is no password: empty, cut in
  // the middle of a unit, too long, or with a NUL at which Windows would stop.
  bool accept(size_t bytes) {
    if (bytes == 0 || bytes > kMaxBytes || bytes % sizeof(wchar_t) != 0) return false;
    length_ = bytes / sizeof(wchar_t);
    units_[length_] = 0;
    for (size_t i = 0; i < length_; i++)
      if (units_[i] == 0) return false;
    return true;
  }

  wchar_t* text() { return units_; }
  size_t length() const { return length_; }

 private:
  wchar_t units_[kMaxBytes / 2 + 1];
  size_t length_ = 0;
};

static_assert(sizeof(wchar_t) == 2, "UTF-16 text; outside Windows compile with -fshort-wchar");

}  // namespace latchkey
