# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night on three PCs: the customers are asked, the work is done while they are away, and a report tells them."""

from __future__ import annotations

import re
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from lab import canary
from lab.computer import LabError
from lab.demo.condenser import Condenser
from lab.demo.job_file import NIGHT_JOB
from lab.demo.night_promises import NightStory
from lab.demo.operator import Job, show_job
from lab.demo.pace import paced
from lab.demo.story import console_of, told
from lab.demo.telling import Teller
from lab.demo.watch import Watch, watched
from lab.simulated.customer_script import Deny, Grant
from lab.simulated.simulated_pc import pc
from latchkey_agent.protocol.frames import wipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import tzinfo
    from pathlib import Path

    from lab.computer import Event
    from lab.demo.viewer import Viewer
    from lab.simulated.customer_script import Step
    from lab.simulated.simulated_pc import SimulatedComputer

NIGHT = "night"
TITLE = "A night on three PCs: asked at 16:50, done from 22:00 on, and told at 06:00."
WHY = "I am still working on the annual accounts"
LEFT_OUT = frozenset({"clock_set", "time_passed"})
"""Events that the headings tell already."""
OTHERS = "Windows Update"
"""The restarts that are announced in these words; the others are those that the customer agreed to."""


class Cast(NamedTuple):
    """One customer: the account, the script, and further settings of the PC."""

    user: str
    script: tuple[Step, ...]
    settings: dict[str, Any]


CAST = {
    "PC-ANNA": Cast("anna", (Grant(after=0.5),), {}),
    "PC-BEN": Cast("ben", (Deny(WHY, after=1.0),), {}),
    "PC-CARLA": Cast("carla", (Grant(after=1.5),), {"updates_seconds": 1.5}),
}
DECLINES, INTERRUPTED = "PC-BEN", "PC-CARLA"


class Moments(NamedTuple):
    """The times at which the night goes on, in the PCs' zone."""

    evening: datetime
    night: datetime
    morning: datetime


class Night:
    """One night: three PCs, the operator's jobs, and everybody who watches."""

    def __init__(self, folder: Path, viewer: Viewer, *, pace: float = 0.0) -> None:
        """`pace`: as for `stage.Stage`."""
        self._folder = folder
        self._viewer = viewer
        self._pace = pace
        self._report = folder / "report"
        self._pcs: dict[str, SimulatedComputer] = {}
        self._watches = {name: Watch(canary.make()) for name in CAST}
        self._tellers = {name: Teller(partial(self._show, name)) for name in CAST}
        self._told: set[tuple[str, str]] = set()
        self._jobs = 0

    @contextmanager
    def played(self) -> Iterator[NightStory]:
        """Play the night to its morning; the PCs run until the caller has read the story."""
        with ExitStack() as stack:
            for name, cast in CAST.items():
                stack.callback(wipe, self._watches[name].password)
                self._pcs[name] = stack.enter_context(self._pc(name, cast))
                self._pcs[name].events.subscribe(self._tellers[name].tell)
            show_job(self._viewer, NIGHT_JOB)
            moments = _last_night(self._pcs[INTERRUPTED].windows.clock.zone)
            self._ask(moments.evening)
            self._let_pass_until(moments.night)
            killed, killed_at, code = self._work()
            consoles = {name: console_of(computer) for name, computer in self._pcs.items()}
            self._let_pass_until(moments.morning)
            self._return()
            stories = {
                name: told(computer, self._watches[name], self._folder, code, consoles[name])
                for name, computer in self._pcs.items()
            }
            yield NightStory(
                agreed={name: story for name, story in stories.items() if name != DECLINES},
                declined={DECLINES: stories[DECLINES]},
                why=WHY,
                steps=[step["name"] for step in NIGHT_JOB.variables["maintenance_steps"]],
                killed=killed,
                killed_at=killed_at,
                report=self._report,
            )

    def _pc(self, name: str, cast: Cast) -> AbstractContextManager[SimulatedComputer]:
        settings = {
            "password": self._watches[name].password,
            **paced(cast.script, self._pace),
            **cast.settings,
        }
        return pc(self._folder / name, name=name, user=cast.user, **settings)

    def _show(self, name: str, event: Event) -> None:
        text = event.text.removeprefix(f"{name}\\")
        if event.what in LEFT_OUT or (event.what == "restart_announced" and not text.startswith(OTHERS)):
            return
        if event.what == "request_shown":
            text = f"Sees the request, check code {', '.join(re.findall(r'code: ([0-9]{4})', text))}."
        self._viewer.say(event.lane, f"{name}: {text}")

    # --- what happens, from the evening to the morning

    def _ask(self, evening: datetime) -> None:
        self._viewer.heading("16:50: the customers are asked, and the job does not wait")
        for computer in self._pcs.values():
            computer.set_clock(evening)
        self._run("request")
        for computer in self._pcs.values():
            computer.events.wait_for("window_closed")
        self._run("status")

    def _work(self) -> tuple[int, datetime, int]:
        """Work, with a kill in the middle; return the killed job's exit code, the time, and the last exit code."""
        self._viewer.heading(
            "22:00: the work begins; Windows Update will restart PC-CARLA in the middle of a step"
        )
        interrupted = self._pcs[INTERRUPTED]
        interrupted.faults.restarts_at = "updates_begun"
        # The first time it goes down for Windows Update, the second time for the restart after the step.
        killed = self._job("maintain", interrupted.events.future("going_down", 2).done)
        killed_at = datetime.now(UTC)
        self._viewer.heading("The job is killed; the operator launches it again")
        code = self._job("maintain")
        for computer in self._pcs.values():
            computer.settle()
        return killed, killed_at, code

    def _return(self) -> None:
        self._viewer.heading("06:00: the customers are back")
        time.sleep(self._pace)
        for name, computer in self._pcs.items():
            if name != DECLINES:
                computer.customer.sign_in()
                computer.events.wait_for("notice_erased")
        for teller in self._tellers.values():
            teller.end()
        self._run("report")

    # --- the operator's jobs and the time

    def _job(self, playbook: str, is_over: Callable[[], bool] = lambda: False) -> int:
        self._viewer.say("operator", f"Runs ansible-playbook latchkey.consent.{playbook}.")
        self._jobs += 1
        folder = self._folder / "operator" / f"{self._jobs}-{playbook}"
        condenser = Condenser(self._say, self._told)
        job = Job(self._pcs.values(), folder, condenser, NIGHT_JOB, playbook=playbook, report=self._report)
        return watched(job, self._watches.values(), is_over)

    def _say(self, name: str, text: str) -> None:
        own = text.removeprefix(f"{name}\\")
        self._viewer.say("operator", f"{name}: {own}" if name else text)

    def _run(self, playbook: str) -> None:
        if code := self._job(playbook):
            msg = f"the playbook {playbook} ended with {code}"
            raise LabError(msg)

    def _let_pass_until(self, moment: datetime) -> None:
        for computer in self._pcs.values():
            computer.let_pass(moment.astimezone(UTC) - computer.windows.clock.now().astimezone(UTC))


def _last_night(zone: tzinfo) -> Moments:
    """Return the moments of the last night, so that the report is written after it."""
    evening = (datetime.now(zone) - timedelta(days=1)).replace(hour=16, minute=50, second=0, microsecond=0)
    return Moments(
        evening,
        evening.replace(hour=22, minute=0),
        (evening + timedelta(days=1)).replace(hour=6, minute=0),
    )
