# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One state of everything: the agent, the PC with its people, and what really happened (the ledger)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from latchkey_agent.domain import AnyEffect, State


class Desktop(NamedTuple):
    """A Windows session. `opened_by` is a permit, `hand`, or `auto` (AutoAdminLogon); empty while it is closed.

    `console`: it is on the PC's own screen. A remote one never is.
    """

    who: str
    open: bool
    opened_by: str
    console: bool = True
    remote: bool = False

    @property
    def session(self) -> int:
        """Windows' number of the session."""
        return session_number(self.who, remote=self.remote)


def session_number(who: str, *, remote: bool = False) -> int:
    """Return the number of an account's session."""
    return 1 + "AB".index(who) + 10 * remote


class Duty(NamedTuple):
    """An entry of `storage.lock_duties`."""

    permit: str
    who: str
    boot: int
    windows_session: int
    late: bool = False


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
    was_known: bool = False


class Held(NamedTuple):
    """A challenge in an operator's hands. `until`: the true time until which it may be answered."""

    nonce: str
    operator: str
    session: str
    until: int


class Node:
    """A state. A move copies it and changes the copy; the values in it never change."""

    __slots__ = (
        "alive",
        "announced",
        "answered",
        "applying",
        "automatic",
        "awaited",
        "blocked",
        "boot",
        "booted",
        "brought",
        "changed",
        "damaged",
        "desktops",
        "duties",
        "effects",
        "found",
        "halves",
        "handed",
        "hands",
        "held",
        "known",
        "last_restart",
        "lock_pending",
        "logons",
        "must_close",
        "newest",
        "next",
        "not_yet",
        "odd",
        "older",
        "opened",
        "owners",
        "quiet",
        "refused",
        "reminded",
        "removed",
        "repeats",
        "restarting",
        "restarts",
        "scheduled",
        "sealed",
        "seen_open",
        "sent",
        "set_unseen",
        "set_while_down",
        "settings",
        "slow_unseen",
        "spent",
        "stale",
        "state",
        "told",
        "true",
        "unseen",
        "unwatched",
        "wall",
        "was_fast",
        "why",
    )

    def __init__(self) -> None:  # noqa: PLR0915 - one line for each field
        # The agent, in its journal and in memory.
        self.state = State()
        self.effects: tuple[AnyEffect, ...] = ()
        self.sealed: frozenset[str] = frozenset()
        self.duties: tuple[Duty, ...] = ()
        self.damaged = False
        self.alive = False
        self.removed = False
        self.seen_open: frozenset[str] = frozenset()
        self.opened: frozenset[str] = frozenset()  # permits whose desktop was seen open
        self.awaited: tuple[tuple[str, int], ...] = ()  # since when each desktop is to be closed
        self.restarting: frozenset[str] = frozenset()
        self.lock_pending = False
        self.not_yet: frozenset[str] = frozenset()  # permits that the logon screen could not redeem yet
        self.unseen = False  # a change of sessions that the agent has not taken in
        self.halves: tuple[
            tuple[str, int], ...
        ] = ()  # permits whose half is here, and until when in this boot
        self.applying: Applying | None = None
        # The PC.
        self.boot = 1
        self.booted = 0  # true time of the boot
        self.automatic = False  # AutoAdminLogon is set up
        self.wall = 0  # the PC's clock, in seconds
        self.true = 0  # the time that really passed
        self.was_fast = False  # the clock was ahead of the true time
        self.set_while_down = False  # the clock was set forward since the agent stopped
        self.set_unseen = False  # that happened before the boot in which the agent starts, or in it
        self.unwatched = False  # time passed in this boot while the agent did not run
        self.slow_unseen = False  # such time passed before a restart: only the clock knows of it
        self.scheduled = ""  # the permit whose restart Windows is carrying out
        self.desktops: tuple[Desktop, ...] = ()
        self.logons: tuple[Logon, ...] = ()
        self.announced = 0  # counts the agent's notices to the logon screen
        self.told = False  # the logon screen shows a permit's tile
        self.changed: frozenset[str] = frozenset()  # accounts whose password changed
        self.settings: tuple[int, str] = (0, "")  # the epoch and the authorities that the file pins
        self.older: tuple[int, str] = (0, "")  # those of the file before
        # The ledger.
        self.next = 1
        self.repeats = False  # calls are kept to be sent again
        self.sent: tuple[Sent, ...] = ()
        self.stale: frozenset[str] = frozenset()  # grants with an old password
        self.odd: frozenset[str] = frozenset()  # grants given while the clock was wrong
        self.blocked: frozenset[str] = frozenset()  # operators that a customer reported
        self.reminded: frozenset[str] = frozenset()  # requests of which a customer was reminded
        self.quiet: tuple[tuple[str, int], ...] = ()  # until when (true time) an account is not to be asked
        self.held: tuple[Held, ...] = ()  # the latest challenges of each operator
        self.answered: frozenset[str] = frozenset()  # challenges that a request has answered
        self.brought: frozenset[str] = frozenset()  # permits whose half an operator brought to this agent
        self.newest: tuple[int, str] = (0, "")  # the newest file that a running agent has seen
        self.handed: frozenset[str] = frozenset()  # permits whose password was handed out
        self.spent: tuple[tuple[str, str], ...] = ()  # grant and action of each use that was not given back
        self.refused: tuple[str, ...] = ()  # the grant of each refusal by Windows
        self.known: frozenset[str] = frozenset()  # grants whose refusal the agent was told
        self.restarts: tuple[str, ...] = ()  # the grant of each restart that we caused
        self.last_restart = -10_000  # true time of our last restart
        self.owners: dict[str, tuple[str, str]] = {}  # a session's operator, and those that it named
        self.hands: frozenset[str] = frozenset()  # accounts that signed in by hand in this boot
        self.must_close: frozenset[tuple[str, str]] = (
            frozenset()
        )  # permits whose desktop must close at once, and why
        # What this step violates; who acts in it.
        self.found: list[tuple[str, str]] = []
        self.why = ""

    def copy(self) -> Node:
        """Return a copy without findings."""
        new = Node.__new__(Node)
        _copy(self, new)
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


def _copier() -> Callable[[Node, Node], None]:
    """Return a function that copies all fields but the findings; one written out is twice as fast as a loop."""
    lines = (f"    new.{name} = old.{name}\n" for name in Node.__slots__ if name not in {"found", "why"})
    made: dict[str, Callable[[Node, Node], None]] = {}
    exec(f"def copy(old, new):\n{''.join(lines)}", {}, made)  # noqa: S102 - names of this module only
    return made["copy"]


_copy = _copier()
