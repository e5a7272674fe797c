// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "request.h"

#include "text.h"

namespace latchkey {

Request Request::peek() { return Request(Kind::peek, 0).framed(); }

Request Request::redeem(const wchar_t* permit) { return Request(Kind::redeem, 1).text(permit).framed(); }

Request Request::report(const wchar_t* permit, uint32_t status, uint32_t substatus) {
  return Request(Kind::report, 3).text(permit).number(status).number(substatus).framed();
}

Request::Request(Kind kind, uint8_t fields) {
  byte(kMessageVersion);
  byte(static_cast<uint8_t>(kind));
  byte(fields);
}

Request& Request::text(const wchar_t* text) {
  unit(length(text));
  for (; *text != 0; text++) unit(*text);
  return *this;
}

Request& Request::number(uint32_t value) {
  unit(2);
  unit(value);
  unit(value >> 16);
  return *this;
}

Request& Request::framed() {
  write_header(bytes_, {static_cast<uint32_t>(size_ - kHeaderSize), 0});
  return *this;
}

// Drops the bytes that do not fit: the agent then refuses the message.
void Request::byte(uint8_t value) {
  if (size_ < sizeof bytes_) bytes_[size_++] = value;
}

void Request::unit(size_t value) {
  byte(static_cast<uint8_t>(value));
  byte(static_cast<uint8_t>(value >> 8));
}

}  // namespace latchkey
