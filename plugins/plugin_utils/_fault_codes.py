# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The fault codes of WS-Management that the collection tells apart (wsmerror.h of the Windows SDK)."""

from __future__ import annotations

NO_SUCH_SHELL = "2150858843"
"""The shell does not exist, or no longer."""
TOO_MANY_SHELLS = "2150859173"
"""The user has as many shells as MaxShellsPerUser allows."""


def has_code(fault: Exception, code: str) -> bool:
    """Tell whether a fault of WS-Management has this code; the plugins pass it on in the text at least."""
    codes = (getattr(fault, name, None) for name in ("wsman_fault_code", "wmierror_code", "code"))
    return code in {str(known) for known in codes} or code in str(fault)
