# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Recognises that the PC, or its domain, has refused the account that Ansible connects with.

By the exception's type or HTTP status where there is one, by its wording last. The wording is that of
ansible-core's plugins, of OpenSSH (which is not translated) and of MIT Kerberos. An unknown refusal of
Kerberos counts as one of the account: a try too few costs a job, a try too many locks an account.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ansible.errors import AnsibleAuthenticationFailure

from ._credssp_refusals import LIBRARY, is_refusal, refusals_named
from ._tls_alerts import refuses_certificate
from ._wrong_settings import wrong_setting

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNAUTHORIZED = 401
_LIBRARIES = frozenset({"winrm", "pypsrp", "spnego", "requests", LIBRARY})
_TYPES = frozenset({"InvalidCredentialsError", "AuthenticationError", "InvalidCredentialError"})
_WINRM = "credentials were rejected"
_KERBEROS = "kerberos auth failure"
_TEXTS = (
    "failed to authenticate",
    "permission denied (",
    "permission denied, please try again",
    "too many authentication failures",
    "incorrect username/password",
    "incorrect password",
    "preauthentication failed",
    "password incorrect",
    "credentials have been revoked",
    "not found in kerberos database",
    "password has expired",
    "decrypt integrity check failed",
)
# Kerberos did not reach its domain, so no try was counted.
_AWAY = ("cannot contact any kdc", "cannot find kdc", "cannot resolve", "unreachable", "clock skew")
_BOTH_METHODS = ("password", "keyboard-interactive")


def tries_in(fault: BaseException) -> int:
    """Return how many logons of the operator's account were refused on the way to this exception.

    The winrm plugin tries each of its transports, and its exception names each refusal; it may try again to clean up
    after a refusal. ssh may try a password by two methods, and names those that the PC allows.
    """
    text = str(fault).lower()
    if any(part in text for part in _AWAY):
        return 0
    named = text.count(_WINRM) + text.count(_KERBEROS) + refusals_named(text)
    if "permission denied (" in text and all(method in text for method in _BOTH_METHODS):
        named = len(_BOTH_METHODS)
    if named == 0 and wrong_setting(fault):
        return 0
    # A library's exception comes from another one for the same refusal, such as that of requests.
    typed = Counter(library for one in _chain(fault) if (library := _refused_by(one)))
    by_words = any(part in text for part in _TEXTS) or refuses_certificate(fault)
    return max(named, *typed.values(), 0) or int(by_words)


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """Yield the exception and those that it came from."""
    seen: set[int] = set()
    current: BaseException | None = fault
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _refused_by(fault: BaseException) -> str | None:
    """Return the library whose exception says that a logon was refused; None if the exception says something else."""
    if isinstance(fault, AnsibleAuthenticationFailure):
        return "ansible"
    bases = type(fault).__mro__
    library = next(
        (name for base in bases if (name := base.__module__.partition(".")[0]) in _LIBRARIES), None
    )
    response = getattr(fault, "response", None)
    codes = (getattr(fault, "code", None), getattr(response, "status_code", None))
    refused = _UNAUTHORIZED in codes or any(base.__name__ in _TYPES for base in bases)
    return library if refused or (library == LIBRARY and is_refusal(fault)) else None
