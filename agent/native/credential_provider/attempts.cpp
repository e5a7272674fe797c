// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "attempts.h"

#include "handles.h"
#include "wire/text.h"

namespace latchkey::attempts {
namespace {

SRWLOCK lock = SRWLOCK_INIT;
// The oldest permit is dropped first; the agent spends each permit once as well.
wchar_t spent[16][65];
size_t next;
ULONGLONG paused_until;

bool possible_locked(const wchar_t* permit) {
  if (GetTickCount64() < paused_until) return false;
  for (const auto& one : spent)
    if (equal(one, permit)) return false;
  return true;
}

}  // namespace

bool possible(const wchar_t* permit) {
  Locked locked(lock);
  return possible_locked(permit);
}

bool begin(const wchar_t* permit) {
  Locked locked(lock);
  if (!possible_locked(permit)) return false;
  assign(spent[next], permit);
  next = (next + 1) % (sizeof spent / sizeof spent[0]);
  return true;
}

void pause(DWORD duration) {
  Locked locked(lock);
  const ULONGLONG until = GetTickCount64() + duration;
  if (until > paused_until) paused_until = until;
}

}  // namespace latchkey::attempts
