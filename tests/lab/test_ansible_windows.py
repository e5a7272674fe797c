# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`win_reboot` and `win_updates` of ansible.windows as tasks of a step: the role gets over their restarts.

A restart that they order is one by others for the agent: it signs the customer in where the terms say
`foreign_restarts`. The collection comes out of the wheel of `ansible` (tests/ansible_windows.py).
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agent.packaging import system_tools
from lab.simulated.connections import CONNECTIONS
from lab.simulated.customer_script import Grant
from lab.simulated.offered_update import Update
from lab.simulated.programs.windows_scripts import PROGRAMS, STAND_INS
from tests import ansible_windows
from tests.lab.job import ROOT
from tests.lab.kinds import SIMULATED
from tests.lab.maintenance import maintain, prepare, program, summary_of, what
from tests.lab.unkind import at, restarted_by_others
from tests.needs import require

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Job, Operator, Task

# No Wine PC has the answers to the collection's PowerShell.
pytestmark = [pytest.mark.timeout(400), pytest.mark.parametrize("lab_pc", [SIMULATED], indirect=True)]

BY_NAME = {"winrm": "winrm, basic, HTTP", "psrp": "psrp, ntlm, HTTP", "ssh": "ssh, PowerShell"}
COVERED = {"restarts": 6, "grace": 0.5, "foreign_restarts": True}
BARE = {"restarts": 6, "grace": 0.5}
NOT_AGREED = "the terms do not cover restarts by others (foreign_restarts)"
FIRST = Update("Cumulative update", "5031001")
SECOND = Update(".NET update", "5031002", ("Update Rollups",))
DRIVER = Update("Driver", "5031003", ("Drivers",))
UPDATES = (FIRST, SECOND, DRIVER)
REBOOT: Task = {"name": "win_reboot", "ansible.windows.win_reboot": {"reboot_timeout": 120}}
STEP = {"name": "Windows updates", "tasks": "updates.yml"}
LAST = {"name": "Accounting software", "tasks": "accounting.yml"}
DONE = [STEP["name"], LAST["name"]]
UPGRADE = program("accounting", "upgrade")


def win_updates(**options: Any) -> Task:
    """Return the task that installs the updates of the usual categories."""
    return {"name": "win_updates", "ansible.windows.win_updates": options}


def ready(
    lab_pc: LabPC,
    *tasks: Task,
    connection: str = "winrm",
    terms: dict[str, Any] = COVERED,
    step: dict[str, Any] = STEP,
    **settings: Any,
) -> tuple[Operator, SimulatedComputer]:
    """Return an operator whose first step has these tasks and whose second is a program, and their PC."""
    if connection == "ssh":
        require(system_tools.SSH)
    collections = f"{ROOT / 'build/collections'}:{ansible_windows.require()}"
    kind = CONNECTIONS[BY_NAME[connection]]
    given = {"programs": PROGRAMS, "stand_ins": STAND_INS, "listeners": (kind.listener,), **settings}
    operator, computer = lab_pc(script=[Grant()], **given)
    operator.environment["ANSIBLE_COLLECTIONS_PATH"] = collections
    operator.host_variables["pc1"] = computer.inventory(BY_NAME[connection])
    prepare(operator, maintenance_terms=terms, maintenance_steps=[step, LAST])
    operator.write("updates.yml", list(tasks))
    return operator, computer


def installed(computer: SimulatedComputer) -> list[str]:
    """Return the titles of the updates that Windows has installed, in order."""
    events = [event for event in computer.events.all() if event.what == "update_installed"]
    return [event.text.removesuffix(" is installed.") for event in events]


def check_done(job: Job, computer: SimulatedComputer, boots: int) -> dict[str, Any]:
    """Check that both steps are done, and that the customer is signed in and locked; return the summary."""
    summary = summary_of(job.succeed())
    assert (summary["done"], summary["left_over"], summary["not_signed_in"]) == (DONE, [], [])
    assert computer.events.count("boot") == boots
    assert computer.events.count("accounting_upgraded") == 1
    assert summary["erasure"]["confirmed"]
    sessions = computer.on_loop(computer.windows.sessions.all)
    assert [(session.account.user, session.locked) for session in sessions] == [("anna", True)]
    return summary


# --- win_reboot


@pytest.mark.parametrize("connection", BY_NAME)
def test_a_step_gets_over_its_own_win_reboot(lab_pc: LabPC, connection: str) -> None:
    """The step goes on after the restart and is not run again; the next step begins after the sign-in."""
    tasks = (REBOOT, program("updates", "install"))
    operator, computer = ready(lab_pc, *tasks, connection=connection, logon_seconds=20.0)

    summary = check_done(maintain(operator), computer, boots=2)

    assert [use["started_by_others"] for use in summary["restarts"]] == [True]
    assert computer.events.count("updates_begun") == 1
    assert what(computer, "locked", "accounting_upgraded") == ["locked", "accounting_upgraded"]


def test_without_the_term_the_role_says_at_once_that_nobody_is_signed_in(lab_pc: LabPC) -> None:
    """The terms lack `foreign_restarts`: the job tells the reason after that step, and the summary keeps it."""
    operator, computer = ready(lab_pc, REBOOT, terms=BARE)

    job = maintain(operator).succeed()

    summary = summary_of(job)
    assert NOT_AGREED in job.result("Say that the customer is not signed in")["msg"]
    assert summary["not_signed_in"] == [{"step": STEP["name"], "why": NOT_AGREED}]
    assert any(NOT_AGREED in line for line in job.result("Show the summary")["msg"])
    assert summary["done"] == DONE
    assert what(computer, "boot", "signed_in") == ["boot", "signed_in", "boot"]


def test_a_failure_after_the_own_restart_runs_the_step_again_once(lab_pc: LabPC) -> None:
    """The PC was back before the task failed, so the failure may be the restart's. A second one is the step's own."""
    operator, computer = ready(lab_pc, REBOOT, program("accounting", "nothing"))

    summary = summary_of(maintain(operator).fail())

    assert computer.events.count("boot") == 3
    assert summary["failure"]["step"] == STEP["name"]
    assert summary["done"] == []
    assert summary["erasure"] is None


@pytest.mark.parametrize("limited", ["limit", "reboot_timeout"])
def test_a_restart_that_takes_too_long_is_ordered_twice_at_most(lab_pc: LabPC, limited: str) -> None:
    """The step's limit or the task's own ends `win_reboot` while the PC is down: the step runs again, once."""
    task = {
        **REBOOT,
        "ansible.windows.win_reboot": {"reboot_timeout": 5 if limited == "reboot_timeout" else 120},
    }
    step = {**STEP, "limit": 8} if limited == "limit" else STEP
    operator, computer = ready(lab_pc, task, step=step, restart_seconds=12.0)

    summary = summary_of(maintain(operator).fail())

    assert computer.events.count("boot") == 3
    assert (summary["failure"]["step"], summary["done"]) == (STEP["name"], [])


def test_a_step_that_must_not_run_twice_fails_after_its_own_restart(lab_pc: LabPC) -> None:
    """With `rerun: false` a failure after the step's own restart ends the step; the checkpoint stays at started."""
    operator, computer = ready(
        lab_pc, REBOOT, program("accounting", "nothing"), step={**STEP, "rerun": False}
    )

    job = maintain(operator).fail()

    assert computer.events.count("boot") == 2
    assert summary_of(job)["left_over"] == DONE
    known = job.result("Read the state of the support session that is kept")["sessions"][0]["checkpoints"]
    assert known[STEP["name"]]["state"] == "started"


def test_a_restart_by_others_after_the_own_one_is_got_over(lab_pc: LabPC) -> None:
    """The step restarts, and Windows Update restarts again in its next task: the step runs again from its beginning."""
    tasks = (REBOOT, program("updates", "install"))
    operator, computer = ready(lab_pc, *tasks, updates_seconds=1.5)
    at("updates_begun", restarted_by_others)(computer)

    check_done(maintain(operator), computer, boots=4)

    assert computer.events.count("updates_installed") == 1


def test_a_scheduled_restart_of_windows_update_is_taken_over(lab_pc: LabPC) -> None:
    """`win_reboot` takes back a restart that waits for the end of its warning, and orders its own."""
    operator, computer = ready(lab_pc, REBOOT)
    at("window_closed", lambda pc: pc.windows_update_restart(grace=60))(computer)

    check_done(maintain(operator), computer, boots=2)

    assert computer.events.count("restart_aborted") == 1


# --- win_updates


def test_win_updates_leaves_the_restart_to_the_role(lab_pc: LabPC) -> None:
    """Without `reboot` the step's `when_pending` restarts once, by a use that the customer granted."""
    operator, computer = ready(
        lab_pc, win_updates(), step={**STEP, "restart": "when_pending"}, terms=BARE, updates=UPDATES
    )

    job = maintain(operator)
    summary = check_done(job, computer, boots=2)

    result = job.result("win_updates")
    assert (result["found_update_count"], result["installed_update_count"]) == (2, 2)
    assert result["reboot_required"]
    assert installed(computer) == [FIRST.title, SECOND.title]
    assert [use["started_by_others"] for use in summary["restarts"]] == [False]


def written_steps() -> list[list[Task]]:
    """Return the tasks of the example's step and of the two that the guide shows."""
    page = (ROOT / "docs/operator.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    # updates\.yml.*\n((?:    .*\n)+)", page, re.MULTILINE)
    texts = [(ROOT / "docs/examples/steps/updates.yml").read_text(encoding="utf-8"), *shown]
    return [yaml.safe_load(textwrap.dedent(text)) for text in texts]


@pytest.mark.parametrize(("number", "titles"), [(0, 1), (1, 2), (2, 2)])
def test_each_step_with_updates_works_as_written(lab_pc: LabPC, number: int, titles: int) -> None:
    """The example and those of the guide install the categories that they name, and the PC restarts once."""
    steps = written_steps()
    assert len(steps) == 3
    step = {**STEP, "restart": "when_pending"}
    operator, computer = ready(lab_pc, *steps[number], step=step, updates=UPDATES)

    check_done(maintain(operator), computer, boots=2)

    assert installed(computer) == [FIRST.title, SECOND.title][:titles]


@pytest.mark.parametrize("connection", BY_NAME)
def test_win_updates_that_others_interrupt_runs_again(lab_pc: LabPC, connection: str) -> None:
    """The PC restarts between two updates: the second run installs what is left, and nothing twice."""
    slow = (FIRST, Update(SECOND.title, SECOND.article, SECOND.categories, seconds=3.0))
    operator, computer = ready(
        lab_pc,
        win_updates(),
        connection=connection,
        step={**STEP, "restart": "when_pending"},
        updates=slow,
    )
    at("update_installed", restarted_by_others)(computer)

    summary = check_done(maintain(operator), computer, boots=3)

    assert installed(computer) == [FIRST.title, SECOND.title]
    assert [use["started_by_others"] for use in summary["restarts"]] == [True, False]


def test_win_updates_that_windows_ends_for_a_shutdown_runs_again(lab_pc: LabPC) -> None:
    """Windows Update ends the installation while the PC still answers: the role waits for the restart."""
    slow = (FIRST, Update(SECOND.title, SECOND.article, SECOND.categories, seconds=3.0))
    operator, computer = ready(lab_pc, win_updates(), updates=slow, ending_seconds=4.0)
    at("update_installed", restarted_by_others)(computer)

    job = maintain(operator)
    check_done(job, computer, boots=2)

    assert "0x8007045B" in job.results("win_updates")[0]["msg"]
    assert installed(computer) == [FIRST.title, SECOND.title]


@pytest.mark.parametrize("connection", BY_NAME)
def test_win_updates_restarts_by_itself(lab_pc: LabPC, connection: str) -> None:
    """With `reboot: true` the module restarts until no update is left; the customer is signed in each time."""
    operator, computer = ready(
        lab_pc,
        win_updates(reboot=True, reboot_timeout=120),
        connection=connection,
        updates=UPDATES,
        servicing_seconds=1.0,
    )

    job = maintain(operator)
    summary = check_done(job, computer, boots=2)

    assert job.result("win_updates")["rebooted"]
    assert installed(computer) == [FIRST.title, SECOND.title]
    assert [use["started_by_others"] for use in summary["restarts"]] == [True]


def test_win_updates_that_waits_for_a_restart_by_others_goes_on(lab_pc: LabPC) -> None:
    """With `reboot: true` the module is told of the shutdown, waits for the PC, and installs the rest by itself."""
    slow = (FIRST, Update(SECOND.title, SECOND.article, SECOND.categories, seconds=3.0))
    operator, computer = ready(
        lab_pc, win_updates(reboot=True, reboot_timeout=120), updates=slow, ending_seconds=4.0
    )
    at("update_installed", restarted_by_others)(computer)

    job = maintain(operator)
    check_done(job, computer, boots=3)

    assert len(job.results("win_updates")) == 1
    assert installed(computer) == [FIRST.title, SECOND.title]


def test_win_updates_with_reboot_that_others_interrupt_runs_again(lab_pc: LabPC) -> None:
    """With `reboot: true`, too, a restart that comes without a word interrupts the step, and the step runs again."""
    slow = (FIRST, Update(SECOND.title, SECOND.article, SECOND.categories, seconds=3.0))
    operator, computer = ready(lab_pc, win_updates(reboot=True, reboot_timeout=120), updates=slow)
    at("update_installed", restarted_by_others)(computer)

    check_done(maintain(operator), computer, boots=3)

    assert installed(computer) == [FIRST.title, SECOND.title]


def test_the_grant_covers_as_many_restarts_as_the_customer_agreed_to(lab_pc: LabPC) -> None:
    """Restarts by a step's own tasks use the grant up; the role says so after the first one that is not covered."""
    operator, computer = ready(lab_pc, REBOOT, REBOOT, terms={**COVERED, "restarts": 1})

    summary = summary_of(maintain(operator).succeed())

    assert summary["done"] == DONE
    assert summary["not_signed_in"] == [{"step": STEP["name"], "why": "no grant is left"}]
    assert what(computer, "boot", "signed_in") == ["boot", "signed_in", "boot", "signed_in", "boot"]
