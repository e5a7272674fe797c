# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks up the SID of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pywintypes
import win32security
import winerror

from .failures import refused

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

USERS = frozenset({win32security.SidTypeUser})
PRINCIPALS = USERS | {
    win32security.SidTypeGroup,
    win32security.SidTypeAlias,
    win32security.SidTypeWellKnownGroup,
}
"""Users and groups. The other types of SID_NAME_USE are domains, computers, and accounts that do not exist."""
UNNAMED = frozenset(
    {win32security.SidTypeDeletedAccount, win32security.SidTypeInvalid, win32security.SidTypeUnknown}
)
"""Types of a SID that Windows cannot resolve: it returns no name, or one that means nothing (SID_NAME_USE)."""


class Found(NamedTuple):
    """The SID that belongs to a name.

    Attributes:
        sid: the SID.
        domain: the domain of the account, or the PC's name.
        kind: the type of the account (SID_NAME_USE).
    """

    sid: str
    domain: str
    kind: int


def look_up(name: str, device: str, kinds: AbstractSet[int]) -> Found | None:
    r"""Look up an account by its name.

    Windows looks for the name of a domain before it looks for accounts, and the PC counts as a domain
    ("LsaLookupNames", Microsoft Learn). So an account that is named like the PC, or like a domain, is found
    only as `PC\user`.

    Args:
        name: `user`, `PC\user`, `DOMAIN\user`, `.\user` or a user principal name.
        device: the PC's name.
        kinds: the types of account to find (SID_NAME_USE).

    Returns:
        The account; None if there is no such account, or if it is of another type.

    Raises:
        PortError: the lookup failed, for example because no domain controller is reachable.
    """
    domain, separator, user = name.rpartition("\\")
    if not user:
        return None
    if separator and domain in {"", "."}:
        name = f"{device}\\{user}"
    found = _ask(name)
    if found is not None and found.kind not in kinds and not separator:
        found = _ask(f"{device}\\{user}")
    return found if found is not None and found.kind in kinds else None


def _ask(name: str) -> Found | None:
    try:
        sid, domain, kind = win32security.LookupAccountName(None, name)
    except pywintypes.error as fault:
        if fault.winerror in {winerror.ERROR_NONE_MAPPED, winerror.ERROR_INVALID_PARAMETER}:
            return None
        raise refused(f"looking up the account {name}", fault.winerror) from None
    return Found(win32security.ConvertSidToStringSid(sid), domain, kind)
