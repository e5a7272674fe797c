# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer who has not answered is reminded once, before the time for an answer ends, and never worn down by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from latchkey_agent.domain import commands as c
from latchkey_agent.domain import seconds_left
from latchkey_agent.domain.requests import reminder_at
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench

TWO_HOURS = 7200.0
REMINDED = 5400.0
"""Half an hour before the end of two hours."""
ASK = rq.CredentialRequest(session="CHG-1", restarts=2, ask_again=True)


def shown(bench: Bench, seconds: float = TWO_HOURS) -> str:
    """Show a request that waits for an answer for this long."""
    bench.start_session()
    request = bench.request(answer_within=seconds)
    bench.show(request)
    return request


def passes(bench: Bench, seconds: float) -> None:
    """Let time pass, and the agent do what is due."""
    bench.world.now += timedelta(seconds=seconds)
    bench.wake()


def is_reminded(bench: Bench) -> list[bool]:
    """Return for each request on the screen whether the companion is to remind the customer."""
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [item.reminded for item in snapshot.asked]


def test_a_customer_who_has_not_answered_is_reminded_once(bench: Bench) -> None:
    """Half an hour before the end, however often the agent looks; the agent wakes for it by itself."""
    request = shown(bench)
    core = bench.agent.core
    assert seconds_left(bench.state, core.now()) == REMINDED
    passes(bench, REMINDED - 1)
    assert is_reminded(bench) == [False]

    passes(bench, 1)

    reminded_at = bench.state.requests[request].reminded_at
    assert (is_reminded(bench), reminded_at) == ([True], core.now().at)
    passes(bench, 60)
    assert bench.state.requests[request].reminded_at == reminded_at
    assert seconds_left(bench.state, core.now()) == TWO_HOURS - REMINDED - 60


def test_the_policy_says_when(bench: Bench) -> None:
    """The policy at the moment of the request holds, as the receipt tells it."""
    bench.settings.write_text("[policy]\nremind_before = 600\n")
    shown(bench)
    bench.settings.write_text("")
    passes(bench, TWO_HOURS - 601)
    assert is_reminded(bench) == [False]
    passes(bench, 1)
    assert is_reminded(bench) == [True]


def never(bench: Bench) -> None:
    """The policy allows no reminder."""
    bench.settings.write_text("[policy]\nremind_before = 0\n")
    shown(bench)


def postponed(bench: Bench) -> None:
    """The customer has chosen another time, and the window is back."""
    request = shown(bench)
    bench.customer(cm.RequestLater(request=request, seconds=900.0))
    passes(bench, 900)
    bench.show(request)


def unseen(bench: Bench) -> None:
    """The customer is not at the PC: the window comes when they are."""
    bench.start_session()
    bench.request(answer_within=TWO_HOURS)


def checked(bench: Bench) -> None:
    """Windows has not answered yet about the password."""
    bench.agent.core.execute(c.TryEntry(request=shown(bench)))


def short(bench: Bench) -> None:
    """The customer has had less time with the window than is left."""
    shown(bench, 3599.0)


@pytest.mark.parametrize("build", [never, postponed, unseen, checked, short], ids=lambda f: f.__name__)
def test_nobody_is_pressed(bench: Bench, build: Callable[[Bench], None]) -> None:
    """There is no reminder if the policy, the customer's own choice or absence, or a new window speaks against it."""
    build(bench)
    (request,) = bench.state.requests.values()
    assert reminder_at(request) is None
    passes(bench, (request.answer_by - bench.world.now).total_seconds() - 1)
    assert bench.state.requests[request.id].reminded_at is None


def test_an_hour_is_enough_for_a_reminder(bench: Bench) -> None:
    """As much time with the window before the reminder as after it."""
    request = shown(bench, 3600.0)
    passes(bench, 1800)
    assert is_reminded(bench) == [True]
    assert bench.state.requests[request].reminded_at is not None


def test_a_customer_who_comes_late_is_reminded_by_the_window_itself(bench: Bench) -> None:
    """It opens within the last hour, so a reminder would be a second window within half an hour."""
    bench.start_session()
    request = bench.request(answer_within=TWO_HOURS)
    passes(bench, 3601)
    bench.show(request)
    passes(bench, 1801)
    assert is_reminded(bench) == [False]


def test_a_reminder_counts_as_a_window(bench: Bench) -> None:
    """After a request that ended without a yes the account waits for one minute; with a reminder it waits for two."""
    shown(bench)
    passes(bench, REMINDED)
    passes(bench, TWO_HOURS - REMINDED)
    error = bench.error(ASK)
    assert (error.code, error.retry_after) == ("asked_too_soon", 120.0)


def test_the_receipt_tells_the_reminder(bench: Bench) -> None:
    """An auditor sees how often the customer was asked."""
    request = shown(bench)
    passes(bench, REMINDED)
    bench.customer(cm.RequestDecline(request=request))
    receipt = bench.result(rq.Receipt(request=request))["receipt"]
    assert [event["state"] for event in receipt["document"]["events"]] == [
        "requested", "shown", "reminded", "denied",
    ]  # fmt: skip
