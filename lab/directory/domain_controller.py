# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A domain controller of the lab: `with directory(folder) as domain: ...`.

It is Samba's, provisioned in the folder and run on loopback without root's services: of all that a controller does,
only its Kerberos service (KDC) runs. Nothing outside the folder is written.
"""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.packaging.system_tools import find
from lab.computer import LabError
from lab.directory import kdc_log, samba_accounts
from lab.directory.krb5_settings import ADDRESS, DOMAIN, REALM, Lookup, write_settings
from lab.process_tree import kill_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from lab.directory.kdc_log import Logon

SYSTEM_PYTHON = "/usr/bin/python3"
"""Debian installs Samba's Python modules for this one."""
PROVISION_SECONDS, START_SECONDS, ACCOUNT_SECONDS = 180.0, 60.0, 60.0
_NETBIOS_NAME = "LAB"
_POLL_SECONDS = 0.05
_SECRET_WORD = "password"  # noqa: S105 - no password: provisioning prints the administrator's on a line with this word


class Directory:
    """A provisioned domain controller. Its constructor provisions it, which takes some seconds; then call `start`."""

    def __init__(self, folder: Path) -> None:
        """Raises LabError: Samba could not make the directory."""
        self._folder = folder
        self._running: subprocess.Popen[bytes] | None = None
        self._ports = {"krb5 port": _free_port(), "kpasswd port": _free_port()}
        self.log = folder / "kdc.log"
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        _run(
            [
                *(_program("samba-tool"), "domain", "provision", f"--targetdir={self._place}"),
                *(f"--realm={REALM}", f"--domain={_NETBIOS_NAME}", "--server-role=dc", "--dns-backend=NONE"),
                *("--host-name=DC", f"--host-ip={ADDRESS}", "--option=server services=kdc"),
            ],
            PROVISION_SECONDS,
        )

    @property
    def _place(self) -> Path:
        return self._folder / "samba"

    @property
    def _configuration(self) -> Path:
        return self._place / "etc/smb.conf"

    @property
    def port(self) -> int:
        """The port of the Kerberos service on loopback; it stays the same."""
        return self._ports["krb5 port"]

    def settings(self, path: Path, **lookup: Any) -> Path:
        """Write the krb5.conf of a client of this controller; return its path."""
        return write_settings(path, Lookup(self.port, **lookup))

    def add_users(self, passwords: dict[str, str], *, lockout: int = 0) -> None:
        """Make users. With `lockout` above 0 each account is locked after so many wrong passwords.

        Raises:
            LabError: Samba refuses one, for example for its simple password.
        """
        users = [{"name": name, "password": password} for name, password in passwords.items()]
        self._change({"users": users, "lockout": lockout})

    def add_computer(self, name: str, keytab: Path, services: Sequence[str] = ("HTTP", "host")) -> None:
        """Make the account of a PC with a random password, and write the keys of its services into a keytab.

        Raises:
            LabError: Samba refuses it.
        """
        computer = {
            "name": name,
            "password": random_password(),
            "services": [f"{service}/{full_name(name)}" for service in services],
            "keytab": str(keytab),
        }
        self._change({"computers": [computer]})

    def _change(self, wanted: dict[str, Any]) -> None:
        given = json.dumps({"configuration": str(self._configuration), **wanted}).encode()
        # -I: the variables of this process are for another Python.
        _run([SYSTEM_PYTHON, "-I", samba_accounts.__file__], ACCOUNT_SECONDS, given)

    def logons(self) -> list[Logon]:
        """Return every logon that the controller has decided, in order."""
        return kdc_log.read_logons(self.log)

    def start(self, clock_error: timedelta | None = None) -> None:
        """Start the controller, and wait until it answers. `clock_error`: its clock is so far ahead.

        Raises:
            LabError: it did not start in time; carries the end of its log.
        """
        command = [
            *_shifted(clock_error),
            *(_program("samba"), "--interactive", "--model=single", f"--configfile={self._configuration}"),
            *("--debug-stdout", "--option=log level=1 auth_json_audit:3", f"--option=interfaces={ADDRESS}"),
            *("--option=bind interfaces only=yes", f"--option=pid directory={self._place / 'run'}"),
            *(f"--option={name}={port}" for name, port in self._ports.items()),
        ]
        (self._place / "run").mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait(self._running)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + START_SECONDS
        while not _accepts(self.port):
            if process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise LabError(f"the domain controller did not start: {_last_line(self.log.read_bytes())}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End the controller at once, and wait until its port is free; it can be started again."""
        if self._running is None:
            return
        kill_tree(self._running)
        self._running = None
        # Behind faketime Samba is a grandchild, whose end kill_tree does not wait for.
        until = time.monotonic() + START_SECONDS
        while _accepts(self.port) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)


@contextmanager
def directory(folder: Path) -> Iterator[Directory]:
    """Run a domain controller within the block.

    Raises:
        LabError: Samba is missing, or could not make or start the directory.
    """
    domain = Directory(folder)
    try:
        domain.start()
        yield domain
    finally:
        domain.stop()


def full_name(computer: str) -> str:
    """Return the name of a PC in the domain, as clients ask for it."""
    return f"{computer.lower()}.{DOMAIN}"


def principal(user: str) -> str:
    """Return the name of a user with the realm."""
    return f"{user}@{REALM}"


def random_password() -> str:
    """Return a random password that the complexity rule of a domain accepts: it asks for three kinds of characters."""
    return f"{secrets.token_urlsafe(18)}-Aa1"


def _shifted(clock_error: timedelta | None) -> list[str]:
    """Return the words before a command that shift its clock (faketime(1))."""
    return [_program("faketime"), "-f", f"{clock_error.total_seconds():+.0f}s"] if clock_error else []


def _program(name: str) -> str:
    if (path := find(name)) is None:
        raise LabError(f"{name} is not installed")
    return path


def _free_port() -> int:
    """Return a port that is free for TCP and UDP: a KDC serves both under one number."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            stream.bind((ADDRESS, 0))
            port = int(stream.getsockname()[1])
            try:
                datagrams.bind((ADDRESS, port))
            except OSError:
                continue
            return port


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((ADDRESS, port), timeout=1).close()
    except OSError:
        return False
    return True


def _run(command: list[str], seconds: float, given: bytes = b"") -> None:
    done = subprocess.run(
        command,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        raise LabError(f"{Path(command[0]).name} failed: {_last_line(done.stdout)}")


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").splitlines()
    return next((line for line in reversed(lines) if line.strip() and _SECRET_WORD not in line.lower()), "")
