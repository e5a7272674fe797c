# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Every security descriptor of the agent, as SDDL.

docs/attack-surface.md repeats the descriptors and explains them. A test
compares the two. SDDL: "Security Descriptor String Format", Microsoft Learn.
Identifiers used: SY LocalSystem, BA Administrators, AU Authenticated Users,
IU Interactive, NU Network, ME and SI the medium and the system integrity
level.
"""

from __future__ import annotations

PIPE_CLIENT = 0x00100083
"""The rights that a client of a pipe needs: read and write data, read attributes, wait.

FILE_APPEND_DATA (0x4) is not among them: on a pipe it is
FILE_CREATE_PIPE_INSTANCE, which lets a client serve the pipe itself.
GENERIC_WRITE includes it ("Named Pipe Security and Access Rights").
"""

CONTROL = "O:SYG:SYD:P(A;;FA;;;SY)(A;;0x100083;;;BA){operators}S:(ML;;NW;;;ME)"
CONTROL_OPERATORS = "(A;;0x100083;;;{sid})"
"""A further entry for the group of operators, if the group exists."""
CUSTOMER = "O:SYG:SYD:P(D;;FA;;;NU)(A;;FA;;;SY)(A;;0x100083;;;IU)S:(ML;;NW;;;ME)"
LOGON = "O:SYG:SYD:P(A;;FA;;;SY)S:(ML;;NWNRNX;;;SI)"

PERMIT_EVENT = "O:SYG:SYD:P(A;;0x1f0003;;;SY)"
"""EVENT_ALL_ACCESS for the service and for LogonUI, which runs as LocalSystem."""

DATA_FOLDER = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
REGISTRY_KEY = "O:SYG:SYD:PAI(A;CI;KA;;;SY)(A;CI;KR;;;BA)"

SERVICE = "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;LCRC;;;AU)"
"""Windows' default for services, with one more right: every account may query the service's process.

The clients of the pipes check that process. By default only accounts that are
signed in at the PC may query it, but an operator connects over the network.
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
"""The privileges of LocalSystem that the service keeps (SERVICE_REQUIRED_PRIVILEGES_INFO).

Starting the companion in the customer's session needs SeTcbPrivilege
(WTSQueryUserToken), SeAssignPrimaryTokenPrivilege and SeIncreaseQuotaPrivilege
(CreateProcessAsUser). A restart needs SeShutdownPrivilege. Creating the permit
event in the global namespace needs SeCreateGlobalPrivilege. Identifying the
client of a pipe needs SeImpersonatePrivilege.
"""

SYSTEM_SID = "S-1-5-18"
ADMINISTRATORS_SID = "S-1-5-32-544"


def control_pipe(operators: str | None) -> str:
    """Return the security descriptor of the control pipe.

    Args:
        operators: the SID of the group of operators; None if there is no such group.
    """
    entry = CONTROL_OPERATORS.format(sid=operators) if operators else ""
    return CONTROL.format(operators=entry)
