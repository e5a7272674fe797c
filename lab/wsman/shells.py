# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shells and their commands; they exist from a Create to a Delete."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from lab.wsman import soapfault
from lab.wsman.shell_operations import Chunk, CommandLine, Creation, Description, Output
from lab.wsman.soap import Request, new_id


class Shell(ABC):
    """One open shell. Its resource URI names its kind (WinRS or PowerShell).

    `description` is what Windows tells of it; the service sets it as it makes the shell.
    """

    description: Description

    def __init__(self, resource_uri: str, owner: str, shell_id: str) -> None:
        self.resource_uri = resource_uri
        self.owner = owner
        self.shell_id = shell_id or new_id()

    @abstractmethod
    def command(self, line: CommandLine, request: Request) -> str:
        """Start a command and return its id. Raises SoapFault."""

    @abstractmethod
    def send(self, chunk: Chunk) -> None:
        """Take input. Raises SoapFault: no such command or stream."""

    @abstractmethod
    def receive(
        self, command_id: str, limit: int, timeout: float, alive: Callable[[], bool]
    ) -> Output | None:
        """Return the next output, or None after `timeout` seconds. Raises SoapFault: no such command."""

    @abstractmethod
    def signal(self, command_id: str, code: str) -> None:
        """End a command and forget it. Raises SoapFault: no such command."""

    @abstractmethod
    def abort(self) -> None:
        """Let every waiting Receive raise the SoapFault 995. Called when the service stops."""

    @abstractmethod
    def close(self) -> None:
        """End every command. Called once, when the shell is deleted or its client is gone."""


ShellMaker = Callable[[str, str, Creation], Shell]
"""Makes a shell from its resource URI, its owner and the contents of the Create."""


class ShellTable:
    """All open shells of a computer, and the connections over which each is used.

    A user has at most `per_user` shells. A shell whose last connection is gone is closed after
    `orphan_seconds`.
    """

    def __init__(self, orphan_seconds: float, per_user: int) -> None:
        self._lock = threading.Lock()
        self._shells: dict[str, Shell] = {}
        self._connections: dict[str, set[int]] = {}
        self._timers: dict[str, threading.Timer] = {}
        self._orphan_seconds = orphan_seconds
        self._per_user = per_user

    def add(self, shell: Shell, connection: int) -> None:
        """Add a new shell. Raises SoapFault: its owner has too many, and the shell is closed."""
        with self._lock:
            full = sum(known.owner == shell.owner for known in self._shells.values()) >= self._per_user
            if not full:
                self._shells[shell.shell_id] = shell
                self._connections[shell.shell_id] = {connection}
        if full:
            shell.close()
            raise soapfault.quota_max_shells(self._per_user)

    def find(self, shell_id: str | None, owner: str, connection: int) -> Shell:
        """Return the owner's shell; this connection counts as using it. Raises SoapFault: no such shell."""
        with self._lock:
            shell = self._shells.get(shell_id or "")
            if shell is None or shell.owner != owner:
                raise soapfault.unknown_shell()
            self._connections[shell.shell_id].add(connection)
            self._forget_timer(shell.shell_id)
            return shell

    def remove(self, shell: Shell) -> None:
        """Close a shell and forget it. Does nothing if it is closed already."""
        with self._lock:
            known = self._shells.pop(shell.shell_id, None)
            self._connections.pop(shell.shell_id, None)
            self._forget_timer(shell.shell_id)
        if known is not None:
            known.close()

    def _forget_timer(self, shell_id: str) -> None:
        if timer := self._timers.pop(shell_id, None):
            timer.cancel()

    def disconnected(self, connection: int) -> None:
        """Note a lost connection; close the shells that only it used, after `orphan_seconds`."""
        with self._lock:
            for shell_id, used in self._connections.items():
                used.discard(connection)
                if not used and shell_id not in self._timers:
                    self._watch_orphan(self._shells[shell_id])

    def _watch_orphan(self, shell: Shell) -> None:
        timer = threading.Timer(self._orphan_seconds, self._close_orphan, (shell,))
        timer.daemon = True
        self._timers[shell.shell_id] = timer
        timer.start()

    def _close_orphan(self, shell: Shell) -> None:
        with self._lock:
            orphan = not self._connections.get(shell.shell_id, {0})
        if orphan:
            self.remove(shell)

    def abort(self) -> None:
        """Let every waiting Receive end with fault 995, as WinRM does when it stops."""
        with self._lock:
            shells = list(self._shells.values())
        for shell in shells:
            shell.abort()

    def close(self) -> None:
        """Close every shell."""
        with self._lock:
            shells = list(self._shells.values())
        for shell in shells:
            self.remove(shell)
