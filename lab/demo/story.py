# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All facts about a finished job on one PC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec

from lab.computer import LabError
from lab.demo.job_file import SESSION
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq

if TYPE_CHECKING:
    from pathlib import Path

    from lab.canary import Find
    from lab.computer import Event
    from lab.demo.watch import Watch
    from lab.simulated.simulated_pc import SimulatedComputer

T = TypeVar("T")
Console = tuple[str, bool]
"""The user at the console, and whether the screen is locked."""


@dataclass
class Story:
    """All facts about a finished job on one PC."""

    computer: SimulatedComputer
    password: bytearray = field(repr=False)
    folder: Path
    exit_code: int
    console: Console | None
    info: ans.InfoAnswer
    journal: ans.JournalAnswer
    process_finds: list[Find]
    process_looks: int

    def files(self) -> list[Path]:
        """Return every file that the PC and the job have written."""
        logs = (path for path in self.folder.rglob("*") if not path.is_relative_to(self.computer.disk))
        return [*self.computer.disk_files, *(path for path in logs if path.is_file())]

    def events(self, what: str) -> list[Event]:
        """Return all events of one name."""
        return [event for event in self.computer.events.all() if event.what == what]

    def count(self, what: str) -> int:
        """Return how often an event happened."""
        return len(self.events(what))


def told(
    computer: SimulatedComputer, watch: Watch, folder: Path, exit_code: int, console: Console | None
) -> Story:
    """Read a PC's facts at the end of a job.

    Args:
        computer: the PC; its agent is asked.
        watch: the search for its customer's password.
        folder: the folder of all files of this demo.
        exit_code: the job's.
        console: the console at the job's end.

    Raises:
        LabError: the agent refuses to answer.
    """
    return Story(
        computer=computer,
        password=watch.password,
        folder=folder,
        exit_code=exit_code,
        console=console,
        info=ask(computer, rq.Info(session=SESSION, receipts=True), ans.InfoAnswer),
        journal=ask(computer, rq.JournalVerify(), ans.JournalAnswer),
        process_finds=watch.finds,
        process_looks=watch.looks,
    )


def console_of(computer: SimulatedComputer) -> Console | None:
    """Return the console's present state; None if no user is signed in there."""
    session = computer.on_console()
    return (session.account.user, session.locked) if session else None


def ask(computer: SimulatedComputer, request: rq.ControlRequest, kind: type[T]) -> T:
    """Ask a PC's agent; return its result as `kind`.

    Raises:
        LabError: the agent refuses.
    """
    answer = computer.ask_agent(request)
    if answer.outcome != "done":
        msg = f"the agent refuses: {answer.error}"
        raise LabError(msg)
    return msgspec.convert(answer.result, type=kind)
