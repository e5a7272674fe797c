# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of the event log are unique; needs neither Wine nor Windows."""

from __future__ import annotations

import msgspec

from latchkey_agent.domain import events
from latchkey_agent.windows.event_ids import EVENT_IDS, GENERAL_IDS


def test_every_event_of_the_journal_has_an_id() -> None:
    """Each event has an id; add a new event to windows/event_ids.py under an unused number."""
    declared = {
        name
        for name, kind in vars(events).items()
        if isinstance(kind, type) and issubclass(kind, events.Event) and kind is not events.Event
    }
    assert all(issubclass(getattr(events, name), msgspec.Struct) for name in declared)
    assert set(EVENT_IDS) == declared


def test_no_two_kinds_of_entry_share_an_id() -> None:
    """No two kinds of entries share an id, including the ids of levels."""
    ids = [*EVENT_IDS.values(), *GENERAL_IDS.values()]
    assert len(set(ids)) == len(ids)


def test_every_id_has_a_message_in_eventcreate() -> None:
    """Every id is within EventCreate.exe's messages, 1 to 1000."""
    assert all(1 <= number <= 1000 for number in (*EVENT_IDS.values(), *GENERAL_IDS.values()))
