# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of the agent's event log entries, one for each kind of journal event.

The ids stay below 1000: the source's message file is EventCreate.exe, a part
of Windows, which has messages for 1 to 1000. A released id keeps its meaning,
because monitoring tools count and alert by it.
"""

from __future__ import annotations

import logging

GENERAL_IDS = {logging.INFO: 1, logging.WARNING: 2, logging.ERROR: 3, logging.CRITICAL: 4}
EVENT_IDS = {
    "JournalBegun": 100,
    "BootSeen": 101,
    "CommandRefused": 102,
    "ClockTaken": 103,
    "CallNoted": 104,
    "TimeSeen": 105,
    "DeviceKeyChanged": 106,
    "AuthoritiesPinned": 107,
    "ChallengeIssued": 108,
    "ChallengeUsed": 109,
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
    "AskerUnblocked": 128,
    "RequestReminded": 129,
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
    "SignInOmitted": 147,
    "AccountSeen": 148,
    "LogonReported": 149,
    "NoticesClosed": 150,
    "PermitSignedOn": 151,
    "RestartOrdered": 152,
    "RestartDropped": 153,
    "ProgramStarted": 160,
    "ProgramEnded": 161,
}
"""The id for the name of each event class in `domain.events`."""
