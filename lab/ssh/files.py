# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of one SSH server: keys, configuration, and the files for its clients."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from agent.packaging.system_tools import SSH, find
from lab.ssh.sftp import PROGRAM

RELAY = Path(__file__).with_name("stream_relay.py")
PRIVILEGE_SEPARATION = Path("/run/sshd")
"""Debian's sshd does not start as root without this empty folder; its service unit makes it (sshd(8), FILES)."""

ADDRESS = "127.0.0.1"


class SshMissingError(Exception):
    """OpenSSH is not installed on this machine; the message names the package to install."""


@dataclass(frozen=True, slots=True)
class SshFiles:
    """The paths of one server's files, all below `folder`, and its `socket`, whose path has to be short."""

    folder: Path
    socket: Path

    @property
    def host_key(self) -> Path:
        """The server's private key."""
        return self.folder / "host_key"

    @property
    def client_key(self) -> Path:
        """The private key of the operator who may connect."""
        return self.folder / "client_key"

    @property
    def known_hosts(self) -> Path:
        """The server's public key in the form in which clients keep it."""
        return self.folder / "known_hosts"

    @property
    def configuration(self) -> Path:
        """sshd's configuration."""
        return self.folder / "sshd_config"

    @property
    def log(self) -> Path:
        """sshd's log."""
        return self.folder / "sshd.log"


def sshd() -> str:
    """Return the server's path. Raises SshMissingError."""
    return _program("sshd")


def _program(name: str) -> str:
    found = find(name)
    if found is None:
        raise SshMissingError(SSH.missing())
    return found


def make_files(files: SshFiles, port: int) -> None:
    """Make keys and configuration for a server at `port`; keep existing keys.

    Raises SshMissingError: OpenSSH is not installed.
    """
    files.folder.mkdir(parents=True, exist_ok=True)
    for key in (files.host_key, files.client_key):
        if not key.exists():
            _make_key(key)
    public = files.host_key.with_suffix(".pub").read_text(encoding="ascii")
    files.known_hosts.write_text(f"[{ADDRESS}]:{port} {public}", encoding="ascii")
    files.configuration.write_text(_configuration(files), encoding="utf-8")
    if os.geteuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)


def _make_key(path: Path) -> None:
    keygen = _program("ssh-keygen")
    subprocess.run(
        [keygen, "-q", "-t", "ed25519", "-N", "", "-C", "latchkey lab", "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def _configuration(files: SshFiles) -> str:
    """Return a configuration that accepts one key and runs every command in the relay (sshd_config(5))."""
    relay = shlex.join([sys.executable, "-I", "-S", str(RELAY), str(files.socket)])
    settings = {
        "HostKey": files.host_key,
        "AuthorizedKeysFile": files.client_key.with_suffix(".pub"),
        "StrictModes": "no",
        "UsePAM": "no",
        "AuthenticationMethods": "publickey",
        "PermitRootLogin": "prohibit-password",
        "PermitTTY": "no",
        "PermitUserRC": "no",
        "DisableForwarding": "yes",
        "PrintLastLog": "no",
        "PidFile": "none",
        # ControlMaster runs many commands over one connection, also at the same time.
        "MaxSessions": "20",
        # sshd does not run this either: ForceCommand also applies to a subsystem, and the relay gets this name.
        "Subsystem": f"sftp {PROGRAM}",
        "ForceCommand": f"exec {relay}",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())
