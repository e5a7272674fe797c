// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "answer.h"

#include "message.h"
#include "text.h"

namespace latchkey {
namespace {

bool read_fields(FieldReader& reader, Answer& answer) {
  return reader.header(Kind::answer, kAnswerFields) && reader.boolean(answer.done) && reader.text(answer.permit) &&
         reader.text(answer.action) && reader.text(answer.sid) && reader.text(answer.user) &&
         reader.text(answer.domain) && reader.text(answer.kind) && reader.finished();
}

// Letters, digits and hyphens (protocol/fields.py: Identifier).
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

bool parse_answer(const uint8_t* data, size_t size, Answer& answer) {
  answer = Answer{};
  FieldReader reader(data, size);
  if (read_fields(reader, answer) && is_identifier(answer.permit)) return true;
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
