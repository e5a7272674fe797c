# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serves one HTTP connection: reads, authenticates and answers requests, and injects faults.

Every wait has an end: reading stops after `idle_seconds`, a Receive after its own time-out, a frozen
request after `frozen_seconds`.
"""

from __future__ import annotations

import io
import select
import ssl
import time
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import IO, TYPE_CHECKING, Any

from lab.wsman.auth import (
    SOAP_TYPE,
    Authenticator,
    BadMessageError,
    CertificateRefusedError,
    Verdict,
    is_encrypted,
)
from lab.wsman.door import Door
from lab.wsman.faults import Drop, Switchboard
from lab.wsman.requestlog import Entry, RequestLog
from lab.wsman.soap import LARGEST_ENVELOPE_SIZE, action_name
from lab.wsman.wsman_service import Answer, Caller, Service

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from lab.wsman.schemes import AuthenticatorMaker

PATH = "/wsman"
BODY_LIMIT = LARGEST_ENVELOPE_SIZE + 16384
"""Bytes; the encryption's frames may come on top of an envelope. CredSSP has one for each 16 kB, of about 230 bytes."""

DRAIN_LIMIT = 16 * 1024 * 1024
"""Bytes of an oversized body that are read and thrown away, so that the client reads the answer."""


@dataclass(frozen=True)
class Site:
    """The state that all connections of a listener share.

    `accepts_plain`: messages need no encryption of their own. `connection_schemes`: the makers of the authenticators
    that know their connection, which is their argument.
    """

    service: Service
    authenticators: Mapping[str, AuthenticatorMaker]
    switchboard: Switchboard
    log: RequestLog
    accepts_plain: bool
    idle_seconds: float
    frozen_seconds: float
    door: Door
    connection_schemes: Mapping[str, Callable[[socket.socket], Authenticator]] = field(default_factory=dict)

    def makers(self, connection: socket.socket) -> Mapping[str, AuthenticatorMaker]:
        """Return the makers of the authenticators of a connection, by scheme."""
        own = {scheme: partial(make, connection) for scheme, make in self.connection_schemes.items()}
        return {**self.authenticators, **own}


class _CountingSocketIO(io.RawIOBase):
    """A socket as a raw stream that counts what it reads."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        size = self._connection.recv_into(buffer)
        self.count += size
        return size


class DroppedError(ConnectionError):
    """The connection must end here without another byte."""


class ConnectionHandler(BaseHTTPRequestHandler):
    """Serves one connection until either side closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, connection: socket.socket, site: Site, number: int) -> None:
        self.site = site
        self.number = number
        self._authenticators: dict[str, Authenticator] = {}
        super().__init__(connection, connection.getpeername(), None)  # type: ignore[arg-type]

    def setup(self) -> None:
        """Bound every wait for the client, and count what is read."""
        super().setup()
        self.connection.settimeout(self.site.idle_seconds)
        self._makers = self.site.makers(self.connection)
        self._counter = _CountingSocketIO(self.connection)
        self._read_before = 0
        if isinstance(self.connection, ssl.SSLSocket):
            if self.site.switchboard.frozen:
                self._freeze()
            self._shake_hands(self.connection)
        self.rfile: IO[bytes] = io.BufferedReader(self._counter)  # type: ignore[assignment]

    def _shake_hands(self, connection: ssl.SSLSocket) -> None:
        try:
            connection.do_handshake()
        except ssl.SSLCertVerificationError:
            self._note(0, None, 0, rejected=True)
            raise

    def handle(self) -> None:
        """Serve requests until the connection ends; a lost connection is no error."""
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def finish(self) -> None:
        """Close the connection and notify the shells."""
        try:
            super().finish()
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self.site.service.shells.disconnected(self.number)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
        """Write nothing: the request log has its own form."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is not HTTP with the status alone."""
        self._refuse(code)

    def do_GET(self) -> None:
        """Only POST is served."""
        self._refuse(405)

    do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        """Serve one request."""
        if self.site.switchboard.frozen:
            self._freeze()
        body = self._read_body()
        if body is None:
            return
        if self.site.door.unavailable:
            self._refuse(503)
            return
        if self.path.partition("?")[0].rstrip("/").casefold() != PATH:
            self._refuse(404)
            return
        try:
            verdict, authenticator = self._authenticate()
        except CertificateRefusedError:
            self._note(0, None, 0, rejected=True)
            raise
        if not verdict.user or authenticator is None:
            self._reply(401, b"", verdict.challenges, rejected=verdict.rejected)
        elif not body:
            self._reply(200, b"", verdict.challenges)
        else:
            self._serve(body, verdict, authenticator)

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self._refuse(411)
            return None
        if int(length) > BODY_LIMIT:
            self._too_large(int(length))
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise DroppedError
        return body

    def _too_large(self, length: int) -> None:
        left = min(length, DRAIN_LIMIT)
        while left > 0 and (piece := self.rfile.read(min(left, 65536))):
            left -= len(piece)
        self.close_connection = True
        answer = self.site.service.too_large(LARGEST_ENVELOPE_SIZE)
        self._reply(answer.status, answer.body, (), answer=answer)

    def _authenticate(self) -> tuple[Verdict, Authenticator | None]:
        header = self.headers.get("Authorization", "")
        if not header and (known := self._already_known()):
            return known
        scheme = header.partition(" ")[0].casefold()
        if scheme not in self._makers:
            return Verdict(challenges=self._offers()), None
        if scheme not in self._authenticators:
            self._authenticators[scheme] = self._makers[scheme]()
        authenticator = self._authenticators[scheme]
        verdict = authenticator.authenticate(header, self.client_address[0])
        if verdict.user and (self.site.switchboard.rejecting or self.site.door.refuses):
            del self._authenticators[scheme]
            verdict = Verdict(challenges=self._offers(), rejected=True)
        if verdict.rejected:
            self.site.door.refused()
        elif verdict.user:
            self.site.door.accepted()
        return verdict, authenticator

    def _already_known(self) -> tuple[Verdict, Authenticator] | None:
        """Return the user of this connection, for schemes that authenticate a connection once."""
        for authenticator in self._authenticators.values():
            verdict = authenticator.authenticate("", self.client_address[0])
            if verdict.user:
                return verdict, authenticator
        return None

    def _offers(self) -> list[str]:
        offers: list[str] = []
        for maker in self._makers.values():
            offers.extend(maker().authenticate("", self.client_address[0]).challenges)
        return offers

    def _serve(self, body: bytes, verdict: Verdict, authenticator: Authenticator) -> None:
        content_type = self.headers.get("Content-Type", "")
        if not self.site.accepts_plain and not is_encrypted(content_type):
            self._reply(500, b"", verdict.challenges)
            return
        try:
            message = authenticator.unwrap(content_type, body)
        except BadMessageError:
            self._reply(400, b"", ())
            return
        operation = action_name(message)
        if self.site.switchboard.drops(operation, Drop.UNPROCESSED):
            raise DroppedError
        caller = Caller(verdict.user, self.number, self._client_is_there, self.client_address[0])
        answer = self.site.service.answer(message, caller)
        if self.site.switchboard.frozen:
            self._freeze()
        if self.site.switchboard.drops(operation, Drop.UNANSWERED):
            raise DroppedError
        content_type, wrapped = authenticator.wrap(answer.body)
        half = self.site.switchboard.drops(operation, Drop.HALF_ANSWERED)
        self._reply(answer.status, wrapped, verdict.challenges, content_type, answer=answer, half=half)

    def _client_is_there(self) -> bool:
        poll = select.poll()
        poll.register(self.connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)

    def _freeze(self) -> None:
        """Send no answer until the client gives up or the time is over."""
        poll = select.poll()
        poll.register(self.connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        poll.poll(self.site.frozen_seconds * 1000)
        raise DroppedError

    def _refuse(self, status: int) -> None:
        self.close_connection = True
        self._reply(status, b"", ())

    def _reply(
        self,
        status: int,
        body: bytes,
        challenges: object,
        content_type: str = SOAP_TYPE,
        *,
        answer: Answer | None = None,
        half: bool = False,
        rejected: bool = False,
    ) -> None:
        head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Server: Microsoft-HTTPAPI/2.0"]
        head += [f"WWW-Authenticate: {challenge}" for challenge in challenges]  # type: ignore[attr-defined]
        if body:
            head.append(f"Content-Type: {content_type}")
        if self.close_connection:
            head.append("Connection: close")
        head += [f"Content-Length: {len(body)}", "", ""]
        data = "\r\n".join(head).encode("latin-1") + body
        if half:
            self.connection.sendall(data[: len(data) - len(body) // 2])
            raise DroppedError
        self._note(status, answer, len(data), rejected=rejected)
        self.connection.sendall(data)

    def _note(self, status: int, answer: Answer | None, sent: int, *, rejected: bool) -> None:
        received = self._counter.count - self._read_before
        self._read_before = self._counter.count
        self.site.log.add(
            Entry(
                connection=self.number,
                operation=answer.operation if answer else "",
                shell=answer.shell_id if answer else "",
                command=answer.command_id if answer else "",
                status=status,
                fault=answer.fault if answer else 0,
                received=received,
                sent=sent,
                rejected=rejected,
                at=time.time(),
            )
        )
