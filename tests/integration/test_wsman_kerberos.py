# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kerberos on the wire: pywinrm and pypsrp against the lab's server, with a Kerberos ticket of the lab's directory."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging.system_tools import DIRECTORY, KERBEROS, PSRP
from lab.directory.domain_controller import full_name, principal
from lab.wsman.service_key import ServiceKey
from tests.domain import OPERATOR, Domain, domain
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.wsman_fixtures import Wiretap, WsmanLab

    Start = Callable[..., WsmanLab]

__all__ = ["domain"]

PC = "LAB-PC"
OF_MEMBERS = ("Negotiate", "Kerberos", "NTLM")
SPNEGO = b"application/HTTP-SPNEGO-session-encrypted"
OWN = b"application/HTTP-Kerberos-session-encrypted"


@pytest.fixture(scope="module")
def key(domain: Domain, tmp_path_factory: pytest.TempPathFactory) -> ServiceKey:
    """The key of the PC's account."""
    folder = tmp_path_factory.mktemp("member")
    domain.controller.add_computer(PC, folder / "keytab", ("HTTP", "host", "WSMAN"))
    return ServiceKey(folder / "keytab", domain.controller.settings(folder / "krb5.conf"))


@pytest.fixture
def ticket(domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The operator's Kerberos ticket, in a cache of this test."""
    require(KERBEROS, DIRECTORY, PSRP)
    monkeypatch.setenv("KRB5_CONFIG", str(domain.controller.settings(tmp_path / "krb5.conf")))
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path / 'cache'}")
    given = f"{domain.password}\n".encode()
    subprocess.run(["kinit", principal(OPERATOR)], input=given, capture_output=True, check=True)
    yield
    assert not {"KRB5_KTNAME", "KRB5RCACHENAME"} & os.environ.keys()


def winrm(lab: WsmanLab, **options: Any) -> Any:
    """Return pywinrm's client by Kerberos."""
    given = {"kerberos_hostname_override": full_name(PC), "message_encryption": "always", **options}
    return lab.protocol(transport="kerberos", username=principal(OPERATOR), password=None, **given)


def open_runspace(port: int, **options: Any) -> str:
    """Open and close a runspace with pypsrp; return the type of its encryption."""
    from pypsrp.powershell import RunspacePool  # noqa: PLC0415 - left out where the libraries are missing
    from pypsrp.wsman import WSMan  # noqa: PLC0415

    given = {
        "auth": "kerberos",
        "encryption": "always",
        "negotiate_hostname_override": full_name(PC),
        **options,
    }
    wsman = WSMan("127.0.0.1", port=port, ssl=False, username=principal(OPERATOR), **given)
    with RunspacePool(wsman):
        encryption = wsman.transport.encryption
    assert encryption is not None
    return str(encryption.protocol)


@pytest.mark.usefixtures("ticket")
def test_winrm_opens_a_shell_and_its_messages_cannot_be_read(
    key: ServiceKey, wsman_start: Start, wsman_tap: Callable[[int], Wiretap]
) -> None:
    """The token of Kerberos comes alone in Negotiate, and its keys encrypt the messages of both sides."""
    lab = wsman_start(authentication=OF_MEMBERS, key=key, allow_unencrypted=False)
    wire = wsman_tap(lab.port)
    client = winrm(lab)
    client.transport.endpoint = f"http://127.0.0.1:{wire.port}/wsman"
    client.close_shell(client.open_shell())
    assert b"xmlns" not in wire.recorded
    assert wire.recorded.count(SPNEGO) >= 4
    assert [entry.status for entry in lab.requests()] == [200, 200, 200]


@pytest.mark.usefixtures("ticket")
@pytest.mark.parametrize("service", ["host", "WSMAN", "HTTP"])
@pytest.mark.parametrize("auth", ["kerberos", "negotiate"])
def test_psrp_opens_a_runspace(key: ServiceKey, wsman_start: Start, auth: str, service: str) -> None:
    """By Kerberos alone and within SPNEGO, for each service that a line of ansible-core asks for."""
    lab = wsman_start(authentication=OF_MEMBERS, key=key, powershell=True, allow_unencrypted=False)
    assert open_runspace(lab.port, auth=auth, negotiate_service=service) == SPNEGO.decode()


@pytest.mark.usefixtures("ticket")
def test_the_answer_is_encrypted_as_its_request(
    key: ServiceKey, wsman_start: Start, wsman_tap: Callable[[int], Wiretap]
) -> None:
    """Where the server offers Kerberos alone, pypsrp says so in each message, and the server in each answer."""
    lab = wsman_start(authentication=("Kerberos",), key=key, powershell=True, allow_unencrypted=False)
    wire = wsman_tap(lab.port)
    assert open_runspace(wire.port) == OWN.decode()
    heads = [part.partition(b"\r\n\r\n")[0] for part in bytes(wire.recorded).split(b"HTTP/1.1 200 OK")[1:]]
    assert sum(OWN in head for head in heads) >= 3
    assert SPNEGO not in wire.recorded


@pytest.mark.usefixtures("ticket")
def test_ntlm_still_works_within_negotiate(key: ServiceKey, wsman_start: Start) -> None:
    """A member of a domain takes its own accounts, too."""
    lab = wsman_start(authentication=OF_MEMBERS, key=key)
    client = lab.protocol(transport="ntlm", message_encryption="always")
    client.close_shell(client.open_shell())


@pytest.mark.usefixtures("ticket", "key")
def test_a_key_of_another_pc_accepts_nothing(domain: Domain, wsman_start: Start, tmp_path: Path) -> None:
    """A token for one PC is refused by another with 401, and the server keeps running."""
    domain.controller.add_computer("OTHER-PC", tmp_path / "keytab")
    other = ServiceKey(tmp_path / "keytab", tmp_path / "krb5.conf")
    lab = wsman_start(authentication=OF_MEMBERS, key=other)
    with pytest.raises(Exception, match="credentials were rejected"):
        winrm(lab).open_shell()
    client = winrm(lab, kerberos_hostname_override=full_name("OTHER-PC"))
    client.close_shell(client.open_shell())


@pytest.mark.usefixtures("ticket")
def test_a_token_is_accepted_once(
    key: ServiceKey, wsman_start: Start, wsman_tap: Callable[[int], Wiretap]
) -> None:
    """Whoever has read a token on the wire cannot use it again: the replay cache is on, beside the keytab."""
    lab = wsman_start(authentication=OF_MEMBERS, key=key)
    wire = wsman_tap(lab.port)
    client = winrm(lab)
    client.transport.endpoint = f"http://127.0.0.1:{wire.port}/wsman"
    client.close_shell(client.open_shell())
    [line] = [one for one in bytes(wire.recorded).split(b"\r\n") if one.startswith(b"Authorization: ")]
    status, _ = lab.post(b"", Authorization=line.partition(b": ")[2].decode())
    assert status == 401


def test_kerberos_needs_a_key(wsman_start: Start) -> None:
    """A listener that could never accept a token is not started."""
    with pytest.raises(ValueError, match="Kerberos with a key"):
        wsman_start(authentication=("Kerberos",))
