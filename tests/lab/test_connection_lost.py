# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection fails once in every task of the main job, at each stage of a request, on winrm and psrp.

One play runs on all PCs. Before each task the operator's own computer sets a fault in the PC's listener: it drops the
next request of that kind once.
"""

from __future__ import annotations

import json
import shlex
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from lab.canary import make
from lab.simulated.connections import CONNECTIONS
from lab.simulated.customer_script import Grant, SignIn
from lab.simulated.simulated_pc import SimulatedComputer
from lab.wsman.faults import Drop, Faults
from tests.lab.job import Job, Operator, Task, apply, end, request, start, task
from tests.lab.kinds import pc
from tests.lab.shells import MOST, most_open

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(500)

MOMENTS = {
    "before it is sent": (Drop.UNPROCESSED, "Command"),
    "done but not answered": (Drop.UNANSWERED, "Receive"),
    "while it waits": (Drop.UNPROCESSED, "Receive"),
    "half an answer": (Drop.HALF_ANSWERED, "Receive"),
}
PLUGINS = {"winrm": "winrm, basic, HTTP", "psrp": "psrp, negotiate, HTTP"}
PCS = {f"{plugin}-{n}": (plugin, moment) for plugin in PLUGINS for n, moment in enumerate(MOMENTS)}
FACTS = {name: f"{plugin}, {moment}" for name, (plugin, moment) in PCS.items()}

# A psrp connection receives once before its first command: the state of its shell.
OPENING = {"winrm": 0, "psrp": 1}


def broken(one: Task, name: str, commands: int = 0) -> list[Task]:
    """Return the task under a name, after a task that breaks its connection after so many commands."""
    setting = {
        "name": f"break {name}",
        # It prints the number of lost connections so far.
        "ansible.builtin.raw": "grep -c dropped: {{ log }}; "
        "printf %s {{ faults["
        + str(commands)
        + "] | quote }} > {{ file }}.new && mv {{ file }}.new {{ file }}",
        "delegate_to": "localhost",
        "changed_when": False,
    }
    return [setting, {**one, "name": name}]


def fault(plugin: str, moment: str, commands: int) -> str:
    """Return the fault in the form of the listener's file."""
    drop, operation = MOMENTS[moment]
    opening = OPENING[plugin] if operation == "Receive" else 0
    return json.dumps(asdict(Faults(drop=drop, operation=operation, skip=commands + opening)))


JOB = [
    *broken(start(), "open"),
    *broken(request(restarts=2, grace=2, timeout=60), "ask"),
    *broken(task("credential_info"), "read"),
    *broken(task("session_checkpoint", step="x", state="done"), "note"),
    *broken(apply(step="a", timeout=90), "restart"),
    *broken(task("credential_revoke"), "give back"),
    # In these tasks the second command waits.
    # The warning outlasts the time for which the task only listens.
    *broken(request(restarts=1, grace=25, timeout=60), "wait for the answer", 1),
    *broken(apply(step="b", timeout=90), "wait for the restart", 1),
    *broken(end(), "end"),
]
NAMES = [one["name"] for one in JOB if not one["name"].startswith("break")]


@dataclass
class Day:
    """The results of the job, and of the same job launched again."""

    first: Job
    again: Job
    computers: dict[str, SimulatedComputer]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Run the job on all PCs, and once more without any fault."""
    folder = tmp_path_factory.mktemp("lost")
    with ExitStack() as stack:
        computers = {
            name: stack.enter_context(
                pc(
                    folder / name,
                    password=make(),
                    script=[Grant(after=1.0), SignIn(when="locked", after=3.0), Grant(after=3.0)],
                    listeners=(CONNECTIONS[PLUGINS[plugin]].listener,),
                    # Long enough for one poll before it and one after it.
                    logon_seconds=3.0,
                )
            )
            for name, (plugin, _) in PCS.items()
        }
        operator = Operator(folder / "operator", computers, host_variables=variables(computers))
        stack.callback(operator.stop)
        first = operator.begin([{"hosts": "all", "gather_facts": False, "tasks": JOB}])
        first.wait(400)
        for computer in computers.values():
            computer.listener_faults.unlink(missing_ok=True)
        again = operator.run(end())
        yield Day(first, again, computers)


def variables(computers: dict[str, SimulatedComputer]) -> dict[str, dict[str, Any]]:
    """Return each PC's connection variables and its fault."""
    return {
        name: {
            **computers[name].inventory(PLUGINS[plugin]),
            "faults": [fault(plugin, moment, commands) for commands in (0, 1)],
            "file": shlex.quote(str(computers[name].listener_faults)),
            "log": shlex.quote(str(listener_log(computers[name], name))),
        }
        for name, (plugin, moment) in PCS.items()
    }


@pytest.mark.parametrize("name", PCS, ids=FACTS.values())
def test_every_task_goes_on(day: Day, name: str) -> None:
    """A task that loses its connection reconnects and ends well."""
    ended = {one: [result["status"] for result in day.first.results(one, name)] for one in NAMES}
    assert {one: status for one, status in ended.items() if status[-1:] != ["ok"]} == {}, day.first.output


@pytest.mark.parametrize("name", PCS, ids=FACTS.values())
def test_the_connection_was_lost_each_time(day: Day, name: str) -> None:
    """Each task lost its connection once."""
    before = [int(result["stdout"]) for result in day.first.results("break", name)]
    counts = [*before, listener_log(day.computers[name], name).read_text(encoding="utf-8").count("dropped: ")]
    assert len(counts) == len(NAMES) + 1
    assert all(earlier < later for earlier, later in pairwise(counts)), str(counts)


def listener_log(computer: SimulatedComputer, name: str) -> Path:
    """Return the log of the PC's listener."""
    plugin, _ = PCS[name]
    return computer.disk.parent / f"{CONNECTIONS[PLUGINS[plugin]].listener}.log"


@pytest.mark.parametrize("name", PCS, ids=FACTS.values())
def test_no_shell_is_left_behind(day: Day, name: str) -> None:
    """The job has two remote shells at a time at most."""
    assert most_open(day.computers[name].request_log) <= MOST


@pytest.mark.parametrize("name", PCS, ids=FACTS.values())
def test_nothing_is_done_twice(day: Day, name: str) -> None:
    """The customer was asked once for each grant, and each restart happened once with one permit."""
    computer = day.computers[name]
    counted = {
        what: computer.events.count(what)
        for what in ("request_shown", "typed", "boot", "permit_redeemed", "signed_in")
    }
    # The first boot and sign-in are the customer's own.
    wanted = {"request_shown": 2, "typed": 2, "boot": 3, "permit_redeemed": 2, "signed_in": 3}
    assert counted == wanted


@pytest.mark.parametrize("name", PCS, ids=FACTS.values())
def test_the_journal_holds_each_thing_once(day: Day, name: str) -> None:
    """The journal has one event for a call that was sent again after a lost answer."""
    said = [line.rpartition(":")[2].strip() for line in day.computers[name].log.splitlines()]
    counted = {
        what: said.count(what)
        for what in (
            "SessionStarted",
            "RequestMade",
            "GrantGiven",
            "CheckpointSet",
            "PermitIssued",
            "SessionEnded",
        )
    }
    wanted = {
        "SessionStarted": 1,
        "RequestMade": 2,
        "GrantGiven": 2,
        "CheckpointSet": 1,
        "PermitIssued": 2,
        "SessionEnded": 1,
    }
    assert counted == wanted


@pytest.mark.parametrize("name", PCS, ids=FACTS.values())
def test_a_second_launch_finds_the_job_done(day: Day, name: str) -> None:
    """A repeated end of the session returns the same checks of the erasure."""
    first, again = day.first.results("end", name)[-1], day.again.result("end", name)
    assert again["changed"] is False
    assert again["erasure"] == first["erasure"]
    assert again["erasure"]["confirmed"]


@pytest.mark.parametrize("name", PCS, ids=FACTS.values())
def test_a_task_reports_its_change_despite_a_lost_answer(day: Day, name: str) -> None:
    """Each task that changed the PC reports changed, also after a lost answer."""
    changed = {one: [result["changed"] for result in day.first.results(one, name)] for one in NAMES}
    assert changed == {one: [one != "read"] * len(changed[one]) for one in NAMES}
