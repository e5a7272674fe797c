# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of connection to a simulated PC: its listener and Ansible's host variables."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.computer import Reach
    from lab.ssh.files import SshFiles
    from lab.wsman.tlsfiles import TlsFiles

ListenerName = Literal["listener", "http", "https", "ssh-powershell", "ssh-cmd"]
"""The listeners of a PC.

`listener` is WinRM with Basic alone, which costs the least memory; `http` and `https` are WinRM with every scheme and
PowerShell remoting, `https` with client certificates, too; `ssh-powershell` and `ssh-cmd` are OpenSSH with either
default shell.
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


def _by_certificate(kind: ConnectionKind) -> ConnectionKind:
    """Return the kind without the operator's password: its certificate is enough."""
    return replace(kind, variables={**kind.variables, "ansible_password": None})


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
    "winrm, credssp, HTTP": _winrm("http", "http", "credssp"),
    "psrp, credssp, HTTP": _psrp("http", "http", "credssp"),
    "winrm, certificate, HTTPS": _by_certificate(_winrm("https", "https", "certificate")),
    "psrp, certificate, HTTPS": _by_certificate(_psrp("https", "https", "certificate")),
    "ssh, PowerShell": _ssh("ssh-powershell", "powershell"),
    "ssh, cmd": _ssh("ssh-cmd", "cmd"),
}


@dataclass(frozen=True)
class Trust:
    """The files of a PC's TLS listener: the certificate that clients trust, and the operator's own certificate."""

    server: Path
    client: TlsFiles


def inventory(kind: ConnectionKind, reach: Reach, trust: Trust, ssh: SshFiles) -> dict[str, Any]:
    """Return the host variables for a kind of connection; `reach` is its listener's."""
    variables = {**reach.inventory(), **kind.variables}
    if kind.listener == "https":
        variables |= _tls_variables(variables, trust)
    elif kind.variables.get("ansible_connection") == "ssh":
        variables |= _ssh_variables(ssh)
    return variables


def _tls_variables(variables: Mapping[str, Any], trust: Trust) -> dict[str, str]:
    """Return the variables of the server's certificate, and of the operator's where the connection shows it."""
    psrp = variables["ansible_connection"] == "psrp"
    trusted = {"ansible_psrp_ca_cert" if psrp else "ansible_winrm_ca_trust_path": str(trust.server)}
    if variables["ansible_psrp_auth" if psrp else "ansible_winrm_transport"] != "certificate":
        return trusted
    return {**trusted, **certificate_variables(trust.client, psrp=psrp)}


def certificate_variables(client: TlsFiles, *, psrp: bool) -> dict[str, str]:
    """Return the variables of a client's certificate for psrp, or for winrm."""
    certificate, key = str(client.certificate), str(client.key)
    if psrp:
        return {"ansible_psrp_certificate_pem": certificate, "ansible_psrp_certificate_key_pem": key}
    return {"ansible_winrm_cert_pem": certificate, "ansible_winrm_cert_key_pem": key}


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
