# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Gives a PC the operator's half of a grant's key, for one use, after checking which PC wants it.

The half crosses the wire sealed, to the controller with the grant's key and back with a key that the PC has for this
one delivery. The PC signs what it wants with its device key, so neither another PC nor a person on the connection can
put a key of their own in its place. What the PC wants must also be the use of the task: an honest PC signs what another
program in the middle has asked it for. Where the request of the grant was signed, the operator signs the delivery, too.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _answers as ans
from ._armored_signature import SignatureError, fingerprint, key_of_line, signed, signed_json, verified
from ._failure import Failure, failure
from ._journal_heads import device_key_changed
from ._known_pcs import HALVES, read_known
from ._operator_certificate import read_signer
from ._sealing_key import UnopenedError, sealed_to, sealing_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._agent_client import Agent
    from ._operator_certificate import Signer
    from ._sealing_key import SealingKey
    from ._wait_clock import Deadline

_SCHEMA, _APPLY_SCHEMA, _GRANT_SCHEMA = "latchkey-half-1", "latchkey-apply-1", "latchkey-grant-1"
_APPLY = "latchkey-apply"
_UNSIGNED = frozenset({"signature", "public_key"})


@dataclass(frozen=True)
class Meant:
    """The use for which a task gives its half.

    Attributes:
        action: the action of the use.
        step: its step; empty for none.
        permit: its permit; empty before the use has begun.
        message: before the use, the text that the customer reads.
        within: before the use, the seconds for which the permit waits; None afterwards.
    """

    action: str
    step: str = ""
    permit: str = ""
    message: str = ""
    within: float | None = None


@dataclass(frozen=True)
class HalfAnswers:
    """The operator's side of the grants of one session on one PC.

    Attributes:
        key: the operator's sealing key; None if the task has none.
        pc: the PC's name in the inventory.
        session: the name of the support session.
        known_pcs: the file with the PCs' device keys; None if the PC's signature is not compared with it.
        signer: returns the key that signs deliveries, with its certificate; None if the task has none.
        given: what was given, by the PC's nonces.
    """

    key: SealingKey | None
    pc: str
    session: str
    known_pcs: Path | None = None
    signer: Callable[[], Signer] | None = None
    given: dict[str, tuple[ans.HalfView, dict[str, Any]]] = field(default_factory=dict)

    # --- at the request

    def sealing(self, agent: Agent, deadline: Deadline) -> dict[str, str] | None:
        """Return the public key for a new grant, as the agent takes it; None without a sealing key.

        Raises:
            Failure: the PC's device key is not known, and the agent does not tell it; or there are no known PCs, so a
                program in the middle could be the second party.
        """
        if self.key is None:
            return None
        if self.known_pcs is None:
            raise failure("bad_option", detail="sealing_key needs known_pcs where the request is not signed")
        return self._new_sealing(self.key, self._known_device() or self._told_device(agent, deadline))

    def sealing_for(self, line: str) -> dict[str, str] | None:
        """Return the public key for a new grant on the PC with this device key; None without a sealing key.

        Args:
            line: the public key that has signed the PC's challenge, as OpenSSH writes it.

        Raises:
            Failure: the key is none, or not the one that is known.
        """
        if self.key is None:
            return None
        device = self._key(line)
        self._require_known(device)
        return self._new_sealing(self.key, fingerprint(device))

    def _new_sealing(self, key: SealingKey, device: str) -> dict[str, str]:
        nonce = os.urandom(32).hex()
        public_key = key.grant_key(device, self.session, nonce).public_key
        return {"device": device, "nonce": nonce, "public_key": public_key}

    def _known_device(self) -> str:
        """Return the fingerprint of the PC's only known key; empty without one."""
        if self.known_pcs is None:
            return ""
        keys = set(read_known(self.known_pcs).keys_of(self.pc, HALVES))
        return fingerprint(keys.pop()) if len(keys) == 1 else ""

    def _told_device(self, agent: Agent, deadline: Deadline) -> str:
        key = self._key(agent.ask(ans.DeviceKeyAnswer, "device_key", deadline).result.public_key)
        self._require_known(key)
        return fingerprint(key)

    @staticmethod
    def _key(line: str) -> bytes:
        try:
            return key_of_line(line)
        except SignatureError as fault:
            raise failure("bad_answer", detail=f"the device key: {fault}") from None

    def require_ours(self, answer: ans.RequestAnswer, means: str = "grant") -> None:
        """Refuse a grant that this sealing key will not open, also while the customer has not answered.

        Without a key, or without a password, there is nothing to compare.

        A program on the connection can take the public key out of an unsigned request, or put its own in the place.
        The customer then lends to one party, or to that program.

        Args:
            answer: the answer with the grant, or with the request: another job with another key may have made it.
            means: the means that were asked for; `grant` allows no other.

        Raises:
            Failure: `two_parties_unconfirmed`, `sealing_key_other`; or the PC is not the known one.
        """
        grant, asked = answer.grant, answer.request
        if grant is None and self.key is not None and asked is not None and asked.sealing is not None:
            self._require_our_key(self.key, asked.sealing)
        if grant is None or self.key is None or (grant.terms.means != "grant" and means != "grant"):
            return
        if grant.sealing is None or not grant.terms.two_parties:
            raise _unconfirmed("it is one of one party")
        self._require_our_key(self.key, grant.sealing)
        said = answer.statement
        if said is None:
            raise _unconfirmed("the PC has signed nothing about it")
        key = self._signer_of(said)
        self._require_known(key)
        if (said.grant, said.sealing) != (grant.id, grant.sealing) or fingerprint(key) != said.sealing.device:
            raise _unconfirmed("the PC has signed something else")

    @staticmethod
    def _signer_of(said: ans.GrantStatement) -> bytes:
        try:
            return _signing_key(said, _GRANT_SCHEMA)
        except SignatureError as fault:
            raise _unconfirmed(f"its signature: {fault}") from None

    # --- at a use

    def answer(self, wanted: ans.HalfView, meant: Meant) -> dict[str, Any]:
        """Return the half that a PC wants, sealed for this one delivery, and signed if the PC wants that.

        A task without a signing key sends the half without a signature, and the PC refuses it. What is wanted again,
        because an answer was lost, is given again as it was: so each nonce has one delivery.

        Args:
            wanted: what the PC wants.
            meant: what the task does.

        Raises:
            Failure: there is no sealing key, it is another one, or it cannot be known that the PC wants the half; or
                the signing key cannot be used.
        """
        if self.key is None:
            raise failure("sealing_key_missing")
        self._require_signed(wanted)
        self._require_our_key(self.key, wanted.sealing)
        _require_meant(wanted, meant)
        if wanted.nonce in self.given:
            before, repeated = self.given[wanted.nonce]
            if before != wanted:
                raise _invalid("its nonce has served for another delivery")
            return repeated
        given = self._given(self.key, wanted, meant)
        self.given[wanted.nonce] = wanted, given
        return given

    def _given(self, key: SealingKey, wanted: ans.HalfView, meant: Meant) -> dict[str, Any]:
        sealing = wanted.sealing
        grant_key = key.grant_key(sealing.device, self.session, sealing.nonce)
        try:
            half = grant_key.open(_bytes(wanted.sealed), _stored_info(wanted))
            sealed = sealed_to(_bytes(wanted.key), half, _delivery_info(wanted))
        except UnopenedError:
            raise _invalid("the half in it does not open, or its key is none") from None
        given: dict[str, Any] = {"nonce": wanted.nonce, "sealed": sealed.hex()}
        if not wanted.signer or self.signer is None:
            return given
        signer = self.signer()
        key.require_apart(signer.key)
        return {**given, "signature": _signature(signer, wanted, meant, sealed)}

    def _require_our_key(self, key: SealingKey, sealing: ans.SealingView) -> None:
        """Refuse a public key that was not derived from this sealing key."""
        derived = key.grant_key(sealing.device, self.session, sealing.nonce)
        if derived.public_key != sealing.public_key:
            raise failure("sealing_key_other", session=self.session)

    def _require_signed(self, wanted: ans.HalfView) -> None:
        """Refuse what the PC has not signed with the key that the grant is for, or with one that is not known."""
        try:
            key = _signing_key(wanted, _SCHEMA)
        except SignatureError as fault:
            raise _invalid(f"its signature: {fault}") from None
        self._require_known(key)
        if fingerprint(key) != wanted.sealing.device:
            raise _invalid("another key than the grant's has signed it")

    def _require_known(self, key: bytes) -> None:
        """Refuse a key that the file has not for this PC. A PC without a line is refused: it was enrolled before."""
        if self.known_pcs is None:
            return
        known = read_known(self.known_pcs)
        if key in known.keys_of(self.pc, HALVES):
            return
        theirs = {one.key for one in known.of(self.pc)}
        if not theirs or key in theirs:
            why = (
                "allows its key for latchkey-half at this time; add latchkey-half to the namespaces of its line"
                if theirs
                else "is in it: start a session first"
            )
            raise failure("known_pcs_unusable", detail=f"{self.known_pcs}: no line of {self.pc} {why}")
        raise device_key_changed(known, self.pc, key)


def half_answers(options: dict[str, Any], pc: str) -> HalfAnswers:
    """Return the operator's side for the options of a task.

    Raises:
        Failure: `sealing_key_unusable`, `hpke_missing`.
    """
    known, signing_key = options["known_pcs"], options["signing_key"]
    key = sealing_key(options["sealing_key"])
    # The signing key is read when a PC wants a signature: most uses need none.
    signer = (
        None if signing_key is None else partial(read_signer, signing_key, options["signing_certificate"])
    )
    return HalfAnswers(key, pc, options["session"], Path(known) if known else None, signer)


def _signing_key(said: ans.HalfView | ans.GrantStatement, schema: str) -> bytes:
    """Return the key that has signed a text of the PC; raise SignatureError if the signature does not count."""
    told = {name: value for name, value in asdict(said).items() if name not in _UNSIGNED}
    return verified(said.signature, signed_json({"schema_version": schema, **told}), HALVES)


def _require_meant(wanted: ans.HalfView, meant: Meant) -> None:
    """Refuse what an honest PC wants for another use than the task's, by the request of a program in the middle."""
    for name in ("action", "step", "permit"):
        if getattr(wanted, name) != getattr(meant, name):
            raise _invalid(f"it is for another use than this task's; the {name} differs")


def _signature(signer: Signer, wanted: ans.HalfView, meant: Meant, sealed: bytes) -> dict[str, str]:
    """Return the operator's signature over the task's use and the half that is delivered for it."""
    document: dict[str, object] = {
        "schema_version": _APPLY_SCHEMA,
        "device_key": wanted.sealing.device,
        "certificate_sha256": signer.sha256,
        "session": wanted.session,
        "grant": wanted.grant,
        "permit": meant.permit,
        "action": meant.action,
        "step": meant.step,
        "message": meant.message,
        "within": meant.within,
        "nonce": wanted.nonce,
        "expires_at": wanted.expires_at,
        "half_sha256": hashlib.sha256(sealed).hexdigest(),
    }
    text = signed_json(document)
    return {
        "document": text.decode("ascii"),
        "signature": signed(signer.key, text, _APPLY),
        "certificate": signer.certificate,
    }


def _stored_info(wanted: ans.HalfView) -> bytes:
    """Return the purpose of the half in the sealed record (`storage/operator_half.py` of the agent)."""
    return _info(
        "latchkey-stored-half-1",
        device=wanted.sealing.device,
        session=wanted.session,
        nonce=wanted.sealing.nonce,
        grant=wanted.grant,
    )


def _delivery_info(wanted: ans.HalfView) -> bytes:
    """Return the purpose of the half on its way to the PC."""
    return _info(
        "latchkey-delivered-half-1",
        device=wanted.sealing.device,
        grant=wanted.grant,
        permit=wanted.permit,
        nonce=wanted.nonce,
    )


def _info(purpose: str, **told: str) -> bytes:
    return json.dumps({"purpose": purpose, **told}, sort_keys=True, separators=(",", ":")).encode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise UnopenedError from None


def _unconfirmed(detail: str) -> Failure:
    # The customer has agreed: the grant is there.
    return failure("two_parties_unconfirmed", outcome="unknown", detail=detail)


def _invalid(detail: str) -> Failure:
    return failure("half_request_invalid", detail=detail)
