# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated PC that is a member of the lab's domain, and Ansible's variables to reach it by Kerberos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lab.directory.domain_controller import full_name, principal
from lab.wsman.service_key import ServiceKey

if TYPE_CHECKING:
    from pathlib import Path

    from lab.computer import Reach
    from lab.directory.domain_controller import Directory
    from lab.simulated.connections import ListenerName

SERVICES = ("HTTP", "host", "WSMAN")
"""The services that a Windows PC's account has and Ansible asks for: winrm HTTP, psrp `host` since ansible-core 2.21
and WSMAN before (its option `negotiate_service`)."""


@dataclass(frozen=True)
class DomainConnection:
    """One kind of connection by Kerberos: its listener, and the variables that select it in Ansible."""

    listener: ListenerName
    variables: dict[str, Any]


def _winrm(scheme: Literal["http", "https"], encryption: str) -> DomainConnection:
    return DomainConnection(
        scheme,
        {
            "ansible_connection": "winrm",
            "ansible_winrm_scheme": scheme,
            "ansible_winrm_transport": "kerberos",
            "ansible_winrm_message_encryption": encryption,
            # Without it kinit uses the machine's own krb5.conf.
            "ansible_winrm_kinit_env_vars": ["KRB5_CONFIG"],
        },
    )


def _psrp(scheme: Literal["http", "https"], auth: str, encryption: str) -> DomainConnection:
    return DomainConnection(
        scheme,
        {
            "ansible_connection": "psrp",
            "ansible_psrp_protocol": scheme,
            "ansible_psrp_auth": auth,
            "ansible_psrp_message_encryption": encryption,
        },
    )


DOMAIN_CONNECTIONS = {
    "winrm, kerberos, HTTP": _winrm("http", "always"),
    "winrm, kerberos, HTTPS": _winrm("https", "auto"),
    "psrp, kerberos, HTTP": _psrp("http", "kerberos", "always"),
    "psrp, kerberos, HTTPS": _psrp("https", "kerberos", "auto"),
}
"""Every kind of connection by Kerberos; over HTTP its keys encrypt the messages."""


def join(domain: Directory, name: str, folder: Path) -> ServiceKey:
    """Make a PC a member of the domain: return the key for its setting `key`.

    Args:
        domain: the directory.
        name: the PC's name, its setting `name`.
        folder: a folder for the keytab and the krb5.conf of the PC.

    Raises:
        LabError: the directory refuses it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    domain.add_computer(name, folder / "keytab", SERVICES)
    return ServiceKey(folder / "keytab", domain.settings(folder / "krb5.conf"))


def domain_inventory(connection: str, name: str, reach: Reach, certificate: Path) -> dict[str, Any]:
    """Return Ansible's host variables for a name of `DOMAIN_CONNECTIONS`.

    Args:
        connection: the name.
        name: the PC's name.
        reach: the address of the connection's listener, and the user of the domain with the password; with an empty
            one Ansible takes the Kerberos ticket that `KRB5CCNAME` names.
        certificate: the certificate of the listener with TLS.
    """
    chosen = DOMAIN_CONNECTIONS[connection]
    plugin = chosen.variables["ansible_connection"]
    override = "winrm_kerberos_hostname_override" if plugin == "winrm" else "psrp_negotiate_hostname_override"
    variables = {
        **chosen.variables,
        "ansible_host": reach.host,
        "ansible_port": reach.port,
        "ansible_user": principal(reach.user),
        # The lab has no DNS: the address is not the name that the Kerberos ticket is for.
        f"ansible_{override}": full_name(name),
        "ansible_password": reach.password or None,
    }
    if chosen.listener == "https":
        trust = "ansible_winrm_ca_trust_path" if plugin == "winrm" else "ansible_psrp_ca_cert"
        variables[trust] = str(certificate)
    return variables
