# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's view: status, forecast and receipts, also while other things happen."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from latchkey_agent.cli import tables
from latchkey_agent.domain import commands as c
from latchkey_agent.domain.receipt import render
from latchkey_agent.domain.transitions import GrantState
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import RECEIPT, canonical_json
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import OPERATOR, PowerCut

INFO = rq.Info(forecast=True, receipts=True)


def test_the_status_describes_the_pc(bench: Bench) -> None:
    """The status contains the boot id, the pending restart with its reasons and a broken settings file."""
    bench.world.pending = ["windows update"]
    status = bench.result(INFO)
    assert status["pending_restart"] == {"pending": True, "reasons": ["windows update"]}
    assert (status["agent"]["ready"], status["agent"]["boot_id"]) == (True, "boot-1")
    bench.settings.write_text("nonsense")
    agent = bench.result(INFO)["agent"]
    assert not agent["ready"]
    assert "settings file is wrong" in agent["problem"]


def test_a_checkpoint_comes_with_the_boot_and_the_time_since_it(bench: Bench) -> None:
    """So a job knows whether a restart came before a failure or after it, whatever the clocks say."""
    bench.start_session()
    read = rq.Checkpoint(session="CHG-1", step="one")
    before = bench.result(read)
    bench.world.now += timedelta(minutes=5)
    after = bench.result(read)
    assert (before["boot_id"], after["boot_id"]) == ("boot-1", "boot-1")
    assert after["uptime"] - before["uptime"] == 300
    bench.reboot()
    assert bench.result(read)["uptime"] < after["uptime"]


def test_the_status_is_available_on_a_full_disk(bench: Bench, canary: bytearray) -> None:
    """A full disk does not stop a query that changes nothing."""
    bench.lend(canary)
    bench.world.disk = "full"
    bench.world.now += timedelta(days=2)
    assert bench.result(INFO)["grants"]


def test_the_status_reports_a_damaged_journal(bench: Bench) -> None:
    """A damaged journal still allows the status and `erase --all`."""
    bench.database.execute("DELETE FROM events")
    bench.crash()
    agent = bench.result(INFO)["agent"]
    assert (agent["ready"], agent["problem"]) == (False, "it ends at event 0, though 2 were written")
    assert bench.ask(rq.EraseAll()).outcome == "done"
    check = bench.result(rq.JournalReset(check=True))
    assert (check["intact"], check["problem"]) == (False, agent["problem"])


def test_erasing_all_is_refused_without_a_loaded_journal(bench: Bench) -> None:
    """`erase --all` is refused while the agent has not loaded its journal."""
    bench.kill()
    bench.world.broken.add("boot_id")
    bench.start()
    assert bench.code(rq.EraseAll()) == "agent_failed"


@pytest.mark.parametrize("check", [False, True])
def test_erasing_all_is_refused_while_the_journal_cannot_be_read(
    bench: Bench, canary: bytearray, *, check: bool
) -> None:
    """While the disk does not give the journal, `erase --all` says so; once it does, the grant is erased."""
    bench.lend(canary)
    bench.stop()
    aside = bench.journal.rename(bench.journal.with_name("aside"))
    bench.journal.mkdir()
    bench.start()
    error = bench.error(rq.EraseAll(check=check))
    assert (error.code, "journal" in error.message) == ("storage_failed", True)
    bench.journal.rmdir()
    aside.rename(bench.journal)
    bench.crash()
    assert [erased["confirmed"] for erased in bench.result(rq.EraseAll())["erasure"]] == [True]


def test_erasing_all_lists_an_unconfirmed_erasure(bench: Bench, canary: bytearray) -> None:
    """`erase --all` also lists the unconfirmed erasure of a grant that ended before."""
    grant = bench.lend(canary)
    with bench.read_by_others():
        bench.revoke()
        erasures = bench.result(rq.EraseAll())["erasure"]
    assert [(erased["grant"], erased["confirmed"]) for erased in erasures] == [(grant, False)]
    bench.effects()
    assert bench.result(rq.EraseAll())["erasure"] == []


def test_erasing_all_revokes_as_the_operator(bench: Bench, canary: bytearray) -> None:
    """The notice and the error after `erase --all` name the operator as the one who revoked."""
    bench.lend(canary)
    bench.result(rq.EraseAll())
    assert [n.detail for n in bench.state.notices.values() if n.kind == "ended"] == ["revoked_by_operator"]
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "grant_revoked"


def test_a_pending_erasure_is_not_confirmed(bench: Bench, canary: bytearray) -> None:
    """A pending erasure is reported as not confirmed and not checked yet."""
    bench.lend(canary)
    bench.effects_lag = True
    [erased] = bench.result(rq.SessionEnd(session="CHG-1"))["erasure"]
    assert (erased["confirmed"], erased["checks"][0]["detail"]) == (False, "not checked yet")


@pytest.mark.parametrize("request_", [rq.SessionEnd(session="CHG-1"), rq.EraseAll()], ids=["session", "all"])
def test_ending_a_session_is_answered_after_it_was_forgotten(
    bench: Bench, canary: bytearray, request_: rq.ControlRequest
) -> None:
    """The call that ends a session is answered even if a new session takes the same name meanwhile."""
    bench.lend(canary)
    wait_for = bench.agent.core.wait_for

    def meanwhile(ready: Any, seconds: float) -> Any:
        bench.agent.core.wait_for = wait_for  # type: ignore[method-assign]
        found = wait_for(ready, seconds)
        bench.ask(rq.SessionEnd(session="CHG-1"))
        bench.result(rq.SessionStart(session="CHG-1", reason="Another"))
        return found

    bench.agent.core.wait_for = meanwhile  # type: ignore[method-assign]
    assert bench.ask(request_).outcome == "done"
    assert [session.reason for session in bench.state.sessions.values()][-1] == "Another"


def test_check_mode_ends_nothing(bench: Bench, canary: bytearray) -> None:
    """Check mode ends neither the session nor the grant."""
    grant = bench.lend(canary)
    for request in (
        rq.SessionEnd(session="CHG-1", check=True),
        rq.CredentialRevoke(session="CHG-1", check=True),
        rq.EraseAll(check=True),
    ):
        assert bench.ask(request).changed
    assert bench.state.grants[grant].state is GrantState.ACTIVE


def test_a_failing_port_refuses_before_anything_changes(bench: Bench) -> None:
    """A failing port refuses the request before it is created."""
    bench.start_session()
    bench.world.broken.add("sessions")
    assert bench.code(rq.CredentialRequest(session="CHG-1", account="anna", restarts=1)) == "agent_failed"
    assert not bench.state.requests


# --- receipts ------------------------------------------------------------------------------------


def test_a_changed_receipt_fails_its_check(bench: Bench, canary: bytearray) -> None:
    """A changed receipt fails the check of its signature; the signing key survives a power cut."""
    bench.lend(canary)
    request = next(iter(bench.state.requests))
    receipt = bench.result(rq.Receipt(request=request))["receipt"]
    document, signature, key = receipt["document"], receipt["signature"], receipt["public_key"]
    signed = canonical_json(document)
    assert ssh_signature.public_line(ssh_signature.verify(signature, RECEIPT, signed)) == key
    with pytest.raises(ssh_signature.SignatureError):
        ssh_signature.verify(signature, RECEIPT, canonical_json({**document, "purpose": "Something else"}))
    assert document["device_key"] == ssh_signature.fingerprint(ssh_signature.public_key_of(key))
    assert (document["closed"], document["previous"]) == (False, None)
    bench.power_cut()
    assert bench.result(rq.Receipt(request=request))["receipt"]["public_key"] == key


def test_a_lost_key_is_replaced(bench: Bench) -> None:
    """A journal on another PC signs new receipts with a new key."""
    bench.start_session()
    bench.request()
    [request] = bench.state.requests
    key = bench.result(rq.Receipt(request=request))["receipt"]["public_key"]
    bench.world.machine_key = bytes(32)
    bench.world.broken.add("foreign")
    bench.crash()
    assert bench.result(rq.Receipt(request=request))["receipt"]["public_key"] != key


def test_a_receipt_lists_all_events(bench: Bench, canary: bytearray) -> None:
    """A receipt lists all events of a request in order, as data and as text."""
    bench.lend(canary)
    bench.restart(step="one")
    bench.reboot()
    bench.sign_in_with_permit()
    [receipt] = bench.result(rq.SessionEnd(session="CHG-1"))["receipts"]
    states = [event["state"] for event in receipt["document"]["events"]]
    assert states == [
        "requested",
        "shown",
        "granted",
        "applied",
        "signed_in",
        "locked",
        "session_ended",
        "erased",
    ]
    assert receipt["text"] == render(receipt["document"])
    assert "Used by PC-07\\admin: restart for \u201cone\u201d " in receipt["text"]
    assert receipt["document"]["closed"]


def answered(bench: Bench, request: str) -> tuple[dict[str, Any], str]:
    """Return the answer in a closed receipt, and the line of its text."""
    receipt = bench.result(rq.Receipt(request=request))["receipt"]
    assert receipt["document"]["closed"]
    [line] = [line for line in receipt["text"].splitlines() if line.startswith("Answer: ")]
    return receipt["document"]["answer"], line


@pytest.mark.parametrize("how", ["refused", "fails", "crashes"])
def test_a_receipt_of_entries_that_could_not_serve_is_no_no_of_the_customer(
    bench: Bench, canary: bytearray, how: str
) -> None:
    """The customer wanted to allow it: Windows refused, a port failed, or the agent was killed."""
    request = bench.shown_request(canary)
    for _ in range(2):
        if how == "refused":
            bench.allow(request, b"x\0")
        elif how == "fails":
            bench.world.broken.add("accounts")
            bench.allow(request, bytes(canary))
        else:
            bench.world.dies_after = "accounts"
            with suppress(PowerCut):
                bench.allow(request, bytes(canary))
            bench.crash()
    answer, line = answered(bench, request)
    word = "wrong_password" if how == "refused" else "agent_failed"
    assert (answer["state"], answer["refusal"]) == ("denied", word)
    assert line.endswith(f"because no entry could serve: {word}")


def test_a_receipt_of_a_postponed_request_without_entries_is_no_withdrawal_by_the_operator(
    bench: Bench, canary: bytearray
) -> None:
    """The customer postponed the request while Windows checked its last entry, and the agent was killed."""
    request = bench.shown_request(canary)
    bench.allow(request, b"x\0")
    bench.agent.core.execute(c.TryEntry(request=request))
    bench.customer(cm.RequestLater(request=request, seconds=900.0))
    bench.crash()
    answer, _ = answered(bench, request)
    assert (answer["state"], answer["refusal"]) == ("withdrawn", "agent_failed")


@pytest.mark.parametrize("how", ["expired", "withdrawn"])
def test_a_receipt_of_a_request_without_an_answer_has_its_end(bench: Bench, how: str) -> None:
    """The time of the end stands in the data, in the text and among the events."""
    bench.start_session()
    request = bench.request(answer_within=60.0)
    bench.show(request)
    bench.world.now += timedelta(seconds=59)
    if how == "withdrawn":
        bench.result(rq.RequestWithdraw(session="CHG-1", request=request))
    else:
        bench.world.now += timedelta(seconds=1)
        bench.wake()
    at = bench.world.now.isoformat(timespec="seconds")
    answer, line = answered(bench, request)
    assert (answer["state"], answer["at"], line) == (how, at, f"Answer: {how} {at}")
    events = bench.result(rq.Receipt(request=request))["receipt"]["document"]["events"]
    assert events[-1] == {"state": how, "at": at}


def test_a_receipt_of_a_reported_request_says_so(bench: Bench) -> None:
    """A report is more than a no."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.customer(cm.RequestDecline(request=request, report=True))
    assert answered(bench, request)[1].endswith("reported as suspicious")


def test_a_receipts_text_says_how_long_the_desktop_was_open_and_who_restarted(
    bench: Bench, canary: bytearray
) -> None:
    """Others restarted the PC; the desktop was closed after seconds."""
    bench.lend(canary, restarts=2, foreign_restarts=True)
    bench.reboot()
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.sign_in_with_permit()
    bench.world.now += timedelta(seconds=7)
    bench.world.lock_works = True
    bench.effects()
    request = next(iter(bench.state.requests))
    text = bench.result(rq.Receipt(request=request))["receipt"]["text"]
    assert "Used by agent: after a restart by others" in text
    assert ", locked, open for at most 7 s" in text


def test_a_receipt_of_a_refusal_says_why(bench: Bench) -> None:
    """The receipt of a declined request contains the customer's reason and no use."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.customer(cm.RequestDecline(request=request, why="not today"))
    receipt = bench.result(rq.Receipt(request=request))["receipt"]
    assert receipt["document"]["answer"]["why"] == "not today"
    assert "in the customer's words: \u201cnot today\u201d" in receipt["text"]
    assert "Never used" in receipt["text"]
    assert receipt["document"]["ended"] is None


def test_a_receipt_of_a_request_that_another_customers_report_closed_says_so(bench: Bench) -> None:
    """Ben has declined nothing: anna reported the account that had asked both, and the operator reads it, too."""
    bench.start_session()
    to_anna, to_ben = bench.request(), bench.request(account="ben")
    bench.show(to_anna)
    assert bench.customer(cm.RequestDecline(request=to_anna, report=True)).done
    text = bench.result(rq.Receipt(request=to_ben))["receipt"]["text"]
    assert "because another customer reported the account that asked" in text
    assert bench.code(rq.RequestWait(session="CHG-1", request=to_ben)) == "asker_blocked"


def test_a_receipt_highlights_an_unconfirmed_erasure(bench: Bench, canary: bytearray) -> None:
    """The receipt marks an unconfirmed erasure in capitals and shows the failed check."""
    bench.lend(canary)
    request = next(iter(bench.state.requests))
    with bench.read_by_others():
        bench.revoke()
        text = bench.result(rq.Receipt(request=request))["receipt"]["text"]
    assert "Erasure NOT CONFIRMED" in text
    assert "  NO write-ahead log overwritten" in text


def test_a_receipt_shows_a_failed_use(bench: Bench, canary: bytearray) -> None:
    """The receipt shows a failed use with the state of its permit."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.report(permit, 0xC000006D)
    request = next(iter(bench.state.requests))
    text = bench.result(rq.Receipt(request=request))["receipt"]["text"]
    assert "Used by PC-07\\admin: restart 2026-11-23T18:00:00+01:00, refused" in text


def test_a_receipt_names_the_organization_and_the_policy_of_its_time(bench: Bench) -> None:
    """A settings file that is changed or broken later changes no receipt, and the window shows the present one."""
    bench.settings.write_text('[organization]\nname = "Example GmbH"\n')
    bench.start_session()
    request = bench.request()
    assert (
        bench.result(rq.Receipt(request=request))["receipt"]["document"]["controller"]["name"]
        == "Example GmbH"
    )
    before = bench.result(rq.Receipt(request=request))["receipt"]["document"]
    assert before["policy"]["max_restarts"] == 10
    for changed in ('[organization]\nname = "Another"\n[policy]\nmax_restarts = 3\n', "nonsense"):
        bench.settings.write_text(changed)
        assert bench.result(rq.Receipt(request=request))["receipt"]["document"] == before
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert snapshot.asked[0].organization == ""


@pytest.mark.parametrize("side", ["customer", "operator"])
def test_a_receipt_and_the_list_of_grants_name_the_side_that_revoked(
    bench: Bench, canary: bytearray, side: str
) -> None:
    """A revoked grant names its revoker in the receipt's text and in `latchkeyctl grants`."""
    grant = bench.lend(canary)
    if side == "customer":
        bench.revoke()
    else:
        bench.result(rq.CredentialRevoke(session="CHG-1"))
    request = bench.state.grants[grant].request
    text = bench.result(rq.Receipt(request=request))["receipt"]["text"]
    assert f"Ended: revoked by the {side}" in text
    assert f"revoked {side}" in tables.render("grants", bench.ask(rq.Info()))


def test_the_journal_names_the_operator_who_revoked(bench: Bench, canary: bytearray) -> None:
    """The event of an operator's revocation holds the account that revoked."""
    grant = bench.lend(canary)
    bench.result(rq.CredentialRevoke(session="CHG-1"))
    assert bench.state.grants[grant].ended_by == OPERATOR.actor
