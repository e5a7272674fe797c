# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""NTLM and Negotiate (SPNEGO with NTLM inside), with encrypted messages.

A connection is authenticated once; its keys decrypt only messages of the same connection.
Sources: RFC 4559 (the HTTP headers); [MS-WSMV] section 2.2.9.1.1 (encrypted messages). Channel
bindings are not checked, which is Windows' default (CbtHardeningLevel Relaxed) for clients that send
none.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import ntpath
import os
import threading
import weakref
from typing import TYPE_CHECKING

import spnego

from lab.wsman import encrypted_messages
from lab.wsman.auth import SOAP_TYPE, Verdict, is_encrypted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# pyspnego logs tokens at the level DEBUG.
logging.getLogger("spnego").setLevel(logging.INFO)

MESSAGE_TYPE = "application/HTTP-SPNEGO-session-encrypted"
_STORE_VARIABLE = "NTLM_USER_FILE"

OPTIONS = {
    "ntlm": spnego.NegotiateOptions.use_ntlm,
    "negotiate": spnego.NegotiateOptions.use_negotiate,
}


class AccountStore:
    """The accounts in the form that pyspnego reads: a file, here an unnamed one in memory.

    pyspnego finds the file by an environment variable of the process, which is set only while a token
    is checked.
    """

    _variable = threading.Lock()

    def __init__(self, computer: str, accounts: Mapping[str, str]) -> None:
        """Raises ValueError: a user name or password has a character that the file format excludes."""
        lines = [
            f"{domain}:{user}:{password}\n"
            for user, password in accounts.items()
            for domain in ("", ".", computer)
        ]
        if any(line.count(":") != 2 or line.count("\n") != 1 for line in lines):
            raise ValueError("with NTLM, user names and passwords have no colon and no line break")
        self._file = os.memfd_create("accounts")
        weakref.finalize(self, os.close, self._file)
        os.write(self._file, "".join(lines).encode())

    @contextlib.contextmanager
    def in_force(self) -> Iterator[None]:
        """Show these accounts to pyspnego, only within this thread's block."""
        with self._variable:
            os.environ[_STORE_VARIABLE] = f"/proc/self/fd/{self._file}"
            try:
                yield
            finally:
                del os.environ[_STORE_VARIABLE]


class NegotiateAuthenticator:
    """The state of one connection: a handshake, then its user and keys."""

    def __init__(self, scheme: str, store: AccountStore) -> None:
        self._scheme = scheme
        self._store = store
        self._context: spnego.ContextProxy | None = None
        self._user = ""
        self._encrypted = False

    def authenticate(self, header: str, client: str) -> Verdict:
        """Take a step of the handshake; without a header, return the user who was authenticated before."""
        if not header:
            return Verdict(self._user) if self._user else Verdict(challenges=(self._scheme,))
        if self._user:
            self._context, self._user = None, ""
        proves = self._context is not None
        try:
            answer = self._step(base64.b64decode(header.partition(" ")[2], validate=True))
        except encrypted_messages.MALFORMED:
            self._context = None
            return Verdict(challenges=(self._scheme,), rejected=proves)
        challenge = f"{self._scheme} {base64.b64encode(answer).decode('ascii')}"
        return Verdict(self._user, (challenge,) if answer else ())

    def _step(self, token: bytes) -> bytes:
        if not token:
            raise ValueError("the token is empty")
        with self._store.in_force():
            if self._context is None:
                protocol = self._scheme.casefold()
                self._context = spnego.server(protocol=protocol, options=OPTIONS[protocol])
            answer = self._context.step(token)
        if self._context.complete:
            self._user = ntpath.basename(self._context.client_principal or "")
        return answer or b""

    def unwrap(self, content_type: str, body: bytes) -> bytes:
        """Return the plain message. Raises BadMessageError: it was not encrypted for this connection."""
        self._encrypted = is_encrypted(content_type)
        return encrypted_messages.unwrap(self._context, body) if self._encrypted else body

    def wrap(self, message: bytes) -> tuple[str, bytes]:
        """Return the content type and body of an answer, encrypted if the request was."""
        if not self._encrypted or self._context is None:
            return SOAP_TYPE, message
        return encrypted_messages.wrap(self._context, message, MESSAGE_TYPE)
