# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of `access` as Windows takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pywintypes
import win32security

from latchkey_agent.windows import names

if TYPE_CHECKING:
    from _win32typing import PySECURITY_ATTRIBUTES, PySECURITY_DESCRIPTOR


def descriptor(sddl: str) -> PySECURITY_DESCRIPTOR:
    """Return the security descriptor that an SDDL text describes."""
    return win32security.ConvertStringSecurityDescriptorToSecurityDescriptor(
        sddl, win32security.SDDL_REVISION_1
    )


def attributes(sddl: str) -> PySECURITY_ATTRIBUTES:
    """Return security attributes for the making of an object; its handle is not inherited."""
    made = pywintypes.SECURITY_ATTRIBUTES()
    made.bInheritHandle = False
    made.SECURITY_DESCRIPTOR = descriptor(sddl)
    return made


def operators_sid() -> str | None:
    """Return the SID of the local group of operators, None where there is no such group."""
    try:
        sid, _, kind = win32security.LookupAccountName(None, names.OPERATORS_GROUP)
    except pywintypes.error:
        return None
    if kind != win32security.SidTypeAlias:
        return None
    text: str = win32security.ConvertSidToStringSid(sid)
    return text
