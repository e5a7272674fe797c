# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces the functions that Wine fakes; all others are the product's own (see docs/verify-on-windows.md).

| port | here | why |
| --- | --- | --- |
| accounts | the lab's | LogonUserW accepts every password; there is only one account |
| automatic sign-in | the product's reading, or the lab's | only the lab's Windows signs in |
| sessions | the lab's | Wine has none and cannot lock |
| restart | the lab's | Wine does not restart |
| clock | the product's, with the lab's offset | Wine uses the host's clock, which must not change |
| DPAPI | the product's, under a key of the PC | Wine's key is the same on every computer, and cannot be lost |
| boot id, boot anchor, pending restart, event | the product's | Wine supports them |
| companion | the lab's | sessions are the lab's |
| programs | the product's, with the token that Wine has | there is only one account, and its token is elevated |
| disk | the product's | Wine supports it |
| anchor | a file | Wine's registry is lost in a power cut |
| identity of a client | process and session the product's, the account the lab's | there is only one account |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import win32ts

from lab.simulated import windows_calls
from lab.simulated.account_model import SYSTEM_SID
from lab.simulated.remote_ports import AnchorFile, LinkedAccounts, LinkedSessions
from lab.wine.wine_calls import MACHINE_KEY_FILE, TokenAnswer, TokenOf
from latchkey_agent.domain import OF_ACCOUNT, Account, LogonFacts
from latchkey_agent.ports import Computer, PortError
from latchkey_agent.windows import compose, folders
from latchkey_agent.windows.pipes import client_identity
from latchkey_agent.windows.pipes.client_identity import Identity
from latchkey_agent.windows.pipes.endpoints import Reception, console_session
from latchkey_agent.windows.pipes.pipe_server import Identifier
from latchkey_agent.windows.ports import logon_facts, logon_policies
from latchkey_agent.windows.ports.anchor import boot_anchor
from latchkey_agent.windows.ports.counter import NoCounter
from latchkey_agent.windows.ports.customer_programs import WindowsPrograms
from latchkey_agent.windows.ports.disk import WindowsDisk
from latchkey_agent.windows.ports.dpapi import SystemKeys
from latchkey_agent.windows.ports.notifier import WindowsNotifier
from latchkey_agent.windows.ports.power import WindowsPower
from latchkey_agent.windows.ports.windows_clock import WindowsClock
from latchkey_agent.windows.win32 import access

from .lab_link import LabLink

MACHINE_KEY = Path("C:\\lab", MACHINE_KEY_FILE)
EVENT_FOR_ALL = "D:(A;;0x1f0003;;;WD)"
"""The lab's logon screen does not run as LocalSystem, and Wine enforces the access lists of events."""
OPERATORS_SID = "S-1-5-21-1004336348-1177238915-682003330-1900"
"""The group "Latchkey Operators"; Wine has no local groups."""


class LabAccounts(LinkedAccounts):
    """The lab's accounts, with the product's forecast."""

    def facts(self, account: Account | None) -> LogonFacts:
        """Return the facts about the PC that the product reads from Wine, and the lab's about the account."""
        lab = super().facts(account)
        of_account: dict[str, Any] = {fact: getattr(lab, fact) for fact in OF_ACCOUNT}
        facts = logon_facts.facts(None)._replace(**of_account)
        # The lab's Windows signs in by itself, or does not, whatever Wine's registry says.
        return facts if lab.restart_sign_on else facts._replace(restart_sign_on=lab.restart_sign_on)

    def auto_logon(self) -> bool | None:
        """Return whether the lab's Windows signs in by itself, or the product reads so from Wine's registry."""
        return super().auto_logon() or logon_policies.auto_logon()

    def by_sid(self, sid: str) -> Account:
        """Return the account of a SID; raises PortError."""
        who: windows_calls.WhoIsAnswer = self._link.ask(
            windows_calls.WhoIs(sid, None), windows_calls.WhoIsAnswer
        )
        if who.account is None:
            msg = f"{sid} is not the account of a person"
            raise PortError(msg)
        return who.account


class LabPower(WindowsPower):
    """The product's boot id and pending restart; the lab carries out restarts."""

    def __init__(self, link: LabLink, sessions: LinkedSessions) -> None:
        super().__init__(sessions.signed_in)
        self._link = link

    def restart(self, *, message: str, grace: float, sign_on: bool) -> None:
        """Have the lab restart the PC."""
        self._link.ask(windows_calls.Restart(message, grace, sign_on=sign_on), None)

    def restart_begun(self) -> bool:
        """Ask the lab whether the agent has started a restart."""
        return self._link.ask(windows_calls.RestartBegun(), bool)


class LabNotifier(WindowsNotifier):
    """The product's event; the lab starts companions."""

    def __init__(self, link: LabLink, sessions: LinkedSessions) -> None:
        super().__init__(sessions.signed_in, EVENT_FOR_ALL)
        self._link = link

    def summon_companion(self, account: Account) -> None:
        """Have the lab start the account's companion."""
        self._link.ask(windows_calls.Summon(account.sid), None)


def any_token(session_id: int, _sid: str) -> int:
    """Return the one token of Wine, which has it for each session: it is elevated, and no account has another one."""
    return win32ts.WTSQueryUserToken(session_id)


class LabClock(WindowsClock):
    """The product's clock with the lab's offset."""

    offset: ClassVar = timedelta()
    booted: ClassVar = datetime.now(UTC)

    def now(self) -> datetime:
        """Return the PC's time."""
        return super().now() + self.offset

    def uptime(self) -> float:
        """Return the seconds since the PC's boot; Wine counts them since the host's."""
        return (datetime.now(UTC) - self.booted).total_seconds()


class LabKeys(SystemKeys):
    """The product's calls of DPAPI; their entropy includes this PC's own key."""

    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        """Return `secret` sealed; raises PortError."""
        return super().protect(secret, entropy + MACHINE_KEY.read_bytes())

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        """Open a blob that `protect` made; raises PortError."""
        return super().unprotect(blob, entropy + MACHINE_KEY.read_bytes())


class LabIdentity:
    """The account that a client's process has claimed; without a claim, the operator's."""

    def __init__(self, link: LabLink) -> None:
        self._link = link

    def at_connect(self, pipe: int) -> Identity:
        """Return the identity of a connecting client; raises PortError."""
        return self._claimed(client_identity.of_process(pipe))

    def after_message(self, pipe: int, client: Identity) -> Identity:
        """Compare with the security context, as the product does, before the claim is added again."""
        return self._claimed(client_identity.confirmed(pipe, client_identity.of_process(pipe)))

    def _claimed(self, client: Identity) -> Identity:
        answer: TokenAnswer = self._link.ask(TokenOf(client.process_id), TokenAnswer)
        token = answer.token
        if token is None:
            return client
        session_id = client.session_id if token.session_id is None else token.session_id
        return Identity(client.process_id, session_id, token.sid, self._groups(token.sid))

    def _groups(self, sid: str) -> frozenset[str]:
        if sid == SYSTEM_SID:
            return frozenset()
        who: windows_calls.WhoIsAnswer = self._link.ask(
            windows_calls.WhoIs(sid, None), windows_calls.WhoIsAnswer
        )
        levels = {access.ADMINISTRATORS_SID: who.administrator, OPERATORS_SID: who.operator}
        return frozenset(group for group, is_member in levels.items() if is_member)


def parts() -> compose.Parts:
    """Return the parts of the agent on a Wine PC; raises PortError."""
    link = LabLink()
    accounts, sessions = LabAccounts(link), LinkedSessions(link)
    notifier = LabNotifier(link, sessions)
    folder = folders.data_folder()
    computer = Computer(
        device=compose.device_name(),
        clock=LabClock(),
        accounts=accounts,
        sessions=sessions,
        power=LabPower(link, sessions),
        keys=LabKeys(),
        notifier=notifier,
        anchor=AnchorFile(Path("C:\\lab\\anchor")),
        disk=WindowsDisk(),
        boot_anchor=boot_anchor(),
        counter=NoCounter(),
        programs=WindowsPrograms(any_token),
    )
    lab = LabIdentity(link)
    return compose.Parts(
        computer,
        Reception(accounts.by_sid, OPERATORS_SID, console_session),
        notifier,
        Identifier(lab.at_connect, lab.after_message),
        folder,
        folder / compose.SETTINGS_NAME,
    )
