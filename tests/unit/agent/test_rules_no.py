# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A no holds for the session: a job that is run again asks only customers who have not answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.test_rules_asking import ASK, ASK_ONCE, decline, windows
from tests.unit.agent.world import ANNA, BEN

A_DAY = timedelta(days=1)


def said(bench: Bench, how: dict[str, Any], code: str) -> str:
    """Ask, let the customer say no, and assert that the next job gets this answer and shows no window."""
    bench.settings.write_text("[policy]\nmax_session_hours = 168\n")
    bench.start_session()
    request = bench.request()
    decline(bench, request, **how)
    # No wait of the asker is left.
    bench.world.now += A_DAY
    answer = bench.ask(ASK_ONCE)
    assert (answer.outcome, answer.changed) == ("refused", False)
    assert answer.error
    assert answer.error.code == code
    assert answer.result
    assert answer.result["request"]["id"] == request
    assert windows(bench) == []
    return answer.error.message


def test_a_no_holds(bench: Bench) -> None:
    """The next job reads the customer's own words."""
    message = said(bench, {"why": "I need the PC tonight"}, "denied")
    assert "I need the PC tonight" in message


def test_a_report_holds(bench: Bench) -> None:
    """A reported request fails the next job as reported, not only as blocked."""
    said(bench, {"report": True}, "reported")


def test_not_today_holds(bench: Bench) -> None:
    """The session's next job does not ask the next day either."""
    said(bench, {"not_today": True}, "denied")


def test_a_revoked_grant_holds(bench: Bench, canary: bytearray) -> None:
    """A customer who took the grant back is not asked again."""
    grant = bench.lend(canary)
    assert bench.customer(cm.GrantRevoke(grant=grant)).done
    answer = bench.ask(ASK_ONCE)
    assert answer.error
    assert answer.error.code == "grant_revoked"
    assert answer.result
    assert answer.result["grant"]["id"] == grant
    assert windows(bench) == []


def test_a_grant_that_the_operator_gave_back_is_no_no(bench: Bench, canary: bytearray) -> None:
    """The operator may ask again after giving a grant back."""
    bench.lend(canary)
    bench.result(rq.CredentialRevoke(session="CHG-1"))
    assert bench.ask(ASK_ONCE).changed


@pytest.mark.parametrize("ended", ["withdrawn", "expired"])
def test_no_answer_is_no_no(bench: Bench, ended: str) -> None:
    """A customer who has not answered is asked by the next job."""
    bench.start_session()
    request = bench.request(answer_within=60.0)
    if ended == "withdrawn":
        bench.ask(rq.RequestWithdraw(session="CHG-1", request=request))
    bench.world.now += timedelta(minutes=2)
    assert bench.ask(ASK_ONCE).changed


def test_an_entry_that_could_not_serve_is_no_no(bench: Bench, canary: bytearray) -> None:
    """A customer who mistyped the password twice meant to lend."""
    request = bench.shown_request(canary)
    for _ in range(2):
        bench.allow(request, "wrong".encode("utf-16-le"))
    bench.world.now += timedelta(minutes=2)
    assert bench.ask(ASK_ONCE).changed


def test_a_yes_after_a_no_counts(bench: Bench, canary: bytearray) -> None:
    """After a talk the operator asks again; then the last answer counts."""
    bench.world.set_password(ANNA, canary)
    bench.start_session()
    decline(bench, bench.request())
    bench.world.now += timedelta(minutes=2)
    request = bench.request()
    bench.show(request)
    assert bench.allow(request, canary).done
    bench.result(rq.CredentialRevoke(session="CHG-1"))
    assert bench.ask(ASK_ONCE).changed


def test_a_no_holds_for_the_session_and_the_customer_only(bench: Bench) -> None:
    """Another session may ask, and this one another customer."""
    bench.start_session()
    decline(bench, bench.request())
    bench.world.now += timedelta(minutes=2)
    bench.start_session("CHG-2")
    assert bench.ask(replace(ASK_ONCE, account=BEN.user)).changed
    assert bench.ask(replace(ASK_ONCE, session="CHG-2")).changed


def test_a_grant_that_covers_the_terms_is_found_despite_a_no(bench: Bench, canary: bytearray) -> None:
    """The customer who declined more has still lent the first restarts."""
    grant = bench.lend(canary, restarts=2)
    decline(bench, bench.request(restarts=3))
    bench.world.now += timedelta(minutes=2)
    assert bench.result(ASK_ONCE)["grant"]["id"] == grant
    assert bench.code(replace(ASK_ONCE, restarts=3)) == "denied"


def test_the_operator_may_ask_again_after_a_talk(bench: Bench) -> None:
    """`ask_again` asks; the waits after a no stay."""
    bench.start_session()
    decline(bench, bench.request())
    assert bench.code(ASK_ONCE) == "denied"
    assert bench.code(ASK) == "asked_too_soon"
    bench.world.now += timedelta(minutes=2)
    assert bench.ask(ASK).changed


def test_check_mode_tells_the_no(bench: Bench) -> None:
    """A trial run reads the same answer."""
    bench.start_session()
    decline(bench, bench.request())
    assert bench.code(replace(ASK_ONCE, check=True)) == "denied"
