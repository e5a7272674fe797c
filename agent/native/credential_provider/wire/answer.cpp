// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "answer.h"

#include "json.h"
#include "text.h"

namespace latchkey {
namespace {

struct Field {
  const wchar_t* name;
  wchar_t* text;  // nullptr for the boolean
  size_t capacity;
};

template <size_t Size>
Field field(const wchar_t* name, wchar_t (&text)[Size]) {
  return {name, text, Size - 1};
}

bool read_object(JsonReader& json, Answer& answer) {
  const Field fields[] = {
      {L"done", nullptr, 0},
      field(L"permit", answer.permit),
      field(L"action", answer.action),
      field(L"sid", answer.sid),
      field(L"user", answer.user),
      field(L"domain", answer.domain),
      field(L"kind", answer.kind),
      field(L"requester", answer.requester),
  };
  constexpr size_t kFields = sizeof fields / sizeof fields[0];
  bool seen[kFields] = {};
  if (!json.symbol('{')) return false;
  do {
    wchar_t name[16];
    if (!json.string(name, 15) || !json.symbol(':')) return false;
    size_t i = 0;
    while (i < kFields && !equal(fields[i].name, name)) i++;
    if (i == kFields || seen[i]) return false;
    seen[i] = true;
    if (fields[i].text == nullptr ? !json.boolean(answer.done) : !json.string(fields[i].text, fields[i].capacity))
      return false;
  } while (json.symbol(','));
  return json.symbol('}') && json.finished() && seen[0];
}

// Letters, digits and hyphens (protocol/fields.py: Identifier), so that a
// permit can stand in a request as it is.
bool is_identifier(const wchar_t* text) {
  for (; *text != 0; text++) {
    const wchar_t small = *text | 0x20;
    if (!(*text >= '0' && *text <= '9') && !(small >= 'a' && small <= 'z') && *text != '-') return false;
  }
  return true;
}

bool is_one_of(const wchar_t* text, const wchar_t* const* names, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (equal(text, names[i])) return true;
  return false;
}

}  // namespace

bool parse_answer(const char* json, size_t size, Answer& answer) {
  answer = Answer{};
  JsonReader reader(json, size);
  if (read_object(reader, answer) && is_identifier(answer.permit)) return true;
  answer = Answer{};
  return false;
}

bool has_permit(const Answer& answer) {
  static const wchar_t* const kActions[] = {L"restart", L"unlock"};
  static const wchar_t* const kKinds[] = {L"local", L"domain", L"microsoft", L"entra"};
  return answer.done && answer.permit[0] != 0 && answer.sid[0] != 0 && answer.user[0] != 0 &&
         is_one_of(answer.action, kActions, 2) && is_one_of(answer.kind, kKinds, 4);
}

}  // namespace latchkey
