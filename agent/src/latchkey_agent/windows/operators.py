# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages the local group of operators ("Network Management Functions", Microsoft Learn)."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import win32net
import win32security
import winerror

from latchkey_agent.cli import agent_setup
from latchkey_agent.cli.agent_setup import Member
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import codec
from latchkey_agent.protocol.errors import error

from . import compose, folders, names
from .win32 import account_names, api
from .win32.failures import doing, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from latchkey_agent.protocol import answers as ans

NERR_GroupNotFound, NERR_GroupExists = 2220, 2223
"""Codes of lmerr.h. Windows returns these or the codes of winerror.h."""
_COMMENT = "May ask the Latchkey agent for a customer's sign-in."
_LOCAL: Any = None
# types-pywin32 declares it with the types of another function.
_delete: Any = win32net.NetLocalGroupDel


def make() -> None:
    """Create the group if it does not exist; raises PortError."""
    group = {"name": names.OPERATORS_GROUP, "comment": _COMMENT}
    with doing(f"creating the local group {names.OPERATORS_GROUP}"):
        try:
            win32net.NetLocalGroupAdd(_LOCAL, 1, group)
        except win32net.error as fault:
            if fault.winerror not in {winerror.ERROR_ALIAS_EXISTS, NERR_GroupExists}:
                raise


def remove() -> None:
    """Remove the group if it exists; raises PortError."""
    with doing(f"removing the local group {names.OPERATORS_GROUP}"):
        try:
            _delete(_LOCAL, names.OPERATORS_GROUP)
        except win32net.error as fault:
            if fault.winerror not in {winerror.ERROR_NO_SUCH_ALIAS, NERR_GroupNotFound}:
                raise


class WindowsOperators:
    """Implements agent_setup.Operators."""

    def members(self) -> list[Member]:
        """Return the members of the group; empty if there is no group.

        A member that Windows cannot name, such as a deleted account of a domain, has its SID as its name.

        Raises:
            PortError: Windows refuses.
        """
        with doing(f"reading the local group {names.OPERATORS_GROUP}"):
            try:
                return [_member(entry) for entry in _listed()]
            except win32net.error as fault:
                if fault.winerror in {winerror.ERROR_NO_SUCH_ALIAS, NERR_GroupNotFound}:
                    return []
                raise

    def find(self, name: str) -> Member | None:
        """Return the account or group of this name; None if there is none. Raises PortError."""
        found = account_names.look_up(name, compose.device_name(), account_names.PRINCIPALS)
        if found is None:
            return None
        # The name without the domain, in either notation.
        plain = name.rpartition("\\")[2].partition("@")[0]
        return Member(found.sid, f"{found.domain}\\{plain}")

    def change(self, add: list[Member], remove: list[Member]) -> None:
        """Create the group if it does not exist, then add and remove members; raises PortError."""
        make()
        with doing(f"changing the local group {names.OPERATORS_GROUP}"):
            if add:
                entries: Any = [_entry(member) for member in add]
                win32net.NetLocalGroupAddMembers(_LOCAL, names.OPERATORS_GROUP, 0, entries)
        for member in remove:
            _take_out(member)


def _listed() -> Iterator[dict[str, Any]]:
    """Yield the entries of the group, however many pages they fill ("NetLocalGroupGetMembers", Microsoft Learn)."""
    resume = 0
    while True:
        page, _, resume = win32net.NetLocalGroupGetMembers(_LOCAL, names.OPERATORS_GROUP, 2, resume)
        yield from page
        if not resume or not page:
            return


def _member(entry: dict[str, Any]) -> Member:
    """Return the member of one LOCALGROUP_MEMBERS_INFO_2, which has no name if the account is gone."""
    sid, name = _text(entry["sid"]), entry["domainandname"] or ""
    return Member(sid, name if name.rpartition("\\")[2] else sid)


def _take_out(member: Member) -> None:
    """Remove a member by its SID, because not every member has a name; pywin32 takes only names.

    Raises:
        PortError: Windows refuses.
    """
    sid = ctypes.create_string_buffer(bytes(memoryview(_entry(member)["sid"])))
    # LOCALGROUP_MEMBERS_INFO_0 (lmaccess.h) is the address of a SID.
    entries = (ctypes.c_void_p * 1)(ctypes.addressof(sid))
    code = api.NetLocalGroupDelMembers(None, names.OPERATORS_GROUP, 0, entries, 1)
    if code not in {0, winerror.ERROR_MEMBER_NOT_IN_ALIAS}:
        raise refused(f"removing {member.name} from the local group {names.OPERATORS_GROUP}", code)


def _text(sid: Any) -> str:  # noqa: ANN401 - pywin32's own type
    text: str = win32security.ConvertSidToStringSid(sid)
    return text


def _entry(member: Member) -> dict[str, Any]:
    return {"sid": win32security.ConvertStringSidToSid(member.sid)}


def set_up(body: bytes) -> ans.Answer:
    """Carry out a `setup` request on this PC.

    Args:
        body: the request as JSON.
    """
    try:
        folder = folders.data_folder()
        folders.require_own(folder)
    except PortError as fault:
        return codec.refused(error("setup_failed", detail=str(fault)))
    return agent_setup.apply(body, folder / compose.SETTINGS_NAME, WindowsOperators())
