# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a companion may see and tell beyond answering: what holds a request back, receipts, whom to call."""

from __future__ import annotations

import pytest

from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import fields, frames
from tests.canary import canary
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, CUSTOMER, OTHER

__all__ = ["canary"]


def waits_for(bench: Bench, request: str) -> str:
    """Return what the operator reads while waiting."""
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
def test_the_operator_reads_what_holds_a_request_back(
    bench: Bench, reason: cm.DisplayBlock, words: str, *, shown: bool
) -> None:
    """The wait line names it until it is over, whether the window has been on the screen before or not."""
    bench.open()
    request = bench.request()
    if shown:
        bench.show(request)
    before = waits_for(bench, request)
    assert bench.customer(cm.RequestBlocked(request=request, reason=reason)).done
    assert words in waits_for(bench, request)
    assert bench.customer(cm.RequestBlocked(request=request)).done
    assert waits_for(bench, request) == before


def test_a_window_that_is_shown_is_not_held_back(bench: Bench) -> None:
    """The companion ended while it held the request back; the next one shows it."""
    bench.open()
    request = bench.request()
    bench.customer(cm.RequestBlocked(request=request, reason="locked"))
    bench.show(request)
    assert "to answer" in waits_for(bench, request)


def test_nothing_is_journalled_of_what_holds_a_request_back(bench: Bench) -> None:
    """It is a fact of the moment: a screen that is locked and unlocked all day fills no disk."""
    bench.open()
    request = bench.request()
    events = bench.events()
    bench.customer(cm.RequestBlocked(request=request, reason="locked"))
    bench.customer(cm.RequestBlocked(request=request))
    assert bench.events() == events


def test_who_waits_is_told_at_once_what_holds_the_request_back(bench: Bench) -> None:
    """The long poll ends with the news, not with its time."""
    bench.open()
    request = bench.request()
    looks: list[bool | None] = []

    def wait_for(ready: object, _seconds: float) -> None:
        assert callable(ready)
        looks.append(ready())
        bench.agent.customer(
            b'{"verb":"request_blocked","request":"%s","reason":"viewed"}' % request.encode(),
            bytearray(),
            CUSTOMER,
        )
        looks.append(ready())

    bench.agent.core.wait_for = wait_for  # type: ignore[method-assign, assignment]
    assert "remote view" in waits_for(bench, request)
    assert looks == [None, True]


def test_nobody_holds_back_the_request_of_another_account(bench: Bench) -> None:
    """For others it does not exist."""
    bench.open()
    request = bench.request()
    answer = bench.customer_code(cm.RequestBlocked(request=request, reason="locked"), peer=OTHER)
    assert answer == "no_request"
    assert "to open" in waits_for(bench, request)


def test_who_is_not_signed_in_is_waited_for_first(bench: Bench) -> None:
    """A screen that nobody is signed in at holds nothing back."""
    bench.open()
    request = bench.request()
    bench.customer(cm.RequestBlocked(request=request, reason="locked"))
    bench.world.signed_in.clear()
    assert "to sign in" in waits_for(bench, request)


def test_a_request_that_is_over_is_forgotten(bench: Bench) -> None:
    """What held it back is not kept for ever."""
    bench.open()
    first = bench.request()
    bench.customer(cm.RequestBlocked(request=first, reason="locked"))
    bench.result(rq.RequestWithdraw(session="CHG-1", request=first))
    second = bench.request()
    bench.customer(cm.RequestBlocked(request=second, reason="viewed"))
    held = bench.agent._customer._display_blocks
    assert held.reason(first) is None
    assert held.reason(second) == "viewed"


def test_customers_read_their_own_receipts_the_newest_first(bench: Bench, canary: bytearray) -> None:
    """What they allowed and what they declined, with what became of it; the signature comes with it."""
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


def test_nobody_reads_the_receipts_of_another_account(bench: Bench, canary: bytearray) -> None:
    """There are none for somebody who was never asked."""
    bench.lend(canary)
    assert bench.customer(cm.OwnReceipts(), peer=OTHER).receipts == []


def test_whom_to_call_comes_from_the_settings(bench: Bench) -> None:
    """Never from a request: the menu names the organisation also while nothing is asked."""
    bench.settings.write_text('[organization]\nname = "Contoso IT"\nphone = "+49 30 5550 100"\n')
    bench.world.sign_in(ANNA)
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert (snapshot.organization, snapshot.phone) == ("Contoso IT", "+49 30 5550 100")


def test_a_refused_entry_comes_with_its_stable_word(bench: Bench, canary: bytearray) -> None:
    """The companion says it in the customer's language."""
    request = bench.shown(canary)
    answer = bench.allow(request, b"wrong")
    assert (answer.refusal, answer.tries_left) == ("wrong_password", 1)


def test_a_revocation_is_not_called_done_while_the_journal_cannot_be_read(
    bench: Bench, canary: bytearray
) -> None:
    """Nothing known is not nothing lent: the companion hears that it was not done, and says it again."""
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


def test_who_asks_without_end_does_not_make_the_companion_blind(bench: Bench) -> None:
    """However much is asked, the snapshot fits into one message; the oldest comes first."""
    bench.world.sign_in(ANNA)
    long = "\N{KEY}" * 256
    requester = fields.Requester(name=long, organization=long, role=long)
    names = [f"CHG-{number}" for number in range(250)]
    for name in names:
        bench.result(rq.SessionStart(session=name, reason=long, ticket=long, requester=requester))
    first, *_ = [bench.request(name) for name in names]
    answer = bench.agent.customer(b'{"verb":"watch"}', bytearray(), CUSTOMER)
    assert len(answer) < frames.MAX_JSON
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert snapshot.asked[0].request == first
