# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uses of a grant of two parties whose request was signed: the person who signed it signs each delivery of a half."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from latchkey_agent.core.halves import WAIT_SECONDS
from latchkey_agent.domain import PermitState
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import Bench
from tests.unit.agent.second_party import SecondParty
from tests.unit.agent.signing import NEXT_CA, Controller, certificate, pin

PASSWORD = "canary".encode("utf-16-le")


class Signed:
    """A PC that pins an authority, with a grant of two parties on a signed request."""

    def __init__(self, bench: Bench) -> None:
        pin(bench)
        self.bench, self.second, self.olga = bench, SecondParty(bench), Controller(bench)
        self.grant = self.olga.lend_to_two(PASSWORD, self.second)

    def before_use(self, by: Controller | None = None, **changes: Any) -> rq.CredentialApply:
        """Return a use with a signed delivery, which `changes` may alter."""
        wanted = self.second.wanted()
        half = (by or self.olga).delivered(wanted, self.second.delivered(wanted), **changes)
        return self.second.use(half=half)

    def apply(self) -> str:
        """Begin the use; return the permit."""
        return str(self.bench.result(self.before_use())["use"]["permit"])

    def for_logon(self, permit: str, by: Controller | None = None, **changes: Any) -> rq.ApplyWait:
        """Return the signed delivery for the logon of a permit, which `changes` may alter."""
        wanted = self.second.wanted_for(permit)
        half = (by or self.olga).delivered(wanted, self.second.delivered(wanted), **changes)
        return rq.ApplyWait(session="CHG-1", permit=permit, half=half)


@pytest.fixture
def signed(bench: Bench) -> Signed:
    """A PC with such a grant."""
    return Signed(bench)


def test_the_signed_request_has_the_sealing_key(bench: Bench) -> None:
    """A public key that was put in the place of the operator's, or taken out, is another request; nothing is shown."""
    pin(bench)
    controller, second = Controller(bench), SecondParty(bench)
    controller.start()
    sent = controller.signed(controller.request(sealing=second.sealing()))
    for other in (SecondParty(bench).sealing(), None):
        refused = bench.error(replace(sent, sealing=other))
        assert (refused.code, "sealing" in refused.message) == ("request_differs", True)
    assert not bench.state.requests
    assert bench.result(sent)["request"]["signed_by"]


def test_a_signed_use(signed: Signed) -> None:
    """Both deliveries are signed, each for its own moment; the customer is signed in."""
    permit = signed.apply()
    signed.bench.reboot()
    signed.bench.result(signed.for_logon(permit))
    assert signed.bench.sign_in_with_permit() == PASSWORD
    assert signed.bench.state.permits[permit].state is PermitState.LOGGED_ON


def test_the_pc_says_who_must_sign(signed: Signed) -> None:
    """The device's signature covers the name of the person who must sign, and the end of the wait."""
    wanted = signed.second.wanted()
    assert wanted["signer"] == "Olga Operator"
    assert signed.second.half(wanted)
    assert signed.second.wanted()["expires_at"] == wanted["expires_at"]


def test_an_unsigned_request_needs_no_signed_use(bench: Bench) -> None:
    """A grant whose request was not signed takes a delivery without a signature, and the PC says so."""
    second = SecondParty(bench)
    second.lend(PASSWORD)
    assert second.wanted()["signer"] == ""
    assert second.apply()


CHANGES: dict[str, Any] = {
    "schema_version": "latchkey-apply-2",
    "device_key": "SHA256:" + "A" * 43,
    "certificate_sha256": "0" * 64,
    "session": "CHG-2",
    "grant": "other",
    "permit": "other",
    "action": "unlock",
    "step": "other",
    "nonce": "0" * 32,
    "expires_at": "2040-01-01T00:00:00+00:00",
    "message": "another text",
    "within": 5.0,
    "half_sha256": "0" * 64,
    "further": 1,
}


@pytest.mark.parametrize("field", CHANGES)
def test_each_field_of_a_signed_use_counts(signed: Signed, field: str) -> None:
    """A text for another use is refused and named, and nothing is used; the right one serves after it."""
    checks = len(signed.bench.world.checks)
    refused = signed.bench.error(signed.before_use(**{field: CHANGES[field]}))
    named = "an unknown field" if field == "further" else field
    assert (refused.code, named in refused.message) == ("apply_differs", True)
    assert (len(signed.bench.world.checks), signed.bench.world.restarts) == (checks, [])
    assert signed.apply()


@pytest.mark.parametrize("changed", [{"message": "Wait for me"}, {"within": 60.0}])
def test_a_call_that_was_changed_on_the_way_is_refused(signed: Signed, changed: dict[str, Any]) -> None:
    """The text that the customer would read, and the life of the permit, are what the operator has signed."""
    refused = signed.bench.error(replace(signed.before_use(), **changed))
    assert (refused.code, next(iter(changed)) in refused.message) == ("apply_differs", True)
    assert signed.bench.world.restarts == []


def test_a_delivery_without_a_signature_is_refused_at_both_moments(signed: Signed) -> None:
    """Neither the check nor the logon takes an unsigned half, and a refusal ends the wait for neither."""
    bench, second = signed.bench, signed.second
    wanted = second.wanted()
    assert bench.code(second.use(half=second.delivered(wanted))) == "apply_not_signed"
    assert second.wanted()["nonce"] == wanted["nonce"]
    permit = signed.apply()
    bench.reboot()
    half = second.delivered(second.wanted_for(permit))
    assert bench.code(rq.ApplyWait(session="CHG-1", permit=permit, half=half)) == "apply_not_signed"
    assert not bench.logon(lm.Peek())[0].done
    bench.result(signed.for_logon(permit))
    assert bench.sign_in_with_permit() == PASSWORD


def test_the_signature_of_the_check_does_not_serve_for_the_logon(signed: Signed) -> None:
    """The signed text of one delivery is refused for another one: permit, nonce and half are others."""
    before = signed.before_use()
    assert before.half is not None
    permit = str(signed.bench.result(before)["use"]["permit"])
    signed.bench.reboot()
    wanted = signed.second.wanted_for(permit)
    half = replace(signed.second.delivered(wanted), signature=before.half.signature)
    refused = signed.bench.error(rq.ApplyWait(session="CHG-1", permit=permit, half=half))
    assert refused.code == "apply_differs"
    assert "permit" in refused.message


@pytest.mark.parametrize(("wrong", "code"), [
    ({"until": -timedelta(minutes=1)}, "certificate_expired"),
    ({"since": timedelta(minutes=1)}, "certificate_not_yet_valid"),
    ({"ca": NEXT_CA}, "certificate_untrusted"),
    ({"extensions": {b"latchkey-organization": b"Fabrikam"}}, "certificate_not_allowed"),
    ({"name": b"Ben Operator"}, "certificate_not_allowed"),
    ({"principals": (b"intern",), "extensions": {b"latchkey-organization": b"Contoso IT"}},
     "certificate_not_allowed"),
    ({"critical": (b"force-command",)}, "certificate_unusable"),
    ({"key": Ed25519PrivateKey.from_private_bytes(b"z" * 32)}, "signature_invalid"),
])  # fmt: skip
def test_another_certificate_uses_nothing(signed: Signed, wrong: dict[str, Any], code: str) -> None:
    """A certificate that is not the person's, or does not count now, delivers nothing; the right one does after it."""
    bench = signed.bench
    other = Controller(bench, certificate(bench.world.now, **wrong))
    assert bench.code(signed.before_use(other)) == code
    assert bench.world.restarts == []
    assert signed.apply()


@pytest.mark.parametrize(("minutes", "code"), [(16, "certificate_ends_early"), (18, "")])
def test_a_certificate_must_last_until_the_sign_in(signed: Signed, minutes: int, code: str) -> None:
    """A certificate that ends before the permit does begins no restart, after which nobody could deliver."""
    bench = signed.bench
    soon = Controller(bench, certificate(bench.world.now, until=timedelta(minutes=minutes)))
    sent = signed.before_use(soon)
    if not code:
        assert bench.result(sent)["use"]["permit"]
        return
    assert bench.code(sent) == code
    assert bench.world.restarts == []
    assert signed.apply()


def test_a_renewed_certificate_delivers(signed: Signed) -> None:
    """The same person may sign the use with a later certificate, also of another key."""
    bench = signed.bench
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    later = Controller(bench, certificate(bench.world.now, key=key), key)
    assert bench.result(signed.before_use(later))["use"]["permit"]


def test_a_signature_for_another_purpose_is_refused(signed: Signed) -> None:
    """A signature over the same text with the namespace of requests is none."""
    wanted = signed.second.wanted()
    given = signed.second.delivered(wanted)
    signature = signed.olga.delivered(wanted, given).signature
    assert signature is not None
    other = signed.olga.signature(signature.document.encode(), "latchkey-request")
    assert signed.bench.code(signed.second.use(half=replace(given, signature=other))) == "signature_invalid"


def test_a_signed_delivery_counts_once_and_for_two_minutes(signed: Signed) -> None:
    """Sent again, or after its time, the same signed delivery is refused, whatever the clock says."""
    bench = signed.bench
    late = signed.before_use()
    bench.world.now += timedelta(seconds=WAIT_SECONDS)
    assert bench.code(late) == "half_not_awaited"
    sent = signed.before_use()
    bench.result(sent)
    assert bench.code(replace(sent, step="again")) in {"half_not_awaited", "restart_in_progress"}


def test_a_rotated_authority_ends_the_old_certificates(signed: Signed) -> None:
    """After the authority was replaced the grant stays, and the person signs its uses with a new certificate."""
    bench = signed.bench
    pin(bench, NEXT_CA, epoch=2)
    bench.wake()
    assert bench.code(signed.before_use()) == "certificate_untrusted"
    renewed = Controller(bench, certificate(bench.world.now, ca=NEXT_CA))
    assert bench.result(signed.before_use(renewed))["use"]["permit"]


def test_the_journal_notes_a_refused_signature(signed: Signed) -> None:
    """The refusal of a delivery is journalled."""
    use = signed.before_use(step="other")
    assert signed.bench.events()[-1] != "command_refused"
    signed.bench.code(use)
    assert signed.bench.events()[-1] == "command_refused"
