# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared fixtures of the WinRM server's tests: a computer, a listener, and clients."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.wsman.certificate_mapping import CertificateMapping
from lab.wsman.faults import Faults
from lab.wsman.host import LocalHost
from lab.wsman.listener import Listener, ListenerConfig
from lab.wsman.requestlog import STARTED, Entry, read_log
from tests.waiting import eventually

if TYPE_CHECKING:
    import winrm.protocol

    from lab.wsman.tlsfiles import TlsFiles

REPORT = r"C:\Program Files\Latchkey\report.exe"
PROGRAM = Path(__file__).with_name("wsman_program.py")
USER = "operator"
WINRM = {"scheme": "http", "transport": ["basic"]}
POWERSHELL = ("-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Unrestricted", "-EncodedCommand")


def encoded(script: str) -> str:
    """Return a script in the form of -EncodedCommand."""
    return base64.b64encode(script.encode("utf-16-le")).decode("ascii")


@dataclass(frozen=True)
class WsmanLab:
    """A lab computer's running server and its clients."""

    config: ListenerConfig
    password: str = field(repr=False)
    port: int

    @property
    def host(self) -> LocalHost:
        """The computer behind the server."""
        assert isinstance(self.config.host, LocalHost)
        return self.config.host

    def disturb(self, faults: Faults) -> None:
        """Inject faults from now on."""
        assert self.config.faults is not None
        faults.write(self.config.faults)

    def requests(self) -> list[Entry]:
        """Return the requests in the log."""
        assert self.config.request_log is not None
        return [entry for entry in read_log(self.config.request_log) if entry != STARTED]

    def protocol(self, *, operation_timeout: int = 5, **options: Any) -> winrm.protocol.Protocol:
        """Return pywinrm's client."""
        import winrm.protocol  # noqa: PLC0415 - most tests of this folder need no client

        return winrm.protocol.Protocol(
            f"http://127.0.0.1:{self.port}/wsman",
            **{"transport": "plaintext", "username": USER, "password": self.password, **options},
            operation_timeout_sec=operation_timeout,
            read_timeout_sec=operation_timeout + 5,
        )

    def connection(self, plugin: str = "winrm", **options: Any) -> Any:
        """Return Ansible's real connection plugin."""
        from ansible.playbook.play_context import PlayContext  # noqa: PLC0415
        from ansible.plugins.loader import connection_loader  # noqa: PLC0415

        connection = connection_loader.get(plugin, PlayContext())
        connection.set_options(
            var_options={"_extras": options.pop("extras", {})},
            direct={
                "remote_addr": "127.0.0.1",
                "port": self.port,
                "remote_user": USER,
                "remote_password": self.password,
                **(WINRM if plugin == "winrm" else {}),
                **options,
            },
        )
        return connection

    def run(self, script: str, given: bytes | None = None) -> tuple[int, bytes, bytes]:
        """Run a script by Ansible's connection; return exit code, output and error output."""
        connection = self.connection()
        try:
            answer = connection.exec_command(script, in_data=given, sudoable=False)
        finally:
            connection.close()
        assert isinstance(answer, tuple)
        return answer

    def post(self, body: bytes, **changed: str) -> tuple[int, bytes]:
        """Send bytes as a POST request; return status and body."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        token = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        try:
            headers = {"Authorization": f"Basic {token}", "Content-Type": "application/soap+xml"}
            client.request("POST", "/wsman", body, headers | changed)
            response = client.getresponse()
            return response.status, response.read()
        finally:
            client.close()


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


EVERY_SCHEME = ("Negotiate", "NTLM", "CredSSP", "Basic")


@dataclass(frozen=True)
class ConnectionKind:
    """One kind of connection: the plugin, its options, and whether it uses TLS."""

    plugin: str
    options: dict[str, Any]
    tls: bool = False


UNENCRYPTED = ("psrp-basic",)
"""The connections that Windows refuses as it comes."""

CONNECTIONS = {
    "winrm-basic-tls": ConnectionKind("winrm", {"scheme": "https", "transport": ["ssl"]}, tls=True),
    "winrm-ntlm": ConnectionKind("winrm", {"transport": ["ntlm"]}),
    "winrm-ntlm-tls": ConnectionKind("winrm", {"scheme": "https", "transport": ["ntlm"]}, tls=True),
    "psrp-basic": ConnectionKind(
        "psrp", {"protocol": "http", "auth": "basic", "message_encryption": "never"}
    ),
    "psrp-basic-tls": ConnectionKind("psrp", {"protocol": "https", "auth": "basic"}, tls=True),
    "psrp-negotiate": ConnectionKind("psrp", {"protocol": "http", "auth": "negotiate"}),
    "psrp-ntlm": ConnectionKind("psrp", {"protocol": "http", "auth": "ntlm"}),
    "psrp-ntlm-tls": ConnectionKind("psrp", {"protocol": "https", "auth": "ntlm"}, tls=True),
    "winrm-credssp": ConnectionKind("winrm", {"transport": ["credssp"]}),
    "winrm-credssp-tls": ConnectionKind("winrm", {"scheme": "https", "transport": ["credssp"]}, tls=True),
    "psrp-credssp": ConnectionKind("psrp", {"protocol": "http", "auth": "credssp"}),
    "psrp-credssp-tls": ConnectionKind("psrp", {"protocol": "https", "auth": "credssp"}, tls=True),
    "winrm-certificate": ConnectionKind(
        "winrm", {"scheme": "https", "transport": ["certificate"], "remote_password": None}, tls=True
    ),
    "psrp-certificate": ConnectionKind(
        "psrp", {"protocol": "https", "auth": "certificate", "remote_password": None}, tls=True
    ),
}
PRINCIPAL = f"{USER}@localhost"
"""The user principal name of the client certificate that is mapped to the account."""


@dataclass(frozen=True)
class Reached:
    """A computer and one kind of connection to it."""

    lab: WsmanLab
    kind: ConnectionKind

    def connection(self, **options: Any) -> Any:
        """Return a new connection of this kind."""
        return self.lab.connection(self.kind.plugin, **merged(self.kind.options, options))

    def with_options(self, *options: dict[str, Any]) -> Reached:
        """Return this computer and kind of connection with more options; each replaces those before it."""
        return Reached(self.lab, replace(self.kind, options=merged(self.kind.options, *options)))


def merged(*options: dict[str, Any]) -> dict[str, Any]:
    """Return options of a connection plugin in one; `extras` are the variables that winrm gives to pywinrm."""
    extras = {name: value for one in options for name, value in one.get("extras", {}).items()}
    every = {name: value for one in options for name, value in one.items()}
    return {**every, "extras": extras} if extras else every


def trusting(plugin: str, tls: TlsFiles) -> dict[str, Any]:
    """Return the options with which a plugin trusts a server's certificate."""
    certificate = os.fspath(tls.certificate)
    if plugin == "psrp":
        return {"ca_cert": certificate}
    return {"extras": {"ansible_winrm_ca_trust_path": certificate}}


def showing(plugin: str, client: TlsFiles) -> dict[str, Any]:
    """Return the options with which a plugin shows a client's certificate."""
    certificate, key = os.fspath(client.certificate), os.fspath(client.key)
    if plugin == "psrp":
        return {"certificate_pem": certificate, "certificate_key_pem": key}
    return {"extras": {"ansible_winrm_cert_pem": certificate, "ansible_winrm_cert_key_pem": key}}


def canonical(script: str) -> str:
    """Return the collection's command line for a script."""
    return f"PowerShell {' '.join(POWERSHELL)} {encoded(script)}"


def reported(output: bytes) -> dict[str, Any]:
    """Return the test program's report of its arguments and input."""
    report = json.loads(output)
    assert isinstance(report, dict)
    return report


def is_running(process_id: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        status = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def started_process(file: Path) -> int:
    """Return the process id that a waiting test program has written."""
    eventually(file.exists, "the program's start")
    return int(file.read_text(encoding="ascii"))


@pytest.fixture
def wsman_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes certificates and proxies from the environment; pywinrm would warn about them."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="session")
def wsman_password() -> str:
    """The canary that the operator signs in with."""
    return f"canary-{secrets.token_hex(8)}"


@pytest.fixture
def wsman_config(tmp_path: Path, wsman_password: str, wsman_environment: None) -> ListenerConfig:
    """A listener's configuration: a computer with one program, faults and a request log."""
    (tmp_path / "pc" / "C").mkdir(parents=True)
    host = LocalHost(
        root=tmp_path / "pc",
        programs={REPORT: (sys.executable, "-I", "-S", os.fspath(PROGRAM))},
        passwords={USER: wsman_password},
        name="LAB-PC",
    )
    return ListenerConfig(
        host=host,
        faults=tmp_path / "faults.json",
        request_log=tmp_path / "requests.log",
        allow_unencrypted=True,
        orphan_seconds=0.1,
    )


@pytest.fixture
def wsman_start(wsman_config: ListenerConfig, wsman_password: str) -> Iterator[Callable[..., WsmanLab]]:
    """Starts a listener in a thread, with changes to its configuration; ends it after the test."""
    listeners: list[Listener] = []

    def start(**changed: Any) -> WsmanLab:
        config = replace(wsman_config, **changed)
        listener = Listener(config)
        listeners.append(listener)
        listener.start()
        return WsmanLab(config, wsman_password, listener.port)

    yield start
    for listener in listeners:
        listener.__exit__(None, None, None)


@pytest.fixture
def wsman_lab(wsman_start: Callable[..., WsmanLab]) -> WsmanLab:
    """A running listener."""
    return wsman_start()


@pytest.fixture
def wsman_reach(wsman_start: Callable[..., WsmanLab], tmp_path: Path) -> Callable[..., Reached]:
    """Starts a computer for one kind of connection. Over TLS its own certificate is an authority, too."""

    def reach(name: str) -> Reached:
        from lab.wsman.tls import make_certificate, make_client_certificate  # noqa: PLC0415 - as the clients above

        kind = CONNECTIONS[name]
        tls = make_certificate(tmp_path) if kind.tls else None
        lab = wsman_start(
            authentication=EVERY_SCHEME,
            powershell=True,
            tls=tls,
            certificates=(CertificateMapping(tls.certificate, PRINCIPAL, USER),) if tls else (),
            allow_unencrypted=name in UNENCRYPTED,
        )
        reached = Reached(lab, kind)
        if tls is None:
            return reached
        shown = showing(kind.plugin, make_client_certificate(tmp_path, PRINCIPAL, tls))
        return reached.with_options(trusting(kind.plugin, tls), shown if "certificate" in name else {})

    return reach


@pytest.fixture
def wsman_tap() -> Iterator[Callable[[int], Wiretap]]:
    """Makes wiretaps; ends them after the test."""
    taps: list[Wiretap] = []

    def tap(port: int) -> Wiretap:
        taps.append(Wiretap(port))
        return taps[-1]

    yield tap
    for wiretap in taps:
        wiretap.close()


def shake_hands(connection: http.client.HTTPConnection, scheme: str, client: Any) -> int:
    """Authenticate on a connection with a client's context of pyspnego; return the last status."""
    token, status = client.step(), 401
    while token and status == 401:
        value = f"{scheme} {base64.b64encode(token).decode()}"
        connection.request("POST", "/wsman", b"", {"Authorization": value})
        response = connection.getresponse()
        response.read()
        status = response.status
        _, _, answer = response.headers.get("WWW-Authenticate", "").partition(" ")
        token = client.step(base64.b64decode(answer)) if answer else None
    return status
