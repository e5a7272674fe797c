# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion beyond answering: display blocks, receipts and the organization to call."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from latchkey_agent.domain import Refused
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import fields, frames
from tests.canary import canary
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, BEN, CUSTOMER, OTHER, member

__all__ = ["canary"]
BY_BEN = OTHER._replace(operator=True)
"""The second customer, as an operator."""


def waiting_reason(bench: Bench, request: str) -> str:
    """Return the reason for waiting that the operator reads."""
    found = bench.result(rq.RequestWait(session="CHG-1", request=request))
    return str(found["request"]["waiting_for"])


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("locked", "to unlock the screen"),
        ("viewed", "remote view"),
        ("presentation", "presentation"),
        ("full_screen", "full-screen program"),
        ("unshown", "which failed"),
    ],
)
@pytest.mark.parametrize("shown", [False, True])
def test_the_operator_reads_the_display_block(
    bench: Bench, reason: cm.DisplayBlock, words: str, *, shown: bool
) -> None:
    """The operator reads the reason that blocks the window, before and after its first display."""
    bench.start_session()
    request = bench.request()
    if shown:
        bench.show(request)
    before = waiting_reason(bench, request)
    assert bench.customer(cm.RequestBlocked(request=request, reason=reason)).done
    assert words in waiting_reason(bench, request)
    assert bench.customer(cm.RequestBlocked(request=request)).done
    assert waiting_reason(bench, request) == before


def test_a_displayed_window_ends_the_display_block(bench: Bench) -> None:
    """A displayed window ends the block that an earlier companion reported."""
    bench.start_session()
    request = bench.request()
    bench.customer(cm.RequestBlocked(request=request, reason="locked"))
    bench.show(request)
    assert "to answer" in waiting_reason(bench, request)


def test_a_display_block_is_not_journalled(bench: Bench) -> None:
    """A display block is not journalled, so frequent locking does not fill the disk."""
    bench.start_session()
    request = bench.request()
    events = bench.events()
    bench.customer(cm.RequestBlocked(request=request, reason="locked"))
    bench.customer(cm.RequestBlocked(request=request))
    assert bench.events() == events


def test_a_display_block_ends_the_long_poll(bench: Bench) -> None:
    """The operator's long poll returns as soon as a display block is reported."""
    bench.start_session()
    request = bench.request()
    results: list[bool | None] = []

    def wait_for(ready: object, _seconds: float) -> None:
        assert callable(ready)
        results.append(ready())
        bench.agent.customer(
            b'{"verb":"request_blocked","request":"%s","reason":"viewed"}' % request.encode(),
            bytearray(),
            CUSTOMER,
        )
        results.append(ready())

    bench.agent.core.wait_for = wait_for  # type: ignore[method-assign, assignment]
    assert "remote view" in waiting_reason(bench, request)
    assert results == [None, True]


def test_another_account_cannot_block_the_window(bench: Bench) -> None:
    """Another account cannot block the request's window."""
    bench.start_session()
    request = bench.request()
    answer = bench.customer_code(cm.RequestBlocked(request=request, reason="locked"), peer=OTHER)
    assert answer == "no_request"
    assert "to open" in waiting_reason(bench, request)


def test_a_missing_sign_in_comes_before_a_display_block(bench: Bench) -> None:
    """A missing sign-in comes before a display block as the reason for waiting."""
    bench.start_session()
    request = bench.request()
    bench.customer(cm.RequestBlocked(request=request, reason="locked"))
    bench.world.signed_in.clear()
    assert "to sign in" in waiting_reason(bench, request)


def test_the_display_block_of_a_finished_request_is_forgotten(bench: Bench) -> None:
    """The display block of a finished request is removed from memory."""
    bench.start_session()
    first = bench.request()
    bench.customer(cm.RequestBlocked(request=first, reason="locked"))
    bench.result(rq.RequestWithdraw(session="CHG-1", request=first))
    second = bench.request()
    bench.customer(cm.RequestBlocked(request=second, reason="viewed"))
    blocks = bench.agent._customer._display_blocks
    assert blocks.reason(first) is None
    assert blocks.reason(second) == "viewed"


def test_customers_read_their_own_receipts_the_newest_first(bench: Bench, canary: bytearray) -> None:
    """A customer reads signed receipts of allowed and declined requests, newest first."""
    bench.lend(canary)
    bench.revoke()
    second = bench.request()
    bench.show(second)
    bench.customer(cm.RequestDecline(request=second))
    found = bench.customer(cm.OwnReceipts()).receipts
    assert [receipt.document["answer"]["state"] for receipt in found] == ["denied", "granted"]
    assert found[1].document["erasure"]["confirmed"]
    assert found[0].signature != found[1].signature
    assert found[0].text.startswith(f"Receipt {second}")


def damage(bench: Bench) -> None:
    """Change an event of the journal while the agent does not run."""
    bench.kill()
    with closing(sqlite3.connect(bench.folder / "journal.db")) as journal:
        journal.execute("UPDATE events SET body = x'00' WHERE seq = 3")
        journal.commit()
    bench.start()


def test_receipts_of_a_damaged_journal_are_not_told_as_none(bench: Bench, canary: bytearray) -> None:
    """The customer has receipts, but nobody can read them."""
    bench.lend(canary)
    damage(bench)
    answer = bench.customer(cm.OwnReceipts())
    assert answer.error is not None
    assert (answer.done, answer.error.code) == (False, "journal_damaged")


def test_receipts_after_a_reset_name_the_journals_beginning(bench: Bench, canary: bytearray) -> None:
    """The journal that was set aside has the receipts from before."""
    bench.lend(canary)
    assert bench.customer(cm.OwnReceipts()).receipts_since == ""
    damage(bench)
    bench.world.now += timedelta(hours=1)
    assert bench.ask(rq.JournalReset()).outcome == "done"
    bench.crash()
    answer = bench.customer(cm.OwnReceipts())
    assert (answer.receipts, answer.receipts_since) == ([], bench.world.now.isoformat())


def test_another_account_gets_no_receipts(bench: Bench, canary: bytearray) -> None:
    """Another account gets no receipts of the customer."""
    bench.lend(canary)
    assert bench.customer(cm.OwnReceipts(), peer=OTHER).receipts == []


def test_the_customer_snapshot_says_which_request_led_to_a_grant(bench: Bench, canary: bytearray) -> None:
    """A companion that lost the answer to a password sees whether it was granted."""
    request = bench.shown_request(canary)
    assert bench.allow(request, bytes(canary)).done
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert [item.request for item in snapshot.lent] == [request]


def test_the_customer_snapshot_counts_postponed_requests(bench: Bench) -> None:
    """The icon by the clock stays as long as something is asked."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.customer(cm.RequestLater(request=request))
    for count, wait in ((1, 0), (0, 15)):
        bench.world.now += timedelta(minutes=wait)
        bench.wake()
        snapshot = bench.customer(cm.CustomerWatch()).snapshot
        assert snapshot is not None
        assert (snapshot.postponed, len(snapshot.asked)) == (count, 1 - count)


def test_the_menu_names_the_account_that_asked(bench: Bench, canary: bytearray) -> None:
    """Another account than the session's owner may ask in the session."""
    bench.world.set_password(ANNA, canary)
    bench.result(rq.SessionStart(session="S", reason="x", operators=("ben",)))
    bench.ask(rq.CredentialRequest(session="S", account="anna", restarts=1), BY_BEN)
    [request] = bench.state.requests
    bench.show(request)
    assert bench.allow(request, bytes(canary)).done
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert [item.asked_by for item in snapshot.lent] == [BEN.qualified]


def test_the_organization_comes_from_the_settings(bench: Bench) -> None:
    """The organization and its phone number come from the settings, also without a request."""
    bench.settings.write_text('[organization]\nname = "Contoso IT"\nphone = "+49 30 5550 100"\n')
    bench.world.sign_in(ANNA)
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert (snapshot.organization, snapshot.phone) == ("Contoso IT", "+49 30 5550 100")


def test_a_refused_entry_has_a_stable_code(bench: Bench, canary: bytearray) -> None:
    """A refused entry carries a stable code that the companion translates."""
    request = bench.shown_request(canary)
    answer = bench.allow(request, b"wrong")
    assert (answer.refusal, answer.tries_left) == ("wrong_password", 1)


def test_an_entry_that_could_not_be_journalled_came_to_nothing(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows accepted the password and the disk failed: the customer reads how many tries are left."""
    request = bench.shown_request(canary)

    def fail(*_: object, **__: object) -> None:
        raise Refused("storage_failed", detail="the disk is full")

    monkeypatch.setattr(bench.agent.core, "give_grant", fail)
    for left in (1, 0):
        answer = bench.allow(request, bytes(canary))
        assert answer.error is not None
        assert (answer.error.code, answer.refusal, answer.tries_left) == (
            "storage_failed",
            "agent_failed",
            left,
        )
    assert bench.state.requests[request].refusal == "agent_failed"


def test_an_entry_that_cannot_even_be_noted_is_answered_with_its_fault(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk still fails when the entry is to be noted."""
    request = bench.shown_request(canary)

    def fail(*_: object, **__: object) -> None:
        bench.world.disk = "dead"
        raise Refused("storage_failed", detail="the disk is dead")

    monkeypatch.setattr(bench.agent.core, "give_grant", fail)
    answer = bench.allow(request, bytes(canary))
    assert answer.error is not None
    assert (answer.error.code, answer.refusal, answer.tries_left) == ("storage_failed", "", None)
    assert "the disk is dead" in answer.error.message


def test_a_revocation_fails_while_no_journal_is_loaded(bench: Bench, canary: bytearray) -> None:
    """A revocation fails while no journal is loaded, and succeeds once it is."""
    bench.lend(canary)
    bench.kill()
    bench.world.broken.add("boot_id")
    bench.start()
    assert bench.customer_code(cm.CustomerWatch()) == "agent_failed"
    assert bench.customer_code(cm.GrantRevoke()) == "agent_failed"
    bench.world.broken.clear()
    bench.wake()
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert len(snapshot.lent) == 1
    assert bench.customer(cm.GrantRevoke()).done
    assert bench.sealed() == set()


def test_few_requests_are_open_at_once(bench: Bench) -> None:
    """Sixty sessions cannot fill the customer's screen; what is open fits into one message, the oldest first."""
    bench.world.sign_in(ANNA)
    name, line = "\U00020000" * 80, "\U00020000" * 160
    requester = fields.Requester(name=name, organization=name, role=name)
    made = []
    for number in range(60):
        session = f"CHG-{number}"
        start = rq.SessionStart(session=session, reason=line, ticket=name, requester=requester)
        assert bench.ask(start, member(number)).outcome == "done"
        answer = bench.ask(rq.CredentialRequest(session=session, restarts=1), member(number))
        made.append(answer.outcome == "done")
    assert made == [True] * 3 + [False] * 57
    assert len(bench.agent.customer(b'{"verb":"watch"}', bytearray(), CUSTOMER)) < frames.MAX_BODY
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert [asked.request for asked in snapshot.asked] == list(bench.state.requests)
