// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The three requests on the logon pipe (protocol/logon_messages.py: Peek, Redeem, ReportResult).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "message.h"

namespace latchkey {

// One request, framed.
class Request {
 public:
  static Request peek();
  static Request redeem(const wchar_t* permit);
  static Request report(const wchar_t* permit, uint32_t status, uint32_t substatus);

  const uint8_t* data() const { return bytes_; }
  size_t size() const { return size_; }

 private:
  Request(Kind kind, uint8_t fields);
  Request& text(const wchar_t* text);
  Request& number(uint32_t value);
  Request& framed();
  void byte(uint8_t value);
  void unit(size_t value);

  uint8_t bytes_[kHeaderSize + 192];
  size_t size_ = kHeaderSize;
};

}  // namespace latchkey
