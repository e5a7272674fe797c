# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every result of a restart, through the real ansible-playbook.

One play restarts many PCs at once, each with its own fault; each test checks one PC.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.canary import make
from lab.simulated import customer_script as s
from lab.simulated.simulated_pc import SimulatedComputer
from tests.lab.job import Job, Operator, Task, apply, end, play, request, start
from tests.lab.kinds import WINE, chosen, pc
from tests.lab.provoked import by_code, provokes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.lab.conftest import LabPC


@dataclass(frozen=True)
class Case:
    """One PC: its fault, and the expected result of the restart."""

    fact: str
    faults: dict[str, Any] = field(default_factory=dict)
    code: str | None = None
    outcome: str = "refused"
    restarted: bool = True
    script: Sequence[s.Step] = (s.Grant(),)
    apply: dict[str, Any] = field(default_factory=dict)
    grace: float = 3


HOUR = timedelta(hours=1)
# The first test plays the whole night, on every PC at once.
pytestmark = pytest.mark.timeout(600 if chosen() == WINE else 300)
# Ten Wine PCs restart at once on two processors.
SLOWER = 3 if chosen() == WINE else 1
BRIEF = {"timeout": 15 * SLOWER}
LAPSE = {"timeout": 50 * SLOWER}
"""Enough for the task to see that its permit has lapsed: a permit ends up to 10 s before the task's time does."""
LONG = 8
"""Seconds of warning that are long enough for the customer's click, even on a busy machine."""
REVOKES = (s.Grant(), s.Revoke(when="restart_announced"))
PAUSES = (s.Grant(), s.Pause(when="restart_announced"))
CASES = {
    "well": Case("A PC without a fault comes back signed in and locked."),
    "no-lock": Case("A session whose screen does not lock is disconnected.", {"lock_fails": True}),
    "refuses": Case(
        "Windows may refuse.", {"restart_refused": "1190"}, "restart_refused", "refused", restarted=False
    ),
    "stays-up": Case(
        "A PC that does not go down.",
        {"never_goes_down": True},
        "pc_did_not_restart",
        restarted=False,
        apply=LAPSE,
    ),
    "stays-down": Case(
        "A PC that stays down.", {"never_comes_back": True}, "pc_not_back", "unknown", apply=BRIEF
    ),
    "hangs": Case(
        "A PC that hangs.", {"hangs_on_restart": True}, "pc_frozen", "unknown", restarted=False, apply=BRIEF
    ),
    "no-tile": Case("A hidden tile.", {"hides_logon_tile": True}, "logon_did_not_happen", apply=LAPSE),
    "no-agent": Case(
        "No agent.", {"agent_stays_down": True}, "agent_not_running", "unknown", apply={"timeout": 40}
    ),
    "revoked": Case("A revocation during the warning.", {}, "grant_revoked", script=REVOKES, grace=LONG),
    "paused": Case("A pause during the warning.", {}, "grant_paused", script=PAUSES, grace=LONG),
}


@dataclass
class Night:
    """The results of one play on all PCs."""

    job: Job
    computers: dict[str, SimulatedComputer]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Restart every PC at once."""
    folder = tmp_path_factory.mktemp("night")
    with ExitStack() as stack:
        computers = {
            name: stack.enter_context(pc(folder / name, password=make(), script=case.script))
            for name, case in CASES.items()
        }
        for name, case in CASES.items():
            for fault, value in case.faults.items():
                setattr(computers[name].faults, fault, value)
        variables: dict[str, dict[str, Any]] = {
            name: {"apply": case.apply, "grace": case.grace} for name, case in CASES.items()
        }
        variables["hangs"]["ansible_winrm_connection_timeout"] = 1
        operator = Operator(folder / "operator", computers, host_variables=variables)
        stack.callback(operator.stop)
        yield Night(operator.run(start(), request(grace="{{ grace }}"), restart()), computers)


def restart() -> Task:
    """Return the task that restarts each PC with its case's options."""
    return apply(timeout="{{ apply.timeout | default(90) }}")


@pytest.mark.parametrize("name", by_code({name: case.code for name, case in CASES.items()}))
def test_each_restart_has_its_result(night: Night, name: str) -> None:
    """Each fault has its own error code, and the result says whether the PC restarted."""
    case, result = CASES[name], night.job.result("apply", name)

    assert result.get("error_code") == case.code, result
    if case.code is None:
        assert result["signed_in"]["account"] == night.computers[name].account.account.qualified
    else:
        assert (result["status"], result["outcome"]) == ("failed", case.outcome), result
        assert result.get("signed_in") is None
        assert result["hint"]


@pytest.mark.parametrize("name", [name for name in CASES if name not in {"revoked", "paused"}])
def test_the_boot_id_shows_a_restart(night: Night, name: str) -> None:
    """A restarted PC has another boot id; a PC that did not restart or does not answer has not."""
    case, boot = CASES[name], night.job.result("apply", name)["boot"]
    unseen = case.code in {"pc_not_back", "pc_frozen", "agent_not_running"}
    assert (boot["before"] != boot["after"]) == (case.restarted and not unseen)


def test_only_a_successful_restart_signs_the_customer_in(night: Night) -> None:
    """Windows signed the customer in once on each PC without a fault, and on no other."""
    again = {name: computer.events.count("signed_in") - 1 for name, computer in night.computers.items()}
    assert again == {name: int(case.code is None) for name, case in CASES.items()}


def test_a_session_that_cannot_be_locked_is_disconnected(night: Night) -> None:
    """Rule 9: a logon with a permit does not leave an unlocked desktop behind."""
    signed_in = night.job.result("apply", "no-lock")["signed_in"]
    assert (signed_in["disconnected"], signed_in["locked_at"]) == (True, None)
    assert night.computers["no-lock"].events.count("disconnected") == 1


def test_a_refusal_costs_nothing(night: Night) -> None:
    """A restart that Windows refused does not count."""
    assert night.job.result("apply", "refuses")["left"]["restarts"] == 2


@pytest.mark.also_on_wine
def test_a_power_cut_while_it_restarts(lab_pc: LabPC) -> None:
    """After a power cut during the restart the permit is still valid, and the customer is signed in."""
    operator, computer = lab_pc(script=[s.Grant()])
    computer.faults.cut_power_at = "tile_shown"
    job = operator.begin([play(start(), request(), apply(), end())])
    computer.events.wait_for("power_cut")
    computer.power_on()

    done = job.succeed().result("apply")

    assert done["signed_in"]["locked_at"]
    assert computer.events.count("boot") == 3
    assert job.result("end")["erasure"]["confirmed"]


@pytest.mark.also_on_wine
@provokes("logon_interrupted")
def test_a_power_cut_in_the_middle_of_the_logon(lab_pc: LabPC) -> None:
    """A redeemed permit is not used again, whatever the result of its logon (rule 5)."""
    operator, computer = lab_pc(script=[s.Grant()])
    computer.faults.cut_power_at = "permit_redeemed"
    job = operator.begin([play(start(), request(), apply())])
    computer.events.wait_for("power_cut")
    computer.power_on()

    done = job.fail().result("apply")

    assert (done["error_code"], done["outcome"], done["changed"]) == ("logon_interrupted", "refused", True)
    assert computer.events.count("permit_redeemed") == 1
    again = operator.run(apply(), end()).succeed()
    assert again.result("apply")["signed_in"]["locked_at"]
    assert again.result("end")["erasure"]["confirmed"]


@provokes("grant_revoked", "terms_used_up")
def test_each_end_of_a_grant_has_its_error_code(lab_pc: LabPC) -> None:
    """A revoked grant, a used-up one, one before its time and one after it have their own error codes."""
    operator, computer = lab_pc()
    revoked = lend(operator, computer, restarts=2)
    computer.customer.revoke()
    lost = operator.run(apply()).fail().first_failure()
    lend(operator, computer, restarts=1, ask_again=True)
    used_up = operator.run(apply(), apply()).fail().results("apply")[1]

    assert revoked["answer"] == "granted"
    assert (lost["error_code"], lost["outcome"]) == ("grant_revoked", "refused")
    assert (used_up["error_code"], used_up["outcome"]) == ("terms_used_up", "refused")
    assert computer.events.count("boot") == 2


def lend(operator: Operator, computer: SimulatedComputer, **terms: Any) -> dict[str, Any]:
    """Send a request, let the customer allow it, and return the task's result."""
    shown = computer.events.count("request_shown")
    job = operator.begin([play(start(), request(**terms))])
    computer.events.wait_for("request_shown", shown + 1)
    computer.customer.allow()
    return job.succeed().result("request")


@provokes("too_early", "grant_expired")
def test_a_restart_outside_of_the_granted_time(lab_pc: LabPC) -> None:
    """Before the granted time a restart is too early; after it the grant has expired."""
    operator, computer = lab_pc()
    now = computer.on_loop(computer.windows.clock.now)
    window = {"not_before": (now + HOUR).isoformat(), "not_after": (now + 2 * HOUR).isoformat()}
    lend(operator, computer, **window)

    early = operator.run(apply()).fail().result("apply")
    computer.let_pass(3 * HOUR)
    late = operator.run(apply()).fail().result("apply")

    assert (early["error_code"], late["error_code"]) == ("too_early", "grant_expired")
    assert computer.events.count("going_down") == 0


@provokes("grant_rejected")
def test_a_password_changed_after_the_grant(lab_pc: LabPC, canary: bytearray) -> None:
    """The agent checks the old password before the restart and erases it; the PC does not restart."""
    operator, computer = lab_pc()
    lend(operator, computer)
    computer.customer.change_password(canary[::-1])

    refused = operator.run(apply(), end()).fail().result("apply")
    ended = operator.run(end()).succeed().result("end")

    assert (refused["error_code"], refused["outcome"]) == ("grant_rejected", "refused")
    assert computer.events.count("going_down") == 0
    assert ended["erasure"]["confirmed"]


def test_two_restarts_wait_for_the_policys_interval(lab_pc: LabPC) -> None:
    """The second restart waits for the policy's interval."""
    # A simulated PC comes back within a second, a Wine PC on a busy machine within ten.
    policy = f"[policy]\nmin_restart_interval = {20 if chosen() == WINE else 8}\n"
    operator, computer = lab_pc(script=[s.Grant()], policy=policy)

    job = operator.run(start(), request(), apply(), apply(), end()).succeed()

    assert [done["changed"] for done in job.results("apply")] == [True, True]
    assert "This PC was restarted a moment ago" in job.output
    assert computer.events.count("boot") == 3


def test_a_step_is_restarted_once(lab_pc: LabPC) -> None:
    """A repeated step finds its restart done; another step restarts again."""
    operator, computer = lab_pc(script=[s.Grant()])

    job = operator.run(start(), request(), apply(step="a"), apply(step="a"), apply(step="b"), end()).succeed()

    assert [done["changed"] for done in job.results("apply")] == [True, False, True]
    assert computer.events.count("boot") == 3


@provokes("test_command_failed")
def test_a_test_command_is_tried_until_it_succeeds(lab_pc: LabPC) -> None:
    """The task ends when the operator's test command succeeds, and reports a command that does not."""
    operator, _computer = lab_pc(script=[s.Grant()])
    good = "& 'C:\\Lab\\hostname.exe'"

    job = operator.run(
        start(), request(), apply(test_command=good), apply(test_command="exit 3", timeout=8 * SLOWER), end()
    )

    fine, bad = job.fail().results("apply")
    assert fine["changed"]
    assert bad["error_code"] == "test_command_failed"
    assert "3" in bad["msg"]
    assert bad["signed_in"]["locked_at"]
