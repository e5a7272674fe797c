// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Gives bytes that claim to be an answer to the parser, and checks its promises.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "wire/receive.h"
#include "wire/text.h"

namespace parser {

// Bytes that are received piece by piece, as from the pipe.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : at_(data), left_(size) {}

  bool operator()(void* target, size_t size) {
    if (size > left_) return false;
    auto* to = static_cast<uint8_t*>(target);
    for (size_t i = 0; i < size; i++) to[i] = at_[i];
    at_ += size;
    left_ -= size;
    return true;
  }

 private:
  const uint8_t* at_;
  size_t left_;
};

// A text ends inside its array and has no control characters.
inline bool is_text(const wchar_t* text, size_t capacity) {
  size_t length = 0;
  for (; length < capacity && text[length] != 0; length++)
    if (text[length] < 0x20 || text[length] == 0x7F) return false;
  return length < capacity;
}

template <size_t Size>
bool is_field(const wchar_t (&text)[Size]) {
  return is_text(text, Size);
}

inline bool is_sound(const latchkey::Answer& answer) {
  return is_field(answer.permit) && is_field(answer.action) && is_field(answer.sid) && is_field(answer.user) &&
         is_field(answer.domain) && is_field(answer.kind);
}

// Each unit of the body is in one field: nothing was left out, nothing was read twice.
inline bool has_every_unit(const latchkey::Answer& answer, size_t size) {
  const wchar_t* const texts[] = {answer.permit, answer.action, answer.sid, answer.user,
                                  answer.domain, answer.kind};
  size_t bytes = latchkey::kMessageHeaderSize + 2 * latchkey::kAnswerFields + 2;
  for (const auto* text : texts) bytes += 2 * latchkey::length(text);
  return bytes == size;
}

inline bool is_empty(const latchkey::Answer& answer) {
  return !answer.done && answer.permit[0] == 0 && answer.action[0] == 0 && answer.sid[0] == 0 && answer.user[0] == 0 &&
         answer.domain[0] == 0 && answer.kind[0] == 0;
}

// False where a promise of the parser is broken.
inline bool holds_for_body(const uint8_t* data, size_t size) {
  latchkey::Answer answer;
  if (!latchkey::parse_answer(data, size, answer)) return is_empty(answer) && !latchkey::has_permit(answer);
  return is_sound(answer) && has_every_unit(answer, size);
}

inline bool holds_for_frame(const uint8_t* data, size_t size) {
  latchkey::Answer answer;
  latchkey::Secret secret;
  latchkey::receive_answer(Bytes(data, size), answer, nullptr);
  if (!latchkey::receive_answer(Bytes(data, size), answer, &secret)) return true;
  size_t length = 0;
  while (secret.text()[length] != 0) length++;
  return is_sound(answer) && length > 0 && length == secret.length();
}

}  // namespace parser
