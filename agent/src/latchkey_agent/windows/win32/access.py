# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Who may reach what: every security descriptor of the agent, as SDDL.

The texts are repeated in docs/attack-surface.md, where the reasons stand; a
test keeps the two the same. SDDL: "Security Descriptor String Format",
Microsoft Learn. Identifiers used: SY LocalSystem, BA Administrators,
AU Authenticated Users, IU Interactive, NU Network, ME and SI the medium
and the system integrity level.
"""

from __future__ import annotations

PIPE_CLIENT = 0x00100083
"""What a client of a pipe needs: read and write data, read attributes, wait.

Not FILE_APPEND_DATA (0x4): on a pipe it is FILE_CREATE_PIPE_INSTANCE, with
which a client could put up a server of its own under our name; GENERIC_WRITE
contains it ("Named Pipe Security and Access Rights").
"""

CONTROL = "O:SYG:SYD:P(A;;FA;;;SY)(A;;0x100083;;;BA){operators}S:(ML;;NW;;;ME)"
CONTROL_OPERATORS = "(A;;0x100083;;;{sid})"
"""One more entry for the group of operators, where it exists."""
CUSTOMER = "O:SYG:SYD:P(D;;FA;;;NU)(A;;FA;;;SY)(A;;0x100083;;;IU)S:(ML;;NW;;;ME)"
LOGON = "O:SYG:SYD:P(A;;FA;;;SY)S:(ML;;NWNRNX;;;SI)"

PERMIT_EVENT = "O:SYG:SYD:P(A;;0x1f0003;;;SY)"
"""EVENT_ALL_ACCESS for the service and for LogonUI, which runs as LocalSystem."""

DATA_FOLDER = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
REGISTRY_KEY = "O:SYG:SYD:PAI(A;CI;KA;;;SY)(A;CI;KR;;;BA)"

SERVICE = "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;LCRC;;;AU)"
"""Windows' default for services, but that every account may ask which process
the service is: the clients of the pipes check that. By default only accounts
that are signed in at the PC may, and an operator comes over the network.
"""

REQUIRED_PRIVILEGES = (
    "SeAssignPrimaryTokenPrivilege",
    "SeChangeNotifyPrivilege",
    "SeCreateGlobalPrivilege",
    "SeImpersonatePrivilege",
    "SeIncreaseQuotaPrivilege",
    "SeShutdownPrivilege",
    "SeTcbPrivilege",
)
"""All that the service keeps of LocalSystem's privileges (SERVICE_REQUIRED_PRIVILEGES_INFO).

Start the companion in the customer's session: SeTcbPrivilege (WTSQueryUserToken),
SeAssignPrimaryTokenPrivilege and SeIncreaseQuotaPrivilege (CreateProcessAsUser).
Restart: SeShutdownPrivilege. The permit event in every session's name space:
SeCreateGlobalPrivilege. See who is at the other end of a pipe: SeImpersonatePrivilege.
"""

SYSTEM_SID = "S-1-5-18"
ADMINISTRATORS_SID = "S-1-5-32-544"


def control_pipe(operators: str | None) -> str:
    """Return the control pipe's descriptor; `operators` is the group's SID, if there is one."""
    entry = CONTROL_OPERATORS.format(sid=operators) if operators else ""
    return CONTROL.format(operators=entry)
