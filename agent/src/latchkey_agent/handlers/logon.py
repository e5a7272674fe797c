# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logon pipe: peek, redeem once, report."""

from __future__ import annotations

import logging
from typing import NamedTuple

from latchkey_agent.core.core import Core
from latchkey_agent.core.desktops import sign_ins
from latchkey_agent.domain import (
    REFUSALS,
    Actor,
    LogonRefusal,
    Permit,
    Refused,
    find_permit,
    redeemable,
    reported,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.protocol.frames import wipe
from latchkey_agent.storage.lock_duties import LockDuty
from latchkey_agent.storage.vault import VaultError

from .peer import LOCAL_SYSTEM, Peer

log = logging.getLogger(__name__)
NOTHING = lm.LogonAnswer(done=False)
_ACTOR = Actor("logon screen", LOCAL_SYSTEM.sid)


class LogonReply(NamedTuple):
    """An answer, the secret that goes with it, and whether a permit still waits to be redeemed.

    The sender of the answer overwrites the secret.
    """

    answer: lm.LogonAnswer
    secret: bytearray
    permit_waits: bool = False


class LogonHandler:
    """Answers the credential provider. In doubt the answer is nothing (rule 12)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._unjournalled: dict[str, c.ReportLogon] = {}

    def answer(self, body: bytes, peer: Peer) -> LogonReply:
        """Return the reply to one message."""
        if not peer.system:
            return LogonReply(NOTHING, bytearray())
        try:
            match codec.decode_logon(body):
                case lm.Peek():
                    answer = self._peek()
                    return LogonReply(answer, bytearray(), permit_waits=answer.done)
                case lm.Redeem() as request:
                    return self._redeem(request, peer)
                case lm.ReportResult() as request:
                    return LogonReply(self._report(request), bytearray())
        except (codec.ProtocolError, Refused, VaultError, PortError) as fault:
            log.warning("nothing for the logon screen: %s", fault)
        return LogonReply(NOTHING, bytearray())

    def _peek(self) -> lm.LogonAnswer:
        self._core.tick()
        self._core.policy()
        boot_id = self._core.computer.power.boot_id()
        with self._core.lock:
            held = self._core.halves.held
            permit = redeemable(self._core.state, boot_id, self._core.now(), held)
            return NOTHING if permit is None else self._describe(permit)

    def _describe(self, permit: Permit) -> lm.LogonAnswer:
        return lm.LogonAnswer(
            done=True,
            permit=permit.id,
            action=permit.action,
            sid=permit.account.sid,
            user=permit.account.user,
            domain=permit.account.domain,
            kind=permit.account.kind,
        )

    def _redeem(self, request: lm.Redeem, peer: Peer) -> LogonReply:
        """Journal that the permit is redeemed; only then open the secret (rule 5).

        Before that the duty to lock the desktop stands outside of the journal, too (rule 9).
        A broken settings file allows no use (`policy_invalid`).
        """
        self._core.policy()
        boot_id = self._core.computer.power.boot_id()
        self._look_at_sessions(find_permit(self._core.state, request.permit))
        with self._core.lock:
            permit = find_permit(self._core.state, request.permit)
            half = self._half_for(permit)
            try:
                return self._redeem_with(half, permit, boot_id, peer)
            finally:
                if half is not None:
                    wipe(half)

    def _half_for(self, permit: Permit) -> bytearray | None:
        """Return the operator's half for a permit, None where the grant is of one party.

        Raises:
            Refused: `half_missing`: it is not here. The permit goes on waiting for it.
        """
        if not self._core.state.grants[permit.grant].terms.two_parties:
            return None
        if (half := self._core.halves.release(permit.id)) is None:
            raise Refused("half_missing")
        return half

    def _redeem_with(self, half: bytearray | None, permit: Permit, boot_id: str, peer: Peer) -> LogonReply:
        duty = LockDuty(permit.id, permit.account.sid, boot_id, peer.session_id)
        with self._core.duties.taken(duty):
            redeem = c.RedeemPermit(permit=permit.id, boot_id=boot_id, windows_session=peer.session_id)
            self._core.execute(redeem, actor=_ACTOR)
        permit = self._core.state.permits[permit.id]
        try:
            secret = self._core.unseal(self._core.state.grants[permit.grant], half)
        except VaultError as fault:
            # A record that does not open is of no use: its grant ends.
            unreadable = c.ReportLogon(permit=permit.id, rejection="record_unreadable", detail=str(fault))
            self._core.execute(unreadable)
            raise
        return LogonReply(self._describe(permit), secret)

    def _look_at_sessions(self, permit: Permit) -> None:
        """Void a permit whose account has signed in, or unlocked, without it.

        A restart signs in an account that has no session, an unlock opens one that is locked. From Windows 10 on the
        logon screen asks in the same way for both (CPUS_LOGON: CREDENTIAL_PROVIDER_USAGE_SCENARIO on
        learn.microsoft.com), and Windows' notice of a change may still be on its way.

        Raises:
            PortError: the permit is an unlock's, and Windows does not list its sessions.
        """
        try:
            seen = sign_ins(self._core)
        except PortError as fault:
            # Early after a restart Windows may not list them yet; nobody has signed in then.
            if permit.action == "unlock":
                raise
            log.warning("a restart's permit is redeemed without a look at the sessions: %s", fault)
            return
        self._core.execute(seen)

    def _report(self, request: lm.ReportResult) -> lm.LogonAnswer:
        command = c.ReportLogon(permit=request.permit)
        if request.status != 0:
            refusal = reported(request.status, request.substatus)
            command = c.ReportLogon(
                permit=request.permit, rejection="password_refused", detail=refusal, passes=_passes(refusal)
            )
        try:
            self._core.execute(command, actor=_ACTOR)
        except Refused as fault:
            # The provider reports only once: keep the report until the disk takes it.
            if fault.code == "storage_failed":
                self._unjournalled[request.permit] = command
            raise
        return lm.LogonAnswer(done=True)

    @property
    def has_unjournalled(self) -> bool:
        """Whether a report waits to be journalled."""
        return bool(self._unjournalled)

    def journal_reports(self) -> None:
        """Try again to journal the reports that the disk did not take."""
        for permit, command in list(self._unjournalled.items()):
            try:
                self._core.execute(command, actor=_ACTOR)
            except Refused as fault:
                if fault.code == "storage_failed":
                    return
            del self._unjournalled[permit]


def _passes(refusal: str) -> bool:
    """Tell whether a refusal of Windows passes by itself; an unknown one does not."""
    return refusal in REFUSALS and REFUSALS[LogonRefusal(refusal)].is_temporary
