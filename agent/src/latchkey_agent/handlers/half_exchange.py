# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks operators for their half of a grant's key, and takes it: once before a use, and once more for its logon."""

from __future__ import annotations

from msgspec import to_builtins
from msgspec.structs import replace

from latchkey_agent.core.core import Core
from latchkey_agent.core.halves import Purpose
from latchkey_agent.domain import (
    Action,
    Grant,
    Permit,
    Refused,
    Sealing,
    State,
    awaits_half,
    find_permit,
    may_use,
)
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import fields
from latchkey_agent.protocol.frames import wipe
from latchkey_agent.storage import operator_half
from latchkey_agent.storage.signed_json import HALF, canonical_json
from latchkey_agent.storage.vault import VaultError, WrongHalfError

from .peer import Peer

SCHEMA = "latchkey-half-1"


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

    # --- before a use

    def before_use(self, grant: Grant, action: Action, step: str | None) -> ans.HalfView:
        """Return the half that is wanted before a use begins: Windows checks the password first.

        Raises:
            Refused: the PC cannot sign, or signs with another key than the request was for.
            VaultError: there is no sealed record.
        """
        return self._view(grant, Purpose(grant.id, "", action, step or ""))

    def take_before_use(
        self, delivered: fields.DeliveredHalf, grant: Grant, action: Action, step: str | None
    ) -> bytearray:
        """Return the half for the check of the password; the caller overwrites it.

        Raises:
            Refused: `half_not_awaited`, `half_unreadable`.
        """
        return self._take(delivered, Purpose(grant.id, "", action, step or ""))

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
            Refused: `half_not_awaited`, `half_unreadable`, `wrong_half`; or the session is another's.
            PortError: the logon screen cannot be notified; the half is to be delivered again.
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
            half = self._take(delivered, _purpose(permit))
            try:
                self._must_open(core.state.grants[permit.grant], half)
            except Refused:
                wipe(half)
                raise
            core.halves.hold(permit.id, half)
            try:
                core.computer.notifier.announce_permit()
            except PortError:
                if (kept := core.halves.release(permit.id)) is not None:
                    wipe(kept)
                raise
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

    def _take(self, delivered: fields.DeliveredHalf, purpose: Purpose) -> bytearray:
        with self._core.lock:
            up = self._core.computer.clock.uptime()
            return self._core.halves.take(purpose, delivered.nonce, bytes.fromhex(delivered.sealed), up)

    def _view(self, grant: Grant, purpose: Purpose) -> ans.HalfView:
        core = self._core
        with core.lock:
            key, request = core.device_key, core.state.requests[grant.request]
            sealing = request.sealing
            if sealing is None:
                raise Refused("agent_failed", detail="a grant of two parties has no key of the operator")
            self._must_be_for_this_pc(sealing.device)
            sealed = core.sealed_half(grant)
            awaited = core.halves.awaited(purpose, sealing.device, core.computer.clock.uptime())
        view = ans.HalfView(
            grant=grant.id,
            permit=purpose.permit,
            session=core.state.sessions[grant.session].name,
            action=purpose.action,
            step=purpose.step,
            sealing=ans.SealingView(
                device=sealing.device, nonce=sealing.nonce, public_key=sealing.public_key
            ),
            sealed=sealed.hex(),
            key=awaited.key.public_key,
            nonce=awaited.delivery.nonce,
            signature="",
            public_key=key.public_key,
        )
        return replace(view, signature=key.sign(HALF, _covered(view)))

    def _must_be_for_this_pc(self, device: str) -> None:
        if device != self._core.device_key.fingerprint:
            raise Refused("other_device_key", detail=device)


def _covered(view: ans.HalfView) -> bytes:
    """Return the bytes that the signature of a wanted half covers."""
    told = {k: v for k, v in to_builtins(view).items() if k not in {"signature", "public_key"}}
    return canonical_json({"schema_version": SCHEMA, **told})


def _purpose(permit: Permit) -> Purpose:
    return Purpose(permit.grant, permit.id, permit.action, permit.step or "")
