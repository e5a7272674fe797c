# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of connection to a simulated PC: its listener and Ansible's host variables."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from lab.computer import Reach
    from lab.ssh.files import SshFiles

ListenerName = Literal["listener", "http", "https", "ssh-powershell", "ssh-cmd"]
"""The listeners of a PC.

`listener` is WinRM with Basic alone, which costs the least memory; `http` and `https` are WinRM with
every scheme and PowerShell remoting; `ssh-powershell` and `ssh-cmd` are OpenSSH with either default shell.
"""


@dataclass(frozen=True)
class ConnectionKind:
    """One kind of connection: its listener, and the variables that select it in Ansible."""

    listener: ListenerName
    variables: dict[str, Any] = field(default_factory=dict)


def _winrm(listener: ListenerName, scheme: str, transport: str) -> ConnectionKind:
    return ConnectionKind(
        listener,
        {
            "ansible_connection": "winrm",
            "ansible_winrm_scheme": scheme,
            "ansible_winrm_transport": transport,
        },
    )


def _psrp(listener: ListenerName, scheme: str, auth: str) -> ConnectionKind:
    return ConnectionKind(
        listener,
        {"ansible_connection": "psrp", "ansible_psrp_protocol": scheme, "ansible_psrp_auth": auth},
    )


def _ssh(listener: ListenerName, shell: str) -> ConnectionKind:
    return ConnectionKind(
        listener, {"ansible_connection": "ssh", "ansible_shell_type": shell, "ansible_password": None}
    )


CONNECTIONS = {
    "winrm, basic, HTTP": _winrm("listener", "http", "basic"),
    "winrm, ntlm, HTTP": _winrm("http", "http", "ntlm"),
    "winrm, basic, HTTPS": _winrm("https", "https", "basic"),
    "winrm, ntlm, HTTPS": _winrm("https", "https", "ntlm"),
    "psrp, negotiate, HTTP": _psrp("http", "http", "negotiate"),
    "psrp, ntlm, HTTP": _psrp("http", "http", "ntlm"),
    "psrp, negotiate, HTTPS": _psrp("https", "https", "negotiate"),
    "ssh, PowerShell": _ssh("ssh-powershell", "powershell"),
    "ssh, cmd": _ssh("ssh-cmd", "cmd"),
}


def inventory(kind: ConnectionKind, reach: Reach, certificate: Path, ssh: SshFiles) -> dict[str, Any]:
    """Return the host variables for a kind of connection; `reach` is its listener's."""
    variables = {**reach.inventory(), **kind.variables}
    if kind.listener == "https":
        trust = "ansible_psrp_ca_cert" if "ansible_psrp_auth" in variables else "ansible_winrm_ca_trust_path"
        variables[trust] = str(certificate)
    elif kind.variables.get("ansible_connection") == "ssh":
        variables |= _ssh_variables(ssh)
    return variables


def _ssh_variables(files: SshFiles) -> dict[str, Any]:
    options = f"-F none -o UserKnownHostsFile={files.known_hosts} -o IdentitiesOnly=yes -o BatchMode=yes"
    return {
        # sshd signs in an account of this machine; on the PC it counts as the operator's account.
        "ansible_user": getpass.getuser(),
        "ansible_ssh_private_key_file": str(files.client_key),
        "ansible_ssh_common_args": options,
        # The path of a master connection's socket has to be short (unix(7)).
        "ansible_control_path_dir": str(files.socket.parent),
    }
