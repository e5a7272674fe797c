// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "json.h"

namespace latchkey {
namespace {

bool is_surrogate(uint32_t point) { return point >= 0xD800 && point <= 0xDFFF; }

bool is_control(uint32_t point) { return point < 0x20 || point == 0x7F; }

size_t to_utf16(uint32_t point, wchar_t (&units)[2]) {
  if (point < 0x10000) {
    units[0] = static_cast<wchar_t>(point);
    return 1;
  }
  units[0] = static_cast<wchar_t>(0xD800 + ((point - 0x10000) >> 10));
  units[1] = static_cast<wchar_t>(0xDC00 + ((point - 0x10000) & 0x3FF));
  return 2;
}

// How many bytes follow this first byte (RFC 3629, section 4); -1 for none that is one.
int continuation_bytes(uint8_t lead) {
  if (lead < 0x80) return 0;
  if (lead >= 0xC2 && lead <= 0xDF) return 1;
  if (lead >= 0xE0 && lead <= 0xEF) return 2;
  if (lead >= 0xF0 && lead <= 0xF4) return 3;
  return -1;
}

}  // namespace

bool JsonReader::symbol(char expected) {
  if (at_ == end_ || *at_ != expected) return false;
  at_++;
  return true;
}

bool JsonReader::word(const char* expected) {
  const char* start = at_;
  for (; *expected != 0; expected++, at_++) {
    if (at_ != end_ && *at_ == *expected) continue;
    at_ = start;
    return false;
  }
  return true;
}

bool JsonReader::boolean(bool& value) {
  value = word("true");
  return value || word("false");
}

bool JsonReader::string(wchar_t* text, size_t capacity) {
  if (!symbol('"')) return false;
  size_t length = 0;
  while (at_ != end_ && *at_ != '"') {
    uint32_t point;
    wchar_t units[2];
    if (!code_point(point) || is_control(point)) return false;
    size_t more = to_utf16(point, units);
    if (length + more > capacity) return false;
    for (size_t i = 0; i < more; i++) text[length++] = units[i];
  }
  text[length] = 0;
  return symbol('"');
}

bool JsonReader::code_point(uint32_t& point) {
  if (*at_ != '\\') return utf8(point);
  at_++;
  return escape(point);
}

bool JsonReader::utf8(uint32_t& point) {
  static constexpr uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};
  const auto lead = static_cast<uint8_t>(*at_++);
  const int more = continuation_bytes(lead);
  if (more < 0) return false;
  point = more == 0 ? lead : lead & (0x3Fu >> more);
  for (int i = 0; i < more; i++, at_++) {
    if (at_ == end_ || (*at_ & 0xC0) != 0x80) return false;
    point = point << 6 | (static_cast<uint8_t>(*at_) & 0x3Fu);
  }
  return point >= kSmallest[more] && point <= 0x10FFFF && !is_surrogate(point);
}

// The other escapes are for control characters, which are refused anyway, and
// for text that is no UTF-8, which the agent never writes.
bool JsonReader::escape(uint32_t& point) {
  if (at_ == end_) return false;
  point = static_cast<uint8_t>(*at_++);
  return point == '"' || point == '\\' || point == '/';
}

}  // namespace latchkey
