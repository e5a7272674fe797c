# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way to connect: NTLM, Negotiate, TLS and PowerShell remoting, by Ansible's real plugins."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from pypsrp.exceptions import WinRMError

from lab.wsman.faults import Faults
from lab.wsman.tls import make_certificate
from tests.integration.wsman_fixtures import (
    POWERSHELL,
    REPORT,
    WsmanLab,
    encoded,
    is_running,
    reported,
    started_process,
    wait_for,
)

pytest.importorskip("psrpcore", reason="psrpcore is not installed: the lab has no PSRP without it")

EVERY_SCHEME = ("Negotiate", "NTLM", "Basic")


@dataclass(frozen=True)
class Way:
    """One way to connect: the plugin, its options, and whether TLS is spoken."""

    plugin: str
    options: dict[str, Any]
    tls: bool = False


WAYS = {
    "winrm-basic-tls": Way("winrm", {"scheme": "https", "transport": ["ssl"]}, tls=True),
    "winrm-ntlm": Way("winrm", {"transport": ["ntlm"]}),
    "winrm-ntlm-tls": Way("winrm", {"scheme": "https", "transport": ["ntlm"]}, tls=True),
    "psrp-basic": Way("psrp", {"protocol": "http", "auth": "basic", "message_encryption": "never"}),
    "psrp-basic-tls": Way("psrp", {"protocol": "https", "auth": "basic"}, tls=True),
    "psrp-negotiate": Way("psrp", {"protocol": "http", "auth": "negotiate"}),
    "psrp-ntlm": Way("psrp", {"protocol": "http", "auth": "ntlm"}),
    "psrp-ntlm-tls": Way("psrp", {"protocol": "https", "auth": "ntlm"}, tls=True),
}
ENCRYPTED = ("winrm-ntlm", "psrp-negotiate", "psrp-ntlm")


@dataclass(frozen=True)
class Reached:
    """A computer, and how a way connects to it."""

    lab: WsmanLab
    way: Way

    def connection(self, **options: Any) -> Any:  # noqa: ANN401 - a plugin's class is Ansible's
        """A fresh connection of this way."""
        return self.lab.connection(self.way.plugin, **{**self.way.options, **options})


@pytest.fixture
def reach(wsman_start: Callable[..., WsmanLab], tmp_path: Path) -> Callable[..., Reached]:
    """Starts a computer that is reached in a way."""

    def reach(name: str) -> Reached:
        way = WAYS[name]
        tls = make_certificate(tmp_path) if way.tls else None
        lab = wsman_start(authentication=EVERY_SCHEME, powershell=True, tls=tls)
        trust: dict[str, Any] = {}
        if tls is not None and way.plugin == "psrp":
            trust = {"ca_cert": os.fspath(tls.certificate)}
        elif tls is not None:
            trust = {"extras": {"ansible_winrm_ca_trust_path": os.fspath(tls.certificate)}}
        return Reached(lab, Way(way.plugin, {**way.options, **trust}))

    return reach


def canonical(script: str) -> str:
    """The command line in which the collection sends every script."""
    return f"PowerShell {' '.join(POWERSHELL)} {encoded(script)}"


@pytest.mark.parametrize("name", WAYS)
def test_wsman_way_runs_the_seam(reach: Callable[..., Reached], name: str) -> None:
    """The seam's arguments, input, output and exit code are the same in every way."""
    connection = reach(name).connection()
    script = f"""$OutputEncoding = [Text.Encoding]::ASCII
if (-not [IO.File]::Exists('{REPORT}')) {{ 'none'; exit 127 }}
$input | & '{REPORT}' report 'x y'
exit $LASTEXITCODE"""
    request = b'{"a": "b \\u00fc"}'
    code, output, error = connection.exec_command(canonical(script), in_data=request)
    assert (code, error) == (0, b"")
    assert reported(output) == {
        "arguments": ["report", "x y"],
        "input": request.decode() + "\r\n",
    }
    assert connection.exec_command(canonical(f"& '{REPORT}' exit 7; exit $LASTEXITCODE"))[0] == 7
    assert connection.exec_command(canonical("'said'\nexit 9"))[:2] == (
        9,
        b"said" if "psrp" in name else b"said\r\n",
    )
    connection.close()


@pytest.mark.parametrize("name", WAYS)
def test_wsman_way_transfers_files(reach: Callable[..., Reached], tmp_path: Path, name: str) -> None:
    """A file is byte-identical after put and fetch, in every way."""
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(os.urandom(300_000))
    connection = reach(name).connection()
    connection.put_file(os.fspath(source), "C:\\file.bin")
    connection.fetch_file("C:\\file.bin", os.fspath(back))
    assert back.read_bytes() == source.read_bytes()
    with pytest.raises(AnsibleError, match="failed to transfer"):
        connection.fetch_file("C:\\missing", os.fspath(tmp_path / "none"))
    connection.close()


@pytest.mark.parametrize("name", WAYS)
def test_wsman_way_refuses_a_wrong_password(reach: Callable[..., Reached], name: str) -> None:
    """A wrong password is an error of the connection, and the next right one gets in."""
    reached = reach(name)
    with pytest.raises(AnsibleConnectionFailure):
        reached.connection(remote_password="wrong").exec_command(canonical("'x'"))
    with pytest.raises(AnsibleConnectionFailure):
        reached.connection(remote_user="nobody").exec_command(canonical("'x'"))
    connection = reached.connection()
    assert connection.exec_command(canonical("'x'"))[0] == 0
    connection.close()


@pytest.mark.parametrize("name", ["psrp-basic", "psrp-negotiate"])
def test_wsman_psrp_refuses_what_it_lacks(reach: Callable[..., Reached], name: str) -> None:
    """In a runspace, too, another script ends with 250 and does nothing."""
    connection = reach(name).connection()
    code, output, error = connection.exec_command(canonical("Get-Process"))
    assert (code, output) == (250, b"")
    assert b"wsman lab: unsupported script" in error
    raw = f"$input | & '{REPORT}' report"
    code, _, error = connection.exec_command(raw, in_data=b"bytes")
    assert code == 250
    assert b"unsupported input" in error
    connection.close()


def test_wsman_psrp_error_output_is_error_records(reach: Callable[..., Reached]) -> None:
    """What a program writes to its error output arrives as such."""
    connection = reach("psrp-basic").connection()
    answer = connection.exec_command(canonical(f"& '{REPORT}' complain; exit $LASTEXITCODE"))
    assert answer == (5, b"", b"it went wrong\r\n")
    _, _, error = connection.exec_command(canonical("& 'C:\\none.exe'"))
    assert b"'C:\\none.exe' is not recognized as the name of a cmdlet" in error
    connection.close()


def test_wsman_psrp_large_output(reach: Callable[..., Reached]) -> None:
    """Output of many messages and envelopes arrives whole."""
    connection = reach("psrp-negotiate").connection()
    answer = connection.exec_command(canonical(f"& '{REPORT}' write 500000"))
    assert answer == (0, (b"0123456789abcdef" * 31250), b"")
    connection.close()


def test_wsman_psrp_deleted_pool_ends_programs(reach: Callable[..., Reached], tmp_path: Path) -> None:
    """A runspace pool that is deleted ends its programs, and whoever waits for them is told."""
    connection = reach("psrp-basic").connection()
    connection._connect()
    file = tmp_path / "file"
    errors: list[str] = []

    def run() -> None:
        try:
            connection.exec_command(canonical(f"& '{REPORT}' wait '{file}'"))
        except WinRMError as error:
            errors.append(str(error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    program = started_process(file)
    connection.runspace.shell.close()
    thread.join(10)
    assert not thread.is_alive()
    wait_for(lambda: not is_running(program), "the end of the deleted pool's program")


class Wiretap:
    """Passes bytes between a client and the server, and remembers them."""

    def __init__(self, port: int) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._target = port
        self.heard = bytearray()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where clients connect to."""
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
                self.heard += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Accept no more clients."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def tap() -> Iterator[Callable[[int], Wiretap]]:
    """Makes wiretaps, and ends them after the test."""
    taps: list[Wiretap] = []

    def tap(port: int) -> Wiretap:
        taps.append(Wiretap(port))
        return taps[-1]

    yield tap
    for wiretap in taps:
        wiretap.close()


@pytest.mark.parametrize("name", [*ENCRYPTED, "psrp-basic"])
def test_wsman_encrypted_messages_cannot_be_read(
    reach: Callable[..., Reached], tap: Callable[[int], Wiretap], name: str
) -> None:
    """With NTLM and Negotiate nothing of a message is readable on the wire; with Basic it is."""
    reached = reach(name)
    wire = tap(reached.lab.port)
    connection = reached.connection(port=wire.port)
    connection.exec_command(canonical("'x'"))
    connection.close()
    readable = b"xmlns" in wire.heard
    assert readable == (name not in ENCRYPTED)
    assert len(wire.heard) > 1000


def post(lab: WsmanLab, authorization: str, body: bytes = b"") -> http.client.HTTPResponse:
    """One request on a connection of its own."""
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
    """A token that is none is 401 with the scheme's offer, and the server goes on."""
    lab = wsman_start(authentication=EVERY_SCHEME)
    response = post(lab, f"{scheme} {token}")
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == scheme
    assert post(lab, "").headers.get_all("WWW-Authenticate") == [
        "Negotiate",
        "NTLM",
        'Basic realm="WSMAN"',
    ]


def test_wsman_message_encrypted_for_another_connection_is_refused(
    wsman_start: Callable[..., WsmanLab],
) -> None:
    """A message that another connection's keys encrypted is 400, as on Windows."""
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


def test_wsman_malformed_psrp_is_a_fault(reach: Callable[..., Reached]) -> None:
    """Bytes that are no PSRP messages are answered with a fault, and the server goes on."""
    reached = reach("psrp-basic")
    body = (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>'
        "<a:Action>http://schemas.xmlsoap.org/ws/2004/09/transfer/Create</a:Action>"
        "<a:MessageID>uuid:1</a:MessageID><w:ResourceURI>"
        "http://schemas.microsoft.com/powershell/Microsoft.PowerShell</w:ResourceURI></s:Header>"
        '<s:Body><r:Shell xmlns:r="http://schemas.microsoft.com/wbem/wsman/1/windows/shell">'
        '<creationXml xmlns="http://schemas.microsoft.com/powershell">'
        f"{base64.b64encode(b'x' * 100).decode()}</creationXml></r:Shell></s:Body></s:Envelope>"
    )
    status, answer = reached.lab.post(body.encode())
    assert status == 500
    assert b"2150858791" in answer
    connection = reached.connection()
    assert connection.exec_command(canonical("'x'"))[0] == 0
    connection.close()


def test_wsman_frozen_computer_answers_no_handshake(reach: Callable[..., Reached]) -> None:
    """With TLS a frozen computer does not even shake hands."""
    reached = reach("winrm-basic-tls")
    reached.lab.disturb(Faults(frozen=True))
    with socket.create_connection(("127.0.0.1", reached.lab.port), timeout=0.3) as client:
        client.sendall(b"\x16\x03\x01\x00\x01\x00")
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_wsman_untrusted_certificate_is_refused(reach: Callable[..., Reached]) -> None:
    """A client that does not trust the certificate does not connect."""
    reached = reach("winrm-basic-tls")
    with pytest.raises(AnsibleConnectionFailure, match="certificate verify failed"):
        reached.connection(extras={}).exec_command("'x'")


def test_wsman_passwords_that_ntlm_cannot_store(wsman_start: Callable[..., WsmanLab]) -> None:
    """A password with a colon is refused when NTLM is asked for, not silently misread."""
    lab = wsman_start()
    lab.host.passwords["other"] = "a:b"  # type: ignore[index]
    with pytest.raises(ValueError, match="no colon"):
        wsman_start(authentication=("NTLM",))


def test_wsman_unknown_scheme(wsman_start: Callable[..., WsmanLab]) -> None:
    """A scheme that the server lacks is refused by name."""
    with pytest.raises(ValueError, match="Kerberos"):
        wsman_start(authentication=("Kerberos",))


def test_wsman_unneeded_libraries_are_not_loaded(tmp_path: Path) -> None:
    """A server with Basic alone loads neither pyspnego nor psrpcore nor cryptography."""
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    code = (
        "import sys, json; from pathlib import Path; from lab.wsman.listener import *; "
        "from lab.wsman.host import LocalHost; "
        "Listener(ListenerConfig(LocalHost(Path('.'), {}, {}))); "
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20
    )
    loaded = set(json.loads(done.stdout))
    assert "lab.wsman.connection" in loaded
    assert not {"spnego", "psrpcore", "cryptography", "requests", "ansible"} & loaded
