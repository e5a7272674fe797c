# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unusable PCs and tasks, through the real ansible-playbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.job import apply, end, play, request, start, task
from tests.lab.provoked import provokes

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC


def listener_requests(computer: SimulatedComputer) -> int:
    """Return the number of requests to the PC's listener."""
    log = computer.request_log
    return len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0


@provokes(
    *("become_unsupported", "async_unsupported", "environment_unsupported"), *("bad_option", "not_windows")
)
def test_unsupported_tasks_never_reach_the_pc(lab_pc: LabPC) -> None:
    """Tasks with become, async, environment, wrong options or other systems than Windows never reach the PC."""
    operator, computer = lab_pc()
    before = listener_requests(computer)
    wrong = [
        ({**start(), "become": True}, "become_unsupported"),
        ({**start(), "vars": {"ansible_become": True}}, "become_unsupported"),
        ({**start(), "async": 10, "poll": 1}, "async_unsupported"),
        ({**start(), "environment": {"A": "b"}}, "environment_unsupported"),
        (start(colour="red"), "bad_option"),
        (apply(action="reboot"), "bad_option"),
        (request(timeout=0), "bad_option"),
        (start(agent_path="C:\\" + "x" * 4000), "bad_option"),
        ({**start(), "vars": {"ansible_connection": "local"}}, "not_windows"),
        ({**start(), "vars": {"ansible_connection": "ssh", "ansible_shell_type": "sh"}}, "not_windows"),
    ]
    tasks = [{**one, "name": f"wrong {n}", "ignore_errors": True} for n, (one, _code) in enumerate(wrong)]

    job = operator.run(*tasks).succeed()

    assert [result.get("error_code") for result in job.results("wrong")] == [code for _one, code in wrong]
    assert listener_requests(computer) == before


@provokes("agent_not_installed")
def test_a_missing_agent_is_reported(lab_pc: LabPC) -> None:
    """The error names the path without the agent's program; the path can also come from the variable."""
    operator, _computer = lab_pc()
    missing = "C:\\O'Neill\u2019s\\latchkeyctl.exe"

    result = operator.run(start(agent_path=missing)).fail().result("start")
    operator.variables = {"latchkey_agent_path": missing}
    by_variable = operator.run(start()).fail().result("start")

    assert (result["error_code"], result["outcome"]) == ("agent_not_installed", "refused")
    assert missing in result["msg"]
    assert by_variable["msg"] == result["msg"]


@provokes("bad_answer")
def test_another_program_is_not_the_agent(lab_pc: LabPC) -> None:
    """The output of another program is not accepted as an answer, and is not shown."""
    operator, computer = lab_pc()
    result = operator.run(start(agent_path="C:\\Lab\\hostname.exe")).fail().result("start")
    assert (result["error_code"], result["outcome"]) == ("bad_answer", "unknown")
    assert computer.name not in result["msg"]


@provokes("bad_message", "no_session")
def test_invalid_session_names_are_refused(lab_pc: LabPC) -> None:
    """The agent refuses a name that is too long or has a line break, and keeps running; the task a blank one."""
    operator, _computer = lab_pc()
    names = ["x" * 81, "two\nlines", " "]
    tasks = [
        {**start(session=name), "name": f"odd {n}", "ignore_errors": True} for n, name in enumerate(names)
    ]

    job = operator.run(*tasks, start(session="a 'b\u2019 \"c\" $d `e {{ '{{' }} \u00fc \u4e2d"), end()).fail()

    assert [result["error_code"] for result in job.results("odd")] == [
        "bad_message",
        "bad_message",
        "bad_option",
    ]
    assert job.result("start")["state"] == "started"
    assert job.result("end")["error_code"] == "no_session"


@provokes("no_session")
def test_a_session_that_has_not_started(lab_pc: LabPC) -> None:
    """Request and apply are refused without a session."""
    operator, _computer = lab_pc()
    tasks = [
        request(),
        apply(),
        task("session_checkpoint", "checkpoint", step="x"),
        task("credential_revoke", "revoke"),
    ]
    job = operator.run(*({**one, "ignore_errors": True} for one in tasks)).succeed()
    assert {job.first_failure()["error_code"]} | {r["error_code"] for r in job.results("")} == {"no_session"}


@provokes("pc_unreachable")
def test_a_pc_that_is_off_is_unreachable(lab_pc: LabPC) -> None:
    """A PC that is off is unreachable for Ansible, and has an error code."""
    operator, computer = lab_pc()
    computer.shut_down()

    job = operator.run(start(timeout=1))

    assert job.wait() == 4
    result = job.result("start")
    assert (result["status"], result["error_code"], result["outcome"]) == (
        "unreachable",
        "pc_unreachable",
        "refused",
    )
    assert "refused" in result["connection_error"]


@provokes("connection_lost")
def test_a_pc_that_goes_off_while_the_customer_thinks_is_lost(lab_pc: LabPC) -> None:
    """The request was sent, so it may be answered yet: the outcome is unknown."""
    operator, computer = lab_pc()
    job = operator.begin([play(start(), request(timeout=8))])
    computer.events.wait_for("request_shown")
    computer.power_cut()
    result = job.fail().result("request")
    assert (result["error_code"], result["outcome"]) == ("connection_lost", "unknown")


def test_two_operators_with_sessions_of_their_own(lab_pc: LabPC) -> None:
    """Sessions of two names are independent: ending one does not end the other."""
    operator, _computer = lab_pc()
    other = {"session": "INC-7", "reason": "Printer"}
    tasks = [start(), start(**other), end(), task("credential_info", "info", session="INC-7")]
    job = operator.run(*tasks).succeed()
    assert [session["state"] for session in job.result("info")["sessions"]] == ["started"]


@provokes("session_in_use")
def test_a_session_keeps_its_purpose(lab_pc: LabPC) -> None:
    """A started session refuses another reason: the customer may have read the first one."""
    operator, _computer = lab_pc()
    result = operator.run(start(), start(reason="Something else")).fail().results("start")[1]
    assert (result["error_code"], result["outcome"]) == ("session_in_use", "refused")
