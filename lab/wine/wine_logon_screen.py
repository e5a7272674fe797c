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
from latchkey_agent.domain import LogonRefusal
from latchkey_agent.protocol.frames import wipe

from . import logon_ui as ui
from .logon_play import OURS, RIVAL, LogonUI

if TYPE_CHECKING:
    from lab.simulated.account_model import WindowsAccount
    from lab.simulated.machine import Machine
    from lab.simulated.session_model import Session

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
        habits, console = self._machine.settings.logon_ui, self._machine.windows.sessions.on_console()
        # CPUS_UNLOCK_WORKSTATION is for the signed-in user; otherwise every user may sign in.
        only = None if habits.combined else console
        shown = LogonUI(screen, self._tiles(only), habits, locked=console is not None)
        await asyncio.to_thread(shown.show)
        if shown.default != OURS:
            self._say_nothing()
        while self._shown():
            if await asyncio.to_thread(shown.select) and await self._submit(shown):
                return
            self.looked.set()
            await asyncio.to_thread(shown.look, LOOKS_MILLISECONDS)

    def _tiles(self, only: Session | None) -> dict[str, str]:
        records = self._machine.windows.accounts.all()
        tiles = {record.account.sid: record.account.qualified for record in records}
        return tiles if only is None else {only.account.sid: tiles[only.account.sid]}

    async def _submit(self, shown: LogonUI) -> bool:
        """Let the selected tile log on by itself; return whether a user is signed in."""
        if shown.default == RIVAL:
            return await self._let_rival_try(shown)
        screen = shown.screen
        title, action = [(await _do(screen, "field", 0, field))["text"] for field in (TITLE, ACTION)]
        self._machine.record("pc", "tile_shown", f"Logon screen: {title}: {action}")
        packed = await asyncio.to_thread(shown.take)
        if shown.submitted is None:
            self._machine.record(
                "pc", "permit_refused", f"The provider has no sign-in: {packed['status_text']}"
            )
            return False
        self._machine.record("pc", "permit_redeemed", "The credential provider has redeemed the permit.")
        return await self._judge(shown, await asyncio.to_thread(shown.unpack))

    async def _let_rival_try(self, shown: LogonUI) -> bool:
        await asyncio.to_thread(shown.take)
        await asyncio.to_thread(shown.unpack)
        await asyncio.sleep(self._machine.settings.logon_seconds)
        await asyncio.to_thread(shown.report, CODES[LogonRefusal.WRONG_PASSWORD].status)
        self._say_rival_failed()
        return False

    async def _judge(self, shown: LogonUI, logon: dict[str, Any]) -> bool:
        secret = ui.unprotect(logon.pop("protected"))
        try:
            record = self._account(logon, shown.usage)
            await asyncio.sleep(self._machine.settings.logon_seconds)
            refusal = self._check(record, secret)
        finally:
            wipe(secret)
        code = CODES[refusal] if refusal else Code(0, STATUS_SUCCESS)
        # A change that was announced meanwhile comes before the result: the tile outlives its provider.
        await asyncio.to_thread(shown.look, 0)
        # Windows notifies LogonUI first; then the session begins.
        await asyncio.to_thread(shown.report, code.status, code.substatus)
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
