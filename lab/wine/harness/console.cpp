// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "console.h"

namespace harness {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

}  // namespace

bool same(const char* one, const char* other) { return lstrcmpA(one, other) == 0; }

bool Line::read(HANDLE source) {
  DWORD length = 0;
  for (;;) {
    if (used_ == have_) {
      used_ = 0;
      if (!ReadFile(source, pending_, sizeof pending_, &have_, nullptr) || have_ == 0) return false;
    }
    const char c = pending_[used_];
    pending_[used_++] = 0;
    if (c == '\n' || length == kSize - 1) break;
    text_[length++] = c;
  }
  text_[length] = 0;
  at_ = text_;
  return true;
}

const char* Line::word() {
  const char* start = at_;
  while (*at_ != 0 && *at_ != ' ') at_++;
  if (*at_ == ' ') *at_++ = 0;
  return start;
}

DWORD Line::number() {
  const char* text = word();
  DWORD value = 0;
  if (text[0] == '0' && text[1] == 'x')
    for (text += 2; *text != 0; text++) value = value << 4 | static_cast<DWORD>(digit(*text));
  else
    for (; *text != 0; text++) value = value * 10 + static_cast<DWORD>(*text - '0');
  return value;
}

DWORD Line::bytes(BYTE* target, DWORD capacity) {
  const char* text = word();
  DWORD size = 0;
  for (; text[0] != 0 && text[1] != 0 && size < capacity; text += 2)
    target[size++] = static_cast<BYTE>(digit(text[0]) << 4 | digit(text[1]));
  return size;
}

const wchar_t* Line::wide() {
  if (MultiByteToWideChar(CP_UTF8, 0, word(), -1, wide_, sizeof wide_ / sizeof wide_[0]) == 0) wide_[0] = 0;
  return wide_;
}

Reply& Reply::add(const char* text) {
  for (; *text != 0 && size_ < sizeof text_; text++) text_[size_++] = *text;
  return *this;
}

void Reply::field(const char* name) {
  add(begun_ ? ", \"" : "{\"").add(name).add("\": ");
  begun_ = true;
}

Reply& Reply::number(const char* name, LONGLONG value) {
  field(name);
  return decimal(value);
}

Reply& Reply::open(const char* name) {
  field(name);
  return add("[");
}

Reply& Reply::item(LONGLONG value) {
  if (text_[size_ - 1] != '[') add(", ");
  return decimal(value);
}

Reply& Reply::close() { return add("]"); }

Reply& Reply::decimal(LONGLONG value) {
  char digits[24];
  char* first = digits + sizeof digits - 1;
  *first = 0;
  ULONGLONG rest = value < 0 ? 0 - static_cast<ULONGLONG>(value) : static_cast<ULONGLONG>(value);
  do *--first = static_cast<char>('0' + rest % 10);
  while ((rest /= 10) != 0);
  return add(value < 0 ? "-" : "").add(first);
}

Reply& Reply::hexadecimal(const char* name, DWORD value) {
  field(name);
  char digits[16];
  wsprintfA(digits, "\"0x%08X\"", value);
  return add(digits);
}

Reply& Reply::text(const char* name, const wchar_t* text, int units) {
  field(name);
  if (text == nullptr) return add("null");
  add("\"");
  for (int i = 0; units < 0 ? text[i] != 0 : i < units; i++) {
    const bool plain = text[i] >= L' ' && text[i] < 0x7F && text[i] != L'"' && text[i] != L'\\';
    char one[8] = {static_cast<char>(text[i])};
    if (!plain) wsprintfA(one, "\\u%04x", text[i]);
    add(one);
  }
  return add("\"");
}

void Reply::write(HANDLE target) {
  add(begun_ ? "}\n" : "{}\n");
  DWORD written;
  WriteFile(target, text_, size_, &written, nullptr);
  size_ = 0;
  begun_ = false;
}

}  // namespace harness
