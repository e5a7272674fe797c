# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of the agent's entries in the event log, one for each kind of event of the journal.

They stay below 1000: EventCreate.exe, which is part of Windows and serves as
the source's message file, has messages for 1 to 1000. An id that was once
released keeps its meaning: consoles count and alert by it.
"""

from __future__ import annotations

import logging

GENERAL_IDS = {logging.INFO: 1, logging.WARNING: 2, logging.ERROR: 3, logging.CRITICAL: 4}
EVENT_IDS = {
    "JournalBegun": 100,
    "BootSeen": 101,
    "CommandRefused": 102,
    "ClockSetBack": 103,
    "SessionStarted": 110,
    "SessionEnded": 111,
    "CheckpointSet": 112,
    "RequestMade": 120,
    "RequestShown": 121,
    "RequestPostponed": 122,
    "RequestAskedAgain": 123,
    "RequestDenied": 124,
    "RequestClosed": 125,
    "PasswordRefused": 126,
    "EntryTried": 127,
    "GrantGiven": 130,
    "GrantPaused": 131,
    "GrantResumed": 132,
    "GrantEnded": 133,
    "ErasureChecked": 134,
    "TrialBegun": 135,
    "TrialEnded": 136,
    "PermitIssued": 140,
    "PermitRedeemed": 141,
    "PermitLoggedOn": 142,
    "PermitRefused": 143,
    "PermitDropped": 144,
    "DesktopClosed": 145,
    "RelockDue": 146,
    "NoticesClosed": 150,
}
"""By the name of the event's class in `domain.events`."""
