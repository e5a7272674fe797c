# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""NTLM, Kerberos and Negotiate (SPNEGO with one of them inside), with encrypted messages.

A connection is authenticated once; its keys decrypt only messages of the same connection.
Sources: RFC 4559 (the HTTP headers); [MS-WSMV] sections 2.2.9.1.1 and 2.2.9.1.2 (encrypted messages). Channel
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
from collections.abc import Callable
from typing import TYPE_CHECKING

import spnego

from lab.wsman import encrypted_messages
from lab.wsman.auth import SOAP_TYPE, Verdict, is_encrypted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# pyspnego logs tokens at the level DEBUG.
logging.getLogger("spnego").setLevel(logging.INFO)

SPNEGO_MESSAGE = "application/HTTP-SPNEGO-session-encrypted"
KERBEROS_MESSAGE = "application/HTTP-Kerberos-session-encrypted"
_STORE_VARIABLE = "NTLM_USER_FILE"
_MALFORMED = (*encrypted_messages.MALFORMED, AttributeError)
"""The errors that pyspnego raises for a wrong or malformed token. The last one is that of a refused token of Kerberos:
gssapi keeps the refusal for the next step, and pyspnego reads the flags of the context before."""

OPTIONS = {
    "ntlm": spnego.NegotiateOptions.use_ntlm,
    "kerberos": spnego.NegotiateOptions.use_gssapi,
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


Secrets = Callable[[], contextlib.AbstractContextManager[object]]
"""Shows the secrets that tokens are checked with to pyspnego and its libraries, within a block."""


class NegotiateAuthenticator:
    """The state of one connection: a handshake, then its user and keys."""

    def __init__(self, scheme: str, *secrets: Secrets) -> None:
        self._scheme = scheme
        self._secrets = secrets
        self._context: spnego.ContextProxy | None = None
        self._user = ""
        self._message_type = ""
        """The type of the last request's encryption; empty if it was not encrypted."""

    def authenticate(self, header: str, client: str) -> Verdict:
        """Process one message of the handshake; without a header, return the user authenticated before."""
        if not header:
            return Verdict(self._user) if self._user else Verdict(challenges=(self._scheme,))
        if self._user:
            self._context, self._user = None, ""
        proves = self._context is not None
        try:
            answer = self._step(base64.b64decode(header.partition(" ")[2], validate=True))
        except _MALFORMED:
            self._context = None
            return Verdict(challenges=(self._scheme,), rejected=proves)
        challenge = f"{self._scheme} {base64.b64encode(answer).decode('ascii')}"
        return Verdict(self._user, (challenge,) if answer else ())

    def _step(self, token: bytes) -> bytes:
        if not token:
            raise ValueError("the token is empty")
        with contextlib.ExitStack() as stack:
            for secret in self._secrets:
                stack.enter_context(secret())
            if self._context is None:
                protocol = self._scheme.casefold()
                self._context = spnego.server(protocol=protocol, options=OPTIONS[protocol])
            answer = self._context.step(token)
        if self._context.complete:
            self._user = ntpath.basename(self._context.client_principal or "")
        return answer or b""

    def unwrap(self, content_type: str, body: bytes) -> bytes:
        """Return the plain message. Raises BadMessageError: it was not encrypted for this connection."""
        self._message_type = _message_type(content_type) if is_encrypted(content_type) else ""
        return encrypted_messages.unwrap(self._context, body) if self._message_type else body

    def wrap(self, message: bytes) -> tuple[str, bytes]:
        """Return the content type and body of an answer, encrypted if the request was."""
        if not self._message_type or self._context is None:
            return SOAP_TYPE, message
        return encrypted_messages.wrap(self._context, message, self._message_type)


def _message_type(content_type: str) -> str:
    """Return how a message is encrypted, which the answer has to repeat."""
    return KERBEROS_MESSAGE if f'"{KERBEROS_MESSAGE}"' in content_type else SPNEGO_MESSAGE
