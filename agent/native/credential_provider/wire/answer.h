// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The agent's answer on the logon pipe (protocol/logon_messages.py: LogonAnswer).
#pragma once

#include <stddef.h>

namespace latchkey {

// Sizes include the NUL. What a field may hold is said where it is declared in
// the protocol; 184 characters is the longest text of a SID ("S-1-", a 48-bit
// authority and 15 sub-authorities: winnt.h, SID_MAX_SUB_AUTHORITIES).
struct Answer {
  bool done;
  wchar_t permit[65];
  wchar_t action[17];
  wchar_t sid[185];
  wchar_t user[257];
  wchar_t domain[257];
  wchar_t kind[17];
  wchar_t requester[257];
};

// Reads an answer. False, and an empty answer, for anything but one JSON object
// of these fields, each at most once, with `done` among them.
bool parse_answer(const char* json, size_t size, Answer& answer);

// Whether the answer names a permit and everything that using it needs.
bool has_permit(const Answer& answer);

}  // namespace latchkey
