# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows' codes for every refusal of a logon.

`win32` is the system error code that LogonUserW leaves ("System Error Codes",
Microsoft Learn; winerror.h). `status` and `substatus` are the codes that Winlogon passes
to ICredentialProviderCredential::ReportResult (ntstatus.h): account restrictions
have the status STATUS_ACCOUNT_RESTRICTION and their reason as substatus.
"""

from __future__ import annotations

from typing import NamedTuple

from latchkey_agent.domain import LogonRefusal

STATUS_SUCCESS = 0
STATUS_LOGON_FAILURE = 0xC000006D
STATUS_ACCOUNT_RESTRICTION = 0xC000006E

ERROR_SHUTDOWN_IN_PROGRESS = 1115
ERROR_NO_SHUTDOWN_IN_PROGRESS = 1116
ERROR_SHUTDOWN_IS_SCHEDULED = 1190
ERROR_SHUTDOWN_USERS_LOGGED_ON = 1191


class Code(NamedTuple):
    """The codes of one refusal."""

    win32: int
    status: int
    substatus: int = 0


CODES: dict[LogonRefusal, Code] = {
    LogonRefusal.WRONG_PASSWORD: Code(1326, STATUS_LOGON_FAILURE, 0xC000006A),
    LogonRefusal.LOOKS_LIKE_PIN: Code(1326, STATUS_LOGON_FAILURE, 0xC000006A),
    LogonRefusal.BLANK_PASSWORD: Code(1327, STATUS_ACCOUNT_RESTRICTION),
    LogonRefusal.ACCOUNT_RESTRICTION: Code(1327, STATUS_ACCOUNT_RESTRICTION),
    LogonRefusal.LOGON_HOURS: Code(1328, STATUS_ACCOUNT_RESTRICTION, 0xC000006F),
    LogonRefusal.WORKSTATION: Code(1329, STATUS_ACCOUNT_RESTRICTION, 0xC0000070),
    LogonRefusal.PASSWORD_EXPIRED: Code(1330, STATUS_ACCOUNT_RESTRICTION, 0xC0000071),
    LogonRefusal.ACCOUNT_DISABLED: Code(1331, STATUS_ACCOUNT_RESTRICTION, 0xC0000072),
    LogonRefusal.LOGON_TYPE: Code(1385, 0xC000015B),
    LogonRefusal.ACCOUNT_EXPIRED: Code(1793, 0xC0000193),
    LogonRefusal.MUST_CHANGE: Code(1907, 0xC0000224),
    LogonRefusal.LOCKED_OUT: Code(1909, 0xC0000234),
    LogonRefusal.NO_LOGON_SERVERS: Code(1311, 0xC000005E),
    LogonRefusal.DOMAIN_TRUST: Code(1789, 0xC000018D),
    LogonRefusal.CLOCK_SKEW: Code(1398, 0xC0000133),
    LogonRefusal.RESOURCES: Code(1450, 0xC000009A),
    LogonRefusal.RPC: Code(1722, 0xC0020017),
    LogonRefusal.OTHER: Code(31, 0xC0000001),
}
