# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's side of a grant of two parties, for tests of the agent without the collection."""

from __future__ import annotations

import json
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import fields
from latchkey_agent.storage.ssh_signature import verify
from tests.unit.agent.bench import Bench

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


def info(purpose: str, **told: str) -> bytes:
    """Return the purpose of a sealed half as the documentation says it."""
    return json.dumps({"purpose": purpose, **told}, sort_keys=True, separators=(",", ":")).encode("ascii")


class SecondParty:
    """An operator with a key for one grant."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.key = X25519PrivateKey.generate()
        self.nonce = os.urandom(32).hex()

    def sealing(self) -> fields.Sealing:
        """Return the public key as a request has it."""
        device = self.bench.agent.core.device_key.fingerprint
        public = self.key.public_key().public_bytes_raw().hex()
        return fields.Sealing(device=device, nonce=self.nonce, public_key=public)

    def half(self, wanted: dict[str, Any]) -> bytes:
        """Return the clear half that an agent wants, after checking the signature."""
        told = {k: v for k, v in wanted.items() if k not in {"signature", "public_key"}}
        body = json.dumps(
            {"schema_version": "latchkey-half-1", **told}, sort_keys=True, separators=(",", ":")
        )
        verify(wanted["signature"], "latchkey-half", body.encode("ascii"))
        stored = info(
            "latchkey-stored-half-1",
            device=wanted["sealing"]["device"],
            session=wanted["session"],
            nonce=wanted["sealing"]["nonce"],
            grant=wanted["grant"],
        )
        return bytes(SUITE.decrypt(bytes.fromhex(wanted["sealed"]), self.key, stored))

    def delivered(self, wanted: dict[str, Any], half: bytes | None = None) -> fields.DeliveredHalf:
        """Return the half, or another one, sealed to the key that an agent has for one delivery."""
        clear = self.half(wanted) if half is None else half
        told = info(
            "latchkey-delivered-half-1",
            device=wanted["sealing"]["device"],
            grant=wanted["grant"],
            permit=wanted["permit"],
            nonce=wanted["nonce"],
        )
        key = X25519PublicKey.from_public_bytes(bytes.fromhex(wanted["key"]))
        return fields.DeliveredHalf(nonce=wanted["nonce"], sealed=SUITE.encrypt(clear, key, told).hex())

    # --- the main job's steps

    def lend(self, password: bytes | bytearray, **terms: Any) -> str:
        """Let the customer lend the password to two parties; return the grant's id."""
        return self.bench.lend(password, sealing=self.sealing(), **terms)

    def wanted(self, action: str = "restart", **options: Any) -> dict[str, Any]:
        """Return what the agent wants before a use."""
        answer = self.bench.ask(self.use(action, **options))
        assert isinstance(answer.error, ans.ErrorView)
        assert answer.error.code == "half_missing", answer
        assert isinstance(answer.result, dict)
        wanted: dict[str, Any] = answer.result["half"]
        return wanted

    def use(self, action: str = "restart", **options: Any) -> rq.CredentialApply:
        """Return the request for a use."""
        fields_ = {"session": "CHG-1", "action": action, **options}
        return rq.CredentialApply(**fields_)

    def apply(self, action: str = "restart", **options: Any) -> str:
        """Use the grant with both parties; return the permit's id."""
        half = self.delivered(self.wanted(action, **options))
        use = self.bench.result(self.use(action, half=half, **options))["use"]
        return str(use["permit"])

    def wanted_for(self, permit: str) -> dict[str, Any]:
        """Return what the agent wants for the logon of a permit; empty if it wants nothing."""
        answer = self.bench.result(rq.ApplyWait(session="CHG-1", permit=permit))
        wanted: dict[str, Any] = answer.get("half") or {}
        return wanted

    def deliver(self, permit: str, half: bytes | None = None) -> None:
        """Deliver the half for the logon of a permit."""
        delivered = self.delivered(self.wanted_for(permit), half)
        self.bench.result(rq.ApplyWait(session="CHG-1", permit=permit, half=delivered))

    def at_logon_screen(self, password: bytes | bytearray, **terms: Any) -> str:
        """Bring the PC to its logon screen with an issued permit, whose half has not come; return the permit's id."""
        self.lend(password, **terms)
        permit = self.apply()
        self.bench.reboot()
        return permit
