# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the agent of a Windows PC together."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import win32api

from latchkey_agent.agent import Agent
from latchkey_agent.ports import Computer, PortError

from . import folders, privileges
from .pipes.endpoints import PermitSign, Reception, console_session, endpoints, operators_group
from .pipes.pipe_server import Identifier, PipeServer
from .ports import logon_facts
from .ports.accounts import WindowsAccounts
from .ports.anchor import RegistryAnchor
from .ports.clock import WindowsClock
from .ports.dpapi import SystemKeys
from .ports.notifier import WindowsNotifier
from .ports.power import WindowsPower
from .ports.windows_sessions import WindowsSessions
from .win32 import access
from .win32.failures import doing

SETTINGS_NAME = "settings.toml"


class Parts(NamedTuple):
    """What one agent is made of."""

    computer: Computer
    reception: Reception
    sign: PermitSign
    identifier: Identifier
    folder: Path
    settings_file: Path


def device_name() -> str:
    """Return the PC's name as accounts carry it; raises PortError."""
    with doing("asking for the PC's name"):
        name: str = win32api.GetComputerName()
    return name


def product() -> Parts:
    """Return the parts of the real agent on the PC that it runs on.

    Raises:
        PortError: the PC lacks or refuses something; the agent cannot start.
    """
    privileges.enable(access.REQUIRED_PRIVILEGES)
    folder = folders.data_folder()
    folders.prepare(folder)
    device = device_name()
    accounts = WindowsAccounts(device, logon_facts.facts)
    sessions = WindowsSessions(accounts)
    notifier = WindowsNotifier(sessions.signed_in)
    computer = Computer(
        device=device,
        clock=WindowsClock(),
        accounts=accounts,
        sessions=sessions,
        power=WindowsPower(sessions.signed_in),
        keys=SystemKeys(),
        notifier=notifier,
        anchor=RegistryAnchor(),
    )
    return Parts(
        computer,
        Reception(accounts.by_sid, operators_group(), console_session),
        notifier,
        Identifier(),
        folder,
        folder / SETTINGS_NAME,
    )


class Host:
    """The agent with its pipes."""

    def __init__(self, parts: Parts) -> None:
        self.agent = Agent(parts.computer, parts.folder, parts.settings_file)
        self._pipes = PipeServer(endpoints(self.agent, parts.reception, parts.sign), parts.identifier)

    def start(self) -> None:
        """Load, erase what is over; only then open the pipes.

        Raises:
            PortError: another program serves under one of our names, or a port failed.
        """
        self.agent.start()
        try:
            self._pipes.open()
        except PortError:
            self.agent.stop()
            raise

    def stop(self) -> None:
        """Let go of every client, then stop the agent."""
        self._pipes.close()
        self.agent.stop()
