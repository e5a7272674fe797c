# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared state of one simulated PC's parts: its Windows, its sockets and its listeners."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.simulated.keys import MachineKeys
from lab.simulated.loop import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.computer import EventLog, Faults, Lane
    from lab.simulated.account_model import WindowsAccount
    from lab.simulated.pc_settings import Settings
    from lab.simulated.session_model import Change, Session
    from lab.simulated.windows_model import Windows


@dataclass
class Machine:
    """One PC. Used on the lab's loop only.

    Attributes:
        pipes: the folder of the PC's Unix sockets; like pipes, it is not on the disk.
        tasks: the tasks that live as long as the PC.
        boot_tasks: the tasks that end when the PC goes down.
        running: whether Windows runs, so that people can sign in.
        ready: an event for each service, set when it answers; cleared when a boot begins.
        on_session: called after every change of a Windows session.
        on_event: called after every event, synchronously.
        on_going_down: called when Windows begins to shut down.
        on_announced: called when the agent announces a permit.
        on_summoned: called with the SID of an account to start its companion.
    """

    settings: Settings
    disk: Path
    pipes: Path
    windows: Windows
    events: EventLog
    faults: Faults
    customer: WindowsAccount
    operator: WindowsAccount
    running: bool = False
    keys: MachineKeys = field(default_factory=MachineKeys)
    tasks: Tasks = field(init=False)
    boot_tasks: Tasks = field(init=False)
    ready: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    on_session: list[Callable[[Change, Session], None]] = field(default_factory=list)
    on_event: list[Callable[[str], None]] = field(default_factory=list)
    on_going_down: list[Callable[[], None]] = field(default_factory=list)
    on_announced: list[Callable[[], None]] = field(default_factory=list)
    on_summoned: list[Callable[[str], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tasks = Tasks(self.events.fail)
        self.boot_tasks = Tasks(self.events.fail)

    def record(self, lane: Lane, what: str, text: str) -> None:
        """Record an event, and pass it to everyone who watches this PC."""
        self.events.add(lane, what, text)
        self.come_to(what)

    def come_to(self, moment: str) -> None:
        """Tell everyone who watches this PC of a moment; the log of events has no line for it."""
        for listener in self.on_event:
            listener(moment)

    def need_restart(self, reason: str) -> None:
        """Let Windows wait for a restart for this reason."""
        if reason not in self.windows.registry.pending_restart:
            self.windows.registry.pending_restart.append(reason)
        self.record("pc", "restart_pending", f"Windows waits for a restart: {reason}")

    def session_changed(self, change: Change, session: Session) -> None:
        """Pass on a change of a Windows session."""
        where = "console" if session.console else "remote"
        names = change.replace("_", " ")
        self.record("pc", change, f"{session.account.qualified} {names} ({where})")
        for listener in self.on_session:
            listener(change, session)

    def pipe(self, name: str) -> Path:
        """Return the path of one of the PC's sockets."""
        return self.pipes / name

    def drive(self) -> Path:
        """Return the folder of drive C:."""
        return self.disk / "C"
