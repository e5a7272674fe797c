# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one table of Windows' refusals to let an account sign in.

The numbers are those of winerror.h ("System Error Codes (1300-1699)" and
"(1700-3999)", Microsoft Learn) and of ntstatus.h ("NTSTATUS Values",
[MS-ERREF] 2.3.1). LogonUserW leaves the former; Winlogon hands the latter to
ICredentialProviderCredential::ReportResult.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class LogonRefusal(enum.StrEnum):
    """The reason why Windows refuses a logon, as a stable word."""

    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a word, no password
    LOOKS_LIKE_PIN = "looks_like_pin"
    BLANK_PASSWORD = "blank_password"  # noqa: S105 - a word, no password
    ACCOUNT_RESTRICTION = "account_restriction"
    LOGON_HOURS = "logon_hours"
    WORKSTATION = "workstation"
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105 - a word, no password
    ACCOUNT_DISABLED = "account_disabled"
    LOGON_TYPE = "logon_type"
    ACCOUNT_EXPIRED = "account_expired"
    MUST_CHANGE = "must_change"
    LOCKED_OUT = "locked_out"
    NO_LOGON_SERVERS = "no_logon_servers"
    DOMAIN_TRUST = "domain_trust"
    CLOCK_SKEW = "clock_skew"
    RESOURCES = "resources"
    RPC = "rpc"
    OTHER = "other"


class RefusalRow(NamedTuple):
    """One row.

    Attributes:
        win32: the system error codes; none where another row has it, or Windows is not asked.
        ntstatus: the NTSTATUS values that mean the same.
        sentence: the meaning, as a part of a sentence for an operator.
        may_retry: a further entry of the customer may succeed.
        is_temporary: the refusal passes by itself and says nothing about the password or the account; the grant stays.
    """

    win32: tuple[int, ...]
    ntstatus: tuple[int, ...]
    sentence: str
    may_retry: bool = False
    is_temporary: bool = False


_R = LogonRefusal
REFUSALS: dict[LogonRefusal, RefusalRow] = {
    _R.WRONG_PASSWORD: RefusalRow(
        (1326,), (0xC000006D, 0xC000006A), "the user name or password is wrong", may_retry=True
    ),
    # 1326 as well: the entry has the form of a PIN, and the account has set up a PIN.
    _R.LOOKS_LIKE_PIN: RefusalRow((), (), "that is the PIN, not the password", may_retry=True),
    # The agent refuses a blank password before it asks Windows.
    _R.BLANK_PASSWORD: RefusalRow((), (), "a blank password cannot be lent", may_retry=True),
    _R.ACCOUNT_RESTRICTION: RefusalRow(
        (1327,), (0xC000006E,), "an account restriction keeps it from signing in"
    ),
    _R.LOGON_HOURS: RefusalRow(
        (1328,), (0xC000006F,), "the account may not sign in at this time", is_temporary=True
    ),
    _R.WORKSTATION: RefusalRow((1329,), (0xC0000070,), "the account may not sign in on this PC"),
    _R.PASSWORD_EXPIRED: RefusalRow((1330,), (0xC0000071,), "the password has expired"),
    _R.ACCOUNT_DISABLED: RefusalRow((1331,), (0xC0000072,), "the account is disabled"),
    _R.LOGON_TYPE: RefusalRow((1385,), (0xC000015B,), "the account may not sign in interactively here"),
    _R.ACCOUNT_EXPIRED: RefusalRow((1793,), (0xC0000193,), "the account has expired"),
    _R.MUST_CHANGE: RefusalRow((1907,), (0xC0000224,), "the password must be changed first"),
    _R.LOCKED_OUT: RefusalRow((1909,), (0xC0000234,), "the account is locked out"),
    # Usual in the first seconds after a boot: the network or Netlogon is not there yet.
    _R.NO_LOGON_SERVERS: RefusalRow(
        (1311, 1792), (0xC000005E, 0xC0000192), "no domain controller can be reached", is_temporary=True
    ),
    _R.DOMAIN_TRUST: RefusalRow(
        (1786, 1787, 1788, 1789),
        (0xC000018A, 0xC000018B, 0xC000018C, 0xC000018D),
        "the trust between this PC and its domain failed",
        may_retry=True,
        is_temporary=True,
    ),
    _R.CLOCK_SKEW: RefusalRow(
        (1398,),
        (0xC0000133,),
        "the clocks of this PC and its domain differ too much",
        may_retry=True,
        is_temporary=True,
    ),
    _R.RESOURCES: RefusalRow(
        (8, 14, 1450),
        (0xC0000017, 0xC000009A),
        "Windows lacks memory or other resources",
        may_retry=True,
        is_temporary=True,
    ),
    # RPC_S_CALL_FAILED (1726) is not among them: Windows does not say whether the call was carried out.
    _R.RPC: RefusalRow(
        (1722, 1723, 1727),
        (0xC0020017, 0xC0020018, 0xC002001C),
        "Windows could not ask the service that checks passwords",
        may_retry=True,
        is_temporary=True,
    ),
    _R.OTHER: RefusalRow((), (), "Windows refused it"),
}

BY_WIN32: dict[int, LogonRefusal] = {code: refusal for refusal, row in REFUSALS.items() for code in row.win32}
BY_NTSTATUS: dict[int, LogonRefusal] = {
    status: refusal for refusal, row in REFUSALS.items() for status in row.ntstatus
}


def reported(status: int, substatus: int) -> str:
    """Return the refusal of an NTSTATUS pair as a stable word; unknown ones as their two numbers.

    The substatus decides where Windows gives one: a restriction of an account comes as
    STATUS_ACCOUNT_RESTRICTION with the reason beside it ("ReportResult", Microsoft Learn).
    """
    for code in (substatus, status):
        if code in BY_NTSTATUS:
            return BY_NTSTATUS[code]
    return f"0x{status:08X}, 0x{substatus:08X}"


def sentence(refusal: str) -> str:
    """Return the sentence of a refusal's stable word; anything else is evidence that Windows gave."""
    if refusal in REFUSALS:
        return REFUSALS[LogonRefusal(refusal)].sentence
    return f"Windows answered {refusal}" if refusal.startswith("0x") else refusal
