# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logon pipe: peek, redeem once, report."""

from __future__ import annotations

import logging

from latchkey_agent.core.core import Core
from latchkey_agent.domain import commands as c
from latchkey_agent.domain.model import Permit
from latchkey_agent.domain.permits import redeemable
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.terms import canonical
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage.vault import VaultError

from .peer import Peer

log = logging.getLogger(__name__)
NOTHING = lm.LogonAnswer(done=False)

NTSTATUS: dict[int, str] = {
    0xC000006D: "the user name or password is wrong",
    0xC000006A: "the password is wrong",
    0xC000006E: "an account restriction keeps it from signing in",
    0xC000006F: "the account may not sign in at this time",
    0xC0000070: "the account may not sign in on this PC",
    0xC0000071: "the password has expired",
    0xC0000072: "the account is disabled",
    0xC0000193: "the account has expired",
    0xC0000224: "the password must be changed first",
    0xC0000234: "the account is locked out",
    0xC000005E: "no domain controller can be reached",
}
"""ntstatus.h: what LsaLogonUser answers to a logon that it refuses."""


class LogonHandler:
    """Answers the credential provider. Any doubt is answered with nothing (rule 12)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._unnoted: dict[str, c.ReportLogon] = {}

    def answer(self, body: bytes, peer: Peer) -> tuple[lm.LogonAnswer, bytearray]:
        """Return the answer and the secret that goes with it; the caller overwrites it."""
        if not peer.system:
            return NOTHING, bytearray()
        try:
            match codec.decode_logon(body):
                case lm.Peek():
                    return self._peek(), bytearray()
                case lm.Redeem() as request:
                    return self._redeem(request)
                case lm.ReportResult() as request:
                    return self._report(request), bytearray()
        except (codec.ProtocolError, Refused, VaultError, PortError) as fault:
            log.warning("nothing for the logon screen: %s", fault)
        return NOTHING, bytearray()

    def _peek(self) -> lm.LogonAnswer:
        self._core.tick()
        boot_id, now = self._core.computer.power.boot_id(), self._core.now()
        with self._core.lock:
            permit = redeemable(self._core.state, boot_id, now)
            return NOTHING if permit is None else self._describe(permit)

    def _describe(self, permit: Permit) -> lm.LogonAnswer:
        session = self._core.state.sessions[permit.session]
        return lm.LogonAnswer(
            done=True,
            permit=permit.id,
            action=permit.action,
            sid=permit.account.sid,
            user=permit.account.user,
            domain=permit.account.domain,
            kind=permit.account.kind,
            requester=session.requester.name or session.requester.operator,
        )

    def _redeem(self, request: lm.Redeem) -> tuple[lm.LogonAnswer, bytearray]:
        """Journal that the permit is used; only then open the secret (rule 5)."""
        boot_id = self._core.computer.power.boot_id()
        with self._core.lock:
            self._core.execute(c.RedeemPermit(permit=request.permit, boot_id=boot_id), actor="logon screen")
            permit = self._core.state.permits[request.permit]
            grant = self._core.state.grants[permit.grant]
            terms = canonical(grant.terms, grant.account, grant.id, self._core.computer.device)
            try:
                return self._describe(permit), self._core.unseal(grant.id, terms)
            except VaultError as fault:
                # It cannot serve any more: then it must not stay either.
                self._core.execute(c.ReportLogon(permit=permit.id, refusal=str(fault)))
                raise

    def _report(self, request: lm.ReportResult) -> lm.LogonAnswer:
        refusal = "" if request.status == 0 else _sentence(request.status, request.substatus)
        command = c.ReportLogon(permit=request.permit, refusal=refusal)
        try:
            self._core.execute(command, actor="logon screen")
        except Refused as fault:
            # It is said only once: what the disk does not take now is kept for later.
            if fault.code == "storage_failed":
                self._unnoted[request.permit] = command
            raise
        return lm.LogonAnswer(done=True)

    @property
    def has_unnoted(self) -> bool:
        """Whether a report waits to be journalled."""
        return bool(self._unnoted)

    def note_reports(self) -> None:
        """Try again to journal what was reported."""
        for permit, command in list(self._unnoted.items()):
            try:
                self._core.execute(command, actor="logon screen")
            except Refused as fault:
                if fault.code == "storage_failed":
                    return
            del self._unnoted[permit]


def _sentence(status: int, substatus: int) -> str:
    for code in (substatus, status):
        if code in NTSTATUS:
            return NTSTATUS[code]
    return f"Windows answered 0x{status:08X}, 0x{substatus:08X}"
