// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "message.h"

namespace latchkey {

bool FieldReader::header(Kind kind, uint8_t fields) {
  return left_ >= kMessageHeaderSize && byte() == kMessageVersion && byte() == static_cast<uint8_t>(kind) &&
         byte() == fields;
}

bool FieldReader::boolean(bool& value) {
  size_t units;
  if (!length(1, 1, units)) return false;
  const wchar_t flag = unit();
  value = flag == 1;
  return flag <= 1;
}

bool FieldReader::text(wchar_t* target, size_t capacity) {
  size_t units;
  if (!length(0, capacity, units)) return false;
  for (size_t i = 0; i < units; i++) {
    target[i] = unit();
    if (target[i] < 0x20 || target[i] == 0x7F) return false;
  }
  target[units] = 0;
  return true;
}

// True where so many units are there to be read.
bool FieldReader::length(size_t least, size_t most, size_t& units) {
  if (left_ < sizeof(wchar_t)) return false;
  units = unit();
  return units >= least && units <= most && units * sizeof(wchar_t) <= left_;
}

// The two below are called only where the bytes were counted before.

uint8_t FieldReader::byte() {
  left_--;
  return *at_++;
}

wchar_t FieldReader::unit() {
  const uint8_t low = byte();
  return static_cast<wchar_t>(low | byte() << 8);
}

}  // namespace latchkey
