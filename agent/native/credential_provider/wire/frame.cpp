// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "frame.h"

#include "secret.h"

namespace latchkey {
namespace {

constexpr uint8_t kMagic[4] = {'L', 'K', 'Y', '1'};

uint32_t load(const uint8_t* at) {
  return static_cast<uint32_t>(at[0] | at[1] << 8 | at[2] << 16) | static_cast<uint32_t>(at[3]) << 24;
}

void store(uint8_t* at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = static_cast<uint8_t>(value >> 8 * i);
}

}  // namespace

bool read_header(const uint8_t* header, Lengths& lengths) {
  for (size_t i = 0; i < sizeof kMagic; i++)
    if (header[i] != kMagic[i]) return false;
  lengths = {load(header + 4), load(header + 8)};
  return lengths.json <= kMaxAnswerSize && lengths.secret <= Secret::kMaxBytes;
}

Request Request::peek() { return Request().add("{\"verb\":\"peek\"").close(); }

Request Request::redeem(const wchar_t* permit) {
  return Request().add("{\"verb\":\"redeem\"").add_permit(permit).close();
}

Request Request::report(const wchar_t* permit, uint32_t status, uint32_t substatus) {
  return Request()
      .add("{\"verb\":\"report\"").add_permit(permit)
      .add(",\"status\":").add(status)
      .add(",\"substatus\":").add(substatus)
      .close();
}

// What would not fit is left out: the agent then refuses the message.
Request& Request::add(const char* text) {
  for (; *text != 0 && size_ < sizeof bytes_; text++) bytes_[size_++] = static_cast<uint8_t>(*text);
  return *this;
}

Request& Request::add_permit(const wchar_t* permit) {
  add(",\"permit\":\"");
  for (; *permit != 0 && size_ < sizeof bytes_; permit++) bytes_[size_++] = static_cast<uint8_t>(*permit);
  return add("\"");
}

Request& Request::add(uint32_t number) {
  char digits[11];
  char* first = digits + 10;
  *first = 0;
  do *--first = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  return add(first);
}

Request& Request::close() {
  add("}");
  for (size_t i = 0; i < sizeof kMagic; i++) bytes_[i] = kMagic[i];
  store(bytes_ + 4, static_cast<uint32_t>(size_ - kHeaderSize));
  store(bytes_ + 8, 0);
  return *this;
}

}  // namespace latchkey
