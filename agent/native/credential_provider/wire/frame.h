// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Frames of the logon pipe (protocol/frames.py):
//   "LKY1" | u32 length of JSON | u32 length of secret | JSON | secret
// and the three requests, whose JSON needs no escapes.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace latchkey {

constexpr size_t kHeaderSize = 12;
// All fields of an answer at their longest, in UTF-8, are 2.7 kB.
constexpr size_t kMaxAnswerSize = 3072;

struct Lengths {
  uint32_t json;
  uint32_t secret;
};

// Reads a header of kHeaderSize bytes. False where it is not ours or announces
// more than an answer can have.
bool read_header(const uint8_t* header, Lengths& lengths);

// One request, framed.
class Request {
 public:
  static Request peek();
  static Request redeem(const wchar_t* permit);
  static Request report(const wchar_t* permit, uint32_t status, uint32_t substatus);

  const uint8_t* data() const { return bytes_; }
  size_t size() const { return size_; }

 private:
  Request() : size_(kHeaderSize) {}
  Request& add(const char* text);
  Request& add_permit(const wchar_t* permit);
  Request& add(uint32_t number);
  Request& close();

  uint8_t bytes_[kHeaderSize + 192];
  size_t size_;
};

}  // namespace latchkey
