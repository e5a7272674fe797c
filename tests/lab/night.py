# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole night on many PCs: asked at 16:50, done from 22:00 on, told in the morning.

Each PC has a fate: its customer's answer, and a mishap. The operator's job is killed at an event of one PC and
launched again until no work is left over. Then the report is compared with the events on the PCs.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.demo.story import ask, console_of
from lab.simulated.customer_script import Deny, Grant, Ignore, Report
from lab.wsman.faults import Drop, Faults
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from tests.lab.job import SESSION, Operator
from tests.lab.maintenance import STEPS, prepare, program, what
from tests.lab.unkind import at, restarted_by_others

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lab.computer import Event
    from lab.simulated.customer_script import Step
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.job import Job
    from tests.lab.scenes import Act

DONE = [step["name"] for step in STEPS]
WHY = "Ich arbeite heute lange"
RESTARTS = 6
"""The restarts that each customer is asked for: two are ours, and no mishap makes more than two others."""
MOST_LAUNCHES = 4
PATIENCE = 900.0
"""Seconds for one launch: forty PCs share two processors."""
ANSWERS: dict[str, tuple[Step, ...]] = {
    "yes": (Grant(),),
    "no": (Deny(WHY),),
    "reports it": (Report(),),
    "away": (Ignore(),),
    "off": (),
}
OUTCOME = {"yes": "done", "no": "declined", "reports it": "reported", "away": "no_answer"}
"""The report's word for each answer, without a mishap that changes it. A PC that is off cannot be read."""


class Fate(NamedTuple):
    """One PC's night. `mishap`: a row of `MISHAPS`, or empty."""

    answer: str
    mishap: str = ""


# --- mishaps


def others_restart_twice(computer: SimulatedComputer) -> None:
    """Let Windows Update restart the PC, and once more as soon as it is up."""
    computer.faults.restarts_twice = True
    restarted_by_others(computer)


def cut_power(computer: SimulatedComputer) -> None:
    """Cut the PC's power for a second."""
    computer.power_cut()
    threading.Timer(1.0, computer.power_on).start()


def lose_connection(computer: SimulatedComputer) -> None:
    """Drop the next two answers of the PC's listener."""
    Faults(drop=Drop.UNANSWERED, operation="Receive", times=2).write(computer.listener_faults)


def correct_clock(computer: SimulatedComputer) -> None:
    """Let Windows Time set the clock 20 seconds forward."""
    computer.set_clock(computer.on_loop(computer.windows.clock.now) + timedelta(seconds=20))


def revoke(computer: SimulatedComputer) -> None:
    """Let the customer come back, unlock the screen, revoke the grant, and lock the screen again."""
    computer.customer.revoke()
    computer.customer.lock()


MISHAPS: dict[str, Act] = {
    "restart by others in a step": at("updates_begun", restarted_by_others),
    "restart by others after a step": at("updates_installed", restarted_by_others),
    "two restarts by others": at("updates_begun", others_restart_twice),
    "power cut in a step": at("updates_begun", cut_power),
    "power cut in a restart": at("down", cut_power),
    "power cut at the logon screen": at("tile_shown", cut_power),
    "connection lost": at("updates_installed", lose_connection),
    "agent crashes": at("updates_begun", lambda computer: computer.crash_agent()),
    "clock corrected": at("tile_shown", correct_clock),
    "revoked": at("updates_installed", revoke),
    "step fails": lambda _computer: None,
}
KILLED_AT = ("request_found", "updates_begun", "updates_installed", "going_down", "tile_shown", "locked")
"""The events at which the operator's job may be killed."""


def first_paragraph(pcs: int) -> list[Fate]:
    """Return the fates of an ordinary night: most agree, some decline, one reports it, some are away, one PC is off."""
    others = max(1, pcs // 13)
    fates = [
        *[Fate("no")] * others,
        Fate("reports it"),
        *[Fate("away")] * others,
        Fate("off"),
        Fate("yes", "restart by others in a step"),
        Fate("yes", "restart by others after a step"),
        Fate("yes", "step fails"),
        Fate("yes", "connection lost"),
    ]
    return [*fates, *[Fate("yes")] * (pcs - len(fates))]


def at_random(pcs: int, dice: random.Random) -> list[Fate]:
    """Return fates at random: four of five customers agree, and each of their PCs has a mishap."""
    answers = dice.choices(list(ANSWERS), weights=(16, 1, 1, 1, 1), k=pcs)
    return [Fate(answer, dice.choice(list(MISHAPS)) if answer == "yes" else "") for answer in answers]


# --- the night


@dataclass
class Night:
    """The PCs with their fates, and the operator."""

    fates: Mapping[str, Fate]
    pcs: Mapping[str, SimulatedComputer]
    operator: Operator
    launches: list[Job] = field(default_factory=list)

    @property
    def report(self) -> Path:
        """The report's path, without a suffix."""
        return self.operator.folder / "report"

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of the report by the names of the PCs."""
        value = json.loads(self.report.with_suffix(".json").read_bytes())
        return {row["name"]: row for row in value["pcs"]}

    def of(self, answer: str) -> Iterator[tuple[str, SimulatedComputer, str]]:
        """Yield name, PC and mishap of each customer with this answer."""
        for name, fate in self.fates.items():
            if fate.answer == answer:
                yield name, self.pcs[name], fate.mishap

    def running(self) -> list[SimulatedComputer]:
        """Return the PCs that are on."""
        return [self.pcs[name] for name, fate in self.fates.items() if fate.answer != "off"]

    def pass_until(self, clock: str) -> None:
        """Let time pass on each PC until this time of day."""
        for computer in self.running():
            pass_until(computer, clock)


def time_of_day(computer: SimulatedComputer, hours: float) -> str:
    """Return the time of day in a number of hours by a PC's clock, so that a test works at any time of day."""
    now = computer.on_loop(computer.windows.clock.now)
    return f"{now + timedelta(hours=hours):%H:%M}"


def pass_until(computer: SimulatedComputer, clock: str) -> None:
    """Let time pass on a PC until this time of day."""
    hour, minute = map(int, clock.split(":"))
    now = computer.on_loop(computer.windows.clock.now)
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    computer.let_pass((then - now) % timedelta(days=1))


def set_up(operator: Operator, fates: Sequence[Fate]) -> None:
    """Write the steps, and set the role's variables."""
    failing = [f"pc{number}" for number, fate in enumerate(fates) if fate.mishap == "step fails"]
    night = {"not_before": "22:00", "not_after": "05:00"}
    prepare(
        operator,
        maintenance_terms={"restarts": RESTARTS, "grace": 0.5, "foreign_restarts": True, **night},
        maintenance_window={"begins": "22:00", "ends": "05:00"},
        maintenance_ends="06:30",
        maintenance_on_no="skip",
        maintenance_answer_by="18:00",
        maintenance_request_timeout=5,
        maintenance_restart_timeout=300,
        maintenance_timeout=20,
        maintenance_report=str(operator.folder / "report"),
    )
    fails = {
        "name": "fail",
        "ansible.builtin.fail": {"msg": "broken"},
        "when": f"inventory_hostname in {failing}",
    }
    operator.write("accounting.yml", [fails, program("accounting", "upgrade")])


def play(night: Night, dice: random.Random) -> None:
    """Play the night up to 06:00."""
    _ask(night)
    night.pass_until("22:00")
    for name, fate in night.fates.items():
        if fate.mishap:
            MISHAPS[fate.mishap](night.pcs[name])
    _launch(night, dice)
    for computer in night.running():
        computer.settle()
    night.pass_until("06:00")
    assert night.operator.begin("latchkey.consent.report").wait(PATIENCE) == 0


def _ask(night: Night) -> None:
    """Ask every customer at 16:50, and wait for the answers of those who are there."""
    for computer in night.running():
        now = computer.on_loop(computer.windows.clock.now)
        computer.set_clock(now.replace(hour=16, minute=50, second=0, microsecond=0))
    for _name, computer, _mishap in night.of("away"):
        computer.customer.lock()
    for _name, computer, _mishap in night.of("off"):
        computer.power_cut()
    asked = night.operator.begin("latchkey.consent.request")
    asked.wait(PATIENCE)
    answered = {"yes": "notice_granted", "no": "declined", "reports it": "reported"}
    for answer, event in answered.items():
        for _name, computer, _mishap in night.of(answer):
            computer.events.wait_for(event, 1, PATIENCE)
            computer.customer.lock()


def _launch(night: Night, dice: random.Random) -> None:
    """Launch the job, kill it once, and launch it again until no PC whose customer agreed has work left over."""
    agreed = [computer for _name, computer, _mishap in night.of("yes")]
    dead = threading.Event()
    killed = night.operator.begin("latchkey.consent.maintain")

    def kill(event: Event) -> None:
        if event.what == moment and not dead.is_set():
            dead.set()

    moment = dice.choice(KILLED_AT[1:])
    dice.choice(agreed).events.subscribe(kill)
    while killed.process.poll() is None and not dead.wait(0.1):
        pass
    killed.kill()
    night.launches.append(killed)
    while len(night.launches) < MOST_LAUNCHES and (len(night.launches) == 1 or _left_over(night)):
        job = night.operator.begin("latchkey.consent.maintain")
        job.wait(PATIENCE)
        night.launches.append(job)


def _left_over(night: Night) -> list[str]:
    """Return the PCs whose customers agreed and whose steps are not done, apart from those that cannot be."""
    may_fail = {"step fails", "revoked"}
    rows = night.rows
    return [
        name
        for name, _pc, mishap in night.of("yes")
        if mishap not in may_fail and rows[name]["outcome"] != "done"
    ]


# --- what must be true in the morning


def check(night: Night) -> None:
    """Compare the report with the PCs, and check the promises on each of them."""
    rows = night.rows
    assert set(rows) == set(night.fates)
    for name, fate in night.fates.items():
        row, told = rows[name], f"{name}: {fate}\n{night.launches[-1].output}"
        assert row["outcome"] == _outcome(fate), told
        if fate.answer == "yes":
            _check_agreed(night.pcs[name], fate, row, told)
        elif fate.answer != "off":
            assert what(night.pcs[name], "updates_begun", "going_down", "typed") == [], told
    for computer in night.running():
        check_promises(computer)


def _outcome(fate: Fate) -> str:
    if fate.answer == "off":
        return "unreachable"
    return {"step fails": "failed", "revoked": "revoked"}.get(fate.mishap, OUTCOME[fate.answer])


def _check_agreed(computer: SimulatedComputer, fate: Fate, row: dict[str, Any], told: str) -> None:
    """Check that the report has the steps and restarts that happened on the PC, and that the question came once."""
    done = [step["name"] for step in row["steps"] if step["state"] == "done"]
    expected = {"step fails": DONE[:2], "revoked": DONE[:1]}.get(fate.mishap, DONE)
    assert done == expected or (fate.mishap == "revoked" and done == []), told
    assert computer.events.count("request_shown") == computer.events.count("typed") == 1, told
    # A killed job may find a step's checkpoint unset, and a mishap may end a step: then the step runs again.
    assert computer.events.count("accounting_upgraded") in ({1, 2} if DONE[2] in done else {0}), told
    uses = [use for use in row["uses"] if use["action"] == "restart"]
    signed_in = [use for use in uses if use["signed_in_at"]]
    assert len(signed_in) == computer.events.count("permit_redeemed") <= RESTARTS, told
    assert {use["step"] for use in uses if not use["foreign"]} <= {DONE[0], DONE[2]}, told
    if "by others" in fate.mishap:
        assert any(use["foreign"] for use in uses), told


def check_promises(computer: SimulatedComputer) -> None:
    """Check that the screen is locked, the journal is whole, and nothing is sealed once the session is over."""
    if (console := console_of(computer)) is not None:
        assert console == (computer.settings.user, True)
    computer.let_pass(timedelta(hours=1))
    info = ask(computer, rq.Info(session=SESSION), ans.InfoAnswer)
    assert info.sessions[0].state in {"ended", "expired"}
    assert all(one.confirmed for one in info.erasure)
    assert len(info.erasure) == len(info.grants)
    assert ask(computer, rq.JournalVerify(), ans.JournalAnswer).intact
