# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One state of everything: the agent, the PC with its people, and what really happened (the ledger)."""

from __future__ import annotations

from typing import NamedTuple

from latchkey_agent.domain import AnyEffect, State


class Desktop(NamedTuple):
    """A Windows session. `opened_by` is a permit, `hand`, or `auto` (AutoAdminLogon)."""

    who: str
    open: bool
    opened_by: str
    remote: bool = False


class Logon(NamedTuple):
    """A logon under way. `stage`: held (password out), accepted, shown (desktop there) or refused.

    `reported`: the agent has the report, or never gets it.
    """

    permit: str
    who: str
    stage: str
    reported: bool = False


class Sent(NamedTuple):
    """A call that an operator may send again. `outcome`: done, refused or under way; `subject` of its answer."""

    key: str
    operator: str
    verb: str
    args: tuple[object, ...]
    outcome: str
    subject: str = ""


class Applying(NamedTuple):
    """An apply whose password Windows checks (`asked`), or whose permit is out (`issued`)."""

    key: str
    operator: str
    args: tuple[object, ...]
    grant: str
    permit: str
    desktop: str
    others: tuple[str, ...]
    stage: str
    again: bool = False


class Node:
    """A state. A move copies it and changes the copy; the values in it never change."""

    __slots__ = (
        "alive",
        "applying",
        "boot",
        "changed",
        "desktops",
        "effects",
        "found",
        "hands",
        "handed",
        "last_restart",
        "logons",
        "must_close",
        "next",
        "odd",
        "owners",
        "refused",
        "removed",
        "restarting",
        "restarts",
        "scheduled",
        "sealed",
        "seen_open",
        "sent",
        "stale",
        "state",
        "told",
        "true",
        "unseen",
        "wall",
        "why",
    )

    def __init__(self) -> None:
        # The agent, in its journal and in memory.
        self.state = State()
        self.effects: tuple[AnyEffect, ...] = ()
        self.sealed: frozenset[str] = frozenset()
        self.alive = False
        self.removed = False
        self.seen_open: frozenset[str] = frozenset()
        self.restarting: frozenset[str] = frozenset()
        self.unseen = False  # a change of sessions that the agent has not taken in
        self.applying: Applying | None = None
        # The PC.
        self.boot = 1
        self.wall = 0  # the PC's clock, in seconds
        self.true = 0  # the time that really passed
        self.scheduled = ""  # the permit whose restart Windows is carrying out
        self.desktops: tuple[Desktop, ...] = ()
        self.logons: tuple[Logon, ...] = ()
        self.told = False  # the logon screen shows a permit's tile
        self.changed: frozenset[str] = frozenset()  # accounts whose password changed
        # The ledger.
        self.next = 1
        self.sent: tuple[Sent, ...] = ()
        self.stale: frozenset[str] = frozenset()  # grants with an old password
        self.odd: frozenset[str] = frozenset()  # grants given while the clock was wrong
        self.handed: frozenset[str] = frozenset()  # permits whose password was handed out
        self.refused: tuple[str, ...] = ()  # the grant of each refusal by Windows
        self.restarts: tuple[str, ...] = ()  # the grant of each restart that we caused
        self.last_restart = -10_000  # true time of our last restart
        self.owners: dict[str, tuple[str, str]] = {}  # a session's operator, and those that it named
        self.hands: frozenset[str] = frozenset()  # accounts that signed in by hand in this boot
        self.must_close: frozenset[str] = frozenset()  # permits whose desktop must close at once
        # What this step violates; who acts in it.
        self.found: list[tuple[str, str]] = []
        self.why = ""

    def copy(self) -> Node:
        """Return a copy without findings."""
        new = Node.__new__(Node)
        for name in _KEPT:
            setattr(new, name, getattr(self, name))
        new.found = []
        new.why = ""
        return new

    def new_id(self, letter: str) -> str:
        """Return a new id."""
        self.next += 1
        return f"{letter}{self.next}"

    def violate(self, kind: str, detail: str = "") -> None:
        """Note a violation."""
        self.found.append((kind, detail))


_KEPT = tuple(name for name in Node.__slots__ if name not in {"found", "why"})
