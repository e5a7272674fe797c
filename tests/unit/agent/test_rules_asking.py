# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer is not worn down: waits after each window without a yes, blocks, and no more questions today."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from latchkey_agent.domain import RequestState
from latchkey_agent.domain import events as e
from latchkey_agent.domain.decision import Decision
from latchkey_agent.handlers.levels import LEVELS
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ADMIN, ANNA, BEN, OPERATOR, SECOND_OPERATOR, START, member

ASK = rq.CredentialRequest(session="CHG-1", restarts=1, ask_again=True)
ASK_ONCE = replace(ASK, ask_again=False)


def decline(bench: Bench, request: str, **how: Any) -> None:
    """Show the request and decline it."""
    bench.show(request)
    assert bench.customer(cm.RequestDecline(request=request, **how)).done


def start_as(bench: Bench, peer: Peer, session: str, *operators: str) -> None:
    """Start a session as another operator."""
    bench.world.sign_in(ANNA)
    start = rq.SessionStart(session=session, reason="Help", ticket=session, operators=operators)
    assert bench.ask(start, peer).outcome == "done"


def ask_as(bench: Bench, peer: Peer, session: str = "CHG-1", restarts: int = 2) -> ans.Answer:
    """Ask the customer as another operator."""
    wanted = rq.CredentialRequest(session=session, restarts=restarts, account="anna", ask_again=True)
    return bench.ask(wanted, peer)


def windows(bench: Bench) -> list[str]:
    """Return the requests that belong on the customer's screen."""
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [asked.request for asked in snapshot.asked]


def asked_again_at_once(bench: Bench) -> ans.Answer:
    """Ask for more, as the operator."""
    return ask_as(bench, OPERATOR, restarts=3)


def test_a_launched_job_asks_for_the_account_that_has_lent(bench: Bench) -> None:
    """After a restart Windows may list nobody for minutes; the grant of the session is found all the same."""
    grant = bench.lend(b"secret", restarts=2)
    bench.world.signed_in = []

    assert bench.result(ASK)["grant"]["id"] == grant
    # More than the grant covers is a question for the same customer, when they sign in.
    assert bench.result(replace(ASK, restarts=3))["request"]["account"] == ANNA.qualified


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


def test_wrong_passwords_count_too(bench: Bench, canary: bytearray) -> None:
    """A window that ended because no entry could serve was a window without a yes."""
    request = bench.shown_request(canary)
    for _ in range(2):
        bench.allow(request, "wrong".encode("utf-16-le"))
    assert bench.state.requests[request].refusal == "wrong_password"
    assert bench.code(ASK) == "asked_too_soon"


def test_another_operator_cannot_make_the_asker_wait(bench: Bench) -> None:
    """Any operator may withdraw a request; that counts only if the operator may ask in the session."""
    start_as(bench, OPERATOR, "CHG-1", "ben")
    for peer in (SECOND_OPERATOR, Peer(BEN, 0, operator=True, system=False)):
        request = bench.request()
        bench.show(request)
        assert bench.ask(rq.RequestWithdraw(session="CHG-1", request=request), peer).changed
    assert bench.code(ASK) == "asked_too_soon"


def test_two_accounts_that_take_turns_do_not_show_window_after_window(bench: Bench) -> None:
    """The second window within an hour counts, whoever closes it."""
    start_as(bench, OPERATOR, "CHG-1")
    for _ in range(2):
        request = bench.request()
        bench.show(request)
        assert bench.ask(rq.RequestWithdraw(session="CHG-1", request=request), SECOND_OPERATOR).changed
    assert bench.code(ASK) == "asked_too_soon"


def test_later_holds_for_every_account_of_the_session(bench: Bench) -> None:
    """An account that the session named does not ask again before the time that the customer chose."""
    start_as(bench, OPERATOR, "CHG-1", "ben")
    request = bench.request()
    bench.show(request)
    assert bench.customer(cm.RequestLater(request=request, seconds=3600.0)).done
    by_ben = Peer(BEN, 0, operator=True, system=False)
    bench.ask(rq.RequestWithdraw(session="CHG-1", request=request), by_ben)
    bench.world.now += timedelta(minutes=5)
    assert bench.code(ASK, by_ben) == "asked_too_soon"
    bench.world.now += timedelta(minutes=56)
    assert bench.ask(ASK, by_ben).changed


def test_a_shorter_later_does_not_end_a_longer_one(bench: Bench) -> None:
    """A session that names an account holds it back for the longest time that the customer chose."""
    by_ben = Peer(BEN, 0, operator=True, system=False)
    start_as(bench, by_ben, "CHG-1")
    assert ask_as(bench, by_ben).outcome == "done"
    first = windows(bench)[0]
    bench.show(first)
    assert bench.customer(cm.RequestLater(request=first, seconds=14_400.0)).done
    start_as(bench, SECOND_OPERATOR, "CHG-2", "ben")
    assert ask_as(bench, SECOND_OPERATOR, "CHG-2").outcome == "done"
    second = windows(bench)[0]
    bench.show(second)
    assert bench.customer(cm.RequestLater(request=second, seconds=60.0)).done
    bench.ask(rq.RequestWithdraw(session="CHG-1", request=first), by_ben)
    bench.world.now += timedelta(minutes=2)
    error = bench.error(ASK, by_ben)
    assert (error.code, error.retry_after) == ("asked_too_soon", 14_280.0)


def test_later_is_measured_by_time_that_passes(bench: Bench) -> None:
    """A clock that is set forward does not bring the window back before the customer's moment."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    assert bench.customer(cm.RequestLater(request=request, seconds=3600.0)).done
    bench.world.set_clock(bench.world.now + timedelta(hours=2))
    bench.wake()
    assert windows(bench) == []
    assert bench.deadline() == START + timedelta(hours=1)
    bench.world.now += timedelta(hours=1)
    bench.wake()
    assert windows(bench) == [request]


def test_an_account_has_one_open_request_to_a_customer(bench: Bench) -> None:
    """A second session shows no second window; the same session may ask for more instead."""
    bench.start_session()
    first = bench.request()
    bench.start_session("CHG-2")
    assert bench.code(rq.CredentialRequest(session="CHG-2", restarts=1)) == "too_many_requests"
    more = bench.request(restarts=3)
    assert windows(bench) == [more] != [first]


def test_an_account_asks_a_customer_twenty_times_an_hour_at_most(bench: Bench) -> None:
    """Requests that are withdrawn before they are shown count, so check codes cannot be drawn at will."""
    bench.start_session()
    for _ in range(20):
        bench.ask(rq.RequestWithdraw(session="CHG-1", request=bench.request()))
        bench.world.now += timedelta(minutes=1)
    error = bench.error(ASK)
    assert (error.code, error.retry_after) == ("asked_too_soon", 2400.0)
    start_as(bench, SECOND_OPERATOR, "CHG-2")
    assert ask_as(bench, SECOND_OPERATOR, "CHG-2").outcome == "done"
    bench.world.now += timedelta(minutes=40)
    assert bench.request()


def test_no_two_requests_have_the_same_check_code(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code is drawn among those that no request of the PC has; only if all are taken, among all."""
    monkeypatch.setattr("latchkey_agent.handlers.control.CHECK_CODES", ["0000", "0001"])
    bench.agent.core.random = lambda size: os.urandom(size - 1) + b"\0"
    for number in range(3):
        start_as(bench, member(number), f"CHG-{number}")
        assert ask_as(bench, member(number), f"CHG-{number}").outcome == "done"
    assert [request.code for request in bench.state.requests.values()] == ["0000", "0001", "0000"]


# --- later, and the other requests ------------------------------------------------------------


def after_a_withdrawal(bench: Bench) -> ans.Answer:
    """Withdraw the request, wait for a minute and ask anew."""
    bench.ask(rq.RequestWithdraw(session="CHG-1", request=next(iter(bench.state.requests))))
    bench.world.now += timedelta(minutes=1)
    return asked_again_at_once(bench)


def in_another_session(bench: Bench) -> ans.Answer:
    """End the session and ask in another one."""
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.start_session("CHG-2")
    bench.world.now += timedelta(minutes=1)
    return ask_as(bench, OPERATOR, "CHG-2")


def as_the_sessions_other_operator(bench: Bench) -> ans.Answer:
    """Ask for more as an operator whom the session names."""
    return ask_as(bench, Peer(BEN, 0, operator=True, system=False), restarts=3)


def after_its_end(bench: Bench) -> ans.Answer:
    """Wait until the request's time is over, and ask anew."""
    bench.world.now += timedelta(minutes=20)
    return asked_again_at_once(bench)


@pytest.mark.parametrize(
    "again",
    [
        asked_again_at_once,
        after_a_withdrawal,
        in_another_session,
        as_the_sessions_other_operator,
        after_its_end,
    ],
)
def test_later_means_later(bench: Bench, again: Callable[[Bench], ans.Answer]) -> None:
    """Until the customer's moment no request of that account or session brings a window back."""
    start_as(bench, OPERATOR, "CHG-1", "ben")
    request = bench.request(answer_within=1200.0)
    bench.show(request)
    assert bench.customer(cm.RequestLater(request=request, seconds=3600)).done
    answer = again(bench)
    assert answer.outcome == "refused"
    assert answer.error is not UNSET
    assert answer.error.code == "asked_too_soon"
    assert bench.world.now + timedelta(seconds=answer.error.retry_after or 0) == START + timedelta(hours=1)
    assert windows(bench) == []


@pytest.mark.parametrize("how", [{}, {"report": True}, {"not_today": True}], ids=str)
def test_a_no_declines_the_accounts_other_requests(bench: Bench, how: dict[str, bool]) -> None:
    """Whatever an earlier agent let the account ask: no second window follows the no."""
    bench.start_session()
    bench.request()
    first = next(iter(bench.state.requests.values()))
    others = [
        e.RequestMade(
            at=first.asked_at,
            request=asked_by.user,
            session=first.session,
            asked_by=asked_by,
            account=account,
            terms=first.terms,
            code="0000",
            answer_by=first.answer_by,
        )
        for asked_by, account in ((first.asked_by, ANNA), (BEN, ANNA), (ADMIN, BEN))
    ]
    others[2] = replace(others[2], request="to ben")
    with bench.agent.core.lock:
        bench.agent.core._commit(Decision(tuple(others)))
    decline(bench, first.id, **how)
    assert windows(bench) == ([] if "not_today" in how else ["ben"])
    assert bench.state.requests["admin"].state is RequestState.DENIED
    to_ben = RequestState.DENIED if "report" in how else RequestState.PENDING
    assert bench.state.requests["to ben"].state is to_ben
    # Ben has declined nothing.
    assert bench.state.requests["to ben"].refusal == ("reported_elsewhere" if "report" in how else "")


def test_not_today_declines_what_others_ask(bench: Bench) -> None:
    """A request that the customer had postponed does not come back today."""
    bench.start_session()
    first = bench.request()
    bench.show(first)
    assert bench.customer(cm.RequestLater(request=first, seconds=900)).done
    start_as(bench, SECOND_OPERATOR, "CHG-2")
    assert ask_as(bench, SECOND_OPERATOR, "CHG-2").outcome == "done"
    decline(bench, windows(bench)[0], not_today=True)
    assert {request.state for request in bench.state.requests.values()} == {RequestState.DENIED}
    bench.world.now += timedelta(minutes=15)
    bench.wake()
    assert windows(bench) == []


def test_not_today_outlasts_a_clock_that_ran_ahead_over_a_boot(bench: Bench) -> None:
    """The PC's clock is set forward, and the PC restarts with it."""
    bench.start_session()
    decline(bench, bench.request(), not_today=True)
    bench.world.set_clock(START + timedelta(hours=7))
    bench.wake()
    events = len(bench.events())
    bench.wake()
    assert len(bench.events()) == events
    bench.reboot()
    bench.world.sign_in(ANNA)
    assert bench.code(ASK) == "not_today"


def test_not_today_outlasts_an_agents_time_that_runs_ahead(bench: Bench, canary: bytearray) -> None:
    """While something is lent the agent's time may be hours ahead: its midnight is not the customer's."""
    bench.world.set_clock(START + timedelta(hours=5))
    bench.lend(canary, session="CHG-0")
    start_as(bench, SECOND_OPERATOR, "CHG-1")
    assert ask_as(bench, SECOND_OPERATOR).outcome == "done"
    bench.world.set_clock(bench.world.now - timedelta(hours=5))
    bench.wake()
    decline(bench, windows(bench)[0], not_today=True)
    bench.world.now += timedelta(minutes=61)
    answer = ask_as(bench, SECOND_OPERATOR)
    assert answer.error is not UNSET
    assert answer.error.code == "not_today"
    assert bench.world.now + timedelta(seconds=answer.error.retry_after or 0) == START.replace(day=24, hour=0)


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


def test_a_new_journal_knows_no_reports(bench: Bench) -> None:
    """A limit: only an administrator sets a journal aside, and lifts each report by that."""
    bench.start_session()
    decline(bench, bench.request(), report=True, not_today=True)
    bench.kill()
    bench.journal.write_bytes(b"no database" * 1000)
    bench.start()
    assert bench.code(rq.JournalReset(), SECOND_OPERATOR) == "administrators_only"
    assert bench.ask(rq.JournalReset()).outcome == "done"
    assert (bench.state.blocked, bench.state.quiet, bench.state.asking) == ({}, {}, {})
    bench.start_session()
    assert bench.request()


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


def test_an_absent_customer_is_not_asked_before_the_day(bench: Bench) -> None:
    """No operator's request reaches them before that day begins at the PC; the operator reads the day."""
    bench.settings.write_text("[policy]\nmax_session_hours = 168\n")
    bench.start_session()
    decline(bench, bench.request(), why="Not before Monday", days_away=7)
    bench.world.now = START.replace(hour=23, minute=59) + timedelta(days=6)
    start = rq.SessionStart(session="CHG-2", reason="Help", ticket="CHG-2")
    assert bench.ask(start, SECOND_OPERATOR).outcome == "done"
    other = rq.CredentialRequest(session="CHG-2", restarts=1, account="anna")
    error = bench.error(other, SECOND_OPERATOR)
    assert (error.code, error.retry_after) == ("not_today", 60.0)
    assert error.message == "The customer does not want to be asked before 2026-11-30."
    bench.world.now += timedelta(minutes=1)
    assert bench.ask(other, SECOND_OPERATOR).outcome == "done"


@pytest.mark.parametrize("days", [0, 1, 14])
def test_the_policy_limits_an_absence(bench: Bench, days: int) -> None:
    """A slip must not keep IT away for long. Today can always be ruled out, also the 25 hours of a day in October."""
    bench.settings.write_text(f"[policy]\nmax_absence = {days}\n")
    bench.world.zone = ZoneInfo("Europe/Berlin")
    bench.world.now = datetime(2026, 10, 25, 0, 0, tzinfo=bench.world.zone)
    bench.start_session()
    request = bench.request()
    bench.show(request)
    longer = cm.RequestDecline(request=request, days_away=max(days, 1) + 1)
    assert bench.customer_code(longer) == "policy_refuses"
    assert bench.state.requests[request].state is RequestState.SHOWN
    assert bench.customer(cm.RequestDecline(request=request, days_away=max(days, 1))).done


@pytest.mark.parametrize("account", [ANNA.qualified, ANNA.sid])
def test_a_customer_who_is_back_earlier_can_be_asked(bench: Bench, account: str) -> None:
    """After a talk an administrator lifts it at the PC, and nobody else does."""
    bench.start_session()
    decline(bench, bench.request(), days_away=14)
    bench.world.now += timedelta(hours=1)
    assert bench.code(rq.AskerUnblock(account=account), SECOND_OPERATOR) == "administrators_only"
    assert bench.code(ASK) == "not_today"
    assert bench.ask(rq.AskerUnblock(account=account)).changed
    assert not bench.ask(rq.AskerUnblock(account=account)).changed
    assert bench.request()


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
        rq.DeviceKeyReplace(),
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


def test_requests_that_were_never_shown_push_out_no_receipt(bench: Bench, canary: bytearray) -> None:
    """The customer sees the receipts of what was shown to them first, the newest first."""
    bench.lend(canary)
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.start_session("CHG-2")
    for _ in range(20):
        bench.ask(rq.RequestWithdraw(session="CHG-2", request=bench.request("CHG-2")))
    made = list(bench.state.requests)
    shown = [receipt.request for receipt in bench.customer(cm.OwnReceipts()).receipts]
    assert shown == [made[0], *reversed(made[2:])]


def test_receipts_are_listed_page_by_page(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list comes in pages; an unknown place is answered with an empty one."""
    monkeypatch.setattr("latchkey_agent.handlers.control.LISTED_RECEIPTS", 2)
    for number in range(3):
        start_as(bench, member(number), f"CHG-{number}")
        assert ask_as(bench, member(number), f"CHG-{number}").outcome == "done"
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
