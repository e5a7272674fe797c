# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the demo: a PC, the operator's job, and what is known afterwards."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab import canary
from lab.demo.condenser import Condenser
from lab.demo.job_file import JOB
from lab.demo.operator import Job, show_job
from lab.demo.operator_keys import made_keys
from lab.demo.pace import paced
from lab.demo.story import console_of, told
from lab.demo.telling import Teller
from lab.demo.watch import Watch, watched
from lab.simulated.simulated_pc import pc
from latchkey_agent.protocol.frames import wipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lab.computer import Event
    from lab.demo.endings import Ending
    from lab.demo.operator_keys import OperatorKeys
    from lab.demo.story import Story
    from lab.demo.viewer import Viewer
    from lab.simulated.simulated_pc import SimulatedComputer

POWER_BACK_SECONDS = 1.5
SIGNS = "Kim signs the request, and keeps a half of the key that opens the password."


class Stage:
    """One run of the demo: the PC, the operator's job, and everybody who watches."""

    def __init__(
        self,
        ending: Ending,
        folder: Path,
        viewer: Viewer,
        run: Callable[..., AbstractContextManager[SimulatedComputer]] = pc,
        *,
        pace: float = 0.0,
    ) -> None:
        """Prepare a run.

        Args:
            ending: the script, and the promises to keep.
            folder: the folder for all files.
            viewer: shows the run.
            run: runs the PC in a folder, with settings by name.
            pace: the least seconds before each of the customer's answers, for a restart, and before the customer is
                back, so that a person can follow. The job's limits (`operator.LIMITS`) must be longer.
        """
        self._ending = ending
        self._folder = folder
        self._viewer = viewer
        self._run = run
        self._teller = Teller(viewer.show)
        self._pace = pace
        self._watch = Watch(canary.make())
        self._keys: OperatorKeys | None = None

    @contextmanager
    def played(self) -> Iterator[Story]:
        """Play the job to its end; the PC runs until the caller has read the story."""
        settings = {"password": self._watch.password, **paced(self._ending.script, self._pace)}
        if self._ending.signed:
            self._keys = made_keys(self._folder / "keys", JOB.variables["maintenance_requester"])
            settings["policy"] = self._keys.policy
        try:
            with self._run(self._folder / "pc", **settings) as computer:
                self._prepare(computer)
                code = self._work(computer)
                story = self._end(computer, code)
                yield story
        finally:
            wipe(self._watch.password)
            if self._keys is not None:
                self._keys.forget()

    def _prepare(self, computer: SimulatedComputer) -> None:
        show_job(self._viewer, JOB)
        if self._keys is not None:
            self._viewer.say("operator", SIGNS)
        self._viewer.say("pc", f"{computer.name} is up; anna is signed in and works.")
        computer.faults.cut_power_at = self._ending.cut_power_at
        computer.events.subscribe(self._teller.tell)
        computer.events.subscribe(lambda event: self._power_back(computer, event))

    def _power_back(self, computer: SimulatedComputer, event: Event) -> None:
        if event.what == "power_cut":
            # In a thread of its own: this callback runs in the lab's.
            threading.Timer(POWER_BACK_SECONDS, computer.power_on).start()

    def _work(self, computer: SimulatedComputer) -> int:
        condenser = Condenser(lambda _name, text: self._viewer.say("operator", text))
        keys = None if self._keys is None else self._keys.variables
        job = Job([computer], self._folder / "operator", condenser, JOB, keys=keys)
        return watched(job, [self._watch])

    def _end(self, computer: SimulatedComputer, code: int) -> Story:
        computer.wait_for_logon_screen(self._ending.boots)
        console = console_of(computer)
        if self._ending.returns:
            time.sleep(self._pace)
            computer.customer.sign_in()
            computer.events.wait_for("notice_erased")
        self._teller.end()
        return told(computer, self._watch, self._folder, code, console)
