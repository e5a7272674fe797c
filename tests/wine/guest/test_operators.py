# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The group of operators. Wine has no local groups, so Windows' functions are stand-ins."""

from __future__ import annotations

from typing import Any

import pytest
import pywintypes
import win32net
import win32security

from latchkey_agent.cli.agent_setup import Member
from latchkey_agent.ports import PortError
from latchkey_agent.windows import compose, names, operators
from latchkey_agent.windows.win32 import api, logon_sessions

from .conftest import refusing

ANNA, GONE, LOST = (f"S-1-5-21-1-2-3-{number}" for number in (1001, 1002, 1003))
USER, ALIAS, DOMAIN, DELETED, UNKNOWN, COMPUTER = 1, 4, 3, 6, 8, 9
"""Types of SID_NAME_USE (winnt.h)."""


def entry(sid: str, kind: int, name: str | None) -> dict[str, Any]:
    """Return a LOCALGROUP_MEMBERS_INFO_2 as pywin32 does."""
    return {
        "sid": win32security.ConvertStringSidToSid(sid),
        "sidusage": kind,
        "domainandname": name,
    }


def group_of(monkeypatch: pytest.MonkeyPatch, *pages: list[dict[str, Any]]) -> None:
    """Give Windows a group with these members; each page needs a call of its own."""

    def members(
        _server: object, group: str, level: int, resume: int
    ) -> tuple[list[dict[str, Any]], int, int]:
        assert (group, level) == (names.OPERATORS_GROUP, 2)
        following = resume + 1
        return pages[resume], sum(map(len, pages)), following if following < len(pages) else 0

    monkeypatch.setattr(win32net, "NetLocalGroupGetMembers", members)


@pytest.mark.parametrize("nameless", [None, "", "CONTOSO\\"])
def test_a_member_without_a_name_is_listed_by_its_sid(
    monkeypatch: pytest.MonkeyPatch, nameless: str | None
) -> None:
    """The account was deleted in its domain, or its domain cannot be reached; the group keeps the SID."""
    group_of(
        monkeypatch,
        [entry(ANNA, USER, r"PC\anna"), entry(GONE, DELETED, nameless), entry(LOST, UNKNOWN, nameless)],
    )
    assert operators.WindowsOperators().members() == [
        Member(ANNA, r"PC\anna"),
        Member(GONE, GONE),
        Member(LOST, LOST),
    ]


def test_a_long_list_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows returns it in pages. A member that is not seen would be added again, which Windows refuses."""
    group_of(monkeypatch, [entry(ANNA, USER, r"PC\anna")], [entry(GONE, USER, r"PC\gone")], [])
    assert [member.sid for member in operators.WindowsOperators().members()] == [ANNA, GONE]


def removals(monkeypatch: pytest.MonkeyPatch, code: int = 0) -> list[str]:
    """Return the list of the SIDs that Windows is asked to remove; each call returns `code`."""
    removed: list[str] = []

    def remove(_server: object, group: str, level: int, entries: Any, count: int) -> int:
        assert (group, level) == (names.OPERATORS_GROUP, 0)
        removed.extend(logon_sessions.sid_text(entries[at]) for at in range(count))
        return code

    monkeypatch.setattr(api, "NetLocalGroupDelMembers", remove)
    monkeypatch.setattr(operators, "make", lambda: None)
    return removed


def test_a_member_is_removed_by_its_sid(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name cannot remove what has none, and one such member would stop the whole set-up for ever."""
    removed = removals(monkeypatch)
    operators.WindowsOperators().change([], [Member(GONE, GONE), Member(ANNA, r"PC\anna")])
    assert removed == [GONE, ANNA]


def test_a_member_that_is_gone_meanwhile_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """ERROR_MEMBER_NOT_IN_ALIAS: somebody else has removed it."""
    assert removals(monkeypatch, 1377) == []
    operators.WindowsOperators().change([], [Member(GONE, GONE)])


def test_a_refused_removal_names_the_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has Windows' code as well."""
    removals(monkeypatch, 5)
    with pytest.raises(PortError, match=rf"removing {GONE} from the local group .+ \(Windows error 5\)"):
        operators.WindowsOperators().change([], [Member(GONE, GONE)])


class Directory:
    """A stand-in for LookupAccountName on a PC with an account of the PC's own name."""

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.asked: list[str] = []

    def __call__(self, _server: object, name: str) -> tuple[Any, str, int]:
        """Answer as Windows does: the name alone is the PC's."""
        self.asked.append(name)
        device = compose.device_name()
        to_sid = win32security.ConvertStringSidToSid
        if name.casefold() == device.casefold():
            return to_sid("S-1-5-21-1-2-3"), device, self.kind
        if name.casefold() == rf"{device}\{device}".casefold():
            return to_sid(ANNA), device, USER
        raise pywintypes.error(1332, "LookupAccountName", "none mapped")


@pytest.mark.parametrize("kind", [DOMAIN, COMPUTER])
def test_an_operator_that_is_named_like_the_pc_is_found(monkeypatch: pytest.MonkeyPatch, kind: int) -> None:
    """Windows returns the SID of the computer, which no group takes as a member."""
    monkeypatch.setattr(win32security, "LookupAccountName", Directory(kind))
    device = compose.device_name()
    for name in (device, device.lower(), rf".\{device}", rf"{device}\{device}"):
        found = operators.WindowsOperators().find(name)
        assert found is not None
        assert found.sid == ANNA
    assert operators.WindowsOperators().find("somebody-else") is None


@pytest.mark.parametrize(
    ("kind", "is_found"), [(ALIAS, True), (DOMAIN, False), (DELETED, False), (UNKNOWN, False)]
)
def test_only_users_and_groups_become_operators(
    monkeypatch: pytest.MonkeyPatch, kind: int, *, is_found: bool
) -> None:
    """A domain, a computer and an account that no longer exists are not found."""
    sid = win32security.ConvertStringSidToSid(ANNA)
    monkeypatch.setattr(win32security, "LookupAccountName", lambda *_: (sid, "PC", kind))
    assert (operators.WindowsOperators().find("helpdesk") is not None) is is_found


def test_a_lookup_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """No domain controller answers: this is not the same as an unknown name."""
    monkeypatch.setattr(win32security, "LookupAccountName", refusing(1722))
    with pytest.raises(PortError, match=r"looking up the account anna failed: .+1722"):
        operators.WindowsOperators().find("anna")


def test_windows_takes_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real function is called with one entry. Wine only pretends; on Windows there is no such group here."""
    monkeypatch.setattr(operators, "make", lambda: None)
    monkeypatch.setattr(names, "OPERATORS_GROUP", "Latchkey no such group")
    try:
        operators.WindowsOperators().change([], [Member(GONE, GONE)])
    except PortError as fault:
        assert "Latchkey no such group" in str(fault)  # noqa: PT017 - Wine raises nothing
