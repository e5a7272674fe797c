# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks operators for their half of a grant's key, and takes it: once before a use, and once more for its logon.

Where the request of the grant was signed, the person who signed it signs each delivery, too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from latchkey_agent.core.core import Core
from latchkey_agent.core.halves import Awaited, Purpose
from latchkey_agent.domain import (
    Action,
    Grant,
    Permit,
    Refused,
    Requester,
    Sealing,
    State,
    awaits_half,
    find_permit,
    may_use,
)
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import fields
from latchkey_agent.protocol.frames import wipe
from latchkey_agent.storage import operator_half
from latchkey_agent.storage.signed_json import APPLY, HALF, canonical_json
from latchkey_agent.storage.vault import VaultError, WrongHalfError

from . import views
from .operator_signatures import Checked, checked, difference
from .peer import Peer

SCHEMA, APPLY_SCHEMA, GRANT_SCHEMA = "latchkey-half-1", "latchkey-apply-1", "latchkey-grant-1"
_MARGIN = timedelta(minutes=2)
"""The time for which a certificate counts after the last moment of a permit: clocks differ, and calls take time."""
_SOON = 5.0
"""The seconds after which a delivery may be tried again."""
_AFTERWARDS: dict[str, Any] = {"message": "", "within": None}
"""The options of a use in the signed text for its logon: the customer has read the message, and the permit waits."""


class HalfExchange:
    """The operator's halves of one agent."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def sealing(self, asked: fields.Sealing | None) -> Sealing | None:
        """Return the operator's key of a request.

        Raises:
            Refused: `other_device_key`: it is for another PC; `bad_terms`: nothing can be sealed to it.
        """
        if asked is None:
            return None
        self._must_be_for_this_pc(asked.device)
        try:
            operator_half.require_usable(asked.public_key)
        except operator_half.HalfError as fault:
            raise Refused("bad_terms", detail=f"public_key of sealing: {fault}") from None
        return Sealing(device=asked.device, nonce=asked.nonce, public_key=asked.public_key)

    def told(self, answer: ans.RequestAnswer) -> ans.RequestAnswer:
        """Return the answer with the PC's signed word about its grant, if that is one of two parties.

        A program on the connection can put a key of its own into an unsigned request; the operator reads it here.
        """
        grant = answer.grant
        if grant is None or grant.sealing is None:
            return answer
        try:
            key = self._core.device_key
        except Refused:
            return answer
        statement = ans.GrantStatement(
            grant=grant.id,
            request=grant.request,
            session=answer.session,
            sealing=grant.sealing,
            signature="",
            public_key=key.public_key,
        )
        signature = key.sign(HALF, _covered(statement, GRANT_SCHEMA))
        return replace(answer, statement=replace(statement, signature=signature))

    # --- before a use

    def before_use(self, grant: Grant, action: Action, step: str | None) -> ans.HalfView:
        """Return the half that is wanted before a use begins: Windows checks the password first.

        Raises:
            Refused: the PC cannot sign, or signs with another key than the request was for.
            VaultError: there is no sealed record.
        """
        return self._view(grant, Purpose(grant.id, "", action, step or ""))

    def take_before_use(
        self, delivered: fields.DeliveredHalf, grant: Grant, request: rq.CredentialApply
    ) -> bytearray:
        """Return the half for the check of the password; the caller overwrites it.

        Raises:
            Refused: `half_not_awaited`, `half_unreadable`, or for its signature.
        """
        purpose = Purpose(grant.id, "", request.action, request.step or "")
        return self._take(delivered, purpose, {"message": request.message, "within": request.within})

    # --- for the logon

    def for_logon(self, state: State, permit: Permit) -> ans.HalfView | None:
        """Return the half that the logon of a permit waits for; None if it waits for none.

        Raises:
            Refused: as for `before_use`.
        """
        with self._core.lock:
            if not self.is_wanted(state, permit):
                return None
            try:
                return self._view(state.grants[permit.grant], _purpose(permit))
            except VaultError as fault:
                raise Refused("storage_failed", detail=str(fault)) from None
            except Refused as refusal:
                if refusal.code == "device_key_unusable":
                    # Right after the boot Windows may not open the key yet; the agent tries it again by itself.
                    refusal.retry_after = _SOON
                raise

    def is_wanted(self, state: State, permit: Permit) -> bool:
        """Tell whether the logon of a permit waits for the operator's half."""
        core = self._core
        return permit.id not in core.halves.held and awaits_half(state, permit, core.boot_id, core.now())

    def waiting(self, state: State, session: str) -> Permit | None:
        """Return the permit of a session whose logon waits for the operator's half, None if there is none."""
        theirs = (p for p in state.permits.values() if state.sessions[p.session].name == session)
        return next((permit for permit in theirs if self.is_wanted(state, permit)), None)

    def deliver(self, delivered: fields.DeliveredHalf, permit_id: str, peer: Peer) -> None:
        """Take the half for the logon of a permit, and announce the permit to the logon screen.

        A half that does not open the record is refused, and the permit goes on waiting.

        Raises:
            Refused: `half_not_awaited`, `half_unreadable`, `wrong_half`; or the session is another's; or
                `agent_failed` with a time: the logon screen cannot be notified, and the half is to be delivered again.
        """
        try:
            self._deliver(delivered, permit_id, peer)
        except Refused as refusal:
            self._core.note_refusal("DeliverHalf", refusal, peer.actor)
            raise

    def _deliver(self, delivered: fields.DeliveredHalf, permit_id: str, peer: Peer) -> None:
        core = self._core
        core.tick()
        with core.lock:
            permit = find_permit(core.state, permit_id)
            may_use(core.state.sessions[permit.session], peer.require_operator())
            if not self.is_wanted(core.state, permit):
                is_here = permit.id in core.halves.held
                why = "it is here already" if is_here else "the use is over, or its logon cannot come now"
                raise Refused("half_not_awaited", detail=why)
            half = self._take(delivered, _purpose(permit), _AFTERWARDS)
            try:
                self._must_open(core.state.grants[permit.grant], half)
            except BaseException:
                wipe(half)
                raise
            core.halves.hold(permit.id, half, core.computer.clock.uptime())
            try:
                core.computer.notifier.announce_permit()
            except PortError as fault:
                if (kept := core.halves.release(permit.id)) is not None:
                    wipe(kept)
                raise Refused("agent_failed", retry_after=_SOON, detail=str(fault)) from None
            core.state_changed.notify_all()

    def _must_open(self, grant: Grant, half: bytearray) -> None:
        """Raise Refused (`wrong_half`) if the record does not open: after the redeeming it would be too late."""
        try:
            wipe(self._core.unseal(grant, half))
        except WrongHalfError:
            raise Refused("wrong_half") from None
        except VaultError:
            # The half is not the cause. The redeeming finds the same, and ends the grant.
            return

    # --- both

    def _take(self, delivered: fields.DeliveredHalf, purpose: Purpose, options: dict[str, Any]) -> bytearray:
        with self._core.lock:
            up = self._core.computer.clock.uptime()
            awaited = self._core.halves.known(purpose, delivered.nonce, up)
            self._must_be_signed(delivered, purpose, awaited, options)
            return self._core.halves.take(purpose, delivered.nonce, bytes.fromhex(delivered.sealed), up)

    def _must_be_signed(
        self,
        delivered: fields.DeliveredHalf,
        purpose: Purpose,
        awaited: Awaited,
        options: dict[str, Any],
    ) -> None:
        """Check who delivers under a grant whose request was signed; a delivery that fails here may be repeated.

        Args:
            delivered: the half with its signature.
            purpose: what it is for.
            awaited: what the agent has asked for.
            options: further options of the use that are signed.

        Raises:
            Refused: `apply_not_signed`, `apply_differs`, or with the code of the fault of signature or certificate.
        """
        state = self._core.state
        grant = state.grants[purpose.grant]
        asked = state.requests[grant.request].signed
        if asked is None:
            return
        if delivered.signature is None:
            raise Refused("apply_not_signed", name=asked.requester.name)
        by = checked(self._core, delivered.signature, APPLY)
        if by.requester != asked.requester:
            other = f"it names {_named(by.requester)}, and the grant was given to {_named(asked.requester)}"
            raise Refused("certificate_not_allowed", detail=other)
        expected = self._use(delivered, purpose, awaited, by) | options
        if differs := difference(delivered.signature.document, expected):
            raise Refused("apply_differs", detail=differs)
        if not purpose.permit:
            self._must_outlast(by, grant, options["within"])

    def _must_outlast(self, by: Checked, grant: Grant, within: float) -> None:
        """Raise Refused if the certificate ends before the sign-in, for which it must count once more.

        Otherwise the PC would restart, and stay at its logon screen.
        """
        last = min(self._core.now().ends + timedelta(seconds=within), grant.terms.not_after) + _MARGIN
        if by.certificate.valid_before < last.timestamp():
            ends_at = datetime.fromtimestamp(by.certificate.valid_before, UTC)
            raise Refused("certificate_ends_early", detail=ends_at.isoformat(timespec="minutes"))

    def _use(
        self, delivered: fields.DeliveredHalf, purpose: Purpose, awaited: Awaited, by: Checked
    ) -> dict[str, Any]:
        """Return the text that must have been signed, as an object: the use for which the half is wanted."""
        session = self._core.state.grants[purpose.grant].session
        return {
            "schema_version": APPLY_SCHEMA,
            "device_key": awaited.delivery.device,
            "certificate_sha256": by.certificate.sha256,
            "session": self._core.state.sessions[session].name,
            "grant": purpose.grant,
            "permit": purpose.permit,
            "action": purpose.action,
            "step": purpose.step,
            "nonce": delivered.nonce,
            "expires_at": awaited.expires_at.isoformat(),
            "half_sha256": sha256(bytes.fromhex(delivered.sealed)).hexdigest(),
        }

    def _view(self, grant: Grant, purpose: Purpose) -> ans.HalfView:
        core = self._core
        with core.lock:
            key, request = core.device_key, core.state.requests[grant.request]
            sealing = request.sealing
            if sealing is None:
                raise Refused("agent_failed", detail="a grant of two parties has no key of the operator")
            self._must_be_for_this_pc(sealing.device)
            sealed = core.sealed_half(grant)
            now = core.now().present.astimezone(UTC).replace(microsecond=0)
            awaited = core.halves.awaited(purpose, sealing.device, core.computer.clock.uptime(), now)
        view = ans.HalfView(
            grant=grant.id,
            permit=purpose.permit,
            session=core.state.sessions[grant.session].name,
            action=purpose.action,
            step=purpose.step,
            sealing=views.sealing_view(sealing),
            sealed=sealed.hex(),
            key=awaited.key.public_key,
            nonce=awaited.delivery.nonce,
            signer="" if request.signed is None else request.signed.requester.name,
            expires_at=awaited.expires_at.isoformat(),
            signature="",
            public_key=key.public_key,
        )
        return replace(view, signature=key.sign(HALF, _covered(view, SCHEMA)))

    def _must_be_for_this_pc(self, device: str) -> None:
        if device != self._core.device_key.fingerprint:
            raise Refused("other_device_key", detail=device)


def _covered(view: ans.HalfView | ans.GrantStatement, schema: str) -> bytes:
    """Return the bytes that the signature of a wanted half, or of a statement, covers."""
    told = {k: v for k, v in to_builtins(view).items() if k not in {"signature", "public_key"}}
    return canonical_json({"schema_version": schema, **told})


def _purpose(permit: Permit) -> Purpose:
    return Purpose(permit.grant, permit.id, permit.action, permit.step or "")


def _named(who: Requester) -> str:
    return f"{who.name} ({who.role}, {who.organization})"
