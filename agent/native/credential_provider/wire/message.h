// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The body of a frame of the logon pipe (protocol/logon_encoding.py):
//   u8 version | u8 kind | u8 number of fields | fields
// A field is a u16 number of UTF-16 code units and the units, little-endian.
// A boolean is one unit, 0 or 1. A 32-bit number is two units, the low one first.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace latchkey {

constexpr uint8_t kMessageVersion = 1;
constexpr size_t kMessageHeaderSize = 3;

enum class Kind : uint8_t { answer = 0, peek = 1, redeem = 2, report = 3 };

// Reads one message from front to back. Each function reads one thing; false
// means that it was not there, and ends the reading.
class FieldReader {
 public:
  FieldReader(const uint8_t* data, size_t size) : at_(data), left_(size) {}

  // Refuses every kind and every number of fields but these.
  bool header(Kind kind, uint8_t fields);
  bool boolean(bool& value);

  // A text of at most Size - 1 units, which `target` gets with a NUL. Refuses
  // control characters: NUL would cut the text, and the protocol has single
  // lines only (protocol/fields.py: Line). Surrogates pass as they are, as in
  // Windows' own names.
  template <size_t Size>
  bool text(wchar_t (&target)[Size]) {
    return text(target, Size - 1);
  }

  bool finished() const { return left_ == 0; }

 private:
  bool length(size_t least, size_t most, size_t& units);
  bool text(wchar_t* target, size_t capacity);
  uint8_t byte();
  wchar_t unit();

  const uint8_t* at_;
  size_t left_;
};

}  // namespace latchkey
