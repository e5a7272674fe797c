// SPDX-FileCopyrightText: 2026 Latchkey contributors
// SPDX-License-Identifier: GPL-3.0-or-later

#include "announcements.h"

#include "handles.h"
#include "limits.h"
#include "wire/text.h"

namespace latchkey::announcements {
namespace {

SRWLOCK lock = SRWLOCK_INIT;
wchar_t announced[65];
int total;
DWORD pause;
ULONGLONG paused_until;

}  // namespace

bool begin(const wchar_t* permit, int own) {
  Locked locked(lock);
  const ULONGLONG now = GetTickCount64();
  if (!equal(announced, permit)) {
    assign(announced, permit);
    total = 0;
    pause = kAnnouncementPause;
    paused_until = 0;
  }
  if (own >= kAnnouncements || total >= kAnnouncementsInAll || now < paused_until) return false;
  total++;
  paused_until = now + pause;
  pause *= 2;
  return true;
}

}  // namespace latchkey::announcements
