# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed receipts: signed once, stored as signed, chained; open ones are signed for each question."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from latchkey_agent.domain.evolve import KEPT_SESSIONS
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.journal import StoredReceipt
from latchkey_agent.storage.signed_json import RECEIPT, canonical_json
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.earlier import as_version_1

END = rq.SessionEnd(session="CHG-1")


def receipt(bench: Bench, request: str) -> dict[str, Any]:
    """Return a request's receipt after checking its signature."""
    view: dict[str, Any] = bench.result(rq.Receipt(request=request))["receipt"]
    key = ssh_signature.verify(view["signature"], RECEIPT, canonical_json(view["document"]))
    assert ssh_signature.public_line(key) == view["public_key"]
    assert view["document"]["device_key"] == ssh_signature.fingerprint(key)
    return view


def withdrawn(bench: Bench, session: str = "CHG-1") -> str:
    """Make a request and withdraw it; return its id."""
    request = bench.request(session)
    bench.result(rq.RequestWithdraw(session=session, request=request))
    return request


def digest(view: dict[str, Any]) -> str:
    """Return the hash of a receipt's signed bytes."""
    return hashlib.sha256(canonical_json(view["document"])).hexdigest()


def chain(bench: Bench) -> list[str]:
    """Return the requests of the stored receipts in order, after checking each hash of the one before."""
    journal, previous = bench.agent.core.journal, None
    stored = journal.stored_receipts()
    for request in stored:
        found = journal.receipt(request)
        assert found is not None
        document = json.loads(found.body)
        assert (document["request"], document["closed"]) == (request, True)
        assert document["previous"] == previous
        previous = hashlib.sha256(found.body).hexdigest()
    return stored


def test_a_closed_receipt_never_changes_again(bench: Bench, canary: bytearray) -> None:
    """A closed receipt is the same to the byte for everybody, later, after a power cut and with another key."""
    bench.lend(canary)
    [request] = bench.state.requests
    bench.restart(step="one")
    bench.reboot()
    bench.sign_in_with_permit()
    ended = bench.result(END)["receipts"]
    assert ended[0]["document"]["closed"] is True
    first = receipt(bench, request)
    assert ended == [first]
    bench.world.now += timedelta(hours=5)
    bench.power_cut()
    bench.result(rq.DeviceKeyReplace())
    assert receipt(bench, request) == first
    assert bench.result(rq.Info(receipts=True))["receipts"] == [first]
    [of_customer] = bench.customer(cm.OwnReceipts()).receipts
    assert (of_customer.signature, of_customer.document) == (first["signature"], first["document"])


def test_an_open_receipt_is_signed_for_each_question(bench: Bench, canary: bytearray) -> None:
    """While more may follow, a receipt is made for each question, is not closed, and is not in the chain."""
    bench.lend(canary)
    [request] = bench.state.requests
    before = receipt(bench, request)
    bench.world.now += timedelta(minutes=1)
    after = receipt(bench, request)
    assert before["document"]["as_of"] != after["document"]["as_of"]
    assert {before["document"]["closed"], after["document"]["closed"]} == {False}
    assert {before["document"]["previous"], after["document"]["previous"]} == {None}
    assert chain(bench) == []


def test_each_receipt_has_the_hash_of_the_one_before(bench: Bench) -> None:
    """The first stored receipt has no hash of another, each later one that of the one before, over a restart too."""
    bench.start_session()
    first = withdrawn(bench)
    second = withdrawn(bench)
    bench.crash()
    third = withdrawn(bench)
    assert chain(bench) == [first, second, third]
    views = [receipt(bench, request) for request in (first, second, third)]
    previous = [view["document"]["previous"] for view in views]
    assert previous == [None, digest(views[0]), digest(views[1])]


def test_check_mode_hands_out_no_closed_receipt(bench: Bench) -> None:
    """The receipts of an end that does not happen are not closed."""
    bench.start_session()
    bench.request()
    [foreseen] = bench.result(rq.SessionEnd(session="CHG-1", check=True))["receipts"]
    assert foreseen["document"]["closed"] is False
    assert chain(bench) == []


def test_a_cut_anywhere_signs_no_receipt_twice(place: Path, canary: bytearray) -> None:
    """A power cut at any touch loses no closed receipt and changes none; a receipt that was handed out is the one."""

    def prepare(bench: Bench) -> None:
        bench.start_session()
        withdrawn(bench)
        bench.lend(canary)

    touches = 0
    for cut in cuts(place, prepare, lambda bench: bench.result(END)["receipts"]):
        touches += 1
        bench = cut.bench
        bench.result(END)
        bench.effects()
        bench.wake()
        assert chain(bench) == list(bench.state.requests)
        final = [receipt(bench, request) for request in bench.state.requests]
        assert len(final) == 2
        handed_out = [one for one in cut.result or () if one["document"]["closed"]]
        assert all(one in final for one in handed_out)
        assert cut.result is None or len(handed_out) == 2
    assert touches > 5


def test_a_receipt_that_cannot_be_stored_is_not_closed_yet(
    bench: Bench, canary: bytearray, caplog: pytest.LogCaptureFixture
) -> None:
    """On a full disk a receipt says that more may follow; with space it is closed and stored."""
    bench.lend(canary)
    [request] = bench.state.requests
    bench.world.disk = "full"
    assert bench.revoke()
    assert bench.sealed() == set()
    open_ = receipt(bench, request)["document"]
    assert (open_["closed"], open_["ended"]["how"], chain(bench)) == (False, "revoked", [])
    bench.world.disk = "well"
    bench.effects()
    bench.agent.core.journal.keep_reserve()
    bench.wake()
    assert receipt(bench, request)["document"]["closed"] is True
    assert chain(bench) == [request]


def test_a_failing_disk_stores_a_receipt_later(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A disk that takes the end and not the receipt leads to an entry in the log, and the receipt follows."""
    bench.start_session()
    request = bench.request()
    journal = bench.agent.core.journal
    store = journal.store_receipt

    def failing(signed: StoredReceipt) -> None:
        bench.world.disk = "dead"
        try:
            store(signed)
        finally:
            bench.world.disk = "well"

    journal.store_receipt = failing  # type: ignore[method-assign, assignment]
    bench.result(rq.RequestWithdraw(session="CHG-1", request=request))
    assert "a receipt is not stored yet" in caplog.text
    assert receipt(bench, request)["document"]["closed"] is False
    assert not bench.agent.core.is_disk_failing
    journal.store_receipt = store  # type: ignore[method-assign]
    bench.wake()
    assert receipt(bench, request)["document"]["closed"] is True


def test_stored_receipts_that_cannot_be_relied_on_are_damage(bench: Bench) -> None:
    """A journal whose stored receipts are gone is a damaged one; the agent uses nothing of it."""
    bench.start_session()
    request = bench.request()
    bench.database.execute("DROP TABLE receipts")
    assert bench.code(rq.RequestWithdraw(session="CHG-1", request=request)) == "journal_damaged"
    assert bench.code(rq.JournalVerify()) == "journal_damaged"
    bench.crash()
    assert bench.code(rq.Receipt(request=request)) == "journal_damaged"


def tampered(bench: Bench, statement: str, *values: object) -> str:
    """Store three receipts, change the table behind the agent's back, and return the problem that is found."""
    bench.start_session()
    for _ in range(3):
        withdrawn(bench)
    assert bench.result(rq.JournalVerify())["intact"]
    bench.database.execute(statement, values)
    found = bench.result(rq.JournalVerify())
    assert not found["intact"]
    return str(found["problem"])


def test_a_changed_receipt_is_noticed(bench: Bench) -> None:
    """The check of the journal finds a stored receipt whose content does not fit its signature."""
    problem = tampered(
        bench,
        "UPDATE receipts SET body = CAST(replace(CAST(body AS TEXT), 'Monthly', 'Yearly') AS BLOB) "
        "WHERE number = 2",
    )
    assert problem == "the stored receipt 2 is not the one that was signed"


def test_a_removed_receipt_is_noticed(bench: Bench) -> None:
    """The check of the journal finds that a receipt in the middle is gone."""
    assert (
        tampered(bench, "DELETE FROM receipts WHERE number = 2") == "the stored receipt before 3 is missing"
    )


def test_a_removed_last_receipt_is_noticed(bench: Bench) -> None:
    """The check of the journal finds that the last receipt is gone, while the agent runs."""
    problem = tampered(bench, "DELETE FROM receipts WHERE number = 3")
    assert problem == "the stored receipts do not end with the last one"


def test_a_last_receipt_that_is_gone_at_a_start_is_signed_anew(bench: Bench) -> None:
    """The check does not notice it: the events are the same, and a copy from before differs in its moment."""
    bench.start_session()
    withdrawn(bench)
    request = withdrawn(bench)
    before = bench.result(rq.Receipt(request=request))["receipt"]["document"]
    bench.stop()
    with bench.other_program() as database:
        database.execute("DELETE FROM receipts WHERE number = 2")
    bench.world.now += timedelta(hours=1)
    bench.start()
    after = bench.result(rq.Receipt(request=request))["receipt"]["document"]
    assert bench.result(rq.JournalVerify())["intact"]
    assert after["as_of"] != before["as_of"]
    assert {**after, "as_of": before["as_of"]} == before


def test_the_receipts_of_an_earlier_agent_are_stored_at_its_upgrade(bench: Bench) -> None:
    """What an earlier agent's journal holds is signed and stored once, ended sessions that were put aside first."""
    wanted: list[str] = []
    for number in range(KEPT_SESSIONS + 12):
        bench.start_session(f"CHG-{number}")
        wanted.append(withdrawn(bench, f"CHG-{number}"))
        bench.result(rq.SessionEnd(session=f"CHG-{number}"))
        bench.world.now += timedelta(minutes=10)
    assert bench.state.archive
    as_version_1(bench)
    bench.start()
    assert chain(bench) == wanted
    first = [receipt(bench, request) for request in wanted]
    bench.world.now += timedelta(hours=1)
    bench.power_cut()
    assert [receipt(bench, request) for request in wanted] == first


def test_a_cut_while_an_upgrade_stores_receipts_loses_none(place: Path) -> None:
    """A power cut at any touch of an upgrade's first start leaves each receipt stored once, in one chain."""

    def prepare(bench: Bench) -> None:
        bench.start_session()
        for _ in range(3):
            withdrawn(bench)
        as_version_1(bench)

    for cut in cuts(place, prepare, lambda bench: bench.start()):
        assert chain(cut.bench) == list(cut.bench.state.requests)
        assert len(cut.bench.state.requests) == 3
