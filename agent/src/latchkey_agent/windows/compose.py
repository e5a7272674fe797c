# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assembles the agent of a Windows PC."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import win32api

from latchkey_agent.agent import Agent
from latchkey_agent.ports import Computer, PortError

from . import folders, privileges
from .pipes.endpoints import PermitSignal, Reception, console_session, endpoints, operators_group
from .pipes.pipe_server import Identifier, PipeServer
from .ports import logon_facts
from .ports.accounts import WindowsAccounts
from .ports.anchor import RegistryAnchor, boot_anchor
from .ports.counter import NoCounter
from .ports.customer_programs import WindowsPrograms
from .ports.disk import WindowsDisk
from .ports.dpapi import SystemKeys
from .ports.notifier import WindowsNotifier
from .ports.power import WindowsPower
from .ports.windows_clock import WindowsClock
from .ports.windows_sessions import WindowsSessions
from .win32 import access
from .win32.failures import doing

SETTINGS_NAME = "settings.toml"


class Parts(NamedTuple):
    """The parts of one agent.

    Attributes:
        computer: the ports.
        reception: identifies the clients of the pipes.
        signal: tells the logon screens about a permit.
        identifier: reads the identity of a pipe's client.
        folder: the data folder.
        settings_file: the settings file.
    """

    computer: Computer
    reception: Reception
    signal: PermitSignal
    identifier: Identifier
    folder: Path
    settings_file: Path


def device_name() -> str:
    """Return the PC's name as it appears in account names; raises PortError."""
    with doing("reading the PC's name"):
        name: str = win32api.GetComputerName()
    return name


def product() -> Parts:
    """Return the parts of the real agent on this PC.

    Raises:
        PortError: Windows lacks a function or refuses a call; the agent cannot start.
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
        disk=WindowsDisk(),
        boot_anchor=boot_anchor(),
        counter=NoCounter(),
        programs=WindowsPrograms(),
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
        self._pipes = PipeServer(endpoints(self.agent, parts.reception, parts.signal), parts.identifier)

    def start(self) -> None:
        """Start the agent, then open the pipes.

        At its start the agent loads the journal and erases the passwords of ended grants.

        Raises:
            PortError: another program serves a pipe of the agent's name, or a port failed.
        """
        self.agent.start()
        try:
            self._pipes.open()
        except PortError:
            self.agent.stop()
            raise

    def stop(self) -> None:
        """Disconnect every client, then stop the agent."""
        self._pipes.close()
        self.agent.stop()
