# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Recognises that the PC, or its domain, has refused the account that Ansible connects with.

By the exception's type, HTTP status or code of Kerberos where there is one, by its wording last. The wording is that of
ansible-core's plugins, of OpenSSH (which is not translated) and of MIT Kerberos. An unknown refusal of
Kerberos counts as one of the account: a try too few costs a job, a try too many locks an account.
"""

from __future__ import annotations

from collections import Counter

from ansible.errors import AnsibleAuthenticationFailure

from ._credssp_refusals import LIBRARY, is_refusal, refusals_named
from ._exception_chain import chain
from ._kerberos_faults import REFUSALS, kerberos_fault, numbers_in
from ._tls_alerts import refuses_certificate
from ._wrong_settings import wrong_setting

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
_BOTH_METHODS = ("password", "keyboard-interactive")


def tries_in(fault: BaseException) -> int:
    """Return how many logons of the operator's account were refused on the way to this exception.

    The winrm plugin tries each of its transports, and its exception names each refusal; it may try again to clean up
    after a refusal. ssh may try a password by two methods, and names those that the PC allows.
    """
    text = str(fault).lower()
    # Nobody has looked at the account.
    if kerberos_fault(fault):
        return 0
    named = text.count(_WINRM) + text.count(_KERBEROS) + refusals_named(text)
    if "permission denied (" in text and all(method in text for method in _BOTH_METHODS):
        named = len(_BOTH_METHODS)
    if named == 0 and wrong_setting(fault):
        return 0
    # A library's exception comes from another one for the same refusal, such as that of requests.
    typed = Counter(library for one in chain(fault) if (library := _refused_by(one)))
    by_code = int(not REFUSALS.isdisjoint(numbers_in(fault)))
    by_words = any(part in text for part in _TEXTS) or refuses_certificate(fault)
    found = max(named, by_code, *typed.values()) or int(by_words)
    return max(0, found - sum(_shows_no_account(one) for one in chain(fault)))


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


def _shows_no_account(fault: BaseException) -> bool:
    """Tell whether the PC answers 401 to a request that shows no account.

    On a new connection within a session pywinrm asks without one first. Where Kerberos then gives it no ticket, it
    takes that answer for the last one (its `requests_kerberos`, `authenticate_user`).
    """
    response = getattr(fault, "response", None)
    headers = getattr(getattr(response, "request", None), "headers", None)
    return (
        getattr(response, "status_code", None) == _UNAUTHORIZED
        and headers is not None
        and "Authorization" not in headers
    )
