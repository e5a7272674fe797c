# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The listeners of a simulated PC: their ports and the configurations of their processes."""

from __future__ import annotations

import ntpath
import socket
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import latchkey_agent
from lab.simulated import listener_host
from lab.simulated.connections import Trust
from lab.ssh.defaultshell import DefaultShell
from lab.ssh.files import SshFiles
from lab.ssh.server import SshConfig
from lab.wsman.certificate_mapping import CertificateMapping
from lab.wsman.host import LocalHost
from lab.wsman.listener import ADDRESS, ListenerConfig
from lab.wsman.tlsfiles import TlsFiles

if TYPE_CHECKING:
    from lab.simulated.connections import ListenerName
    from lab.simulated.machine import Machine

AGENT_PROGRAM = r"Latchkey\latchkeyctl.exe"
"""The place of the agent's program below the folder of the PC's 64-bit programs."""
EVERY_SCHEME = ("Negotiate", "NTLM", "CredSSP", "Basic")
OF_MEMBERS = ("Negotiate", "Kerberos", "NTLM", "CredSSP", "Basic")
"""The schemes of a PC that is a member of a domain."""
PRINCIPAL = "operator@latchkey.test"
"""The user principal name in the operator's certificate."""
SSH_SHELLS = {"ssh-powershell": DefaultShell.POWERSHELL, "ssh-cmd": DefaultShell.CMD}


class Listeners:
    """Keeps a port and the configuration of each listener of one PC."""

    def __init__(self, machine: Machine, operator_password: str) -> None:
        self._machine = machine
        self._operator_password = operator_password
        names = dict.fromkeys(machine.settings.listeners)
        self._reserved = {name: _reserve_port() for name in names}
        self._ports = {name: int(port.getsockname()[1]) for name, port in self._reserved.items()}
        self._tls: TlsFiles | None = None
        if "https" in names:
            from lab.wsman import tls  # noqa: PLC0415 - only users of TLS load it

            self._tls = tls.make_certificate(machine.pipes)
            tls.make_client_certificate(machine.pipes, PRINCIPAL, self._tls)

    @property
    def names(self) -> list[ListenerName]:
        """The names of this PC's listeners."""
        return list(self._ports)

    def port(self, name: ListenerName) -> int:
        """Return a listener's port; it stays the same and belongs to this PC alone."""
        return self._ports[name]

    @property
    def trust(self) -> Trust:
        """The files of the TLS listener: for its clients, and of the operator's certificate that it maps."""
        folder = self._machine.pipes
        return Trust(folder / "wsman.crt", TlsFiles(folder / "client.crt", folder / "client.key"))

    def ssh_files(self, name: ListenerName) -> SshFiles:
        """Return the paths of an SSH listener's files; its socket is among the pipes, whose path is short."""
        return SshFiles(self._machine.disk.parent / name, self._machine.pipe(name))

    def config(self, name: ListenerName) -> listener_host.ListenerHostConfig:
        """Return the configuration of a listener's process."""
        serving = self._ssh(name) if name in SSH_SHELLS else self._wsman(name)
        log = self._machine.disk.parent / f"{name}.log"
        return listener_host.ListenerHostConfig(name, serving, str(self._machine.pipes), str(log))

    def _wsman(self, name: ListenerName) -> ListenerConfig:
        full, settings = name != "listener", self._machine.settings
        tls = self._tls if name == "https" else None
        user = self._machine.operator.account.user
        folder = self._machine.disk.parent
        return ListenerConfig(
            host=self._host(),
            port=self.port(name),
            authentication=(OF_MEMBERS if settings.key else EVERY_SCHEME) if full else ("Basic",),
            key=settings.key,
            tls=tls,
            certificates=(CertificateMapping(tls.certificate, PRINCIPAL, user),) if tls else (),
            allow_unencrypted=not full,
            powershell=full,
            faults=folder / "listener-faults.json",
            request_log=folder / "requests.log",
            shells_per_user=settings.shells_per_user,
            unavailable_seconds=settings.unavailable_seconds,
            rejecting_seconds=settings.rejecting_seconds,
            lockout=settings.lockout_tries,
            aborts=settings.listener_aborts,
        )

    def _ssh(self, name: ListenerName) -> SshConfig:
        return SshConfig(
            host=self._host(),
            user=self._machine.operator.account.user,
            shell=SSH_SHELLS[name],
            files=self.ssh_files(name),
            port=self.port(name),
            orphans=self._machine.settings.ssh_orphans,
        )

    def _host(self) -> LocalHost:
        machine = self._machine
        return LocalHost(
            root=machine.disk,
            programs=self._programs(),
            passwords={machine.operator.account.user: self._operator_password},
            environment=environment(),
            name=machine.windows.device,
            stand_ins=machine.settings.stand_ins,
            variables=machine.settings.variables,
        )

    def _programs(self) -> dict[str, list[str]]:
        windows = str(self._machine.pipe("windows"))
        control = str(self._machine.pipe("control"))
        sid = self._machine.operator.account.sid
        seconds = str(self._machine.settings.updates_seconds)
        run = [sys.executable, "-m"]
        agent = ntpath.join(self._machine.settings.variables["ProgramW6432"], AGENT_PROGRAM)
        return {
            **self._more_programs(),
            agent: [*run, "lab.simulated.programs.latchkeyctl", control, sid],
            r"C:\Lab\updates.exe": [*run, "lab.simulated.programs.updates", windows, seconds],
            r"C:\Lab\accounting.exe": [*run, "lab.simulated.programs.accounting", windows, seconds],
            r"C:\Lab\hostname.exe": [*run, "lab.simulated.programs.hostname", windows],
        }

    def _more_programs(self) -> dict[str, list[str]]:
        windows = str(self._machine.pipe("windows"))
        more = self._machine.settings.programs
        return {path: [sys.executable, "-m", module, windows] for path, module in more.items()}

    def close(self) -> None:
        """Release the ports."""
        for reserved in self._reserved.values():
            reserved.close()


def _reserve_port() -> socket.socket:
    # Bound but never listening: while the PC is down the port refuses
    # connections, and no other program can get it.
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((ADDRESS, 0))
    return reserved


def environment() -> dict[str, str]:
    """Return the environment of the PC's programs: only Python's search path."""
    places = (
        Path(__file__).parents[2],
        Path(latchkey_agent.__file__).parents[1],
        sysconfig.get_paths()["purelib"],
    )
    return {
        "PYTHONPATH": ":".join(str(place) for place in places),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }
