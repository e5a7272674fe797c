# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logon screen of a Wine PC: the real credential provider in the lab's LogonUI.

The provider waits for the real agent's event, asks the agent over the real pipe, and
packs the credential; the lab unpacks it as LSA does and checks it against its accounts.
No other path brings a password to the logon screen.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lab.computer import LabError
from lab.simulated.account_model import SYSTEM_SID
from lab.simulated.codes import CODES, STATUS_SUCCESS, Code
from lab.simulated.logon_screen import LogonScreen
from lab.simulated.wire import Token
from latchkey_agent.protocol.frames import wipe

from . import logon_ui as ui

if TYPE_CHECKING:
    from lab.simulated.account_model import WindowsAccount
    from lab.simulated.machine import Machine

    from .installed import InstalledPC
    from .wine_windows_server import WinePorts

LOOKS_MILLISECONDS = 500
"""Seconds of one wait for the provider; then the lab checks whether the logon screen is still shown."""
TITLE, ACTION = 0, 1
"""The tile's fields (credential_provider/credential.h)."""
MESSAGE_TYPES = {ui.LOGON: 2, ui.UNLOCK: 7}
"""KerbInteractiveLogon and KerbWorkstationUnlockLogon (ntsecapi.h)."""


class WineLogonScreen(LogonScreen):
    """LogonUI; one process from the moment that the screen shows it until a user is signed in."""

    def __init__(self, machine: Machine, ports: WinePorts, pc: InstalledPC) -> None:
        super().__init__(machine)
        self._ports = ports
        self._pc = pc
        self.gone = asyncio.Event()
        """Set while no logon screen is shown."""

    async def run(self) -> None:
        """Run from this boot's start to its end."""
        self._wake.clear()
        self.looked.clear()
        await self._machine.ready["agent"].wait()
        while True:
            if self._shown():
                await self._show()
            self.looked.set()
            await self._wake.wait()
            self._wake.clear()

    async def _show(self) -> None:
        self.gone.clear()
        try:
            await self._show_one()
        finally:
            self.gone.set()

    async def _show_one(self) -> None:
        screen = ui.LogonScreen(self._pc)
        process_id = 0
        try:
            process_id = (await _do(screen, "pid"))["pid"]
            self._ports.claim(process_id, Token(SYSTEM_SID))
            await self._live(screen)
        except ui.HarnessError as fault:
            # A provider that crashes the logon screen is a failure; the end of the PC is not.
            if self._machine.running:
                msg = f"the logon screen has ended: {fault}"
                raise LabError(msg) from None
        finally:
            self._ports.forget(process_id)
            screen.kill()
            # It may take a second, and the PC may go down meanwhile.
            await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(screen.close)))

    async def _live(self, screen: ui.LogonScreen) -> None:
        usage = ui.LOGON if self._machine.windows.sessions.on_console() is None else ui.UNLOCK
        await asyncio.to_thread(screen.begin, usage, users=self._tiles())
        counted, handled = await _do(screen, "count", 0), 0
        if not counted["count"]:
            self._say_nothing()
        while self._shown():
            if counted["count"] and await self._submit(screen, usage):
                return
            self.looked.set()
            calls = (await _do(screen, "changed", 0, LOOKS_MILLISECONDS))["calls"]
            counted = await asyncio.to_thread(screen.tile) if calls > handled else {"count": 0}
            handled = calls

    def _tiles(self) -> dict[str, str]:
        records = self._machine.windows.accounts.all()
        return {record.account.sid: record.account.qualified for record in records}

    async def _submit(self, screen: ui.LogonScreen, usage: int) -> bool:
        """Let the provider log on by itself; return whether a user is signed in."""
        await _do(screen, "at", 0, 0)
        title, action = [(await _do(screen, "field", 0, field))["text"] for field in (TITLE, ACTION)]
        self._machine.record("pc", "tile_shown", f"Logon screen: {title}: {action}")
        packed = await _do(screen, "serialize", 0)
        if packed["response"] != ui.RETURN_CREDENTIAL:
            self._machine.record(
                "pc", "permit_refused", f"The provider has no sign-in: {packed['status_text']}"
            )
            return False
        self._machine.record("pc", "permit_redeemed", "The credential provider has redeemed the permit.")
        return await self._judge(screen, await _do(screen, "unpack", 0), usage)

    async def _judge(self, screen: ui.LogonScreen, logon: dict[str, Any], usage: int) -> bool:
        secret = ui.unprotect(logon.pop("protected"))
        try:
            record = self._account(logon, usage)
            await asyncio.sleep(self._machine.settings.logon_seconds)
            refusal = self._check(record, secret)
        finally:
            wipe(secret)
        code = CODES[refusal] if refusal else Code(0, STATUS_SUCCESS)
        # Windows notifies LogonUI first; then the session begins.
        await _do(screen, "report", 0, code.status, code.substatus)
        if refusal is None:
            self._sign_in(record)
        return refusal is None

    def _account(self, logon: dict[str, Any], usage: int) -> WindowsAccount:
        """Return the account that LSA would log on; an invalid structure is a failure."""
        record = self._machine.windows.accounts.find(rf"{logon['domain']}\{logon['user']}")
        wanted = {"package": ui.NEGOTIATE, "provider_right": 1, "type": MESSAGE_TYPES[usage]}
        if record is None or not logon.items() >= wanted.items():
            msg = f"LSA would refuse the provider's credential: {logon}"
            raise LabError(msg)
        return record


async def _do(screen: ui.LogonScreen, *words: object) -> dict[str, Any]:
    return await asyncio.to_thread(screen, *words)
