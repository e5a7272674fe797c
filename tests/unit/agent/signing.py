# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An organisation that signs requests: an authority, an operator's certificate, and what a controller would send.

The certificates are written by `cryptography`, which is not the agent's reader; `ssh-keygen` writes them elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    SSHCertificateBuilder,
    SSHCertificateType,
)
from msgspec.structs import replace

from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol.fields import DeliveredHalf, OperatorSignature
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import canonical_json
from tests.unit.agent.bench import Bench
from tests.unit.agent.second_party import SecondParty
from tests.unit.agent.world import ANNA

ORGANIZATION = "Contoso IT"
CA = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
NEXT_CA = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
OPERATOR_KEY = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
AN_HOUR = timedelta(hours=1)


def line_of(key: Ed25519PrivateKey) -> str:
    """Return the public key as a line of OpenSSH."""
    return ssh_signature.public_line(key.public_key().public_bytes_raw())


def certificate(
    now: datetime,
    *,
    key: Any = OPERATOR_KEY,
    ca: Any = CA,
    name: bytes = b"Olga Operator",
    principals: tuple[bytes, ...] = (b"helpdesk",),
    since: timedelta = -AN_HOUR,
    until: timedelta = AN_HOUR,
    kind: SSHCertificateType = SSHCertificateType.USER,
    critical: tuple[bytes, ...] = (),
    extensions: dict[bytes, bytes] | None = None,
) -> str:
    """Return an operator's certificate that is valid around `now`, or one with something wrong in it."""
    builder = (
        SSHCertificateBuilder()
        .public_key(key.public_key())
        .serial(7)
        .type(kind)
        .key_id(name)
        .valid_after(int((now + since).timestamp()))
        .valid_before(int((now + until).timestamp()))
    )
    every: Any = builder.valid_for_all_principals
    builder = builder.valid_principals(list(principals)) if principals else every()
    named = {b"latchkey-organization": ORGANIZATION.encode(), b"latchkey-role": b"helpdesk"}
    for extension, value in sorted((named if extensions is None else extensions).items()):
        builder = builder.add_extension(extension, value)
    for option in critical:
        builder = builder.add_critical_option(option, b"yes")
    return builder.sign(ca).public_bytes().decode()


def pin(bench: Bench, *keys: Ed25519PrivateKey, epoch: int = 1, policy: str = "", signing: str = "") -> None:
    """Write settings that pin these authorities."""
    lines = json.dumps([line_of(key) for key in keys or (CA,)])
    bench.settings.write_text(
        f"[policy]\nmin_restart_interval = 0.0\nlock_within = 0.05\n{policy}\n[signing]\nepoch = {epoch}\n"
        f'organization = "{ORGANIZATION}"\nauthorities = {lines}\n{signing}\n'
    )


class Controller:
    """Signs requests as the collection does: it knows the challenge, the session, and the operator's key."""

    def __init__(self, bench: Bench, line: str | None = None, key: Ed25519PrivateKey = OPERATOR_KEY) -> None:
        self.bench = bench
        self.line = certificate(bench.world.now) if line is None else line
        self.key = key
        self.challenge: dict[str, Any] = {}

    def start(self, session: str = "CHG-1", **options: Any) -> dict[str, Any]:
        """Start a session; keep its challenge."""
        told = {"reason": "Monthly updates", "ticket": session, "account": "anna", **options}
        answer = self.bench.result(rq.SessionStart(session=session, **told))
        self.challenge = answer["challenge"]
        return answer

    def request(self, session: str = "CHG-1", **options: Any) -> rq.CredentialRequest:
        """Return an unsigned request with all that a signed one names."""
        until = datetime.fromisoformat(self.challenge["at"]) + 4 * AN_HOUR
        fields = {
            "account": "anna",
            "restarts": 2,
            "not_before": self.challenge["at"],
            "not_after": until.isoformat(),
            **options,
        }
        return rq.CredentialRequest(session=session, **fields)

    def document(self, request: rq.CredentialRequest, **changes: Any) -> dict[str, Any]:
        """Return the text to sign, as an object."""
        challenge = self.challenge
        key = ssh_signature.public_key_of(challenge["public_key"])
        blob = b64decode(self.line.split()[1])
        return {
            "schema_version": "latchkey-request-1",
            "device": challenge["device"],
            "device_key": ssh_signature.fingerprint(key),
            "nonce": challenge["nonce"],
            "certificate_sha256": hashlib.sha256(blob).hexdigest(),
            "session": request.session,
            "requester": {"name": "Olga Operator", "organization": ORGANIZATION, "role": "helpdesk"},
            "reason": "Monthly updates",
            "ticket": request.session,
            "ends_at": challenge["ends_at"],
            "operators": challenge["operators"],
            "asked_by": challenge["asked_by"],
            "account": request.account,
            "means": request.means,
            "restarts": request.restarts,
            "unlocks": request.unlocks,
            "foreign_restarts": request.foreign_restarts,
            "programs": request.programs,
            "not_before": request.not_before,
            "not_after": request.not_after,
            "relock_after": request.relock_after,
            "grace": request.grace,
            "answer_within": request.answer_within,
            "answer_by": request.answer_by,
            "ask_again": request.ask_again,
            "sealing": msgspec.to_builtins(request.sealing),
        } | changes

    def signed(self, request: rq.CredentialRequest, **changes: Any) -> rq.CredentialRequest:
        """Return the request with a signature over its document, which `changes` may alter."""
        return self.sent(request, canonical_json(self.document(request, **changes)))

    def lend_to_two(self, password: bytes, second: SecondParty, **options: Any) -> str:
        """Let the customer lend to two parties on a signed request; return the grant's id."""
        bench = self.bench
        bench.world.set_password(ANNA, password)
        bench.world.sign_in(ANNA)
        self.start()
        asked = bench.result(self.signed(self.request(sealing=second.sealing(), **options)))["request"]["id"]
        bench.show(asked)
        assert bench.allow(asked, password).done
        return next(reversed(bench.state.grants))

    def use(self, wanted: dict[str, Any], given: DeliveredHalf) -> dict[str, Any]:
        """Return the text to sign for the delivery of a half, as an object."""
        names = ("session", "grant", "permit", "action", "step", "nonce", "expires_at")
        return {
            "schema_version": "latchkey-apply-1",
            "device_key": wanted["sealing"]["device"],
            "certificate_sha256": hashlib.sha256(b64decode(self.line.split()[1])).hexdigest(),
            **{name: wanted[name] for name in names},
            # The options of a use without a message, as long as `CredentialApply` has it, and of a logon.
            "message": "",
            "within": None if wanted["permit"] else 900.0,
            "half_sha256": hashlib.sha256(bytes.fromhex(given.sealed)).hexdigest(),
        }

    def delivered(self, wanted: dict[str, Any], given: DeliveredHalf, **changes: Any) -> DeliveredHalf:
        """Return the half with a signature over its use, which `changes` may alter."""
        document = canonical_json(self.use(wanted, given) | changes)
        return replace(given, signature=self.signature(document, "latchkey-apply"))

    def signature(self, document: bytes, namespace: str) -> OperatorSignature:
        """Return the signature over a text."""
        return OperatorSignature(
            document=document.decode(),
            signature=ssh_signature.sign(self.key, namespace, document),
            certificate=self.line,
        )

    def sent(
        self, request: rq.CredentialRequest, document: bytes, namespace: str = "latchkey-request"
    ) -> rq.CredentialRequest:
        """Return the request with a signature over this text."""
        signature = self.signature(document, namespace)
        fields = {name: getattr(request, name) for name in request.__struct_fields__} | {
            "signature": signature
        }
        return rq.CredentialRequest(**fields)


def utc(moment: datetime) -> str:
    """Return a moment as signed documents write it."""
    return moment.astimezone(UTC).isoformat()
