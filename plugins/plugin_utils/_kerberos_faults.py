# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Recognises why Kerberos gave the connection no ticket for the PC, so that the PC has not seen the connection.

By the code of MIT Kerberos (krb5.h) or of GSSAPI (RFC 2744, section 3.9.1), which the exceptions of krb5 and gssapi
carry and pykerberos writes into its text. kinit and ansible-core's winrm plugin have no codes, so their wording is the
last resort. winrm runs kinit without a language, so that wording is English.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ._exception_chain import chain

if TYPE_CHECKING:
    from collections.abc import Iterator

KDC_UNREACHABLE = "kerberos_kdc_unreachable"
CLOCK_SKEW = "kerberos_clock_skew"
SPN_MISSING = "kerberos_spn_missing"
NO_TICKET = "kerberos_no_ticket"
NOT_CONFIGURED = "kerberos_not_configured"

CODES = frozenset({KDC_UNREACHABLE, CLOCK_SKEW, SPN_MISSING, NO_TICKET, NOT_CONFIGURED})

_OF_KRB5 = {
    -1765328377: SPN_MISSING,  # KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN
    -1765328352: NO_TICKET,  # KRB5KRB_AP_ERR_TKT_EXPIRED
    -1765328351: CLOCK_SKEW,  # KRB5KRB_AP_ERR_TKT_NYV: not yet valid
    -1765328347: CLOCK_SKEW,  # KRB5KRB_AP_ERR_SKEW
    -1765328249: NOT_CONFIGURED,  # KRB5_CONFIG_CANTOPEN
    -1765328248: NOT_CONFIGURED,  # KRB5_CONFIG_BADFORMAT
    -1765328243: NO_TICKET,  # KRB5_CC_NOTFOUND
    -1765328236: CLOCK_SKEW,  # KRB5_KDCREP_SKEW
    -1765328230: KDC_UNREACHABLE,  # KRB5_REALM_UNKNOWN: neither krb5.conf nor DNS names a controller
    -1765328228: KDC_UNREACHABLE,  # KRB5_KDC_UNREACH
    -1765328189: NO_TICKET,  # KRB5_FCC_NOFILE
    -1765328164: KDC_UNREACHABLE,  # KRB5_REALM_CANT_RESOLVE
    -1765328160: NOT_CONFIGURED,  # KRB5_CONFIG_NODEFREALM
}
_OF_GSS = {
    458752: NO_TICKET,  # GSS_S_NO_CRED
    720896: NO_TICKET,  # GSS_S_CREDENTIALS_EXPIRED
    786432: NO_TICKET,  # GSS_S_CONTEXT_EXPIRED
}
REFUSALS = frozenset({
    -1765328383,  # KRB5KDC_ERR_NAME_EXP: the account has expired
    -1765328378,  # KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN
    -1765328372,  # KRB5KDC_ERR_POLICY
    -1765328366,  # KRB5KDC_ERR_CLIENT_REVOKED: locked, disabled, or outside of its hours
    -1765328361,  # KRB5KDC_ERR_KEY_EXP: the password has expired
    -1765328360,  # KRB5KDC_ERR_PREAUTH_FAILED
    -1765328353,  # KRB5KRB_AP_ERR_BAD_INTEGRITY
})  # fmt: skip
"""The codes with which the domain refuses the operator's account."""

_ABOUT_KERBEROS = re.compile(r"kerberos|kinit|\bkdc\b|gss|krb5")
_TEXTS = (
    (("cannot contact any kdc", "cannot find kdc", "cannot resolve"), KDC_UNREACHABLE),
    (("clock skew", "ticket not yet valid"), CLOCK_SKEW),
    (("server not found in kerberos database",), SPN_MISSING),
    (
        (
            "ticket expired",
            "no kerberos credentials available",
            "no credentials cache found",
            "in cache collection",
            "matching credential not found",
        ),
        NO_TICKET,
    ),
    (
        (
            "kerberos library is not installed",
            "pykerberos is not installed",
            "requires the python gssapi library",
            "when calling kinit cmd",
            "does not specify default realm",
            "kerberos configuration file",
        ),
        NOT_CONFIGURED,
    ),
)
_IN_TEXT = re.compile(r"-17653\d{5}\b")
_UNSIGNED = 2**32


def kerberos_fault(fault: BaseException) -> str | None:
    """Return the code of the collection's error; None if Kerberos gave the ticket, or refuses the account."""
    text = str(fault).lower()
    numbers = list(numbers_in(fault))
    if not REFUSALS.isdisjoint(numbers):
        return None
    by_code = next((_OF_KRB5[one] for one in numbers if one in _OF_KRB5), None)
    return by_code or next((_OF_GSS[one] for one in numbers if one in _OF_GSS), None) or _by_wording(text)


def numbers_in(fault: BaseException) -> Iterator[int]:
    """Yield the codes of MIT Kerberos, signed, and of GSSAPI that an exception and its causes have."""
    for one in chain(fault):
        for carrier in (one, getattr(one, "base_error", None)):
            for name in ("err_code", "min_code", "maj_code"):
                if isinstance(number := getattr(carrier, name, None), int):
                    # gssapi has the signed number of krb5.h as an unsigned one.
                    yield number - _UNSIGNED if number >= _UNSIGNED // 2 else number
    yield from map(int, _IN_TEXT.findall(str(fault)))


def _by_wording(text: str) -> str | None:
    if not _ABOUT_KERBEROS.search(text):
        return None
    return next((code for parts, code in _TEXTS if any(part in text for part in parts)), None)
