# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer is not worn down: waits after each window without a yes, blocks, and no more questions today."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from latchkey_agent.handlers.levels import LEVELS
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, OPERATOR, SECOND_OPERATOR, START

ASK = rq.CredentialRequest(session="CHG-1", restarts=1)


def decline(bench: Bench, request: str, **how: Any) -> None:
    """Show the request and decline it."""
    bench.show(request)
    assert bench.customer(cm.RequestDecline(request=request, **how)).done


def test_the_wait_after_a_no_doubles(bench: Bench) -> None:
    """After each no the same account waits twice as long before it may ask again."""
    bench.start_session()
    for minutes in (1, 2, 4, 8):
        decline(bench, bench.request())
        bench.world.now += timedelta(minutes=minutes, seconds=-1)
        error = bench.error(ASK)
        assert (error.code, error.retry_after) == ("asked_too_soon", 1.0)
        bench.world.now += timedelta(seconds=1)


def test_the_wait_has_an_upper_limit(bench: Bench) -> None:
    """However often the customer has said no, half a day is the longest wait."""
    bench.settings.write_text("[policy]\nmax_session_hours = 168\n")
    bench.start_session()
    for _ in range(30):
        decline(bench, bench.request())
        bench.world.now += timedelta(hours=12)
        bench.start_session()


@pytest.mark.parametrize("how", ["withdrawn", "expired"])
def test_a_window_that_nobody_answered_counts_too(bench: Bench, how: str) -> None:
    """Withdrawing a shown request does not let its operator show the next one at once."""
    bench.start_session()
    request = bench.request(answer_within=60.0)
    bench.show(request)
    if how == "withdrawn":
        bench.ask(rq.RequestWithdraw(session="CHG-1", request=request))
    else:
        bench.world.now += timedelta(seconds=60)
    assert bench.code(ASK) == "asked_too_soon"


def test_a_request_that_was_never_shown_does_not_count(bench: Bench) -> None:
    """The customer was not disturbed."""
    bench.start_session()
    bench.ask(rq.RequestWithdraw(session="CHG-1", request=bench.request()))
    assert bench.request()


def test_a_yes_ends_the_wait(bench: Bench, canary: bytearray) -> None:
    """After a grant the count begins anew."""
    bench.start_session()
    decline(bench, bench.request())
    bench.world.now += timedelta(minutes=1)
    bench.lend(canary)
    assert not bench.state.asking


def test_another_account_may_ask_meanwhile(bench: Bench) -> None:
    """The wait is for one account; a report of another's request is another matter."""
    bench.start_session()
    decline(bench, bench.request())
    start = rq.SessionStart(session="CHG-2", reason="Help", ticket="CHG-2")
    assert bench.ask(start, SECOND_OPERATOR).outcome == "done"
    other = bench.ask(rq.CredentialRequest(session="CHG-2", restarts=1), SECOND_OPERATOR)
    assert other.outcome == "done"


def test_a_report_blocks_the_account_until_an_administrator_lifts_it(bench: Bench) -> None:
    """No session, no restart of the agent and no time lifts the block; an operator cannot."""
    bench.start_session()
    decline(bench, bench.request(), report=True)
    assert bench.code(ASK) == "asker_blocked"
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.world.now += timedelta(days=30)
    bench.crash()
    bench.start_session()
    assert bench.code(ASK) == "asker_blocked"
    lift = rq.AskerUnblock(account=OPERATOR.name.upper())
    assert bench.code(lift, SECOND_OPERATOR) == "administrators_only"
    assert bench.result(lift) == {"blocked": []}
    assert bench.request()
    assert not bench.ask(lift).changed


def test_not_today_means_the_whole_day(bench: Bench) -> None:
    """The customer may rule out every further question until midnight at the PC."""
    bench.settings.write_text("[policy]\nmax_session_hours = 168\n")
    bench.start_session()
    decline(bench, bench.request(), not_today=True)
    bench.world.now = START.replace(hour=23, minute=59)
    start = rq.SessionStart(session="CHG-2", reason="Help", ticket="CHG-2")
    assert bench.ask(start, SECOND_OPERATOR).outcome == "done"
    other = rq.CredentialRequest(session="CHG-2", restarts=1, account="anna")
    assert bench.code(other, SECOND_OPERATOR) == "not_today"
    bench.world.now += timedelta(minutes=1)
    assert bench.ask(other, SECOND_OPERATOR).outcome == "done"


# --- two levels of verbs ----------------------------------------------------------------------


def test_every_verb_has_a_level() -> None:
    """The table names each verb of the control pipe."""
    verbs = set(rq.ControlRequest.__subclasses__())
    assert {verb for verb in verbs if verb.__module__ == rq.__name__} == set(LEVELS)


@pytest.mark.parametrize(
    "request_",
    [
        rq.EraseAll(),
        rq.JournalReset(),
        rq.JournalVerify(),
        rq.AskerUnblock(account="x"),
        rq.EraseAll(check=True),
    ],
)
def test_what_removes_evidence_needs_an_administrator(bench: Bench, request_: rq.ControlRequest) -> None:
    """A member of "Latchkey Operators" only is refused, and nothing happens."""
    bench.start_session()
    version = bench.state.version
    assert bench.code(request_, SECOND_OPERATOR) == "administrators_only"
    assert bench.state.version == version


# --- receipts ---------------------------------------------------------------------------------


def test_nothing_that_an_operator_does_shortens_the_life_of_a_receipt(
    bench: Bench, canary: bytearray
) -> None:
    """Neither a session of the same name nor a hundred others remove a receipt; after a year it is over."""
    bench.lend(canary)
    first = next(iter(bench.state.requests))
    bench.ask(rq.SessionEnd(session="CHG-1"))
    before = bench.result(rq.Receipt(request=first))["receipt"]
    for number in range(100):
        bench.result(rq.SessionStart(session="CHG-1" if number % 2 else f"crowd-{number}", reason="Another"))
        bench.ask(rq.SessionEnd(session="CHG-1" if number % 2 else f"crowd-{number}"))
    bench.crash()
    assert first not in bench.state.requests
    assert bench.result(rq.Receipt(request=first))["receipt"] == before
    assert bench.result(rq.ReceiptList())["receipts"] == [first]
    assert [r.request for r in bench.customer(cm.OwnReceipts()).receipts] == [first]
    bench.world.now += timedelta(days=365)
    assert bench.code(rq.Receipt(request=first)) == "no_request"
    assert bench.result(rq.ReceiptList())["receipts"] == []


def test_receipts_are_listed_page_by_page(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list comes in pages; an unknown place is answered with an empty one."""
    monkeypatch.setattr("latchkey_agent.handlers.control.LISTED_RECEIPTS", 2)
    bench.world.sign_in(ANNA)
    for number in range(3):
        bench.result(rq.SessionStart(session=f"CHG-{number}", reason="Updates"))
        bench.request(f"CHG-{number}")
    ids = list(bench.state.requests)
    assert bench.result(rq.ReceiptList()) == {"receipts": ids[:2], "more": True}
    assert bench.result(rq.ReceiptList(after=ids[1])) == {"receipts": ids[2:]}
    assert bench.result(rq.ReceiptList(after="none")) == {"receipts": []}


def test_a_receipt_holds_the_hash_of_the_text_that_was_shown(bench: Bench) -> None:
    """The hash of the window's text is in the receipt."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    document = bench.result(rq.Receipt(request=request))["receipt"]["document"]
    assert document["notice"]["text_sha256"] == "0" * 64
