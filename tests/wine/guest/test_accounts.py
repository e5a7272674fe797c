# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts: their lookup, and the check of a password."""

from __future__ import annotations

import ctypes
import logging
import os
import winreg
from typing import Any

import pytest
import win32security

from latchkey_agent.domain import BY_WIN32, REFUSALS, LogonRefusal
from latchkey_agent.domain.model import Account
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import frames
from latchkey_agent.windows import compose
from latchkey_agent.windows.ports import accounts
from latchkey_agent.windows.win32 import api

CANARY = "Kanarienvogel 9!".encode("utf-16-le")
ANNA = Account("S-1-5-21-0-0-0-1000", "anna", "PC", "local")


class FakeLogonUser:
    """A stand-in for LogonUserW: records its arguments and returns a code."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.arguments: list[tuple[str, str | None, bytes]] = []

    def __call__(self, user: str, domain: str | None, password: int, kind: int, *_: object) -> int:
        """Answer as LogonUserW does."""
        text = ctypes.wstring_at(password)
        assert kind == 2
        self.arguments.append((user, domain, text.encode("utf-16-le")))
        ctypes.set_last_error(self.code)
        return int(not self.code)


@pytest.fixture
def wiped(monkeypatch: pytest.MonkeyPatch) -> list[bytearray]:
    """Return a list that collects every buffer that the check of a password overwrites."""
    buffers: list[bytearray] = []

    def wipe(buffer: bytearray) -> None:
        frames.wipe(buffer)
        buffers.append(buffer)

    monkeypatch.setattr(accounts, "wipe", wipe)
    return buffers


@pytest.mark.parametrize(("code", "refusal"), BY_WIN32.items())
def test_every_documented_error_code_has_its_refusal(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, code: int, refusal: LogonRefusal
) -> None:
    """The check maps each system error code of a refused logon to one refusal."""
    monkeypatch.setattr(api, "LogonUserW", FakeLogonUser(code))
    assert book.check(ANNA, bytearray(CANARY)) is refusal


def test_an_undocumented_error_code_is_the_refusal_other(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown code is a refusal as well. The log has the code."""
    monkeypatch.setattr(api, "LogonUserW", FakeLogonUser(31))
    with caplog.at_level(logging.WARNING):
        assert book.check(ANNA, bytearray(CANARY)) is LogonRefusal.OTHER
    assert [record.getMessage() for record in caplog.records] == [
        "Windows refused a logon with an undocumented code (Windows error 31)"
    ]


@pytest.mark.parametrize("code", [8, 14, 1398, 1450, 1722, 1723, 1727, 1786, 1787, 1788, 1789, 1792])
def test_an_error_that_does_not_concern_the_password_is_a_refusal_that_passes(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, wiped: list[bytearray], code: int
) -> None:
    """The clock, the domain or the memory failed. The grant must not be erased."""
    monkeypatch.setattr(api, "LogonUserW", FakeLogonUser(code))
    refusal = book.check(ANNA, bytearray(CANARY))
    assert refusal is not None
    assert REFUSALS[refusal].is_temporary
    assert wiped == [bytearray(len(CANARY) + 2)]


@pytest.mark.parametrize("before", [0, 1326])
def test_a_failure_without_an_error_code_is_an_error(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, before: int
) -> None:
    """The error code of an earlier call does not count."""
    monkeypatch.setattr(api, "LogonUserW", lambda *_: 0)
    ctypes.set_last_error(before)
    with pytest.raises(PortError, match="gave no reason"):
        book.check(ANNA, bytearray(CANARY))


def test_table_and_the_ports_refusals_are_the_same() -> None:
    """Every refusal has an error code, except those that the agent finds without Windows."""
    without_code = {LogonRefusal.BLANK_PASSWORD, LogonRefusal.LOOKS_LIKE_PIN, LogonRefusal.OTHER}
    assert set(BY_WIN32.values()) == set(LogonRefusal) - without_code


def test_password_reaches_windows_whole_and_is_overwritten(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, wiped: list[bytearray]
) -> None:
    """Windows receives the password with its terminating zero. The copy is overwritten afterwards."""
    logon_user = FakeLogonUser(0)
    monkeypatch.setattr(api, "LogonUserW", logon_user)
    assert book.check(ANNA, bytearray(CANARY)) is None
    assert logon_user.arguments == [("anna", "PC", CANARY)]
    assert wiped == [bytearray(len(CANARY) + 2)]


def test_real_logonuserw_takes_the_buffer(book: accounts.WindowsAccounts, wiped: list[bytearray]) -> None:
    """The call itself works. Only Windows shows whether it accepts the password (Wine always does)."""
    book.check(ANNA, bytearray(CANARY))
    assert wiped == [bytearray(len(CANARY) + 2)]


def test_principal_name_goes_without_a_domain(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts
) -> None:
    """LogonUserW takes no domain with a user principal name."""
    logon_user = FakeLogonUser(0)
    monkeypatch.setattr(api, "LogonUserW", logon_user)
    book.check(Account("S-1-5-21-9-9-9-1", "anna@example.com", "EXAMPLE", "domain"), bytearray(CANARY))
    book.check(
        Account("S-1-5-21-9-9-9-2", "anna@example.com", "MicrosoftAccount", "microsoft"), bytearray(CANARY)
    )
    assert [arguments[:2] for arguments in logon_user.arguments] == [
        ("anna@example.com", None),
        ("anna@example.com", "MicrosoftAccount"),
    ]


@pytest.mark.parametrize(
    ("entry", "refusal"),
    [
        (b"", LogonRefusal.BLANK_PASSWORD),
        ("ab\0cd".encode("utf-16-le"), LogonRefusal.WRONG_PASSWORD),
        (b"odd", LogonRefusal.WRONG_PASSWORD),
    ],
)
def test_an_impossible_password_is_refused_without_a_logon(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, entry: bytes, refusal: LogonRefusal
) -> None:
    """Such an entry does not count towards a lockout."""
    logon_user = FakeLogonUser(0)
    monkeypatch.setattr(api, "LogonUserW", logon_user)
    assert book.check(ANNA, bytearray(entry)) is refusal
    assert not logon_user.arguments


@pytest.mark.parametrize(
    ("entry", "has_pin", "refusal"),
    [
        ("123456", True, LogonRefusal.LOOKS_LIKE_PIN),
        ("123456", False, LogonRefusal.WRONG_PASSWORD),
        ("geheim1", True, LogonRefusal.WRONG_PASSWORD),
    ],
)
def test_refused_digits_are_a_pin_only_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
    book: accounts.WindowsAccounts,
    entry: str,
    has_pin: bool,  # noqa: FBT001
    refusal: LogonRefusal,
) -> None:
    """The PIN's provider has a key for each account with a PIN."""
    monkeypatch.setattr(api, "LogonUserW", FakeLogonUser(1326))
    path = rf"{accounts.NGC}\{ANNA.sid}"
    if has_pin:
        winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, path).Close()
    try:
        assert book.check(ANNA, bytearray(entry.encode("utf-16-le"))) is refusal
    finally:
        if has_pin:
            winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, path)


def test_an_account_is_found_in_every_notation(book: accounts.WindowsAccounts) -> None:
    """The name alone, with the PC's name, with a dot, and the SID give the same account."""
    me = os.environ["USERNAME"]
    found = [book.find(name) for name in (me, rf"{compose.device_name()}\{me}", rf".\{me}")]
    assert found[0] is not None
    assert found == [book.by_sid(found[0].sid)] * 3


@pytest.mark.parametrize("name", ["nobody-of-this-name", "Administrators", "Everyone", ""])
def test_unknown_names_and_groups_are_not_found(book: accounts.WindowsAccounts, name: str) -> None:
    """A group cannot sign in."""
    assert book.find(name) is None


@pytest.mark.parametrize("kind", [win32security.SidTypeDomain, win32security.SidTypeComputer])
def test_an_account_that_is_named_like_the_pc_is_found(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, kind: int
) -> None:
    """Windows returns the computer's SID for the name alone, and the account's for the name with the PC's."""
    real, device = win32security.LookupAccountName, compose.device_name()
    me = os.environ["USERNAME"]

    def look_up(server: str | None, name: str) -> Any:
        if name.casefold() == device.casefold():
            return win32security.ConvertStringSidToSid("S-1-5-21-1-2-3"), device, kind
        return real(
            server, rf"{device}\{me}" if name.casefold() == rf"{device}\{device}".casefold() else name
        )

    monkeypatch.setattr(win32security, "LookupAccountName", look_up)
    mine = book.find(me)
    assert mine is not None
    assert [book.find(name) for name in (device, device.lower(), rf".\{device}")] == [mine] * 3


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        ("", win32security.SidTypeDeletedAccount),
        ("", win32security.SidTypeUser),
        ("x", win32security.SidTypeUnknown),
    ],
)
def test_an_account_without_a_name_is_an_error_that_names_its_sid(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, user: str, kind: int
) -> None:
    """Windows may succeed for a deleted account; an empty name would stand in requests and receipts."""
    monkeypatch.setattr(win32security, "LookupAccountSid", lambda *_: (user, "", kind))
    with pytest.raises(PortError, match=r"S-1-5-21-1-2-3-4567.+1332"):
        book.by_sid("S-1-5-21-1-2-3-4567")


def test_an_unknown_sid_is_an_error_that_names_it(book: accounts.WindowsAccounts) -> None:
    """The text of the error contains the SID."""
    with pytest.raises(PortError, match="S-1-5-21-1-2-3-4567"):
        book.by_sid("S-1-5-21-1-2-3-4567")
