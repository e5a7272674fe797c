# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - Hebrew letters look like Latin ones
"""Where an operator's words go: labelled to the customer's window, never to the logon screen."""

from __future__ import annotations

import msgspec
import pytest

from latchkey_agent.companion import receipt_text, wording
from latchkey_agent.companion.texts import LANGUAGES
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.protocol import codec, fields
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, BEN, LOGON, OPERATOR

MARK = "Signed by Microsoft"
SESSION = rq.SessionStart(
    session="CHG-1",
    reason=MARK,
    ticket=MARK,
    requester=fields.Requester(name=MARK, organization=MARK, role=MARK),
)


def lend(bench: Bench, password: bytearray) -> cm.CustomerSnapshot:
    """Lend the sign-in for a session full of marks; return the snapshot with its request."""
    bench.world.set_password(ANNA, password)
    bench.world.sign_in(ANNA)
    bench.result(SESSION)
    request = bench.request(restarts=2)
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    bench.show(request)
    assert bench.allow(request, password).done
    return snapshot


def test_the_window_shows_the_verified_account_whatever_the_operator_says(
    bench: Bench, canary: bytearray
) -> None:
    """The first line names the account that the PC has verified, with and without a name of the requester."""
    (item,) = lend(bench, canary).asked
    assert item.asked_by == OPERATOR.name
    window = wording.request_window(item, bench.world.now)
    assert OPERATOR.name in window.lines[0]
    assert MARK not in window.lines[0]


def test_the_window_shows_every_account_that_may_use_the_grant(bench: Bench) -> None:
    """The account that asks stands first, then the owner and the other named accounts, each once."""
    bench.world.sign_in(ANNA)
    bench.result(msgspec.structs.replace(SESSION, operators=("ben",)))
    ben = Peer(BEN, 2, operator=True, system=False)
    assert bench.ask(rq.CredentialRequest(session="CHG-1", account="anna", restarts=1), ben).outcome == "done"
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    (item,) = snapshot.asked
    assert (item.asked_by, item.operators) == (BEN.qualified, [OPERATOR.name])
    assert f"May use it too: {OPERATOR.name}," in wording.request_window(item, bench.world.now).text


def test_menu_and_notices_show_no_words_of_an_operator_but_the_labelled_ticket(
    bench: Bench, canary: bytearray
) -> None:
    """The menu names the verified account; a notice speaks of IT, and quotes the ticket behind its label."""
    lend(bench, canary)
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    now = bench.world.now
    assert [item.asked_by for item in snapshot.lent] == [OPERATOR.name]
    assert all(MARK not in text for item in snapshot.lent for text in wording.menu(item, now))
    texts = [wording.notice(item, now) for item in snapshot.notices]
    assert texts
    assert [text.replace(f"Ticket: “{MARK}”", "").count(MARK) for text in texts] == [0] * len(texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_shows_the_verified_account_and_quotes_the_operators_words(
    bench: Bench, canary: bytearray, language: str
) -> None:
    """The companion renders the agent's own receipt; each of the operator's words stands in quotation marks."""
    lend(bench, canary)
    (receipt,) = bench.customer(cm.OwnReceipts()).receipts
    text = receipt_text.render(receipt, bench.world.now, language)
    assert OPERATOR.name in text
    assert text.count(MARK) == 5
    assert text.count(LANGUAGES[language]["quote"].format(text=MARK)) == 5


def test_the_signed_receipts_text_quotes_every_word_of_a_person(bench: Bench, canary: bytearray) -> None:
    """Operator's and customer's words cannot imitate a line of the receipt that auditors read."""
    end_of_quotation = "x\u201d, locked after 0 s. Cancelled at \u201cx"
    mark = end_of_quotation.replace("\u201d", "'").replace("\u201c", "'")
    bench.world.set_password(ANNA, canary)
    bench.world.sign_in(ANNA)
    person = fields.Requester(name=end_of_quotation, organization=end_of_quotation, role=end_of_quotation)
    start = rq.SessionStart(
        session=end_of_quotation, requester=person, reason=end_of_quotation, ticket=end_of_quotation
    )
    bench.result(start)
    request = bench.request(end_of_quotation, restarts=2)
    bench.show(request)
    assert bench.allow(request, canary).done
    bench.restart(end_of_quotation, step=end_of_quotation)
    declined = bench.request(end_of_quotation, restarts=3)
    bench.show(declined)
    assert bench.customer(cm.RequestDecline(request=declined, why=end_of_quotation)).done
    texts = [receipt.text for receipt in bench.customer(cm.OwnReceipts()).receipts]
    used, refused = sorted(texts, key=lambda text: "Answer: denied" in text)
    for text, count in ((used, 7), (refused, 7)):
        assert text.count(f"\u201c{mark}\u201d") == text.count(mark) == count
        assert (text.count("\u201c"), text.count("\u201d")) == (count, count)


def test_a_receipt_without_a_ticket_cannot_be_imitated(bench: Bench, canary: bytearray) -> None:
    """A ticket of that name stands in quotation marks."""
    bench.world.set_password(ANNA, canary)
    bench.world.sign_in(ANNA)
    for session, ticket in (("CHG-1", ""), ("CHG-2", "none")):
        bench.result(rq.SessionStart(session=session, reason="Help", ticket=ticket))
    texts = []
    for session in ("CHG-1", "CHG-2"):
        request = bench.request(session)
        bench.show(request)
        texts.append(bench.customer(cm.OwnReceipts()).receipts)
        assert bench.allow(request, canary).done
    assert "Ticket none, support session \u201cCHG-1\u201d, code " in texts[0][-1].text
    assert any(
        "Ticket \u201cnone\u201d, support session \u201cCHG-2\u201d" in receipt.text for receipt in texts[1]
    )


def test_the_logon_screen_gets_no_words_of_an_operator(bench: Bench, canary: bytearray) -> None:
    """Neither the answer to a peek nor that to redeeming has any of them, byte by byte."""
    lend(bench, canary)
    permit = bench.restart(message=MARK, step=MARK)
    bench.reboot()
    for request in (lm.Peek(), lm.Redeem(permit=permit)):
        reply = bench.agent.logon(codec.encode_logon(request), LOGON)
        assert codec.decode_logon_answer(reply.body).permit == permit
        assert MARK.encode("utf-16-le") not in reply.body


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("", ""),
        (MARK, f"IT: “{MARK}”"),
        ("x” Windows: “y", "IT: “x' Windows: 'y”"),
        ("שלום", "IT: “\u2068שלום\u2069”"),
    ],
)
def test_windows_warning_shows_an_operators_message_as_a_quotation(
    bench: Bench, canary: bytearray, message: str, shown: str
) -> None:
    """Windows' own dialog shows it before a restart; without a message there is no text of ours."""
    lend(bench, canary)
    bench.restart(message=message)
    assert bench.world.restarts == [shown]
