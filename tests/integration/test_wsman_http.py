# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP, authentication and malformed messages, as raw bytes and as pywinrm sends them."""

from __future__ import annotations

import re
import socket

import pytest
import winrm.protocol
from winrm.exceptions import InvalidCredentialsError, WinRMTransportError

from tests.integration.wsman_fixtures import REPORT, USER, WsmanLab

SHELL_CLASS = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"


@pytest.mark.parametrize("user", [USER, USER.upper(), f"LAB-PC\\{USER}", f".\\{USER}"])
def test_wsman_user_names(wsman_lab: WsmanLab, user: str) -> None:
    """The user name may have any case and the computer's name before it."""
    protocol = wsman_lab.protocol(username=user)
    protocol.close_shell(protocol.open_shell())


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("nobody", ""), (USER, "")])
def test_wsman_wrong_password(wsman_lab: WsmanLab, user: str, password: str) -> None:
    """A wrong user or password is answered with 401, and the server keeps running."""
    with pytest.raises(InvalidCredentialsError):
        wsman_lab.protocol(username=user, password=password).open_shell()
    wsman_lab.protocol().open_shell()


ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
    f'xmlns:r="{SHELL_CLASS}"><s:Header>'
    "<a:Action>{action}</a:Action><a:MessageID>uuid:1</a:MessageID>"
    "<w:ResourceURI>{uri}</w:ResourceURI>{more}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
)
CREATE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"
BODY = "<r:Shell/>"


def envelope(
    action: str = CREATE, uri: str = f"{SHELL_CLASS}/cmd", more: str = "", body: str = BODY
) -> bytes:
    """Return a request, correct or with the given defects."""
    return ENVELOPE.format(action=action, uri=uri, more=more, body=body).encode()


def test_wsman_the_unchanged_envelope_is_answered(wsman_lab: WsmanLab) -> None:
    """The request that the next test damages is answered when it is intact."""
    assert wsman_lab.post(envelope())[0] == 200


@pytest.mark.parametrize(
    ("request_body", "code"),
    [
        (b"not xml", 2150858819),
        (b"<a><b></a>", 2150858819),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', 2150858819),
        (b'<!DOCTYPE x [<!ENTITY e "e">]>' + envelope(), 2150858819),
        (b"<a/>", 2150858817),
        (envelope(action=""), 2150858769),
        (envelope(more="<w:OperationTimeout>soon</w:OperationTimeout>"), 2150858767),
        (envelope(more="<w:OperationTimeout>PT-1S</w:OperationTimeout>"), 2150858767),
        (envelope(more="<w:MaxEnvelopeSize>big</w:MaxEnvelopeSize>"), 2150858817),
        (envelope(action="urn:x/Reconnect"), 2150858771),
        (envelope(uri="urn:no-such"), 2150858811),
        (envelope(body=""), 2150858791),
        (envelope(body="<x/>"), 2150858791),
        (envelope(body="<r:Shell><r:IdleTimeOut>60</r:IdleTimeOut></r:Shell>"), 2150858791),
        (envelope(action=f"{SHELL_CLASS}/Receive", body="<r:Receive/>"), 2150858791),
        (envelope(action=f"{SHELL_CLASS}/Send", body="<r:Send><r:Stream>!</r:Stream></r:Send>"), None),
        (b"<a>" + b"x" * 600_000 + b"</a>", 2150858824),
        (b"x" * 10_000_000, 2150858824),
    ],
)
def test_wsman_malformed_requests_get_a_fault(
    wsman_lab: WsmanLab, request_body: bytes, code: int | None
) -> None:
    """Each malformed request is answered with a fault, and the server keeps running."""
    status, answer = wsman_lab.post(request_body)
    match = re.search(rb'WSManFault [^>]*Code="(\d+)"', answer)
    assert status == 500
    assert match is not None
    assert code is None or int(match[1]) == code
    assert wsman_lab.post(envelope())[0] == 200


def shell_request(action: str, shell: str, body: str = "", uri: str = f"{SHELL_CLASS}/cmd") -> bytes:
    """Return a request for an open shell; `action` is its last part."""
    space = "http://schemas.xmlsoap.org/ws/2004/09/transfer" if action in {"Get", "Delete"} else SHELL_CLASS
    selector = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>'
    return envelope(f"{space}/{action}", uri, selector, body)


def test_wsman_an_invalid_time_out_is_a_fault_of_addressing(wsman_lab: WsmanLab) -> None:
    """A fault has the action of the specification that its subcode is from, as recorded from Windows by pypsrp."""
    _, answer = wsman_lab.post(envelope(more="<w:OperationTimeout>PT-1S</w:OperationTimeout>"))
    assert b"<a:Action>http://schemas.xmlsoap.org/ws/2004/08/addressing/fault</a:Action>" in answer
    assert b"a:InvalidMessageInformationHeader" in answer
    assert b"invalid timeout field in the SOAP header: PT-1S. </f:Message>" in answer
    _, answer = wsman_lab.post(envelope(body=""))
    assert b"<a:Action>http://schemas.dmtf.org/wbem/wsman/1/wsman/fault</a:Action>" in answer


@pytest.mark.parametrize(
    ("signal", "code"), [("Terminate", b""), ("terminate", b""), ("ctrl_c", b""), ("none", b'Code="87"')]
)
def test_wsman_signals_in_any_case(wsman_lab: WsmanLab, signal: str, code: bytes) -> None:
    """A signal's name may have any case: pypsrp sends `signal/Terminate`, and Windows accepts it (recorded)."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, REPORT, ["wait", "nowhere/file"], skip_cmd_shell=True)
    body = f'<r:Signal CommandId="{command}"><r:Code>{SHELL_CLASS}/signal/{signal}</r:Code></r:Signal>'
    status, answer = wsman_lab.post(shell_request("Signal", shell, body))
    assert status == (500 if code else 200)
    assert code in answer
    protocol.close_shell(shell)


def test_wsman_a_shell_describes_itself(wsman_lab: WsmanLab) -> None:
    """A Get tells of a shell what the Create was given; of an unknown one it is a fault of the shells' provider."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell(working_directory="C:\\x", env_vars={"A": "<b>"}, idle_timeout="PT60S")
    status, answer = wsman_lab.post(shell_request("Get", shell, uri=SHELL_CLASS))
    assert status == 200
    for part in (
        f"<rsp:ShellId>{shell}</rsp:ShellId>",
        "<rsp:ClientIP>127.0.0.1</rsp:ClientIP>",
        '<rsp:Environment><rsp:Variable Name="A">&lt;b&gt;</rsp:Variable></rsp:Environment>',
        "<rsp:WorkingDirectory>C:\\x</rsp:WorkingDirectory><rsp:IdleTimeOut>PT60.000S</rsp:IdleTimeOut>",
        "<rsp:MemoryUsed>",
    ):
        assert part.encode() in answer
    protocol.close_shell(shell)
    status, answer = wsman_lab.post(shell_request("Get", shell, uri=SHELL_CLASS))
    assert status == 500
    assert answer.count(b'Code="2150858843"') == 2
    assert b'provider="Shell provider"' in answer


def test_wsman_other_http_requests_are_refused(wsman_lab: WsmanLab) -> None:
    """A request without password, length, the right path or POST gets the matching HTTP status."""
    assert wsman_lab.post(envelope(), Authorization="")[0] == 401
    assert wsman_lab.post(envelope(), Authorization="Basic !!!")[0] == 401
    assert wsman_lab.post(envelope(), Authorization="Bearer x")[0] == 401
    with pytest.raises(WinRMTransportError):
        winrm.protocol.Protocol(
            f"http://127.0.0.1:{wsman_lab.port}/else", username=USER, password=wsman_lab.password
        ).open_shell()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /wsman HTTP/1.1\r\n\r\n", b"405"),
        (b"POST /wsman HTTP/1.1\r\n\r\n", b"411"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"411"),
        (b"POST /else HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"404"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"401"),
        (b"\x16\x03\x01 what\r\n\r\n", b"400"),
        (b"POST " + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort", b""),
    ],
)
def test_wsman_raw_http(wsman_lab: WsmanLab, sent: bytes, status: bytes) -> None:
    """An incomplete or wrong HTTP request gets an HTTP error status or no answer."""
    with socket.create_connection(("127.0.0.1", wsman_lab.port), timeout=5) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer[:30].split(b" ")[1:2] == ([status] if status else [])
    assert wsman_lab.post(envelope())[0] == 200
