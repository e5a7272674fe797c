# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All events and states of a lab in one order, for everybody who watches."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Party = Literal["operator", "customer", "pc"]
MOST_EVENTS = 5000
"""A lab that stays up for days keeps its newest events."""


class News(NamedTuple):
    """One entry: its number, its kind and its content as JSON's types."""

    number: int
    kind: Literal["happened", "state", "ended"]
    content: dict[str, Any]


class Feed:
    """Collects the news from every thread. A PC's state replaces its older one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._events: list[News] = []
        self._states: dict[str, News] = {}
        self._end: News | None = None
        self._watchers: list[Callable[[], None]] = []

    def happened(self, pc: str, party: Party, what: str, text: str, at: datetime | None = None) -> None:
        """Add an event of a PC; `at` is its time, now if None."""
        moment = (at or datetime.now(UTC)).isoformat(timespec="seconds")
        content = {"at": moment, "pc": pc, "party": party, "what": what, "text": text}
        with self._lock:
            self._number += 1
            self._events.append(News(self._number, "happened", {"n": self._number, **content}))
            del self._events[:-MOST_EVENTS]
        self._wake()

    def state(self, pc: str, content: dict[str, Any]) -> None:
        """Set the state of a PC; one that has not changed is no news."""
        with self._lock:
            before = self._states.get(pc)
            if before is not None and before.content == content:
                return
            self._number += 1
            self._states[pc] = News(self._number, "state", content)
        self._wake()

    def end(self) -> None:
        """Say that the lab has ended; no news comes after that."""
        with self._lock:
            self._number += 1
            self._end = News(self._number, "ended", {})
        self._wake()

    def after(self, number: int) -> list[News]:
        """Return the news after a number, in their order."""
        with self._lock:
            news = [*self._events, *self._states.values(), *([self._end] if self._end else [])]
        return sorted(one for one in news if one.number > number)

    def last_state(self, pc: str) -> dict[str, Any]:
        """Return the newest state of a PC; empty if none is known yet."""
        with self._lock:
            found = self._states.get(pc)
        return found.content if found else {}

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        with self._lock:
            return bool(self._watchers)

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Call `watcher` after each entry, in the thread that added it; return the function that ends this."""
        with self._lock:
            self._watchers.append(watcher)

        def end() -> None:
            with self._lock:
                self._watchers.remove(watcher)

        return end

    def _wake(self) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for watcher in watchers:
            watcher()
