# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a step, and the maintenance window of the role."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from lab.simulated.customer_script import Grant
from lab.simulated.pc_settings import POLICY
from tests.lab import kinds
from tests.lab.job import ROOT, Operator, play
from tests.lab.maintenance import STEPS, maintain, prepare, program, summary_of, what
from tests.lab.provoked import provokes
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.conftest import LabPC

pytestmark = pytest.mark.timeout(240)

DONE = [step["name"] for step in STEPS]
UPDATES, INVENTORY, ACCOUNTING = STEPS
TOOL = "C:\\Lab\\a tool.exe"
HOUR = timedelta(hours=1)
LIMIT = 12
"""Seconds in which a busy machine ends a task of two seconds."""
HERE = {"delegate_to": "localhost", "vars": {"ansible_connection": "local"}}
LONG = {"name": "long", "ansible.builtin.wait_for": {"timeout": 60}, **HERE}


def clock(moment: datetime) -> str:
    """Return a time of day in Berlin, as a person writes it."""
    return moment.astimezone(ZoneInfo("Europe/Berlin")).strftime("%H:%M")


def window(begins: timedelta, ends: timedelta, **more: Any) -> dict[str, Any]:
    """Return a maintenance window around the present, in the time of Berlin."""
    now = datetime.now(UTC)
    return {"begins": clock(now + begins), "ends": clock(now + ends), "wait": 1, **more}


def refusal(job: Any, host: str = "pc1") -> str:
    """Return the code for which the role ended on a PC: that of its first failure, which the summary repeats."""
    code: str = job.first_failure(host)["error_code"]
    assert summary_of(job, host)["failure"]["code"] == code
    return code


@provokes("window_not_open")
def test_each_pc_has_the_window_in_its_own_time(tmp_path: Path, canary: bytearray) -> None:
    """In one run: the PC in Berlin works; for those in Tokyo and New York the same hours are over or to come."""
    zones = {"berlin": "Europe/Berlin", "tokyo": "Asia/Tokyo", "new-york": "America/New_York"}
    with ExitStack() as stack:
        pcs = {
            name: stack.enter_context(
                kinds.pc(tmp_path / name, kinds.SIMULATED, password=canary, script=[Grant()], zone=zone)
            )
            for name, zone in zones.items()
        }
        operator = Operator(tmp_path / "operator", pcs)
        stack.callback(operator.stop)
        prepare(operator, maintenance_window=window(-HOUR, 2 * HOUR))

        job = maintain(operator).fail()

        assert summary_of(job, "berlin")["done"] == DONE
        for name in ("tokyo", "new-york"):
            summary = summary_of(job, name)
            assert (summary["done"], summary["left_over"]) == ([], DONE)
            assert refusal(job, name) == "window_not_open"
            assert what(pcs[name], "updates_begun", "boot") == ["boot"]


@provokes("window_too_short")
def test_a_step_that_could_end_too_late_does_not_begin(lab_pc: LabPC) -> None:
    """Nor does its restart; the next job continues in another window without a new question."""
    operator, computer = lab_pc(script=[Grant()])
    steps = [{**UPDATES, "limit": 600}, {**INVENTORY, "limit": 4 * 3600, "on_failure": "skip"}, ACCOUNTING]
    prepare(operator, maintenance_steps=steps, maintenance_window=window(-HOUR, 2 * HOUR))

    first = maintain(operator).fail()
    operator.variables["maintenance_window"] = window(-HOUR, 6 * HOUR)
    second = maintain(operator).succeed()

    kept = summary_of(first)
    assert (kept["done"], kept["left_over"]) == ([UPDATES["name"]], [INVENTORY["name"], ACCOUNTING["name"]])
    assert (refusal(first), kept["failure"]["step"]) == ("window_too_short", INVENTORY["name"])
    assert f"{INVENTORY['name']} needs 240 min" in kept["failure"]["msg"]
    assert summary_of(second)["done"] == DONE
    assert computer.events.count("request_shown") == 1
    assert computer.events.count("updates_installed") == 1


def test_no_restart_begins_that_could_end_too_late(lab_pc: LabPC) -> None:
    """The time for the restart counts before its step begins."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_window=window(-HOUR, 2 * HOUR, restart=3 * 3600))

    job = maintain(operator).fail()

    assert (refusal(job), summary_of(job)["failure"]["step"]) == ("window_too_short", UPDATES["name"])
    assert what(computer, "updates_begun", "boot") == ["boot"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"begins": "05:00", "ends": "22:00"}, "are the two times swapped"),
        ({"begins": "22 Uhr", "ends": "05:00"}, "cannot be read"),
        ({"begins": "22:00"}, "lacks begins or ends"),
        ({"begins": "22:00", "ends": "2026-11-24T05:00"}, "a date for one of begins and ends only"),
        ({"begins": "22:00", "ends": "05:00", "restart": 0}, "restart is not above 0"),
    ],
)
def test_a_window_that_cannot_be_meant_is_told_before_the_question(
    lab_pc: LabPC, given: dict[str, Any], words: str
) -> None:
    """Only the PC can read its times; the customer is not asked."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_window=given)
    job = maintain(operator).fail()
    assert words in job.first_failure()["msg"]
    assert computer.events.count("request_shown") == 0


def test_a_task_that_lasts_longer_than_the_limit_is_ended(lab_pc: LabPC) -> None:
    """The limit is for all tasks of the step together, also for those of a file that it includes, in each try."""
    operator, _computer = lab_pc(script=[Grant()])
    steps = [
        UPDATES,
        {**INVENTORY, "limit": LIMIT, "retries": 1, "delay": 1, "on_failure": "skip"},
        ACCOUNTING,
    ]
    prepare(operator, maintenance_steps=steps)
    short = {**LONG, "name": "short", "ansible.builtin.wait_for": {"timeout": 2}}
    operator.write("inventory.yml", [short, {"name": "more", "ansible.builtin.include_tasks": "more.yml"}])
    operator.write("more.yml", [LONG])

    job = maintain(operator).succeed()

    assert [result["status"] for result in job.results("short")] == ["ok", "ok"]
    assert [result["timedout"]["period"] < LIMIT for result in job.results("long")] == [True, True]
    assert summary_of(job)["done"] == [UPDATES["name"], ACCOUNTING["name"]]


def test_the_tasks_that_tidy_up_get_a_second_each_after_the_limit(lab_pc: LabPC) -> None:
    """A quick one runs, a slow one is ended: a step cannot outlast its limit by its `always`."""
    operator, _computer = lab_pc(script=[Grant()])
    prepare(
        operator, maintenance_steps=[{**INVENTORY, "limit": 3, "on_failure": "skip"}], maintenance_terms={}
    )
    quick = {"name": "quick", "ansible.builtin.debug": {"msg": "tidied"}}
    slow = {**LONG, "name": "slow"}
    operator.write(INVENTORY["tasks"], [{"block": [LONG], "always": [quick, slow]}])

    job = maintain(operator).succeed()

    assert job.result("long")["timedout"]["period"] <= 3
    assert job.result("quick")["status"] == "ok"
    assert job.result("slow")["timedout"]["period"] == 1
    assert summary_of(job)["left_over"] == [INVENTORY["name"]]


def test_a_step_without_a_limit_keeps_the_time_out_of_the_play(lab_pc: LabPC) -> None:
    """The role takes none away, also not where another step has a limit."""
    operator, _computer = lab_pc(script=[Grant()])
    steps = [{**UPDATES, "restart": "never", "limit": 100}, {**INVENTORY, "on_failure": "skip"}]
    here = {"maintenance_steps_dir": str(operator.folder)}
    prepare(operator, maintenance_steps=steps, maintenance_terms={}, **here)
    operator.write(INVENTORY["tasks"], [LONG])

    job = operator.begin([play(roles=["latchkey.consent.maintenance"], timeout=LIMIT)]).succeed()

    assert job.result("long")["timedout"]["period"] == LIMIT
    assert summary_of(job)["done"] == [UPDATES["name"]]


def role(operator: Operator, place: str, file: str, tasks: list[Any]) -> None:
    """Write a role of the operator's own, or of a collection by the path of its folder."""
    operator.write(f"{place}/tasks/{file}.yml", tasks)


def test_a_step_can_be_a_role_also_of_a_collection(lab_pc: LabPC) -> None:
    """Its keys mean the same as for a file, and its variables are there. A step's file that follows runs as before."""
    operator, computer = lab_pc(script=[Grant()])
    office = "collections/ansible_collections/contoso/office/roles/inventory"
    operator.environment["ANSIBLE_COLLECTIONS_PATH"] = (
        f"{ROOT / 'build/collections'}:{operator.folder}/collections"
    )
    role(operator, "roles/updates", "main", [program("updates", "install")])
    seen = {"ansible.builtin.set_fact": {"seen": "{{ seen | default([]) + [found] }}"}}
    role(operator, office, "look", [{"name": "look", **seen}])
    operator.write(f"{office}/defaults/main.yml", {"found": "by default"})
    steps = [
        {"name": UPDATES["name"], "role": "updates", "restart": "when_pending", "limit": 100},
        {
            "name": "Not here",
            "role": "contoso.office.inventory",
            "tasks_from": "look",
            "when": "seen is defined",
        },
        {
            "name": INVENTORY["name"],
            "role": "contoso.office.inventory",
            "tasks_from": "look",
            "done_when": "seen | length == 2",
            "retries": 1,
            "delay": 1,
        },
        ACCOUNTING,
    ]
    prepare(operator, maintenance_steps=steps)

    job = maintain(operator).succeed()

    summary = summary_of(job)
    assert (summary["done"], summary["not_needed"]) == (DONE, ["Not here"])
    assert job.results("look")[-1]["ansible_facts"] == {"seen": ["by default"] * 2}
    assert what(computer, "updates_installed", "accounting_upgraded", "boot") == [
        "boot",
        "updates_installed",
        "boot",
        "accounting_upgraded",
        "boot",
    ]


def test_a_role_that_lasts_longer_than_the_limit_is_ended(lab_pc: LabPC) -> None:
    """In each try, and the job goes on; a tag of the job leaves out no task of the role."""
    operator, _computer = lab_pc(script=[Grant()])
    limited = {"limit": LIMIT, "retries": 1, "delay": 1, "on_failure": "skip"}
    prepare(
        operator,
        maintenance_steps=[{"name": "Slow", "role": "slow", **limited}, {"name": "Quick", "role": "slow"}],
        maintenance_steps_dir=str(operator.folder),
    )
    wait = "{{ 60 if maintenance_step.limit is defined else 1 }}"
    role(operator, "roles/slow", "main", [{**LONG, "ansible.builtin.wait_for": {"timeout": wait}}])
    tagged = play(roles=[{"role": "latchkey.consent.maintenance", "tags": ["work"]}])

    job = operator.begin([tagged], "--tags", "work").succeed()

    assert ["timedout" in result for result in job.results("long")] == [True, True, False]
    summary = summary_of(job)
    assert (summary["done"], summary["left_over"]) == (["Quick"], ["Slow"])


def test_conditions_are_those_of_ansible(lab_pc: LabPC) -> None:
    """`when` is read when the step's turn comes; `done_when` after its tasks, and then the step may be tried again."""
    operator, computer = lab_pc(script=[Grant()])
    steps = [
        {**UPDATES, "when": ["seen is not defined", "inventory_hostname != 'pc1'"]},
        {
            **INVENTORY,
            "when": "seen is not defined",
            "done_when": "seen | length > 1",
            "retries": 2,
            "delay": 1,
        },
        {**ACCOUNTING, "when": "seen | length == 2"},
    ]
    prepare(operator, maintenance_steps=steps)
    add = {"name": "look", "ansible.builtin.set_fact": {"seen": "{{ seen | default([]) + ['x'] }}"}}
    operator.write("inventory.yml", [add])

    job = maintain(operator).succeed()

    summary = summary_of(job)
    assert len(job.results("look")) == 2
    assert (summary["done"], summary["not_needed"], summary["left_over"]) == (DONE[1:], DONE[:1], [])
    assert f"not needed: {DONE[0]}" in job.result("Show the summary")["msg"]
    assert what(computer, "updates_begun", "accounting_upgraded", "boot") == [
        "boot",
        "accounting_upgraded",
        "boot",
    ]


def test_a_condition_that_cannot_be_read_fails_the_job(lab_pc: LabPC) -> None:
    """It is not taken for a false one."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_steps=[{**UPDATES, "when": "never_set | length == 2"}])
    job = maintain(operator).fail()
    assert "never_set" in summary_of(job)["failure"]["msg"]
    assert summary_of(job)["left_over"] == [UPDATES["name"]]
    assert what(computer, "updates_begun") == []


@pytest.mark.skipif("kinds.chosen() == kinds.WINE", reason="the lab's programs are none of Wine's Windows")
@pytest.mark.parametrize(
    ("keys", "runs"),
    [
        ({"done_when": "maintenance_tries | int == 1", "retries": 1, "delay": 1}, 2),
        ({"success_codes": [3010]}, 1),
    ],
)
def test_a_program_is_tried_again_and_its_codes_decide(
    lab_pc: LabPC, keys: dict[str, Any], runs: int
) -> None:
    """A further try runs the program anew; 0 is a success only where the list has it."""
    operator, computer = lab_pc(
        script=[Grant()],
        policy=f"{POLICY}\nallow_programs = true",
        programs={TOOL: "tests.lab.session_program"},
    )
    steps = [{"name": "Editor", "as": "customer", "program": TOOL, "arguments": ["end", "0"], **keys}]
    prepare(
        operator, maintenance_steps=steps, maintenance_terms={"restarts": 1, "grace": 0.5, "programs": True}
    )

    job = maintain(operator)

    assert job.wait() == (0 if runs == 2 else 2), job.output
    assert computer.events.count("program_begun") == runs


@pytest.mark.skipif("kinds.chosen() == kinds.WINE", reason="the lab's programs are none of Wine's Windows")
def test_a_step_runs_a_program_as_the_customer(lab_pc: LabPC) -> None:
    """In the session that a restart has signed in again; its exit code decides, and a later job does not repeat it."""
    operator, computer = lab_pc(
        script=[Grant()],
        policy=f"{POLICY}\nallow_programs = true",
        programs={TOOL: "tests.lab.session_program"},
    )
    editor = {"name": "Editor", "as": "customer", "program": TOOL, "arguments": ["end", "3010"]}
    steps = [UPDATES, {**editor, "success_codes": [0, 3010]}, {**editor, "name": "Fonts"}]
    terms = {"restarts": 1, "grace": 0.5, "programs": True}
    prepare(operator, maintenance_steps=steps, maintenance_terms=terms)

    for _launch in range(2):
        job = maintain(operator).fail()
        summary = summary_of(job)
        assert (summary["done"], summary["left_over"]) == (["Windows updates", "Editor"], ["Fonts"])
        assert summary["failure"]["code"] == "command_failed"

    assert computer.events.count("program_begun") == 3


def test_a_step_that_mixes_both_kinds_is_told_before_the_question(lab_pc: LabPC) -> None:
    """One run names every fault."""
    operator, computer = lab_pc(script=[Grant()])
    steps = [
        {"name": "one", "as": "customer", "tasks": "updates.yml"},
        {"name": "two", "program": TOOL, "tasks": "updates.yml"},
        {"name": "three"},
        {"name": "four", "role": "latchkey.consent.agent", "tasks": "updates.yml"},
        {"name": "five", "role": "latchkey.consent.agent", "tasks_from": "missing"},
        {"name": "six", "role": "contoso.office.editor"},
        {"name": "seven", "tasks": "updates.yml", "tasks_from": "main"},
        {"name": "eight", "as": "customer", "program": TOOL, "role": "latchkey.consent.agent"},
        {"name": "nine", "tasks": "nowhere.yml"},
    ]
    prepare(operator, maintenance_steps=steps, maintenance_terms={})

    message = maintain(operator).fail().first_failure()["msg"]

    for fault in (
        "the step one has no program to run as the customer",
        "the step one has tasks, which cannot run as the customer",
        "the step two has a program, which needs `as: customer`",
        "the step three has no tasks and no role",
        "the step four has both tasks and a role",
        "the role latchkey.consent.agent has no file of tasks missing",
        "there is no role contoso.office.editor",
        "the step seven has tasks_from and no role",
        "the step eight has a role, which cannot run as the customer",
        "nowhere.yml",
        "maintenance_terms.programs is false",
        "maintenance_terms names no restart and no unlock",
    ):
        assert fault in message
    assert computer.events.count("request_shown") == 0


def test_the_work_of_a_step_does_not_make_it_unneeded(lab_pc: LabPC) -> None:
    """The job is killed between the step and its restart: the next one reads the condition no more, and restarts."""
    operator, computer = lab_pc(script=[Grant()])
    flag = operator.folder / "flag"
    steps = [{**UPDATES, "restart": "always", "when": f"'{flag}' is not file"}]
    prepare(operator, maintenance_steps=steps)
    done = {"name": "flag", "ansible.builtin.file": {"path": str(flag), "state": "touch"}, **HERE}
    operator.write("updates.yml", [done])
    with maintain(operator) as killed:
        eventually(lambda: killed.results('Set the checkpoint "done" of'), "the step is done", 90)

    summary = summary_of(maintain(operator).succeed())

    assert (summary["done"], summary["not_needed"]) == ([UPDATES["name"]], [])
    assert computer.events.count("boot") == 2


def test_check_mode_by_day_looks_at_no_window(lab_pc: LabPC) -> None:
    """Also once the customer has been asked."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_window=window(2 * HOUR, 4 * HOUR))
    operator.begin("latchkey.consent.request").succeed()
    computer.events.wait_for("notice_granted")

    operator.begin("latchkey.consent.maintain", "--check").succeed()

    assert what(computer, "updates_begun", "boot") == ["boot"]


def test_a_job_that_begins_at_its_end_settles_nothing(lab_pc: LabPC) -> None:
    """The next job does the steps."""
    operator, computer = lab_pc(script=[Grant(), Grant()])
    prepare(operator, maintenance_steps=[INVENTORY])
    role = play(roles=["latchkey.consent.maintenance"])
    operator.begin("latchkey.consent.request").succeed()
    operator.begin([role], "--start-at-task", "End the support session and erase every grant").wait()

    assert summary_of(maintain(operator).succeed())["done"] == [INVENTORY["name"]]
    assert computer.events.count("request_shown") == 2
