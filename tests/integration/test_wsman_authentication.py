# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""NTLM and Negotiate on the wire: handshakes, encrypted messages, and malformed ones."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import spnego

from tests.integration.wsman_fixtures import EVERY_SCHEME, USER, Reached, WsmanLab, canonical

ENCRYPTED = ("winrm-ntlm", "psrp-negotiate", "psrp-ntlm")


class Wiretap:
    """Passes bytes between a client and the server, and records them."""

    def __init__(self, port: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._target = port
        self.recorded = bytearray()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return int(self._listening.getsockname()[1])

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError), source, sink:
            while data := source.recv(65536):
                self.recorded += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Accept no more clients."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def tap() -> Iterator[Callable[[int], Wiretap]]:
    """Makes wiretaps; ends them after the test."""
    taps: list[Wiretap] = []

    def tap(port: int) -> Wiretap:
        taps.append(Wiretap(port))
        return taps[-1]

    yield tap
    for wiretap in taps:
        wiretap.close()


@pytest.mark.parametrize("name", [*ENCRYPTED, "psrp-basic"])
def test_wsman_encrypted_messages_cannot_be_read(
    wsman_reach: Callable[..., Reached], tap: Callable[[int], Wiretap], name: str
) -> None:
    """Messages are unreadable on the wire with NTLM and Negotiate, and readable with Basic."""
    reached = wsman_reach(name)
    wire = tap(reached.lab.port)
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
        'Basic realm="WSMAN"',
    ]


def handshake(client: http.client.HTTPConnection, lab: WsmanLab, scheme: str, password: str) -> int:
    """Authenticate on a connection, and return the last status."""
    context = spnego.client(USER, password, protocol=scheme)
    token, status = context.step(), 401
    while token and status == 401:
        value = f"{scheme} {base64.b64encode(token).decode()}"
        client.request("POST", "/wsman", b"", {"Authorization": value})
        response = client.getresponse()
        response.read()
        status = response.status
        _, _, answer = response.headers.get("WWW-Authenticate", "").partition(" ")
        token = context.step(base64.b64decode(answer)) if answer else None
    return status


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_wsman_connection_can_be_authenticated_again(
    wsman_start: Callable[..., WsmanLab], scheme: str
) -> None:
    """A second handshake on a connection replaces the first, with a right or a wrong password."""
    lab = wsman_start(authentication=EVERY_SCHEME)
    client = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=10)
    passwords = (lab.password, "wrong", lab.password, lab.password)
    outcomes = [handshake(client, lab, scheme, password) for password in passwords]
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
