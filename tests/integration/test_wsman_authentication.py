# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""NTLM and Negotiate on the wire: handshakes, encrypted messages, and malformed ones."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Callable

import pytest
import spnego

from lab.wsman.requestlog import STARTED
from tests.integration.wsman_fixtures import (
    CONNECTIONS,
    EVERY_SCHEME,
    USER,
    Reached,
    Wiretap,
    WsmanLab,
    canonical,
    shake_hands,
)

ENCRYPTED = ("winrm-ntlm", "psrp-negotiate", "psrp-ntlm")


@pytest.mark.parametrize("name", [*ENCRYPTED, "psrp-basic"])
def test_wsman_encrypted_messages_cannot_be_read(
    wsman_reach: Callable[..., Reached], wsman_tap: Callable[[int], Wiretap], name: str
) -> None:
    """Messages are unreadable on the wire with NTLM and Negotiate, and readable with Basic."""
    reached = wsman_reach(name)
    wire = wsman_tap(reached.lab.port)
    connection = reached.connection(port=wire.port)
    connection.exec_command(canonical("'x'"))
    connection.close()
    readable = b"xmlns" in wire.recorded
    assert readable == (name not in ENCRYPTED)
    assert len(wire.recorded) > 1000


def post(lab: WsmanLab, authorization: str, body: bytes = b"") -> http.client.HTTPResponse:
    """Send one request on a new connection."""
    client = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=10)
    client.request("POST", "/wsman", body, {"Authorization": authorization})
    response = client.getresponse()
    response.read()
    client.close()
    return response


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
@pytest.mark.parametrize("token", ["", "!!!", "AAAA", base64.b64encode(b"NTLMSSP\0\x03").decode()])
def test_wsman_malformed_tokens_are_refused(
    wsman_start: Callable[..., WsmanLab], scheme: str, token: str
) -> None:
    """A malformed token is answered with 401 and the scheme's offer, and the server keeps running."""
    lab = wsman_start(authentication=EVERY_SCHEME)
    response = post(lab, f"{scheme} {token}")
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == scheme
    assert post(lab, "").headers.get_all("WWW-Authenticate") == [
        "Negotiate",
        "NTLM",
        "CredSSP",
        'Basic realm="WSMAN"',
    ]


def handshake(client: http.client.HTTPConnection, scheme: str, password: str) -> int:
    """Authenticate on a connection, and return the last status."""
    return shake_hands(client, scheme, spnego.client(USER, password, protocol=scheme))


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_wsman_connection_can_be_authenticated_again(
    wsman_start: Callable[..., WsmanLab], scheme: str
) -> None:
    """A second handshake on a connection replaces the first, with a right or a wrong password."""
    lab = wsman_start(authentication=EVERY_SCHEME)
    client = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=10)
    passwords = (lab.password, "wrong", lab.password, lab.password)
    outcomes = [handshake(client, scheme, password) for password in passwords]
    client.close()
    assert outcomes == [200, 401, 200, 200]


def test_wsman_message_encrypted_for_another_connection_is_refused(
    wsman_start: Callable[..., WsmanLab],
) -> None:
    """A message encrypted with another connection's keys is answered with 400, as on Windows."""
    lab = wsman_start(authentication=("NTLM",))
    first, second = (lab.protocol(transport="ntlm") for _ in range(2))
    shell = first.open_shell()
    second.open_shell()
    second.transport.encryption, first.transport.encryption = (
        first.transport.encryption,
        second.transport.encryption,
    )
    with pytest.raises(Exception, match="400"):
        first.close_shell(shell)


@pytest.mark.parametrize("name", ["winrm-ntlm", "psrp-negotiate", "psrp-ntlm", "psrp-basic"])
def test_wsman_unencrypted_messages_are_refused(wsman_start: Callable[..., WsmanLab], name: str) -> None:
    """Windows refuses a message that neither TLS nor the scheme encrypts: status 500 and no text.

    That is its default (service setting AllowUnencrypted); reports of it are pywinrm's issues 129 and 208 and
    winrm4j's issue 151. The credentials are right, so 401 would tell the client something wrong.
    """
    kind = CONNECTIONS[name]
    plain = (
        {"extras": {"ansible_winrm_message_encryption": "never"}}
        if kind.plugin == "winrm"
        else {"message_encryption": "never"}
    )
    for allowed in (False, True):
        lab = wsman_start(authentication=EVERY_SCHEME, powershell=True, allow_unencrypted=allowed)
        connection = lab.connection(kind.plugin, **{**kind.options, **plain})
        if allowed:
            assert connection.exec_command(canonical("'x'"))[0] == 0
        else:
            with pytest.raises(Exception, match="500"):
                connection.exec_command(canonical("'x'"))
        connection.close()
        # An operation in the log means that the server has read a message.
        assert any(entry.operation for entry in lab.requests() if entry != STARTED) == allowed
        assert lab.config.request_log is not None
        lab.config.request_log.unlink()


def test_wsman_passwords_that_ntlm_cannot_store_are_refused(wsman_start: Callable[..., WsmanLab]) -> None:
    """A listener with NTLM refuses a password with a colon; it does not misread it silently."""
    lab = wsman_start()
    lab.host.passwords["other"] = "a:b"  # type: ignore[index]
    with pytest.raises(ValueError, match="no colon"):
        wsman_start(authentication=("NTLM",))


def test_wsman_unknown_scheme_is_refused(wsman_start: Callable[..., WsmanLab]) -> None:
    """The error for an unknown scheme names it."""
    with pytest.raises(ValueError, match="Kerberos"):
        wsman_start(authentication=("Kerberos",))
