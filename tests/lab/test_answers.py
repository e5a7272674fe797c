# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every answer of a customer, and every refusal of a request, through the real ansible-playbook.

One play asks the customers of many PCs at once; each test looks at one PC.
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
from tests.lab.job import Job, Operator, end, play, request, start
from tests.lab.kinds import pc
from tests.lab.provoked import by_code

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Case:
    """One PC: its customer, the request, and the expected result."""

    fact: str
    script: Sequence[s.Step] = ()
    code: str | None = None
    answer: str | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


PINS, NAMES, WRONG = [s.TypePin()] * 2, [s.TypeOtherName()] * 2, [s.Mistype()] * 2
CASES = {
    "grants": Case("A customer who allows it grants the request.", [s.Grant()], answer="granted"),
    "mistypes-once": Case("One wrong password can be corrected.", [s.Mistype(), s.Grant()], answer="granted"),
    "mistypes-twice": Case("Two wrong passwords end the request.", WRONG, "wrong_password"),
    "pin-once": Case("One PIN can be corrected.", [s.TypePin(), s.Grant()], answer="granted"),
    "pin-twice": Case("Two PINs end the request.", PINS, "typed_pin"),
    "other-name": Case("Two entries with another user name end the request.", NAMES, "other_account_entered"),
    "denies": Case("A declined request is denied.", [s.Deny()], "denied", "denied"),
    "reports": Case("A reported request has its own error code.", [s.Report()], "reported", "denied"),
    "ignores": Case("Silence is no.", [s.Ignore()], "no_answer", "no_answer", {"timeout": 3}),
    "later": Case(
        "A postponement beyond the time-out ends the task.",
        [s.Later(3600)],
        "answered_later",
        "later",
        {"timeout": 20},
    ),
    "later-then-grants": Case(
        "The task waits for a short postponement.", [s.Later(60), s.Grant()], None, "granted", {"timeout": 90}
    ),
    "absent": Case("Nobody is there.", code="nobody_signed_in", settings={"signed_in": False}),
    "unknown": Case("An unknown account is refused.", code="no_such_account", asked={"account": "nobody"}),
    "nothing": Case("Terms that allow nothing are refused.", code="bad_terms", asked={"restarts": 0}),
    "too-much": Case("Terms beyond the policy are refused.", code="policy_refuses", asked={"restarts": 99}),
    "bad-time": Case("A time must be readable.", code="bad_time", asked={"not_after": "25:00"}),
    "number": Case(
        "A time that YAML turned into a number is refused.", code="bad_option", asked={"not_after": 79200}
    ),
    "operator": Case(
        "An operator without the right is refused.",
        code="not_permitted",
        settings={"operator_permitted": False},
    ),
}


@dataclass
class Evening:
    """The results of one play on all PCs."""

    job: Job
    computers: dict[str, SimulatedComputer]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    """Send the request to every PC at once, and end every session."""
    folder = tmp_path_factory.mktemp("evening")
    with ExitStack() as stack:
        computers = {
            name: stack.enter_context(pc(folder / name, password=make(), script=case.script, **case.settings))
            for name, case in CASES.items()
        }
        asked = {name: {"asked": case.asked} for name, case in CASES.items()}
        operator = Operator(folder / "operator", computers, host_variables=asked)
        stack.callback(operator.stop)
        job = operator.begin([play(start(), question(), end())])
        pass_time(computers["later-then-grants"])
        job.wait()
        yield Evening(job, computers)


def pass_time(computer: SimulatedComputer) -> None:
    """Let the customer's minute of postponement pass."""
    computer.events.wait_for("window_closed", timeout=90)
    computer.let_pass(timedelta(seconds=61))


def question() -> dict[str, Any]:
    """Return the task that sends each PC its case's request."""
    options = {name: f"{{{{ asked.{name} | default(omit) }}}}" for name in ("account", "not_after")}
    plain = {"restarts": "{{ asked.restarts | default(2) }}", "timeout": "{{ asked.timeout | default(90) }}"}
    return {**request(**options, **plain), "ignore_errors": True}


@pytest.mark.parametrize("name", by_code({name: case.code for name, case in CASES.items()}))
def test_each_answer_has_its_result(evening: Evening, name: str) -> None:
    """Each answer of a customer has its own error code; only a grant leaves a sealed record."""
    case, job = CASES[name], evening.job

    result = job.result("request", name) if case.code is None else job.first_failure(name)

    assert result.get("error_code") == case.code, result
    assert result.get("answer") == case.answer, result
    if case.code is None:
        assert (result["changed"], result["grant"]["left"]["restarts"]) == (True, 2)
    else:
        assert (result["changed"], result["outcome"]) == (False, "refused")
        assert result["msg"]
        assert result["hint"]


@pytest.mark.parametrize("name", [name for name in CASES if name != "operator"])
def test_after_every_answer_nothing_is_left(evening: Evening, name: str) -> None:
    """After each answer the session ends with a confirmed erasure, and no window stays on the screen."""
    ended = evening.job.result("end", name)
    assert ended["erasure"]["confirmed"]
    assert ended["state"] == "ended"
    assert evening.computers[name].customer.screen() == ""
