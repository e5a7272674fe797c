# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches one PC, and tells the feed what happens there."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING

from lab.tryout import journal_reader, pc_state

if TYPE_CHECKING:
    from lab.computer import Event
    from lab.tryout.feed import Feed
    from lab.tryout.journal_reader import Entry
    from lab.tryout.lab_pc import LabPC

EVERY_SECONDS = 1.0
"""Between two looks, if no event of the PC makes one due."""
SETTLING_SECONDS = 0.15
"""After an event: the next ones come at once, and one look does for all."""


class Observer:
    """Follows one PC in a thread of its own until `stop`; a PC that hangs holds up no other."""

    def __init__(self, pc: LabPC, feed: Feed) -> None:
        self._pc = pc
        self._feed = feed
        self._due = threading.Event()
        self._over = threading.Event()
        self._looking = threading.Lock()
        self._stamp: object = None
        self._journal: list[Entry] = []
        self._thread = threading.Thread(target=self._run, name=f"observer-{pc.name}", daemon=True)

    def start(self) -> None:
        """Begin; earlier events of the PC are told first."""
        for event in self._pc.computer.events.all():
            self._tell(event)
        self._pc.computer.events.subscribe(self._happened)
        self._thread.start()

    def stop(self) -> None:
        """End; return when the thread has ended or hangs with its PC."""
        self._over.set()
        self._due.set()
        self._thread.join(5.0)

    def _happened(self, event: Event) -> None:
        if not self._over.is_set():
            self._tell(event)
            self._due.set()

    def _tell(self, event: Event) -> None:
        # By the PC's clock, as in the terminal and in the journal.
        clock = self._pc.computer.windows.clock
        at = (event.at + clock.offset).astimezone(clock.zone)
        self._feed.happened(self._pc.name, event.lane, event.what, event.text, at)

    def _run(self) -> None:
        while not self._over.is_set():
            self.look()
            self._due.wait(EVERY_SECONDS)
            self._over.wait(SETTLING_SECONDS)
            self._due.clear()

    def look(self) -> None:
        """Look at the PC now, and tell its state."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        folder = self._pc.computer.agent_folder
        if (stamp := journal_reader.stamp(folder)) != self._stamp:
            fresh = journal_reader.entries(folder, self._journal[-1].number if self._journal else 0)
            if fresh is not None:
                self._stamp = stamp
                self._journal += fresh
                self._tell_operators(fresh)
        self._feed.state(self._pc.name, pc_state.read(self._pc, self._journal))

    def _tell_operators(self, entries: list[Entry]) -> None:
        # The lab itself tells what customers do and what befalls the PC; only the operator acts from outside.
        for entry in entries:
            if entry.party == "operator":
                at = datetime.fromisoformat(entry.at)
                self._feed.happened(self._pc.name, "operator", entry.what, entry.text, at)
