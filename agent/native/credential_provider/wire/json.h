// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// As much of JSON (RFC 8259) as the agent's flat answers need: an object of
// strings and booleans without white space, as the agent's encoder writes it.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace latchkey {

// Reads one document from front to back. Each function reads one thing; false
// means that it was not there, and ends the reading.
class JsonReader {
 public:
  JsonReader(const char* text, size_t size) : at_(text), end_(text + size) {}

  bool symbol(char expected);
  bool boolean(bool& value);

  // A string of at most `capacity` UTF-16 units, which `text` gets with a NUL.
  // Refuses what is not valid UTF-8, lone surrogates, and control characters:
  // the protocol has single lines only (protocol/fields.py: Line).
  bool string(wchar_t* text, size_t capacity);

  bool finished() const { return at_ == end_; }

 private:
  bool word(const char* expected);
  bool code_point(uint32_t& point);
  bool utf8(uint32_t& point);
  bool escape(uint32_t& point);

  const char* at_;
  const char* end_;
};

}  // namespace latchkey
