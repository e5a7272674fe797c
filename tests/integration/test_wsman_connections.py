# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of connection: NTLM, Negotiate, TLS and PowerShell remoting, by Ansible's real plugins."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from pypsrp.exceptions import WinRMError
from pypsrp.powershell import PowerShell

from agent.packaging.system_tools import PSRP
from lab.wsman.faults import Faults
from tests.integration.wsman_fixtures import (
    CONNECTIONS,
    REPORT,
    Reached,
    Wiretap,
    canonical,
    is_running,
    reported,
    started_process,
)
from tests.waiting import eventually

pytest.importorskip("psrpcore", reason=str(PSRP.missing()))

from lab.wsman.psrp import addressed

BY_PASSWORD = [name for name in CONNECTIONS if "certificate" not in name and "credssp" not in name]
"""The connections whose plugins turn a wrong password into Ansible's exception; the others have tests of their own."""


@pytest.mark.parametrize("name", CONNECTIONS)
def test_wsman_connection_runs_the_collections_script(wsman_reach: Callable[..., Reached], name: str) -> None:
    """Arguments, input, output and exit code of the collection's script are the same on every connection."""
    connection = wsman_reach(name).connection()
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


@pytest.mark.parametrize("name", CONNECTIONS)
def test_wsman_connection_transfers_files(
    wsman_reach: Callable[..., Reached], tmp_path: Path, name: str
) -> None:
    """A file is byte-identical after put and fetch, on every connection."""
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(os.urandom(300_000))
    connection = wsman_reach(name).connection()
    connection.put_file(os.fspath(source), "C:\\file.bin")
    connection.fetch_file("C:\\file.bin", os.fspath(back))
    assert back.read_bytes() == source.read_bytes()
    with pytest.raises(AnsibleError, match="failed to transfer"):
        connection.fetch_file("C:\\missing", os.fspath(tmp_path / "none"))
    connection.close()


@pytest.mark.parametrize("name", BY_PASSWORD)
def test_wsman_connection_refuses_a_wrong_password(wsman_reach: Callable[..., Reached], name: str) -> None:
    """A wrong password is a connection error; a right one then connects."""
    reached = wsman_reach(name)
    with pytest.raises(AnsibleConnectionFailure):
        reached.connection(remote_password="wrong").exec_command(canonical("'x'"))
    with pytest.raises(AnsibleConnectionFailure):
        reached.connection(remote_user="nobody").exec_command(canonical("'x'"))
    connection = reached.connection()
    assert connection.exec_command(canonical("'x'"))[0] == 0
    connection.close()


@pytest.mark.parametrize("name", ["psrp-basic", "psrp-negotiate"])
def test_wsman_psrp_refuses_unsupported_scripts(wsman_reach: Callable[..., Reached], name: str) -> None:
    """An unsupported script in a runspace does nothing and ends with 250."""
    connection = wsman_reach(name).connection()
    code, output, error = connection.exec_command(canonical("Get-Process"))
    assert (code, output) == (250, b"")
    assert b"wsman lab: unsupported script" in error
    raw = f"$input | & '{REPORT}' report"
    code, _, error = connection.exec_command(raw, in_data=b"bytes")
    assert code == 250
    assert b"unsupported input" in error
    connection.close()


def test_wsman_psrp_error_output_is_error_records(wsman_reach: Callable[..., Reached]) -> None:
    """A program's error output arrives as error output."""
    connection = wsman_reach("psrp-basic").connection()
    answer = connection.exec_command(canonical(f"& '{REPORT}' complain; exit $LASTEXITCODE"))
    assert answer == (5, b"", b"it went wrong\r\n")
    _, _, error = connection.exec_command(canonical("& 'C:\\none.exe'"))
    assert b"'C:\\none.exe' is not recognized as the name of a cmdlet" in error
    connection.close()


def test_wsman_psrp_large_output(wsman_reach: Callable[..., Reached]) -> None:
    """Output of many messages and envelopes arrives whole."""
    connection = wsman_reach("psrp-negotiate").connection()
    answer = connection.exec_command(canonical(f"& '{REPORT}' write 500000"))
    assert answer == (0, (b"0123456789abcdef" * 31250), b"")
    connection.close()


def test_wsman_psrp_deleted_pool_ends_programs(wsman_reach: Callable[..., Reached], tmp_path: Path) -> None:
    """Deleting a runspace pool ends its programs, and a client that waits for them gets an error."""
    connection = wsman_reach("psrp-basic").connection()
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
    eventually(lambda: not is_running(program), "the end of the deleted pool's program")


def test_wsman_psrp_sends_no_message_before_the_output(
    wsman_reach: Callable[..., Reached], tmp_path: Path
) -> None:
    """The first message of a pipeline is its output: Ansible's fetch reads only one message."""
    connection = wsman_reach("psrp-basic").connection()
    connection._connect()
    pipeline = PowerShell(connection.runspace)
    pipeline.add_script(f"& '{REPORT}' wait '{tmp_path / 'file'}'")
    pipeline.begin_invoke()
    before = time.monotonic()
    pipeline.poll_invoke(timeout=1)
    assert time.monotonic() - before > 0.9
    connection.close()


def test_wsman_malformed_psrp_is_a_fault(wsman_reach: Callable[..., Reached]) -> None:
    """Malformed PSRP messages are answered with a fault, and the server keeps running."""
    reached = wsman_reach("psrp-basic")
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


def test_wsman_pipelines_end_as_windows_ends_them(
    wsman_reach: Callable[..., Reached], wsman_tap: Callable[[int], Wiretap]
) -> None:
    """The end of a pipeline has the exit code 0 whatever the script's own, and no ended streams (recorded)."""
    reached = wsman_reach("psrp-basic")
    wire = wsman_tap(reached.lab.port)
    connection = reached.connection(port=wire.port)
    assert connection.exec_command(canonical("exit 7"))[0] == 7
    connection.close()
    assert b'CommandState/Done"><rsp:ExitCode>0</rsp:ExitCode>' in wire.recorded
    assert b"End=" not in wire.recorded


def test_wsman_pipelines_are_found_by_their_command() -> None:
    """A pipeline's messages belong to the command that they come for, whatever id is in them.

    Windows has accepted messages of older pypsrp, which wrote the id in another order of bytes (recorded). Fragments
    that go on with a message stay as they are.
    """
    command = uuid.uuid4()
    message = bytes(24) + uuid.uuid4().bytes + b"<data/>"
    more = bytes(16) + b"\x02" + (50).to_bytes(4) + b"y" * 50
    start = bytes(16) + b"\x01" + len(message).to_bytes(4)
    fixed = bytes(24) + command.bytes_le + b"<data/>"
    assert (
        addressed(start + message + more + start + message, command) == start + fixed + more + start + fixed
    )
    assert addressed(start + message[:30], command) == start + message[:30]


def test_wsman_frozen_computer_answers_no_handshake(wsman_reach: Callable[..., Reached]) -> None:
    """A frozen computer does not answer a TLS handshake."""
    reached = wsman_reach("winrm-basic-tls")
    reached.lab.disturb(Faults(frozen=True))
    with socket.create_connection(("127.0.0.1", reached.lab.port), timeout=0.3) as client:
        client.sendall(b"\x16\x03\x01\x00\x01\x00")
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_wsman_untrusted_certificate_is_refused(wsman_reach: Callable[..., Reached]) -> None:
    """A client that does not trust the certificate refuses to connect."""
    reached = wsman_reach("winrm-basic-tls")
    untrusting = {"ansible_winrm_ca_trust_path": "legacy_requests"}  # pywinrm's default
    with pytest.raises(AnsibleConnectionFailure, match="certificate verify failed"):
        reached.connection(extras=untrusting).exec_command("'x'")


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
    assert "lab.wsman.connection_handler" in loaded
    assert not {"spnego", "psrpcore", "cryptography", "requests", "ansible"} & loaded
