# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logon screen of a simulated PC. It asks the agent as the credential provider will.

It counts its tiles when it appears and at each event of the agent (peek), takes the
password when it submits the tile (redeem, once), lets Windows check it, and reports
Windows' answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.simulated import wire
from lab.simulated.account_model import SYSTEM_SID
from lab.simulated.codes import CODES, STATUS_SUCCESS
from lab.simulated.windows_model import LOGON_SCREEN_KEY
from latchkey_agent.domain import LogonRefusal
from latchkey_agent.protocol import codec
from latchkey_agent.protocol.frames import FrameError, wipe
from latchkey_agent.protocol.logon_messages import Peek, Redeem, ReportResult

if TYPE_CHECKING:
    import socket

    from lab.simulated.account_model import WindowsAccount
    from lab.simulated.machine import Machine
    from lab.simulated.session_model import Change, Session
    from latchkey_agent.protocol.logon_messages import LogonAnswer, LogonRequest


class LogonScreen:
    """LogonUI with the credential provider in it. Runs on the lab's loop."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._wake = asyncio.Event()
        self._rival_waits = False
        self.looked = asyncio.Event()
        """Set once this boot's logon screen has asked the agent for the first time."""
        machine.on_announced.append(self._wake.set)
        machine.on_session.append(self._session_changed)

    def _session_changed(self, change: Change, _session: Session) -> None:
        # A remote desktop that takes the console's session leaves a logon screen there.
        if change in {"locked", "signed_out", "disconnected", "connected"}:
            self._wake.set()

    async def run(self) -> None:
        """Run from this boot's start to its end."""
        self._wake.clear()
        self.looked.clear()
        self._rival_waits = self._machine.settings.logon_ui.rival == "logs_on"
        self._machine.windows.registry.volatile[LOGON_SCREEN_KEY] = "made"
        await self._machine.ready["agent"].wait()
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._shown() and not self._machine.settings.logon_ui.shows_no_tile:
                await self._look()
            self.looked.set()

    def _shown(self) -> bool:
        facts, console = self._machine.windows.facts, self._machine.windows.sessions.on_console()
        # The banner hides every tile until a person confirms it.
        hidden = facts.provider_excluded or facts.other_processor or facts.users_hidden or facts.logon_banner
        hides = hidden or self._machine.faults.hides_logon_tile
        return not hides and (console is None or console.locked)

    async def _look(self) -> None:
        # A faulty agent leaves the logon screen unchanged.
        try:
            token = wire.Token(SYSTEM_SID, self._machine.windows.sessions.logon_screen)
            with await wire.open_pipe_async(self._machine.pipe("logon"), token) as pipe:
                await self._use_permit(pipe)
        except (OSError, FrameError, codec.ProtocolError):
            return

    async def _use_permit(self, pipe: socket.socket) -> None:
        tile, _ = await _ask(pipe, Peek())
        if not tile.permit:
            self._say_nothing()
            return
        if self._rival_waits:
            # Another provider's tile comes first; the provider notifies LogonUI again.
            self._rival_waits = False
            await asyncio.sleep(self._machine.settings.logon_seconds)
            self._say_rival_failed()
            await self._use_permit(pipe)
            return
        self._machine.record("pc", "tile_shown", f"Logon screen: Latchkey signs in {tile.user}")
        answer, secret = await _ask(pipe, Redeem(permit=tile.permit))
        try:
            if not answer.done or not secret:
                self._machine.record("pc", "permit_refused", "The agent does not hand over the sign-in.")
                return
            self._machine.record("pc", "permit_redeemed", "The logon screen has redeemed the permit.")
            await asyncio.sleep(self._machine.settings.logon_seconds)
            refusal = self._log_on(tile.sid, secret)
        finally:
            wipe(secret)
        await _ask(pipe, _report(tile.permit, refusal))

    def _say_nothing(self) -> None:
        if self._machine.windows.sessions.on_console() is None:
            text = "Logon screen: no tile of Latchkey; people sign in by hand."
            self._machine.record("pc", "no_tile", text)

    def _say_rival_failed(self) -> None:
        self._machine.record("pc", "rival_refused", "Windows refuses the logon of another program's tile.")

    def _log_on(self, sid: str, secret: bytearray) -> LogonRefusal | None:
        record = self._machine.windows.accounts.get(sid)
        if record is None:
            return LogonRefusal.WRONG_PASSWORD
        refusal = self._check(record, secret)
        if refusal is None:
            self._sign_in(record)
        return refusal

    def _sign_in(self, record: WindowsAccount) -> None:
        """Sign the account in, at once or as late as the settings and faults say."""
        sessions = self._machine.windows.sessions
        is_slow = self._machine.settings.desktop_seconds and sessions.of(record.account.sid) is None
        if is_slow or self._machine.faults.withholds_desktop:
            self._machine.boot_tasks.start(self._sign_in_late(record), "late-desktop")
        else:
            sessions.sign_in(record.account, attended=False)

    async def _sign_in_late(self, record: WindowsAccount) -> None:
        settings, sessions = self._machine.settings, self._machine.windows.sessions
        known = None
        if settings.desktop_listed != "absent" and sessions.of(record.account.sid) is None:
            known = sessions.begin_sign_in(record.account, locked=settings.desktop_listed == "locked")
        await asyncio.sleep(settings.desktop_seconds)
        while self._machine.faults.withholds_desktop:  # noqa: ASYNC110 - any thread may turn the switch off
            await asyncio.sleep(0.05)
        if known is None:
            sessions.sign_in(record.account, attended=False)
        else:
            self._machine.record("pc", "desktop_ready", f"The desktop of {record.account.qualified} appears.")
            sessions.end_sign_in(known.id)

    def _check(self, record: WindowsAccount, secret: bytearray) -> LogonRefusal | None:
        windows = self._machine.windows
        refusal = windows.accounts.check(record, secret, windows.clock.now())
        if refusal is not None:
            code = CODES[refusal].win32
            text = f"Windows refuses the logon of {record.account.qualified} (error {code})"
            self._machine.record("pc", "logon_refused", text)
        return refusal


def _report(permit: str, refusal: LogonRefusal | None) -> ReportResult:
    if refusal is None:
        return ReportResult(permit=permit, status=STATUS_SUCCESS)
    code = CODES[refusal]
    return ReportResult(permit=permit, status=code.status, substatus=code.substatus)


async def _ask(pipe: socket.socket, request: LogonRequest) -> tuple[LogonAnswer, bytearray]:
    await wire.send_async(pipe, codec.encode_logon(request))
    frame = await wire.receive_async(pipe)
    if frame is None:
        raise ConnectionResetError
    return codec.decode_logon_answer(frame.body), frame.secret
