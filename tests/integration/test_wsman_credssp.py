# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""CredSSP: wrong passwords, other passwords at its end, malformed tokens and large messages."""

from __future__ import annotations

import base64
import contextlib
import gc
import http.client
from collections.abc import Callable
from typing import Any

import pytest
import spnego
from requests_credssp.exceptions import NTStatusException

from lab.wsman.auth import BadMessageError
from lab.wsman.credssp_scheme import SCHEME
from lab.wsman.encrypted_messages import END, PART_SIZE, unwrap, wrap
from tests.integration.wsman_fixtures import (
    CONNECTIONS,
    EVERY_SCHEME,
    REPORT,
    USER,
    Reached,
    Wiretap,
    WsmanLab,
    canonical,
    reported,
    shake_hands,
)

CREDSSP = [name for name in CONNECTIONS if "credssp" in name]
PROTOCOL = "application/HTTP-CredSSP-session-encrypted"


# requests-credssp leaves its socket to the garbage collector when a handshake fails.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("name", CREDSSP)
def test_wsman_credssp_refuses_a_wrong_password(wsman_reach: Callable[..., Reached], name: str) -> None:
    """A wrong password costs one refused logon, and the client gets Windows' code for it."""
    reached = wsman_reach(name)
    with pytest.raises(Exception, match="STATUS_LOGON_FAILURE") as error:
        reached.connection(remote_password="wrong").exec_command(canonical("'x'"))
    assert name.startswith("winrm") or error.type is NTStatusException
    del error
    gc.collect()
    assert sum(entry.rejected for entry in reached.lab.requests()) == 1
    connection = reached.connection()
    assert connection.exec_command(canonical("'x'"))[0] == 0
    connection.close()


def status_of(lab: WsmanLab, client: Any) -> int:
    """Authenticate on a new connection; return the last status."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", lab.port, timeout=10)) as connection:
        return shake_hands(connection, SCHEME, client)


@pytest.mark.parametrize("sent", ["right", "wrong"])
def test_wsman_credssp_signs_in_with_the_password_that_is_sent(
    wsman_start: Callable[..., WsmanLab], sent: str
) -> None:
    """The password at the end of the handshake is checked, too, as Windows signs the account in with it."""
    lab = wsman_start(authentication=EVERY_SCHEME)
    client = spnego.client(USER, lab.password, protocol="credssp")
    delegated = client._ts_credential.credentials  # type: ignore[attr-defined]
    if sent == "wrong":
        client._ts_credential.credentials = replace_password(delegated)  # type: ignore[attr-defined]
    assert status_of(lab, client) == (200 if sent == "right" else 401)
    assert sum(entry.rejected for entry in lab.requests()) == (0 if sent == "right" else 1)


def replace_password(credentials: Any) -> Any:
    """Return the credentials with another password."""
    return type(credentials)(credentials.domain_name, credentials.username, "wrong")


@pytest.mark.parametrize("token", ["", "!!!", "AAAA", base64.b64encode(b"\x16\x03\x01\0\x02ab").decode()])
def test_wsman_credssp_malformed_tokens_are_refused(wsman_start: Callable[..., WsmanLab], token: str) -> None:
    """A malformed token is answered with 401 and counts as no logon, and the server keeps running."""
    lab = wsman_start(authentication=("CredSSP",))
    assert lab.post(b"", Authorization=f"{SCHEME} {token}")[0] == 401
    assert not any(entry.rejected for entry in lab.requests())
    assert status_of(lab, spnego.client(USER, lab.password, protocol="credssp")) == 200


@pytest.mark.parametrize("name", ["winrm-credssp", "psrp-credssp"])
def test_wsman_credssp_large_messages_have_parts(
    wsman_reach: Callable[..., Reached], wsman_tap: Callable[[int], Wiretap], name: str
) -> None:
    """A message of more than 16 kB travels in encrypted parts, both ways, and arrives whole."""
    reached = wsman_reach(name)
    wire = wsman_tap(reached.lab.port)
    connection = reached.connection(port=wire.port)
    request = b"x" * 300_000
    script = f"$OutputEncoding = [Text.Encoding]::ASCII\n$input | & '{REPORT}' report\nexit $LASTEXITCODE"
    code, output, error = connection.exec_command(canonical(script), in_data=request)
    connection.close()
    assert (code, error) == (0, b"")
    assert reported(output)["input"] == request.decode() + "\r\n"
    assert b"xmlns" not in wire.recorded
    assert wire.recorded.count(b"Content-Type: multipart/x-multi-encrypted") >= 2


class Keys:
    """Stand-in for a connection's keys: a header of three bytes, and each byte changed."""

    def wrap_winrm(self, data: bytes) -> spnego.WinRMWrapResult:
        """Encrypt."""
        return spnego.WinRMWrapResult(b"key", bytes(one ^ 255 for one in data), 0)

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """Decrypt."""
        if header != b"key":
            raise ValueError("other keys")
        return bytes(one ^ 255 for one in data)


@pytest.mark.parametrize("size", [0, 1, PART_SIZE, PART_SIZE + 1, 5 * PART_SIZE])
def test_wsman_encrypted_parts_are_joined(size: int) -> None:
    """A message of each size comes out of its parts as it was; up to 16 kB it has one part."""
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    kind, body = wrap(Keys(), message, PROTOCOL, in_parts=True)
    assert unwrap(Keys(), body) == message
    assert body.count(b"OriginalContent") == max(1, -(-size // PART_SIZE))
    assert kind.startswith("multipart/x-multi-encrypted" if size > PART_SIZE else "multipart/encrypted")


@pytest.mark.parametrize("number", range(7))
def test_wsman_malformed_encrypted_messages_are_refused(number: int) -> None:
    """An encrypted message without one of its parts, or changed in transit, is no message."""
    _, body = wrap(Keys(), b"message", PROTOCOL)
    broken = (
        b"",
        body.removesuffix(END),
        body.replace(b"Length=7", b"Length=8"),
        body.replace(b"Length=7", b"Length=x"),
        body.replace(b"octet-stream", b"stream"),
        body.replace(b"key", b"kex"),
        body.removeprefix(b"--Encrypted Boundary\r\n"),
    )[number]
    with pytest.raises(BadMessageError):
        unwrap(Keys(), broken)
    with pytest.raises(BadMessageError):
        unwrap(None, body)
