# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""CredSSP: TLS in the headers of HTTP, in it SPNEGO with NTLM, then the client's password.

Sources: [MS-CSSP]; [MS-WSMV] section 2.2.9.1.3 (encrypted messages). Windows signs the account in with the password
that it is given at the end, so the lab checks that one, too.
"""

from __future__ import annotations

import base64
import ntpath
from typing import TYPE_CHECKING, Any

import spnego
from spnego.exceptions import InvalidCredentialError, SpnegoError

from lab.wsman import encrypted_messages
from lab.wsman.auth import SOAP_TYPE, Verdict, is_encrypted

if TYPE_CHECKING:
    from lab.wsman.host import Host
    from lab.wsman.negotiate import AccountStore

SCHEME = "CredSSP"
MESSAGE_TYPE = "application/HTTP-CredSSP-session-encrypted"
_REFUSED = "Authentication failure"
"""The stage of pyspnego's context after it has refused a logon."""


class _Logon:
    """The logon within CredSSP, a context of pyspnego; its refusal has Windows' code for one, STATUS_LOGON_FAILURE."""

    def __init__(self, context: spnego.ContextProxy) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the context
        return getattr(self._context, name)

    def step(self, token: bytes) -> bytes | None:
        """Take a step. Raises InvalidCredentialError, whose nt_status the client reads."""
        try:
            return self._context.step(token)
        except SpnegoError as error:
            raise InvalidCredentialError(context_msg="the logon was refused") from error


class CredSspAuthenticator:
    """The state of one connection: a handshake, then its user and keys."""

    def __init__(self, store: AccountStore, host: Host) -> None:
        self._store = store
        self._host = host
        self._context: spnego.ContextProxy | None = None
        self._user = ""
        self._encrypted = False

    def authenticate(self, header: str, client: str) -> Verdict:
        """Process one message of the handshake; without a header, return the user authenticated before."""
        if not header:
            return Verdict(self._user) if self._user else Verdict(challenges=(SCHEME,))
        if self._user:
            self._context, self._user = None, ""
        try:
            answer = self._step(base64.b64decode(header.partition(" ")[2], validate=True))
        except encrypted_messages.MALFORMED:
            self._context = None
            return Verdict(challenges=(SCHEME,))
        if self._context is not None and self._context.complete:
            return self._sign_in(self._context)
        challenge = f"{SCHEME} {base64.b64encode(answer).decode('ascii')}"
        return Verdict(challenges=(challenge,), rejected=self._has_refused())

    def _step(self, token: bytes) -> bytes:
        if not token:
            raise ValueError("the token is empty")
        with self._store.in_force():
            if self._context is None:
                self._context = _context()
            return self._context.step(token) or b""

    def _has_refused(self) -> bool:
        return self._context is not None and self._context.get_extra_info("auth_stage") == _REFUSED

    def _sign_in(self, context: spnego.ContextProxy) -> Verdict:
        """Sign in the account that the client has sent, as Windows does (LogonUser)."""
        sent = context.get_extra_info("client_credential")
        user = f"{sent.domain_name}\\{sent.username}" if sent.domain_name else str(sent.username)
        if not self._host.check_password(user, str(sent.password)):
            self._context = None
            return Verdict(challenges=(SCHEME,), rejected=True)
        self._user = ntpath.basename(user)
        return Verdict(self._user)

    def unwrap(self, content_type: str, body: bytes) -> bytes:
        """Return the plain message. Raises BadMessageError: it was not encrypted for this connection."""
        self._encrypted = is_encrypted(content_type)
        return encrypted_messages.unwrap(self._context, body) if self._encrypted else body

    def wrap(self, message: bytes) -> tuple[str, bytes]:
        """Return the content type and body of an answer, encrypted if the request was."""
        if not self._encrypted or self._context is None:
            return SOAP_TYPE, message
        return encrypted_messages.wrap(self._context, message, MESSAGE_TYPE, in_parts=True)


def _context() -> spnego.ContextProxy:
    options = spnego.NegotiateOptions.use_negotiate
    logon = _Logon(spnego.server(protocol="negotiate", options=options))
    return spnego.server(protocol="credssp", options=options, credssp_negotiate_context=logon)
