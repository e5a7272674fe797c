# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The listener: binds a port, serves each connection in a thread, and ends on request.

`serve` is made for a process of its own; `Listener` for a thread in a test.
"""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from lab.wsman import shell_operations
from lab.wsman.connection_handler import ConnectionHandler, Site
from lab.wsman.door import Door
from lab.wsman.faults import Switchboard
from lab.wsman.requestlog import STARTED, RequestLog
from lab.wsman.schemes import authenticator_makers
from lab.wsman.shells import Shell, ShellMaker, ShellTable
from lab.wsman.winrs import WinrsShell
from lab.wsman.wsman_service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import FrameType, TracebackType

    from lab.wsman.auth import Authenticator
    from lab.wsman.certificate_mapping import CertificateMapping
    from lab.wsman.host import Host
    from lab.wsman.service_key import ServiceKey
    from lab.wsman.tlsfiles import TlsFiles

ADDRESS = "127.0.0.1"
BACKLOG = 128
ABORT_SECONDS = 0.2
"""Seconds between the last answers of a stopping listener and the end of its connections."""


@dataclass(frozen=True)
class ListenerConfig:
    """The configuration of a listener; it can be pickled if the host can.

    `port`: 0 takes a free one. `authentication`: the schemes offered, in this order (Basic, NTLM,
    Negotiate, Kerberos, CredSSP). `key`: the key of its services in a domain; Kerberos and, within Negotiate, its
    tokens need one. `tls`: speak TLS with this certificate. `certificates`: with TLS, the accounts of clients'
    certificates; none: the scheme is off, Windows' default. `allow_unencrypted`: accept messages that neither
    TLS nor the scheme encrypts, which Basic over HTTP needs (Windows' setting AllowUnencrypted and its
    default; see README.md). `powershell`: accept PowerShell remoting (PSRP).
    `faults`: the file of `lab.wsman.faults.Faults`; `request_log`: the file to append requests to.
    The listener closes a connection without a request after `idle_seconds`, a shell without a
    connection after `orphan_seconds`, and a frozen request's connection after `frozen_seconds`.
    `shells_per_user`: the most open shells of one account. The defaults of both are those of Windows
    (MaxShellsPerUser and IdleTimeout in "Installation and configuration for Windows Remote
    Management", Microsoft Learn).
    For `unavailable_seconds` after its start it answers each request with 503, as http.sys does before
    WinRM runs, and for `rejecting_seconds` with 401, as before the PC reaches its domain.
    `lockout`: after so many refused logons it refuses every logon; 0: never.
    `aborts`: when it stops, each waiting Receive gets fault 995, as in Windows.
    `operations_per_shell`: the most commands of one shell (Windows' quota; at its end Ansible opens
    a new shell).
    """

    host: Host
    port: int = 0
    authentication: tuple[str, ...] = ("Basic",)
    tls: TlsFiles | None = None
    certificates: tuple[CertificateMapping, ...] = ()
    allow_unencrypted: bool = False
    powershell: bool = False
    faults: Path | None = None
    request_log: Path | None = None
    idle_seconds: float = 120.0
    orphan_seconds: float = 7200.0
    shells_per_user: int = 30
    frozen_seconds: float = 300.0
    operations_per_shell: int = 1500
    unavailable_seconds: float = 0.0
    rejecting_seconds: float = 0.0
    lockout: int = 0
    aborts: bool = False
    key: ServiceKey | None = None


class Listener:
    """A listening server. Its constructor binds the port; then call `run` or `start`."""

    def __init__(self, config: ListenerConfig) -> None:
        """Raises OSError: the port is taken; ValueError: an unknown scheme."""
        self._secure = _make_secure(config)
        authenticators = authenticator_makers(config.authentication, config.host, config.key)
        makers = _shell_makers(config)
        self._socket = socket.create_server((ADDRESS, config.port), backlog=BACKLOG)
        self._log = RequestLog(config.request_log)
        self._shells = ShellTable(config.orphan_seconds, config.shells_per_user)
        scheme = "https" if config.tls else "http"
        self._site = Site(
            service=Service(
                machine=config.host.name,
                address=f"{scheme}://{ADDRESS}:{self.port}/wsman",
                makers=makers,
                shells=self._shells,
            ),
            authenticators=authenticators,
            connection_schemes=_connection_schemes(config),
            switchboard=Switchboard(config.faults),
            log=self._log,
            accepts_plain=config.allow_unencrypted or config.tls is not None,
            idle_seconds=config.idle_seconds,
            frozen_seconds=config.frozen_seconds,
            door=Door(config.unavailable_seconds, config.rejecting_seconds, config.lockout),
        )
        self._aborts = config.aborts
        self._wake, self._woken = socket.socketpair()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._count = 0
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The TCP port that it listens on."""
        return int(self._socket.getsockname()[1])

    def run(self) -> None:
        """Accept connections until `stop`; then close all and end every program."""
        self._log.add(STARTED)
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while all(key.fileobj is not self._woken for key, _ in selector.select()):
                self._accept()
        self._close()

    def _accept(self) -> None:
        connection, _ = self._socket.accept()
        self._count += 1
        number = self._count
        threading.Thread(
            target=self._serve, args=(connection, number), name=f"connection {number}", daemon=True
        ).start()

    def _serve(self, raw: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), raw, self._secure(raw) as connection:
            with self._lock:
                self._connections.add(connection)
            try:
                ConnectionHandler(connection, self._site, number)
            finally:
                with self._lock:
                    self._connections.discard(connection)

    def _close(self) -> None:
        self._socket.close()
        if self._aborts:
            self._shells.abort()
            # The answers need a moment before their connections are closed.
            time.sleep(ABORT_SECONDS)
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._shells.close()
        self._log.close()
        self._wake.close()
        self._woken.close()

    def stop(self) -> None:
        """End `run`. May be called from a signal handler, from any thread, and twice."""
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def start(self) -> None:
        """Run in a thread."""
        self._thread = threading.Thread(target=self.run, name="listener", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join()


def _make_secure(config: ListenerConfig) -> Callable[[socket.socket], socket.socket]:
    """Return the function that wraps an accepted socket. The connection's thread does the handshake."""
    if config.tls is None:
        return lambda raw: raw
    from lab.wsman.tls import server_context  # noqa: PLC0415 - only those who use TLS load it

    context = server_context(config.tls)
    if config.certificates:
        from lab.wsman.client_certificates import ask_clients  # noqa: PLC0415 - as TLS above

        ask_clients(context, config.certificates)
    return lambda raw: context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)


def _connection_schemes(config: ListenerConfig) -> Mapping[str, Callable[[socket.socket], Authenticator]]:
    """Return the makers of the authenticators that know their connection, by the scheme's name in lower case."""
    if not config.certificates:
        return {}
    from lab.wsman.client_certificates import MUTUAL, authenticator_maker  # noqa: PLC0415 - as TLS above

    return {MUTUAL: authenticator_maker(config.certificates)}


def _shell_makers(config: ListenerConfig) -> Mapping[str, ShellMaker]:
    def winrs(resource_uri: str, owner: str, creation: shell_operations.Creation) -> Shell:
        return WinrsShell(
            resource_uri,
            owner,
            creation.shell_id,
            host=config.host,
            operations=config.operations_per_shell,
        )

    makers: dict[str, ShellMaker] = {shell_operations.COMMAND_SHELL: winrs}
    if config.powershell:
        from lab.wsman.psrp import POWERSHELL_SHELL, RunspaceShell  # noqa: PLC0415 - as TLS above

        makers[POWERSHELL_SHELL] = partial(RunspaceShell.create, config.host)
    return makers


def serve(config: ListenerConfig, report: Callable[[int], object] | None = None) -> None:
    """Serve until SIGTERM. `report` is called with the port once connections are accepted.

    Raises OSError: the port is taken. Call it in the main thread of a process of its own.
    """
    listener = Listener(config)

    def end(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        listener.stop()

    signal.signal(signal.SIGTERM, end)
    if report is not None:
        report(listener.port)
    listener.run()
