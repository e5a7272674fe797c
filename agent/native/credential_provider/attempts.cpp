// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "attempts.h"

#include "handles.h"
#include "wire/text.h"

namespace latchkey::attempts {
namespace {

SRWLOCK lock = SRWLOCK_INIT;
// The oldest is forgotten first; the agent spends each ticket once as well.
wchar_t spent[16][65];
size_t next;
ULONGLONG paused_until;

bool possible_locked(const wchar_t* ticket) {
  if (GetTickCount64() < paused_until) return false;
  for (const auto& one : spent)
    if (equal(one, ticket)) return false;
  return true;
}

}  // namespace

bool possible(const wchar_t* ticket) {
  Locked locked(lock);
  return possible_locked(ticket);
}

bool begin(const wchar_t* ticket) {
  Locked locked(lock);
  if (!possible_locked(ticket)) return false;
  assign(spent[next], ticket);
  next = (next + 1) % (sizeof spent / sizeof spent[0]);
  return true;
}

void pause(DWORD duration) {
  Locked locked(lock);
  const ULONGLONG until = GetTickCount64() + duration;
  if (until > paused_until) paused_until = until;
}

}  // namespace latchkey::attempts
