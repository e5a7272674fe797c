# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night on three PCs: the customers are asked, the work is done while they are away, and a report tells them."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from lab import canary
from lab.computer import LabError
from lab.demo.night_promises import NightStory
from lab.demo.operator import VARIABLES, CrowdCondenser, Job
from lab.demo.story import console_of, told
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
    from lab.demo.lanes import Lanes
    from lab.simulated.customer_script import Step
    from lab.simulated.simulated_pc import SimulatedComputer

NIGHT = "night"
TITLE = "A night on three PCs: asked at 16:50, done from 22:00 on, and told at 06:00."
WHY = "I am still working on the annual accounts"
VARIABLES_OF_NIGHT: dict[str, Any] = {
    **VARIABLES,
    "maintenance_ends": "06:00",
    "maintenance_answer_by": "19:00",
    "maintenance_terms": {
        "restarts": 4,
        "foreign_restarts": True,
        "not_before": "22:00",
        "not_after": "05:00",
        "grace": 1,
    },
    "maintenance_on_no": "skip",
}
SHOWN = frozenset({
    "accounting_upgraded", "boot", "declined", "locked", "restart_announced", "signed_in", "typed", "unlocked",
    "updates_begun", "updates_installed",
})  # fmt: skip
"""The events to tell, besides each request window and each notice."""


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

    def __init__(self, folder: Path, lanes: Lanes) -> None:
        self._folder = folder
        self._lanes = lanes
        self._report = folder / "report"
        self._pcs: dict[str, SimulatedComputer] = {}
        self._watches = {name: Watch(canary.make()) for name in CAST}
        self._jobs = 0

    @contextmanager
    def played(self) -> Iterator[NightStory]:
        """Play the night to its morning; the PCs run until the caller has read the story."""
        with ExitStack() as stack:
            for name, cast in CAST.items():
                stack.callback(wipe, self._watches[name].password)
                self._pcs[name] = stack.enter_context(self._pc(name, cast))
                self._pcs[name].events.subscribe(partial(self._show, name))
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
                steps=[step["name"] for step in VARIABLES["maintenance_steps"]],
                killed=killed,
                killed_at=killed_at,
                report=self._report,
            )

    def _pc(self, name: str, cast: Cast) -> AbstractContextManager[SimulatedComputer]:
        settings = {"password": self._watches[name].password, "script": cast.script, **cast.settings}
        return pc(self._folder / name, name=name, user=cast.user, restart_seconds=1.0, **settings)

    def _show(self, name: str, event: Event) -> None:
        text = event.text
        if event.what == "request_shown":
            text = f"Reads the request, code {', '.join(re.findall(r'code: ([0-9]{4})', text))}."
        elif event.what not in SHOWN and not event.what.startswith("notice_"):
            return
        self._lanes.say(event.lane, f"{name}: {text}")

    # --- what happens, from the evening to the morning

    def _ask(self, evening: datetime) -> None:
        self._lanes.heading("16:50: the customers are asked, and the job does not wait")
        for computer in self._pcs.values():
            computer.set_clock(evening)
        self._run("request")
        for computer in self._pcs.values():
            computer.events.wait_for("window_closed")
        self._lanes.heading("The operator reads the answers")
        self._run("status")

    def _work(self) -> tuple[int, datetime, int]:
        """Work, with a kill in the middle; return the killed job's exit code, the time, and the last exit code."""
        self._lanes.heading(
            "22:00: the work begins; Windows Update will restart PC-CARLA in the middle of a step"
        )
        interrupted = self._pcs[INTERRUPTED]
        interrupted.faults.restarts_at = "updates_begun"
        # The first time it goes down for Windows Update, the second time for the restart after the step.
        killed = self._job("maintain", interrupted.events.future("going_down", 2).done)
        killed_at = datetime.now(UTC)
        self._lanes.heading("The job is killed; the operator launches it again")
        code = self._job("maintain")
        for computer in self._pcs.values():
            computer.settle()
        return killed, killed_at, code

    def _return(self) -> None:
        self._lanes.heading("06:00: the customers are back")
        for name, computer in self._pcs.items():
            if name != DECLINES:
                computer.customer.sign_in()
                computer.events.wait_for("notice_erased")
        self._lanes.heading("The report is written")
        self._run("report")

    # --- the operator's jobs and the time

    def _job(self, playbook: str, is_over: Callable[[], bool] = lambda: False) -> int:
        self._lanes.say("operator", f"ansible-playbook latchkey.consent.{playbook}")
        self._jobs += 1
        folder = self._folder / "operator" / f"{self._jobs}-{playbook}"
        condenser = CrowdCondenser(lambda text: self._lanes.say("operator", text))
        variables = {**VARIABLES_OF_NIGHT, "maintenance_report": str(self._report)}
        job = Job(self._pcs.values(), folder, condenser, playbook=playbook, variables=variables)
        return watched(job, self._watches.values(), is_over)

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
