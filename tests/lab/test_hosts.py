# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PCs and tasks with which nothing can be done, through the real ansible-playbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.job import apply, end, request, start, task
from tests.lab.provoked import provokes

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC


def hands_off(computer: SimulatedComputer) -> int:
    """Return how many requests the PC's listener was sent."""
    log = computer.request_log
    return len(log.read_text(encoding="utf-8").splitlines()) if log.exists() else 0


@provokes("become_unsupported", "bad_option", "not_windows")
def test_what_is_refused_without_touching_the_pc(lab_pc: LabPC) -> None:
    """become, async, environment, wrong options and hosts that are no Windows never reach the PC."""
    operator, computer = lab_pc()
    before = hands_off(computer)
    wrong = [
        ({**start(), "become": True}, "become_unsupported"),
        ({**start(), "async": 10, "poll": 1}, "become_unsupported"),
        ({**start(), "environment": {"A": "b"}}, "become_unsupported"),
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
    assert hands_off(computer) == before


@provokes("agent_not_installed")
def test_an_agent_that_is_not_there(lab_pc: LabPC) -> None:
    """A path without the agent's program is named, and another way to say the path is the variable."""
    operator, _computer = lab_pc()
    missing = "C:\\O'Neill\u2019s\\latchkeyctl.exe"

    told = operator.run(start(agent_path=missing)).fail().result("start")
    operator.variables = {"latchkey_agent_path": missing}
    by_variable = operator.run(start()).fail().result("start")

    assert (told["error_code"], told["outcome"]) == ("agent_not_installed", "refused")
    assert missing in told["msg"]
    assert by_variable["msg"] == told["msg"]


@provokes("bad_answer")
def test_another_program_than_the_agent(lab_pc: LabPC) -> None:
    """What another program prints is no answer, and is not shown."""
    operator, computer = lab_pc()
    told = operator.run(start(agent_path="C:\\Lab\\hostname.exe")).fail().result("start")
    assert (told["error_code"], told["outcome"]) == ("bad_answer", "unknown")
    assert computer.name not in told["msg"]


@provokes("bad_message", "no_session")
def test_what_the_agent_cannot_read(lab_pc: LabPC) -> None:
    """A session name that is too long or has a line break in it is refused by the agent, which goes on."""
    operator, _computer = lab_pc()
    names = ["x" * 129, "two\nlines", " "]
    tasks = [
        {**start(session=name), "name": f"odd {n}", "ignore_errors": True} for n, name in enumerate(names)
    ]

    job = operator.run(
        *tasks, start(session="a 'b\u2019 \"c\" $d `e {{ '{{' }} \u00fc\U0001f511"), end()
    ).fail()

    assert [result["error_code"] for result in job.results("odd")] == ["bad_message"] * 3
    assert job.result("start")["state"] == "started"
    assert job.result("end")["error_code"] == "no_session"


@provokes("no_session")
def test_a_session_that_is_not_open(lab_pc: LabPC) -> None:
    """Without a session nothing is asked and nothing applied."""
    operator, _computer = lab_pc()
    tasks = [
        request(),
        apply(),
        task("session_checkpoint", "checkpoint", step="x"),
        task("credential_revoke", "revoke"),
    ]
    job = operator.run(*({**one, "ignore_errors": True} for one in tasks)).succeed()
    assert {job.first_failure()["error_code"]} | {r["error_code"] for r in job.results("")} == {"no_session"}


@provokes("connection_lost")
def test_a_pc_that_is_off_is_unreachable(lab_pc: LabPC) -> None:
    """A PC that does not answer at all is Ansible's unreachable, with a code all the same."""
    operator, computer = lab_pc()
    computer.shut_down()

    job = operator.run(start(timeout=1))

    assert job.wait() == 4
    told = job.result("start")
    assert (told["status"], told["error_code"], told["outcome"]) == (
        "unreachable",
        "connection_lost",
        "unknown",
    )
    assert "refused" in told["connection_error"]


def test_an_operator_whose_password_is_wrong(lab_pc: LabPC) -> None:
    """A password that the PC rejects is tried once: trying on would lock the operator's account."""
    operator, computer = lab_pc()
    operator.host_variables = {"pc1": {"ansible_password": "wrong"}}
    before = hands_off(computer)

    job = operator.run(start())

    assert job.wait() == 4
    assert "credentials were rejected" in job.result("start")["connection_error"]
    assert hands_off(computer) - before == 1


def test_two_operators_with_sessions_of_their_own(lab_pc: LabPC) -> None:
    """Two names are two sessions; ending one leaves the other open."""
    operator, _computer = lab_pc()
    other = {"session": "INC-7", "reason": "Printer"}
    tasks = [start(), start(**other), end(), task("credential_info", "info", session="INC-7")]
    job = operator.run(*tasks).succeed()
    assert [session["state"] for session in job.result("info")["sessions"]] == ["started"]


@provokes("session_in_use")
def test_one_name_is_one_purpose(lab_pc: LabPC) -> None:
    """What the customer may have read is not changed under the same name."""
    operator, _computer = lab_pc()
    told = operator.run(start(), start(reason="Something else")).fail().results("start")[1]
    assert (told["error_code"], told["outcome"]) == ("session_in_use", "refused")
