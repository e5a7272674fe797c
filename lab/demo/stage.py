# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the demo: a PC, the operator's job, and what is known afterwards."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab import canary
from lab.demo.operator import Condenser, Job
from lab.demo.story import console_of, told
from lab.demo.watch import Watch, watched
from lab.simulated.simulated_pc import pc
from latchkey_agent.protocol.frames import wipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lab.computer import Event
    from lab.demo.endings import Ending
    from lab.demo.lanes import Lanes
    from lab.demo.story import Story
    from lab.simulated.simulated_pc import SimulatedComputer

POWER_BACK_SECONDS = 1.5


class Stage:
    """One run of the demo: the PC, the operator's job, and everybody who watches."""

    def __init__(
        self,
        ending: Ending,
        folder: Path,
        lanes: Lanes,
        run: Callable[..., AbstractContextManager[SimulatedComputer]] = pc,
    ) -> None:
        """`run` runs the PC in a folder, with settings by name."""
        self._ending = ending
        self._folder = folder
        self._lanes = lanes
        self._run = run
        self._watch = Watch(canary.make())

    @contextmanager
    def played(self) -> Iterator[Story]:
        """Play the job to its end; the PC runs until the caller has read the story."""
        settings = {"password": self._watch.password, "script": self._ending.script}
        try:
            with self._run(self._folder / "pc", restart_seconds=1.0, **settings) as computer:
                self._prepare(computer)
                code = self._work(computer)
                story = self._end(computer, code)
                self._documents(story)
                yield story
        finally:
            wipe(self._watch.password)

    def _prepare(self, computer: SimulatedComputer) -> None:
        self._lanes.say("pc", f"{computer.name} is up; anna is signed in and works.")
        computer.faults.cut_power_at = self._ending.cut_power_at
        computer.events.subscribe(self._lanes.show)
        computer.events.subscribe(lambda event: self._power_back(computer, event))

    def _power_back(self, computer: SimulatedComputer, event: Event) -> None:
        if event.what == "power_cut":
            # In a thread of its own: this callback runs in the lab's.
            threading.Timer(POWER_BACK_SECONDS, computer.power_on).start()

    def _work(self, computer: SimulatedComputer) -> int:
        condenser = Condenser(lambda text: self._lanes.say("operator", text))
        return watched(Job([computer], self._folder / "operator", condenser), [self._watch])

    def _end(self, computer: SimulatedComputer, code: int) -> Story:
        computer.wait_for_logon_screen(self._ending.boots)
        console = console_of(computer)
        if self._ending.returns:
            self._lanes.heading("The customer is back")
            computer.customer.sign_in()
            computer.events.wait_for("notice_erased")
        return told(computer, self._watch, self._folder, code, console)

    def _documents(self, story: Story) -> None:
        for receipt in story.info.receipts:
            self._lanes.heading("The receipt")
            self._lanes.write([f"  {line}" for line in receipt.text.splitlines()])
        for erased in story.info.erasure:
            self._lanes.heading("The result of the erasure's checks")
            verdict = "confirmed" if erased.confirmed else "NOT CONFIRMED"
            self._lanes.write(
                [f"  grant {erased.grant}: {verdict}, {erased.checked_at}"]
                + [f"  {'ok' if c.passed else 'NO'}  {c.name}: {c.detail}" for c in erased.checks]
            )
