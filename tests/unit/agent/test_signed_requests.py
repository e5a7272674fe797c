# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed requests: those that the PC takes, those that it refuses and does not show, and their records."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import SSHCertificateBuilder, SSHCertificateType
from msgspec.structs import replace

from latchkey_agent.core import call_limit
from latchkey_agent.core.core import Core
from latchkey_agent.domain import (
    Authorities,
    Policy,
    Refused,
    RequestState,
    check_code,
    decide,
    started_session,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import CHALLENGE, REQUEST, canonical_json
from tests.unit.agent import signing
from tests.unit.agent.bench import Bench
from tests.unit.agent.signing import CA, NEXT_CA, Controller, certificate, pin
from tests.unit.agent.world import ADMIN, ANNA, BEN

BEN_ASKS = Peer(BEN, 2, operator=True, system=False)


@pytest.fixture
def operator(bench: Bench) -> Controller:
    """Return an operator with a valid certificate, on a PC that pins its authority; the customer is signed in."""
    pin(bench)
    bench.wake()
    bench.world.sign_in(ANNA)
    controller = Controller(bench)
    controller.start()
    return controller


def refused(bench: Bench, request: rq.CredentialRequest, code: str) -> str:
    """Refuse a request with this code, show nothing, and journal the refusal; return the sentence."""
    error = bench.error(request)
    assert error.code == code, error
    assert bench.state.requests == {}
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert snapshot.asked == []
    assert "command_refused" in bench.events()
    return error.message


# --- requests that the PC takes


def test_a_signed_request_is_shown_with_the_certificates_name(bench: Bench, operator: Controller) -> None:
    """The window has the name, role and organisation of the certificate, and says that a signature was checked."""
    asked = bench.result(operator.signed(operator.request()))

    [item] = bench.customer(cm.CustomerWatch()).snapshot.asked  # type: ignore[union-attr]
    named = (item.is_signed, item.requester, item.role, item.requester_organization)
    assert named == (True, "Olga Operator", "helpdesk", "Contoso IT")
    signer = asked["request"]["signed_by"]
    assert (signer["name"], signer["serial"]) == ("Olga Operator", "7")
    assert signer["key"] == ssh_signature.fingerprint(signing.OPERATOR_KEY.public_key().public_bytes_raw())


def test_the_receipt_has_what_was_signed(bench: Bench, operator: Controller, canary: bytearray) -> None:
    """Anybody can check the request's signature and the check code with the receipt alone, years later."""
    bench.world.set_password(ANNA, canary)
    request = bench.result(operator.signed(operator.request()))["request"]
    bench.show(request["id"])
    assert bench.allow(request["id"], canary).done
    [receipt] = bench.result(rq.SessionEnd(session="CHG-1"))["receipts"]

    kept = receipt["document"]["signature"]
    message = canonical_json(kept["document"])
    key = ssh_signature.verify("\n".join(kept["signature"]), REQUEST, message)
    assert ssh_signature.fingerprint(key) == kept["key"]
    assert kept["document"]["restarts"] == 2
    assert receipt["document"]["notice"]["code"] == check_code(kept["code_seed"], message, ())
    assert receipt["document"]["requester"]["name"] == "Olga Operator"
    assert "Signature checked: \u201cOlga Operator\u201d" in receipt["text"]


def test_an_unsigned_receipt_says_so(bench: Bench) -> None:
    """A receipt without a signature says that the request was not signed."""
    bench.start_session()
    bench.request()
    [receipt] = bench.result(rq.SessionEnd(session="CHG-1"))["receipts"]
    assert receipt["document"]["signature"] is None
    assert "Not signed; in the operator's words" in receipt["text"]


def test_the_check_code_comes_from_a_seed_that_is_journalled_first(
    bench: Bench, operator: Controller
) -> None:
    """The code has six digits, and the seed stands in the journal before the PC learns the request."""
    [challenge] = bench.state.challenges.values()
    assert challenge.seed.encode() in bench.content()
    request = operator.signed(operator.request())
    code = bench.result(request)["request"]["code"]
    assert len(code) == 6
    assert request.signature is not None
    document = request.signature.document.encode()
    assert code == check_code(challenge.seed, document, ())
    assert check_code(challenge.seed, document, {code}) != code


def test_a_code_that_every_other_request_has_is_used_all_the_same() -> None:
    """The search for a free code ends."""
    everything = {f"{number:06}" for number in range(10**6)}
    assert check_code("00", b"{}", everything) in everything


def test_the_challenge_is_signed_by_the_device(bench: Bench, operator: Controller) -> None:
    """The signature covers everything in the challenge, for no other purpose than a challenge."""
    told = dict(operator.challenge)
    signature, line = told.pop("signature"), told.pop("public_key")
    message = canonical_json({"schema_version": "latchkey-challenge-1", **told})
    assert ssh_signature.public_line(ssh_signature.verify(signature, CHALLENGE, message)) == line
    assert told["account"] == "PC-07\\anna"
    assert told["device"] == bench.agent.core.computer.device


def test_a_challenge_names_session_and_operators(bench: Bench) -> None:
    """The device signs all that the window shows and the grant allows, so a controller can compare it with its task."""
    pin(bench)
    told = Controller(bench).start(operators=("ben", ".\\ben"), reason="Updates", ticket="T-1")["challenge"]
    session = started_session(bench.state, "CHG-1")
    ben = {"name": "PC-07\\ben", "sid": BEN.sid}
    asker = {"name": ADMIN.qualified, "sid": ADMIN.sid}
    assert (told["session"], told["reason"], told["ticket"]) == ("CHG-1", "Updates", "T-1")
    assert told["ends_at"] == signing.utc(session.ends_at)
    assert (told["operators"], told["asked_by"]) == ([asker, ben, ben], asker)
    assert told["named"] == {"ben": BEN.sid, ".\\ben": BEN.sid}


def test_an_operator_whom_nobody_signed_for_is_not_shown(bench: Bench, operator: Controller) -> None:
    """A further operator may use the grant, so the signature covers the operators by their SIDs."""
    operator.start("CHG-2", operators=("ben",))
    request = operator.request("CHG-2")
    sentence = refused(
        bench, operator.signed(request, operators=operator.challenge["operators"][:1]), "request_differs"
    )
    assert "operators" in sentence
    bench.result(operator.signed(request))
    [item] = bench.customer(cm.CustomerWatch()).snapshot.asked  # type: ignore[union-attr]
    assert item.operators == ["PC-07\\ben"]


def test_a_signed_request_counts_from_the_account_that_it_names(bench: Bench, operator: Controller) -> None:
    """Another operator of the session cannot send it: the window names the account that asks."""
    operator.start("CHG-2", operators=("ben",))
    request = operator.signed(operator.request("CHG-2"))
    error = bench.error(request, BEN_ASKS)
    assert (error.code, "asked_by" in error.message) == ("request_differs", True)


def test_a_challenge_has_the_offsets_of_the_pcs_zone(bench: Bench) -> None:
    """Over a change of daylight saving time it has both offsets, so a controller can name moments in UTC."""
    pin(bench, policy="max_session_hours = 100.0")
    bench.world.zone = ZoneInfo("Europe/Berlin")
    bench.world.now = bench.world.now.replace(year=2027, month=3, day=27, hour=22)
    operator = Controller(bench)
    offsets = operator.start()["challenge"]["offsets"]
    assert list(offsets.values()) == [60, 120]
    assert list(offsets)[1] == "2027-03-28T01:00:00+00:00"


def test_a_challenge_without_a_customer_names_none(bench: Bench) -> None:
    """Without an account at the screen, or without Windows' answer, the challenge has none."""
    pin(bench)
    operator = Controller(bench)
    assert operator.start()["challenge"]["account"] == ""
    bench.world.broken.add("sessions")
    assert operator.start()["challenge"]["account"] == ""


def test_a_challenge_after_a_restart_names_the_account_that_has_lent(
    bench: Bench, operator: Controller, canary: bytearray
) -> None:
    """A job that is launched again while nobody is at the screen finds its grant, as without a signature."""
    bench.world.set_password(ANNA, canary)
    first = bench.result(operator.signed(operator.request()))["request"]
    bench.show(first["id"])
    assert bench.allow(first["id"], canary).done
    bench.world.signed_in = []
    assert operator.start()["challenge"]["account"] == "PC-07\\anna"
    again = bench.ask(operator.signed(operator.request(account=operator.challenge["account"], restarts=1)))
    assert (again.outcome, again.changed) == ("done", False)


def test_without_a_pinned_key_there_is_no_challenge(bench: Bench) -> None:
    """Where no request can be signed, a session's journal is as before."""
    bench.start_session()
    assert bench.state.challenges == {}
    assert "challenge_issued" not in bench.events()


def test_check_mode_takes_no_challenge(bench: Bench, operator: Controller) -> None:
    """Check mode changes nothing, so it issues none, and needs no signature."""
    before = bench.state.version
    answer = bench.result(rq.SessionStart(session="CHG-1", check=True))
    assert answer.get("challenge") is None
    assert bench.ask(replace(operator.request(), check=True)).outcome == "done"
    assert bench.state.version == before


def test_a_further_request_has_its_challenge_from_the_one_before(bench: Bench, operator: Controller) -> None:
    """No further call is needed to ask again."""
    first = bench.result(operator.signed(operator.request()))
    operator.challenge = first["challenge"]
    second = bench.result(operator.signed(operator.request(restarts=3)))
    assert second["request"]["terms"]["restarts"] == 3


def test_a_repeated_call_is_answered_with_a_new_challenge(bench: Bench, operator: Controller) -> None:
    """A call that is sent again, because its answer was lost, finds its request, and brings a fresh challenge."""
    call = replace(operator.signed(operator.request()), idempotency_key="once")
    first = bench.result(call)
    again = bench.result(call)
    assert again["request"]["id"] == first["request"]["id"]
    assert again["challenge"]["nonce"] != first["challenge"]["nonce"]


def test_a_policy_can_allow_unsigned_requests(bench: Bench) -> None:
    """With `allow_unsigned` the window says what it says today, and a wrong signature is refused all the same."""
    pin(bench, policy="allow_unsigned = true")
    bench.start_session()
    bench.request()
    [item] = bench.customer(cm.CustomerWatch()).snapshot.asked  # type: ignore[union-attr]
    assert not item.is_signed
    operator = Controller(bench)
    operator.start("CHG-2")
    wrong = operator.signed(operator.request("CHG-2"), restarts=9)
    assert bench.code(wrong) == "request_differs"


def test_both_pinned_keys_count(bench: Bench) -> None:
    """While the authority is being replaced, certificates of both keys count."""
    pin(bench, CA, NEXT_CA)
    bench.world.sign_in(ANNA)
    for ca in (CA, NEXT_CA):
        operator = Controller(bench, certificate(bench.world.now, ca=ca))
        operator.start()
        assert bench.ask(operator.signed(operator.request(ask_again=True))).outcome == "done"


def test_the_role_may_be_the_first_principal(bench: Bench, operator: Controller) -> None:
    """A certificate without the extension has its first principal as its role."""
    operator.line = certificate(
        bench.world.now, extensions={b"latchkey-organization": b"Contoso IT"}, principals=(b"helpdesk", b"x")
    )
    assert bench.ask(operator.signed(operator.request())).outcome == "done"


# --- requests that the PC refuses


def test_an_unsigned_request_is_refused_once_a_key_is_pinned(bench: Bench, operator: Controller) -> None:
    """There is no silent fall-back."""
    refused(bench, operator.request(), "signature_required")


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        ({"until": -timedelta(seconds=1)}, "certificate_expired", "2026"),
        ({"until": timedelta(days=31, seconds=1)}, "certificate_long_lived", "31 days"),
        ({"since": timedelta(seconds=1)}, "certificate_not_yet_valid", "2026"),
        ({"ca": NEXT_CA}, "certificate_untrusted", "SHA256:"),
        ({"extensions": {b"latchkey-organization": b"Fabrikam"}}, "certificate_not_allowed", "Fabrikam"),
        ({"extensions": {}}, "certificate_not_allowed", "organisation ''"),
        ({"principals": (b"intern",)}, "certificate_not_allowed", "none of its principals"),
        ({"principals": ()}, "certificate_unusable", "no principal"),
        ({"kind": SSHCertificateType.HOST}, "certificate_unusable", "person"),
        ({"critical": (b"force-command",)}, "certificate_unusable", "force-command"),
        ({"key": ec.generate_private_key(ec.SECP256R1())}, "certificate_unusable", "no line"),
        ({"ca": ec.generate_private_key(ec.SECP256R1())}, "certificate_unusable", "authority"),
        ({"name": b""}, "certificate_unusable", "name is empty"),
        ({"name": "Olga\u202e".encode()}, "certificate_unusable", "name"),
        ({"name": "A\u0308nne".encode()}, "certificate_unusable", "composed"),
        ({"name": b"\xff"}, "certificate_unusable", "UTF-8"),
    ],
)
def test_a_wrong_certificate_is_refused(
    bench: Bench, operator: Controller, wrong: dict[str, Any], code: str, words: str
) -> None:
    """Each fault of a certificate has its code and its reason."""
    operator.line = certificate(bench.world.now, **wrong)
    assert words in refused(bench, operator.signed(operator.request()), code)


def test_a_certificate_must_end_soon(bench: Bench, operator: Controller) -> None:
    """OpenSSH's largest number means that a certificate has no end; it does not count, nor one that begins there."""
    for begin, code in ((0, "certificate_long_lived"), (2**64 - 1, "certificate_not_yet_valid")):
        operator.line = endless(begin)
        said = refused(bench, operator.signed(operator.request()), code)
        assert "the end of the calendar" in said
    operator.line = certificate(bench.world.now, until=timedelta(days=31))
    assert bench.ask(operator.signed(operator.request())).outcome == "done"


def test_a_clock_set_forward_shortens_no_certificate(bench: Bench, operator: Controller) -> None:
    """The time that is left counts from the earlier of clock and agent's time while something is asked."""
    operator.line = certificate(bench.world.now)
    assert bench.ask(operator.signed(operator.request())).outcome == "done"
    operator.line = certificate(bench.world.now, until=timedelta(days=31, minutes=30))
    operator.start()
    request = operator.signed(operator.request(restarts=3))
    bench.world.set_clock(bench.world.now + timedelta(hours=1))
    bench.wake()
    assert bench.code(request) == "certificate_long_lived"


def endless(begin: int) -> str:
    """Return a certificate without an end."""
    builder = SSHCertificateBuilder().public_key(signing.OPERATOR_KEY.public_key()).serial(7)
    builder = builder.type(SSHCertificateType.USER).key_id(b"Olga Operator").valid_principals([b"helpdesk"])
    builder = builder.valid_after(begin).valid_before(2**64 - 1)
    builder = builder.add_extension(b"latchkey-organization", b"Contoso IT")
    return builder.sign(CA).public_bytes().decode()


def test_the_answer_says_why_it_has_no_challenge(
    bench: Bench, operator: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last call before the limit the PC does not look like one that pins no authority."""
    monkeypatch.setattr(call_limit, "CALLS", 5)
    request = operator.request()
    found = [bench.result(operator.signed(request))]
    assert "challenge_why" not in found[0]
    operator.challenge = found[0]["challenge"]
    again = bench.result(operator.signed(replace(request, restarts=1)))
    assert "at most 1000 calls of an account within an hour" in again["challenge_why"]
    assert "challenge" not in again


def test_a_device_key_that_cannot_be_used_is_the_reason(bench: Bench) -> None:
    """The PC signs no challenge, and says so."""
    pin(bench)
    bench.agent.core._device_key = None
    bench.agent.core._key_problem = "DPAPI failed"
    with patch.object(Core, "_look_for_device_key"):
        answer = bench.result(rq.SessionStart(session="CHG-1", reason="x"))
    assert answer.get("challenge") is None
    assert "DPAPI failed" in answer["challenge_why"]


def test_only_the_roles_of_the_settings_count(bench: Bench, operator: Controller) -> None:
    """A PC whose settings list roles refuses a certificate with another role."""
    pin(bench, epoch=2, signing='roles = ["second-level"]')
    bench.wake()
    sentence = refused(bench, operator.signed(operator.request()), "certificate_not_allowed")
    assert "'helpdesk'" in sentence


@pytest.mark.parametrize("crashes", [(), ("kill",)])
def test_a_certificates_end_counts_by_the_pcs_clock(bench: Bench, operator: Controller, crashes: Any) -> None:
    """While nothing is asked the agent takes the clock as it is, so one that is set back lets the certificate count."""
    begun = bench.world.now
    operator.line = certificate(begun, until=timedelta(minutes=10))
    bench.world.now += timedelta(hours=2)
    bench.wake()
    operator.start()
    request = operator.request(not_after=signing.utc(begun + timedelta(hours=5)))
    assert bench.code(operator.signed(request)) == "certificate_expired"
    bench.result(rq.SessionEnd(session="CHG-1"))
    for _ in crashes:
        bench.kill()
    bench.world.set_clock(begun)
    for _ in crashes:
        bench.start()
        bench.world.sign_in(ANNA)
    bench.wake()
    operator.start()
    request = operator.request(not_after=signing.utc(begun + timedelta(hours=5)))
    assert bench.ask(operator.signed(request)).outcome == "done"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"restarts": 3}, "restarts"),
        ({"device": "PC-08"}, "device"),
        ({"device_key": "SHA256:x"}, "device_key"),
        ({"account": "ben"}, "account"),
        ({"reason": "Nothing"}, "reason"),
        ({"ticket": "CHG-9"}, "ticket"),
        ({"session": "CHG-9"}, "session"),
        ({"ends_at": "2099-01-01T00:00:00+00:00"}, "ends_at"),
        ({"operators": []}, "operators"),
        ({"asked_by": {"name": "PC-07\\olga", "sid": "S-1-5-21-9"}}, "asked_by"),
        ({"not_after": "2099-01-01T00:00:00+00:00"}, "not_after"),
        ({"requester": {"name": "Other"}}, "requester"),
        ({"certificate_sha256": "0" * 64}, "certificate_sha256"),
        ({"restarts": 2.0}, "form"),
        ({"more": 1}, "an unknown field"),
    ],
)
def test_a_request_that_differs_from_what_was_signed_is_refused(
    bench: Bench, operator: Controller, changes: dict[str, Any], field: str
) -> None:
    """Other terms, another PC, another account, another reason: the refusal names the field."""
    assert field in refused(bench, operator.signed(operator.request(), **changes), "request_differs")


def test_a_signed_request_names_its_account(bench: Bench, operator: Controller) -> None:
    """Who is at the screen may change on the way."""
    refused(bench, operator.signed(operator.request(account=None)), "account_not_signed")


@pytest.mark.parametrize("document", [b"[]", b"{", b"null", b"[" * 20_000, b'"' + b"9" * 5000 + b'"'])
def test_a_text_that_is_no_request_is_refused(bench: Bench, operator: Controller, document: bytes) -> None:
    """A signed text of another form answers no challenge."""
    refused(bench, operator.sent(operator.request(), document), "challenge_unknown")


def test_another_text_than_the_signed_one_is_refused(bench: Bench, operator: Controller) -> None:
    """A signature by another key, for another purpose, of another text, or cut off does not count."""
    request = operator.request()
    good = operator.signed(request)
    assert good.signature is not None
    sent, line = good.signature, operator.line
    other = replace(sent, document=sent.document.replace('"restarts":2', '"restarts":9'))
    refused(bench, replace(good, signature=other), "signature_invalid")
    cut = replace(sent, signature=sent.signature[:-60])
    refused(bench, replace(good, signature=cut), "signature_invalid")
    refused(bench, operator.sent(request, sent.document.encode(), "latchkey-receipt"), "signature_invalid")
    thief = Controller(bench, line, Ed25519PrivateKey.from_private_bytes(b"t" * 32))
    thief.challenge = operator.challenge
    assert "another key" in refused(bench, thief.signed(request), "signature_invalid")
    long = replace(sent, signature=sent.signature + " " * 10_000)
    refused(bench, replace(good, signature=long), "signature_invalid")
    assert bench.ask(good).outcome == "done"


def test_a_challenge_counts_once(bench: Bench, operator: Controller) -> None:
    """A signed request that is sent again asks nobody, also after its own request has ended."""
    request = operator.signed(operator.request(ask_again=True))
    asked = bench.result(request)["request"]["id"]
    bench.result(rq.RequestWithdraw(session="CHG-1", request=asked))
    assert bench.code(request) == "challenge_used"
    bench.crash()
    assert bench.code(request) == "challenge_used"
    assert len(bench.state.requests) == 1


def test_a_request_that_asks_nothing_new_uses_its_challenge(bench: Bench, operator: Controller) -> None:
    """One that an open request covers cannot be kept and sent when nothing covers it any more."""
    first = bench.result(operator.signed(operator.request()))
    operator.challenge = first["challenge"]
    covered = operator.signed(operator.request(restarts=1))
    answer = bench.ask(covered)
    assert (answer.outcome, answer.changed) == ("done", False)
    bench.result(rq.RequestWithdraw(session="CHG-1", request=first["request"]["id"]))
    assert bench.code(covered) == "challenge_used"


def test_another_persons_request_is_not_taken_for_this_one(bench: Bench, operator: Controller) -> None:
    """The result names whose signature the window shows; with other people's the request is made anew."""
    first = bench.result(operator.signed(operator.request()))["request"]
    mallory = Controller(bench, certificate(bench.world.now, name=b"Mallory"))
    mallory.start()
    requester = {"name": "Mallory", "organization": "Contoso IT", "role": "helpdesk"}
    second = bench.result(mallory.signed(mallory.request(restarts=1), requester=requester))["request"]
    assert second["signed_by"]["name"] == "Mallory"
    assert bench.state.requests[first["id"]].state is RequestState.WITHDRAWN
    operator.line = certificate(bench.world.now, until=2 * signing.AN_HOUR)
    operator.start()
    third = bench.result(operator.signed(operator.request(restarts=1)))["request"]
    assert third["signed_by"]["name"] == "Olga Operator"
    operator.line = certificate(bench.world.now, until=3 * signing.AN_HOUR)
    operator.start()
    again = bench.ask(operator.signed(operator.request(restarts=1)))
    assert (again.changed, again.result["request"]["id"]) == (False, third["id"])  # type: ignore[index]


def test_an_unsigned_open_request_is_not_taken_for_a_signed_one(bench: Bench, operator: Controller) -> None:
    """Where both kinds are allowed the signed one is shown as signed, with its six digits; and the other way round."""
    pin(bench, policy="allow_unsigned = true")
    unsigned = bench.result(operator.request())["request"]
    signed = bench.result(operator.signed(operator.request(restarts=1)))["request"]
    assert signed["id"] != unsigned["id"]
    assert (signed["signed_by"]["name"], len(signed["code"])) == ("Olga Operator", 6)
    last = bench.result(operator.request(restarts=1))["request"]
    assert last.get("signed_by") is None


def test_a_granted_request_uses_its_challenge(bench: Bench, operator: Controller, canary: bytearray) -> None:
    """The same holds for one that a grant covers."""
    bench.world.set_password(ANNA, canary)
    first = bench.result(operator.signed(operator.request()))
    bench.show(first["request"]["id"])
    bench.allow(first["request"]["id"], canary)
    operator.challenge = first["challenge"]
    covered = operator.signed(operator.request(restarts=1))
    assert bench.ask(covered).outcome == "done"
    bench.revoke()
    assert bench.code(covered) == "challenge_used"


def test_a_refused_request_may_be_sent_again(bench: Bench, operator: Controller) -> None:
    """The challenge is used when the request is taken: a refusal showed nothing."""
    request = operator.signed(operator.request(restarts=99))
    assert bench.code(request) == "policy_refuses"
    assert bench.code(request) == "policy_refuses"


def test_a_challenge_of_another_session_or_pc_is_refused(
    bench: Bench, operator: Controller, canary: bytearray
) -> None:
    """A nonce that this PC has not issued for this session is unknown, and so is one that was forgotten."""
    del canary
    old = operator.challenge
    operator.start("CHG-2")
    other = operator.request()
    refused(bench, operator.signed(other), "challenge_unknown")
    refused(bench, operator.signed(other, nonce="0" * 32), "challenge_unknown")
    for _ in range(16):
        operator.start()
    operator.challenge = old
    refused(bench, operator.signed(operator.request()), "challenge_unknown")


def test_a_challenge_expires(bench: Bench, operator: Controller) -> None:
    """A challenge is valid for some hours; the certificate may be valid for longer."""
    request = operator.signed(operator.request(not_after=None))
    operator.line = certificate(bench.world.now, until=timedelta(hours=20))
    until = signing.utc(bench.world.now + timedelta(hours=12))
    request = operator.signed(operator.request(not_after=until))
    bench.world.now += timedelta(hours=8)
    refused(bench, request, "challenge_expired")


def test_the_end_of_a_session_forgets_its_challenges(bench: Bench, operator: Controller) -> None:
    """A later session of that name has challenges of its own."""
    request = operator.signed(operator.request())
    bench.result(rq.SessionEnd(session="CHG-1"))
    assert bench.state.challenges == {}
    operator.start()
    refused(bench, request, "challenge_unknown")


def test_a_replaced_device_key_ends_the_signed_text(bench: Bench, operator: Controller) -> None:
    """A request names the key of the PC that it was signed for."""
    request = operator.signed(operator.request())
    bench.result(rq.DeviceKeyReplace())
    assert "device_key" in refused(bench, request, "request_differs")


# --- the pinned keys


def shown(bench: Bench) -> list[str]:
    """Return the ids of the requests that the customer sees."""
    bench.wake()
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [item.request for item in snapshot.asked]


@pytest.mark.parametrize(
    ("pinned", "left"),
    [
        ({"keys": (NEXT_CA,)}, 0),
        ({"keys": (CA, NEXT_CA)}, 1),
        ({"signing": 'roles = ["second-level"]'}, 0),
        ({"signing": 'roles = ["helpdesk"]'}, 1),
    ],
)
def test_an_open_request_is_checked_again_when_other_keys_are_pinned(
    bench: Bench, operator: Controller, canary: bytearray, pinned: dict[str, Any], left: int
) -> None:
    """A signature by an authority that counts no more is withdrawn from the screen, and cannot be granted."""
    bench.world.set_password(ANNA, canary)
    asked = bench.result(operator.signed(operator.request()))["request"]["id"]
    bench.show(asked)
    pin(bench, *pinned.pop("keys", ()), epoch=2, **pinned)
    if not left:
        assert bench.allow(asked, canary).done is False
        assert bench.state.grants == {}
    assert shown(bench) == [asked] * left
    if left:
        assert bench.allow(asked, canary).done
    else:
        assert bench.code(rq.RequestWait(session="CHG-1", request=asked)) == "request_withdrawn"


def test_an_unsigned_open_request_ends_when_keys_are_pinned(bench: Bench, canary: bytearray) -> None:
    """It would be refused now, so it is no longer shown; with `allow_unsigned` it stays until that is taken back."""
    bench.world.set_password(ANNA, canary)
    bench.start_session()
    asked = bench.request()
    bench.show(asked)
    pin(bench, policy="allow_unsigned = true")
    assert shown(bench) == [asked]
    pin(bench)
    assert bench.allow(asked, canary).done is False
    assert shown(bench) == []
    assert bench.state.grants == {}


def test_no_keys_at_all_end_a_signed_open_request(bench: Bench, operator: Controller) -> None:
    """The window must not say that a signature was checked when no authority counts."""
    bench.result(operator.signed(operator.request()))
    bench.settings.write_text("[signing]\nepoch = 2\n")
    assert shown(bench) == []


def test_keys_that_change_while_windows_checks_the_password_end_the_request(
    bench: Bench, operator: Controller, canary: bytearray
) -> None:
    """The grant itself is checked, not only the entry before it."""
    bench.world.set_password(ANNA, canary)
    asked = bench.result(operator.signed(operator.request()))["request"]["id"]
    bench.show(asked)
    accounts = bench.agent.core.computer.accounts
    right = accounts.check

    def check(*arguments: Any) -> Any:
        pin(bench, NEXT_CA, epoch=2)
        return right(*arguments)

    accounts.check = check  # type: ignore[assignment, method-assign]
    assert bench.allow(asked, canary).done is False
    assert bench.state.grants == {}


@pytest.mark.parametrize("command", [c.TryEntry(request="r"), c.GiveGrant(request="r", grant="g")])
def test_the_rules_grant_no_request_that_counts_no_more(
    bench: Bench, operator: Controller, command: c.AnyCommand
) -> None:
    """Also if the withdrawal could not be journalled yet."""
    asked = bench.result(operator.signed(operator.request()))["request"]["id"]
    bench.show(asked)
    command = msgspec.structs.replace(command, request=asked)
    state, now = bench.state, bench.agent.core.now()
    decide(state, command, now, Policy())
    with pytest.raises(Refused) as caught:
        decide(replace(state, authorities=Authorities()), command, now, Policy())
    assert caught.value.code == "request_withdrawn"


def test_an_authority_that_was_replaced_in_the_middle_ends_its_certificates(
    bench: Bench, operator: Controller
) -> None:
    """With a higher epoch the old key is gone at once, also for a challenge from before."""
    request = operator.signed(operator.request())
    pin(bench, NEXT_CA, epoch=2)
    refused(bench, request, "certificate_untrusted")


@pytest.mark.parametrize("epoch", [1, 2])
def test_an_older_settings_file_brings_no_key_back(bench: Bench, epoch: int) -> None:
    """Other keys need a higher epoch. Until then the agent refuses, and says why; revoking works."""
    pin(bench, NEXT_CA, epoch=2)
    bench.start_session()
    pin(bench, CA, epoch=epoch)
    error = bench.error(rq.SessionStart(session="CHG-2", reason="x"))
    assert (error.code, "epoch 2" in error.message) == ("policy_invalid", True)
    bench.crash()
    assert "epoch 2" in bench.result(rq.Info())["agent"]["problem"]
    assert bench.result(rq.CredentialRevoke(session="CHG-1"))["grants"] == []
    pin(bench, CA, epoch=3)
    bench.start_session("CHG-2")
    assert [bench.events().count("authorities_pinned"), bench.state.authorities.epoch] == [2, 3]


def test_settings_without_keys_need_a_higher_epoch_as_well(bench: Bench, operator: Controller) -> None:
    """Signing ends by a decision, not by a file that lacks the table."""
    bench.settings.write_text("[policy]\nmin_restart_interval = 0.0\n")
    assert bench.code(operator.request()) == "policy_invalid"
    bench.settings.write_text("[signing]\nepoch = 2\n")
    assert bench.ask(operator.request()).outcome == "done"


def test_broken_settings_change_no_pinned_key(bench: Bench, operator: Controller) -> None:
    """A file that cannot be read pins nothing anew."""
    del operator
    before = bench.state.authorities
    bench.settings.write_text("nonsense")
    bench.wake()
    assert bench.state.authorities == before


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('epoch = 1\norganization = "C"\nauthorities = ["ssh-rsa AAAA"]', "authorities"),
        ('organization = "C"\nauthorities = [LINE]', "epoch"),
        ("epoch = 1\nauthorities = [LINE]", "organization"),
        ("epoch = -1", "epoch"),
        ('organization = "C"', "need an `epoch`"),
        ('roles = ["helpdesk"]', "need an `epoch`"),
        ('epoch = 1\norganization = "Con\\u202Etoso"', "organization"),
        ('epoch = 1\norganization = "Contoso\\nSignature checked"', "organization"),
        ('epoch = 1\norganization = "C"\nroles = ["\\u202E"]', "roles"),
    ],
)
def test_wrong_settings_are_named(bench: Bench, table: str, words: str) -> None:
    """A key that cannot be used, or a part that is missing, makes the settings invalid."""
    line = json.dumps(signing.line_of(CA))
    bench.settings.write_text(f"[signing]\n{table.replace('LINE', line)}\n")
    assert words in bench.error(rq.SessionStart(session="CHG-1", reason="x")).message


def test_the_names_of_the_settings_are_composed(bench: Bench) -> None:
    """An organisation or role that an editor has written in another form of Unicode is the same name."""
    pin(bench, signing=json.dumps("Ma\u0308rz", ensure_ascii=False).join(("roles = [", "]")))
    text = bench.settings.read_text().replace('"Contoso IT"', '"Mu\u0308ller"')
    bench.settings.write_text(text, encoding="utf-8")
    bench.world.sign_in(ANNA)
    extensions = {b"latchkey-organization": "M\u00fcller".encode(), b"latchkey-role": "M\u00e4rz".encode()}
    line = certificate(bench.world.now, extensions=extensions, principals=("M\u00e4rz".encode(),))
    operator = Controller(bench, line)
    operator.start()
    requester = {"name": "Olga Operator", "organization": "M\u00fcller", "role": "M\u00e4rz"}
    assert bench.ask(operator.signed(operator.request(), requester=requester)).outcome == "done"


def test_a_full_disk_issues_no_challenge_and_starts_no_session(bench: Bench) -> None:
    """A nonce that is not in the journal does not leave the PC; a session that goes on is found all the same."""
    pin(bench)
    operator = Controller(bench)
    operator.start()
    bench.world.disk = "full"
    answer = bench.result(rq.SessionStart(session="CHG-1"))
    assert answer.get("challenge") is None


def test_no_changed_signature_is_taken_and_none_stops_the_agent(bench: Bench, operator: Controller) -> None:
    """Of 400 signed requests with a changed part none is shown, and each refusal is a plain one."""
    dice = random.Random(7)  # noqa: S311 - the same changes each time
    good = operator.signed(operator.request())
    assert good.signature is not None
    codes = set()
    for _ in range(400):
        part = dice.choice(("document", "signature", "certificate"))
        text = bytearray(getattr(good.signature, part).encode())
        for _change in range(dice.randint(1, 3)):
            place = dice.randrange(len(text))
            match dice.randrange(3):
                case 0:
                    text[place] = dice.randrange(32, 127)
                case 1:
                    del text[place : place + dice.randint(1, 60)]
                case _:
                    text[place:place] = text[: dice.randint(1, 60)]
        changed = replace(good.signature, **{part: text.decode()})
        # The end of a line behind a signature belongs to no part of it.
        if text.decode().strip() != getattr(good.signature, part).strip():
            answer = bench.ask(replace(good, signature=changed))
            assert isinstance(answer.error, ans.ErrorView), (part, changed)
            codes.add(answer.error.code)
    assert bench.state.requests == {}
    assert codes <= {"signature_invalid", "certificate_unusable", "certificate_untrusted"}
