// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The agent's answer on the logon pipe (protocol/logon_messages.py: LogonAnswer).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "message.h"

namespace latchkey {

// In the order in which the fields are sent. Sizes include the NUL. The protocol
// declares the characters of each field; 184 characters is the longest text of a SID
// ("S-1-", a 48-bit authority and 15 sub-authorities: winnt.h, SID_MAX_SUB_AUTHORITIES).
struct Answer {
  bool done;
  wchar_t permit[65];
  wchar_t action[17];
  wchar_t sid[185];
  wchar_t user[257];
  wchar_t domain[257];
  wchar_t kind[17];
};

constexpr uint8_t kAnswerFields = 7;
// A little more than all fields at their longest, with their lengths.
constexpr size_t kMaxAnswerSize = kMessageHeaderSize + sizeof(uint16_t) * kAnswerFields + sizeof(Answer);

// Reads an answer. False, and an empty answer, for anything but one message of
// exactly these fields.
bool parse_answer(const uint8_t* data, size_t size, Answer& answer);

// Whether the answer names a permit and everything that using it needs.
bool has_permit(const Answer& answer);

}  // namespace latchkey
