# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules 1 to 4 of the design, at the agent's pipes: password, data that leaves the PC, terms, silence."""

from __future__ import annotations

import base64
import binascii
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from latchkey_agent.domain import LogonRefusal
from latchkey_agent.domain.model import Account
from latchkey_agent.domain.terms import canonical
from latchkey_agent.domain.transitions import GrantState, RequestState
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage.vault import VaultError
from tests.canary import search, search_bytes, text_forms
from tests.unit.agent.bench import NO_INTERVAL, Bench
from tests.unit.agent.world import ANNA, BEN, CUSTOMER, OPERATOR, OTHER, START

if TYPE_CHECKING:
    from collections.abc import Callable

RESTART = rq.CredentialApply(session="CHG-1", action="restart")
UNLOCK = rq.CredentialApply(session="CHG-1", action="unlock")
END = rq.SessionEnd(session="CHG-1")


def whole_job(bench: Bench, canary: bytearray) -> None:
    """Run the main job with one wrong entry and one restart."""
    bench.world.set_password(ANNA, canary)
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.allow(request, canary + b"x\x00")
    assert bench.allow(request, canary).done
    bench.restart()
    bench.ask(rq.Info(receipts=True, forecast=True))
    bench.reboot()
    bench.sign_in_with_permit()
    bench.ask(END)


# --- 1: where the password is in clear ---------------------------------------------------------


def test_rule_01_no_file_of_the_agent_ever_holds_the_password(bench: Bench, canary: bytearray) -> None:
    """The journal and the write-ahead log never hold the password: before, during or after a grant."""
    bench.lend(canary)
    assert search([bench.folder], canary) == []
    bench.restart()
    bench.power_cut()
    bench.redeem()
    assert search([bench.folder], canary) == []
    bench.ask(END)
    assert search([bench.folder], canary) == []


def test_rule_01_no_log_line_and_no_answer_holds_the_password(
    bench: Bench, canary: bytearray, caplog: pytest.LogCaptureFixture
) -> None:
    """The whole job, with a wrong entry, writes no password even at the DEBUG log level."""
    with caplog.at_level(logging.DEBUG):
        whole_job(bench, canary)
    assert caplog.records
    for text in (*bench.raw_answers, caplog.text.encode()):
        assert search_bytes("output", text, canary) == []


def test_rule_01_the_password_is_overwritten_after_windows_was_asked(bench: Bench, canary: bytearray) -> None:
    """The buffer with the unsealed password holds only zeros once the answer is out."""
    bench.lend(canary)
    seen: list[bytearray] = []
    accounts = bench.agent.core.computer.accounts
    check = accounts.check

    def watched(account: Account, password: bytearray) -> LogonRefusal | None:
        seen.append(password)
        return check(account, password)

    accounts.check = watched  # type: ignore[method-assign]
    bench.restart()
    assert [set(secret) for secret in seen] == [{0}]
    assert len(seen[0]) == len(canary)


def test_rule_01_a_fault_of_the_key_protection_reveals_no_password(bench: Bench, canary: bytearray) -> None:
    """A failed seal puts the password neither into the answer nor into the journal, and stores no record."""
    bench.world.set_password(ANNA, canary)
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.world.broken.add("protect")
    answer = bench.allow(request, canary)
    assert answer.error is not None
    assert answer.error.code == "agent_failed"
    assert search_bytes("answer", msgspec.json.encode(answer), canary) == []
    assert search([bench.folder], canary) == []
    assert bench.sealed() == set()


# --- 2: what leaves the PC ---------------------------------------------------------------------


def test_rule_02_no_answer_holds_anything_of_a_sealed_record(bench: Bench, canary: bytearray) -> None:
    """The operator never receives the record's seal tag, nonce, key half or ciphertext, in any usual encoding."""
    grant = bench.lend(canary)
    record = bench.agent.core.journal.sealed(grant)
    assert record is not None
    pieces = [record[at : at + 12] for at in range(0, len(record) - 12, 12)]
    bench.restart()
    answers = [
        bench.agent.control(msgspec.json.encode(request), OPERATOR)
        for request in (rq.Info(receipts=True, forecast=True), rq.JournalVerify(), END)
    ]
    for answer in answers:
        for piece in pieces:
            assert not [form for form in encoded(piece) if form in answer]


@pytest.mark.parametrize("before", [b"", b"1", b"12"], ids=["aligned", "after one byte", "after two"])
@pytest.mark.parametrize(
    "encode",
    [bytes, binascii.hexlify, base64.b64encode, base64.urlsafe_b64encode, base64.b85encode],
    ids=["raw", "hex", "base64", "base64url", "base85"],
)
def test_rule_02_the_search_knows_each_usual_encoding(
    encode: Callable[[bytes], bytes], before: bytes
) -> None:
    """The search above finds a piece of a record in an encoded answer, wherever the piece begins."""
    piece = b"\xfb\xefpiece of \xff"
    if encode is base64.b85encode:
        before = b""  # Base85 has groups of four bytes; a record begins a value of its own.
    answer = encode(before + piece + b"rest")
    assert [form for form in encoded(piece) if form in answer]


def encoded(piece: bytes) -> set[bytes]:
    """Return bytes as they would stand in an answer."""
    forms = text_forms(piece).values()
    urlsafe = {form.translate(bytes.maketrans(b"+/", b"-_")) for form in forms}
    return {piece, base64.b85encode(piece), *forms, *urlsafe}


def test_rule_02_a_sealed_record_has_one_length_for_all_passwords(bench: Bench) -> None:
    """The length of a sealed record does not reveal the length of the password."""
    lengths = set()
    for session, password in (("A", "x"), ("B", "long" * 60)):
        grant = bench.lend(password.encode("utf-16-le"), session=session)
        lengths.add(len(bench.agent.core.journal.sealed(grant) or b""))
    assert len(lengths) == 1


# --- 3: the terms ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "later", "request_", "code"),
    [
        ({"not_before": "22:00", "not_after": "05:00"}, 0, RESTART, "too_early"),
        ({"not_after": "20:00"}, 2 * 3600, RESTART, "grant_expired"),
        ({"restarts": 0, "unlocks": 1}, 0, RESTART, "terms_used_up"),
        ({"restarts": 1, "unlocks": 0}, 0, UNLOCK, "terms_used_up"),
        ({}, 0, rq.CredentialApply(session="CHG-2", action="restart"), "no_session"),
    ],
    ids=["too early", "too late", "no restart lent", "no unlock lent", "another session"],
)
def test_rule_03_no_use_outside_the_terms(
    bench: Bench,
    canary: bytearray,
    terms: dict[str, Any],
    later: int,
    request_: rq.ControlRequest,
    code: str,
) -> None:
    """Each use outside the terms gets its own error code, issues no permit and does not ask Windows."""
    bench.lend(canary, **terms)
    bench.world.sign_in(ANNA, locked=True)
    bench.world.now += timedelta(seconds=later)
    checks = len(bench.world.checks)
    assert bench.code(request_) == code
    assert not bench.state.permits
    assert not bench.world.restarts
    assert len(bench.world.checks) == checks


def test_rule_03_no_more_uses_than_lent(bench: Bench, canary: bytearray) -> None:
    """A grant for two restarts ends with the second one and is erased."""
    grant = bench.lend(canary)
    for step in ("one", "two"):
        bench.restart(step=step)
        bench.reboot()
        bench.sign_in_with_permit()
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart", step="three")) == "terms_used_up"
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert len(bench.world.restarts) == 2


def test_rule_03_another_grants_terms_do_not_extend_a_grant(bench: Bench, canary: bytearray) -> None:
    """Ben's grant in the same session does not extend Anna's grant after her restarts are used up."""
    anna = bench.lend(canary, restarts=1, unlocks=1, foreign_restarts=True)
    bench.world.set_password(BEN, canary)
    request = bench.request(account="ben", restarts=3)
    bench.customer(cm.RequestShown(request=request, text_sha256="0" * 64), peer=OTHER)
    assert bench.customer(cm.RequestAllow(request=request, entered="ben"), canary, OTHER).done
    for _ in range(2):
        bench.reboot()
        if bench.logon(lm.Peek())[0].done:
            bench.sign_in_with_permit()
    assert bench.state.grants[anna].left.restarts == 0
    assert len(bench.state.permits) == 1


def test_rule_03_a_permit_is_void_when_the_agreed_time_is_over(bench: Bench, canary: bytearray) -> None:
    """The permit signs nobody in if the PC comes back after the agreed time."""
    bench.lend(canary, not_after="20:00")
    bench.restart(within=86_400.0)
    bench.world.now = START.replace(hour=20)
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done


def test_rule_03_a_permit_is_void_while_the_clock_is_before_the_agreed_time(
    bench: Bench, canary: bytearray
) -> None:
    """A clock set back during the restart delays the logon until it is corrected."""
    bench.lend(canary, not_before="19:00", not_after="23:00")
    bench.world.now = START.replace(hour=20)
    bench.restart()
    bench.world.set_clock(START)
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done
    bench.world.set_clock(START.replace(hour=20))
    assert bench.sign_in_with_permit() == canary


@pytest.mark.parametrize(
    "more",
    [{"restarts": 3}, {"unlocks": 1}, {"foreign_restarts": True}, {"programs": True}, {"not_after": "23:00"}],
)
def test_rule_03_terms_never_widen(bench: Bench, canary: bytearray, more: dict[str, Any]) -> None:
    """A request for more than agreed asks the customer again and leaves the grant's terms unchanged."""
    bench.settings.write_text(f"[policy]\n{NO_INTERVAL}\nallow_programs = true\n")
    grant = bench.lend(canary, not_after="22:00")
    agreed = bench.state.grants[grant].terms
    request = bench.request(**{"restarts": 2, "not_after": "22:00", **more})
    assert bench.state.requests[request].state is RequestState.PENDING
    assert bench.state.grants[grant].terms == agreed


def test_rule_03_a_sealed_record_does_not_open_under_other_terms(bench: Bench, canary: bytearray) -> None:
    """A record opens neither with more restarts or a longer time nor for another account, grant or PC."""
    lent = bench.lend(canary)
    grant = bench.state.grants[lent]
    device = bench.world.device
    terms = msgspec.structs.replace(grant.terms, restarts=3)
    longer = msgspec.structs.replace(grant.terms, not_after=grant.terms.not_after + timedelta(seconds=1))
    others = [
        canonical(terms, ANNA, grant.id, device),
        canonical(longer, ANNA, grant.id, device),
        canonical(grant.terms, BEN, grant.id, device),
        canonical(grant.terms, ANNA, "other", device),
        canonical(grant.terms, ANNA, grant.id, "PC-08"),
    ]
    core = bench.agent.core
    record = core.journal.sealed(grant.id)
    assert record is not None
    for other in others:
        with pytest.raises(VaultError):
            core.vault.open(record, grant.id, other)
    assert core.vault.open(record, grant.id, canonical(grant.terms, ANNA, grant.id, device)) == canary
    assert core.unseal(grant) == canary


@pytest.mark.parametrize("field", ['"shutdowns": 1', '"restarts": -1', '"restarts": 101', '"restarts": "2"'])
def test_rule_03_an_unknown_or_impossible_term_refuses(bench: Bench, field: str) -> None:
    """One unknown or impossible term refuses the whole request."""
    bench.start_session()
    body = f'{{"verb": "credential_request", "session": "CHG-1", {field}}}'.encode()
    answer = msgspec.json.decode(bench.agent.control(body, OPERATOR))
    assert answer["error"]["code"] == "bad_message"
    assert not bench.state.requests


def test_rule_03_a_missing_term_allows_nothing(bench: Bench) -> None:
    """A request without any count is refused."""
    bench.start_session()
    assert bench.code(rq.CredentialRequest(session="CHG-1")) == "bad_terms"


def test_rule_03_an_unlocked_desktop_is_closed_when_the_agreed_time_is_over(
    bench: Bench, canary: bytearray
) -> None:
    """An unlocked desktop is locked at the end of the agreed time, even before its own relock time."""
    bench.lend(canary, restarts=0, unlocks=1, not_after="18:30", relock_after=3600.0)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    bench.sign_in_with_permit()
    assert bench.world.open_desktops()
    bench.world.now = START.replace(minute=30)
    bench.wake()
    bench.effects()
    assert not bench.world.open_desktops()


def test_rule_03_the_policy_limits_how_long_a_desktop_may_stay_open(bench: Bench) -> None:
    """A longer open time than the policy allows is refused before the customer is asked."""
    bench.start_session()
    error = bench.error(rq.CredentialRequest(session="CHG-1", unlocks=1, relock_after=3601.0))
    assert error.code == "policy_refuses"
    assert "3600 s" in error.message


# --- 4: silence is no --------------------------------------------------------------------------


def test_rule_04_nobody_answers(bench: Bench) -> None:
    """A shown request expires at its deadline and creates no grant."""
    bench.start_session()
    request = bench.request(answer_within=60.0)
    bench.show(request)
    bench.world.now += timedelta(seconds=60)
    assert bench.code(rq.RequestWait(session="CHG-1", request=request)) == "no_answer"
    assert bench.code(RESTART) == "no_grant"


def test_rule_04_a_closed_window_is_later_and_no_more(bench: Bench) -> None:
    """Closing the window postpones the request and creates no grant."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    assert bench.customer(cm.RequestLater(request=request)).done
    assert bench.state.requests[request].state is RequestState.LATER
    assert bench.code(RESTART) == "no_grant"


def test_rule_04_enter_pressed_blindly_lends_nothing(bench: Bench) -> None:
    """An empty entry is refused before Windows is asked."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    assert bench.allow(request, b"").tries_left == 1
    assert bench.world.checks == []
    assert not bench.state.grants


def test_rule_04_an_unshown_request_cannot_be_allowed(bench: Bench, canary: bytearray) -> None:
    """An answer to a request that was never shown is refused."""
    bench.world.set_password(ANNA, canary)
    bench.start_session()
    request = bench.request()
    answer = bench.allow(request, canary)
    assert answer.error is not None
    assert answer.error.code == "out_of_order"
    assert bench.world.checks == []


def test_rule_04_a_crash_while_asking_lends_nothing(bench: Bench) -> None:
    """A crash of the agent leaves the shown request open and creates no grant."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.crash()
    assert bench.state.requests[request].state is RequestState.SHOWN
    assert bench.code(RESTART) == "no_grant"


def test_rule_04_a_full_disk_lends_nothing(bench: Bench, canary: bytearray) -> None:
    """The customer gets an error on a full disk, and no record stays sealed."""
    bench.world.set_password(ANNA, canary)
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.world.disk = "full"
    answer = bench.allow(request, canary)
    assert answer.error is not None
    assert answer.error.code == "storage_failed"
    assert bench.world.checks == []
    bench.world.disk = "well"
    assert bench.sealed() == set()
    assert bench.code(RESTART) == "no_grant"


def test_rule_04_a_broken_policy_file_lends_nothing_and_uses_nothing(bench: Bench, canary: bytearray) -> None:
    """An unreadable settings file stops every request, grant and use, but not a revocation."""
    grant = bench.lend(canary, foreign_restarts=True)
    bench.settings.write_text("[policy]\nmax_restarts = 'many'\n")
    assert bench.code(RESTART) == "policy_invalid"
    assert bench.code(rq.CredentialRequest(session="CHG-1", restarts=5)) == "policy_invalid"
    assert bench.code(rq.SessionStart(session="CHG-2", reason="Updates")) == "policy_invalid"
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done
    assert bench.customer(cm.GrantRevoke()).done
    assert bench.state.grants[grant].ended is GrantState.REVOKED


@pytest.mark.parametrize("life", ["stay", "crash", "reboot"])
def test_rule_04_a_settings_file_that_was_taken_away_is_a_broken_one(
    bench: Bench, canary: bytearray, life: str
) -> None:
    """Once settings were set, a missing file lends nothing and uses nothing; the defaults may allow more."""
    grant = bench.lend(canary)
    bench.settings.unlink()
    getattr(bench, life, lambda: None)()
    assert bench.code(RESTART) == "policy_invalid"
    error = bench.error(rq.CredentialRequest(session="CHG-1", restarts=5))
    assert (error.code, "settings.toml is missing" in error.message) == ("policy_invalid", True)
    assert bench.customer(cm.GrantRevoke()).done
    assert bench.state.grants[grant].ended is GrantState.REVOKED
    bench.settings.write_text("")
    bench.lend(canary, session="CHG-2")


def test_rule_04_a_new_journal_still_knows_that_settings_were_set(bench: Bench) -> None:
    """Resetting a damaged journal while the agent runs does not bring the defaults back."""
    bench.start_session()
    bench.database.execute("DELETE FROM events WHERE seq = 1")
    bench.crash()
    bench.settings.unlink()
    assert bench.result(rq.JournalReset())
    assert bench.code(rq.SessionStart(session="CHG-2", reason="Updates")) == "policy_invalid"


def test_without_settings_from_the_beginning_the_defaults_hold(bench: Bench) -> None:
    """Settings need not be set."""
    bench.stop()
    for file in (*bench.folder.iterdir(), bench.settings):
        file.unlink()
    bench.world.anchor, bench.world.boot_anchors = None, {}
    bench.start()
    bench.start_session()
    bench.crash()
    bench.start_session("CHG-2")


def test_rule_07_a_full_disk_at_the_first_settings_stops_no_revocation(
    bench: Bench, canary: bytearray
) -> None:
    """The note that settings were set waits until the disk has room."""
    bench.lend(canary)
    bench.database.execute("DELETE FROM keys WHERE name = 'settings_set'")
    bench.kill()
    bench.world.disk = "full"
    bench.start()
    assert bench.customer(cm.GrantRevoke()).done
    bench.world.disk = "well"
    bench.wake()
    assert bench.agent.core.journal.key("settings_set") == b"yes"


def test_rule_04_no_entry_is_taken_while_the_policy_file_is_broken(bench: Bench, canary: bytearray) -> None:
    """A settings file that breaks after the window opened refuses the entry before Windows is asked."""
    bench.world.set_password(ANNA, canary)
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.settings.write_text("not toml")
    answer = bench.allow(request, canary)
    assert answer.error is not None
    assert answer.error.code == "policy_invalid"
    assert bench.world.checks == []


@pytest.mark.parametrize("account", [ANNA, BEN])
def test_rule_03_a_permit_is_issued_on_the_tried_grant_only(
    bench: Bench, canary: bytearray, account: Account
) -> None:
    """A grant that is given while Windows checks another one's password does not get the permit."""
    tried = bench.lend(canary)
    bench.world.set_password(BEN, canary)
    accounts = bench.agent.core.computer.accounts
    check = accounts.check

    def granting(who: Account, password: bytearray) -> LogonRefusal | None:
        accounts.check = check  # type: ignore[method-assign]
        bench.revoke()
        peer = CUSTOMER if account == ANNA else OTHER
        request = bench.request(account=account.qualified)
        bench.customer(cm.RequestShown(request=request, text_sha256="0" * 64), peer=peer)
        bench.customer(cm.RequestAllow(request=request, entered=account.qualified), canary, peer=peer)
        return check(who, password)

    accounts.check = granting  # type: ignore[assignment, method-assign]
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "grant_revoked"
    newer = next(reversed(bench.state.grants))
    assert newer != tried
    assert bench.state.grants[newer].state is GrantState.ACTIVE
    assert bench.state.permits == {}
    assert bench.world.restarts == []
