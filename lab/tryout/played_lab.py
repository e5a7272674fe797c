# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running lab, for its command and its page."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from lab.computer import LabError
from lab.tryout import deeds, lab_pc
from lab.tryout.deeds import DEEDS, STATUS, Deed
from lab.tryout.feed import Feed
from lab.tryout.observer import Observer
from latchkey_agent.domain import transitions

if TYPE_CHECKING:
    from enum import StrEnum

    from lab.tryout.lab_pc import LabPC

MACHINES: dict[str, tuple[transitions.Table[Any], StrEnum]] = {
    "session": (transitions.SESSION, transitions.SessionState.STARTED),
    "request": (transitions.REQUEST, transitions.RequestState.PENDING),
    "grant": (transitions.GRANT, transitions.GrantState.ACTIVE),
    "permit": (transitions.PERMIT, transitions.PermitState.ISSUED),
}
"""The table of each state machine, and the state in which it begins."""
ANSWERS = ("later", "decline", "report")
COMMANDS = (
    ("ansible-playbook first.yml", "ask each customer, restart, sign in again, end the session"),
    ("lab pc1 allow", "play the customer: allow the request"),
    ("lab pc1 status", "look at a PC"),
)
"""The commands that a player types first."""


class PlayedLab:
    """PCs that stay up, and everybody who watches them. Usable from any thread."""

    def __init__(self, pcs: list[LabPC], *, is_demo: bool = False) -> None:
        self.pcs = pcs
        self._is_demo = is_demo
        self.feed = Feed()
        self._observers = [Observer(pc, self.feed) for pc in pcs]
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def start(self) -> None:
        """Begin to watch the PCs."""
        for observer in self._observers:
            observer.start()

    def stop(self) -> None:
        """Watch no more, and tell everybody that the lab has ended."""
        for observer in self._observers:
            observer.stop()
        self.feed.end()

    def pc(self, name: str) -> LabPC:
        """Return a PC by its name; raise LabError if there is none."""
        return lab_pc.find(self.pcs, name)

    def done(self, name: str, deed: str, argument: str = "") -> str:
        """Do a deed on a PC, one at a time; return the sentence that tells what happened.

        Raises:
            LabError: there is no such PC or deed, or it is not possible now.
        """
        pc = self.pc(name)
        if deed == STATUS:
            return self._status(pc)
        with self._turns[name]:
            return deeds.done(pc, deed, argument)

    def answered(self, name: str, answer: str, password: bytearray | None) -> str:
        """Answer the request window of a PC as a person does; return the refusal, "" if there is none.

        Raises:
            LabError: there is no such PC or answer, or no window is on its screen.
        """
        if answer == "allow":
            pc = self.pc(name)
            with self._turns[name]:
                return deeds.typed(pc, password)
        if answer not in ANSWERS:
            msg = f"{answer!r} is no answer to the window. Answers: allow, {', '.join(ANSWERS)}"
            raise LabError(msg)
        self.done(name, answer)
        return ""

    def overview(self) -> str:
        """Return the PCs and the deeds, one in a line."""
        pcs = [(pc.name, f"{pc.computer.name}, used by {pc.customer}") for pc in self.pcs]
        told = [(_written(deed), deed.help) for deed in DEEDS.values()]
        told.append((STATUS, "show the PC"))
        return "\n".join(("Usage: lab PC DEED [ARGUMENT]", "", "PC", *_table(pcs), "", "DEED", *_table(told)))

    def description(self) -> dict[str, Any]:
        """Return all that does not change, as JSON's types."""
        return {
            "pcs": [
                {
                    "pc": pc.name,
                    "computer": pc.computer.name,
                    "kind": pc.kind,
                    "screen": "window" if pc.display is None else "vnc",
                    "customer": pc.customer,
                }
                for pc in self.pcs
            ],
            "deeds": [
                {
                    "deed": one.name,
                    "label": one.label,
                    "party": one.party,
                    "help": one.help,
                    "argument": {"label": one.argument.label, "example": one.argument.example}
                    if one.argument
                    else None,
                }
                for one in DEEDS.values()
            ],
            "demo": self._is_demo,
            "commands": [{"command": command, "help": text} for command, text in COMMANDS],
            "machines": {
                name: {
                    "begin": str(first),
                    "states": [str(state) for state in type(first)],
                    "moves": [[str(before), given, str(after)] for (before, given), after in table.items()],
                }
                for name, (table, first) in MACHINES.items()
            },
        }

    def _status(self, pc: LabPC) -> str:
        observer = self._observers[self.pcs.index(pc)]
        observer.look()
        state = self.feed.last_state(pc.name)
        console = state["console"]
        desktop = "locked" if console and console["locked"] else "open"
        lines = [
            f"{pc.name}: {pc.computer.name}, {state['power']}; the agent {state['agent']}",
            f"console: {console['user']}, {desktop}" if console else "console: nobody is signed in",
        ]
        if state["window"]:
            lines.append(f"on the screen: {state['window']['title']}")
        lines += [f"session {one['name']}: {one['state']}" for one in state["sessions"]]
        lines += [f"request with code {one['code']}: {one['state']}" for one in state["requests"]]
        lines += [
            f"grant: {one['state']}, {one['restarts_left']} restarts and {one['unlocks_left']} unlocks left"
            for one in state["grants"]
        ]
        lines += [f"permit to {one['action']}: {one['state']}" for one in state["permits"]]
        return "\n".join(lines)


def _written(deed: Deed) -> str:
    """Return a deed as a player types it; brackets stand around what may be left out."""
    if deed.argument is None:
        return deed.name
    example = f"[{deed.argument.example}]" if deed.argument.usual else deed.argument.example
    return f"{deed.name} {example}"


def _table(rows: list[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:<{width}}  {text}" for name, text in rows]
