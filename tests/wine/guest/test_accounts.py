# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding accounts, and the single check of a password."""

from __future__ import annotations

import ctypes
import logging
import os
import winreg

import pytest

from latchkey_agent.domain import BY_WIN32, LogonRefusal
from latchkey_agent.domain.model import Account
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import frames
from latchkey_agent.windows import compose
from latchkey_agent.windows.ports import accounts
from latchkey_agent.windows.win32 import api

CANARY = "Kanarienvogel 9!".encode("utf-16-le")
ANNA = Account("S-1-5-21-0-0-0-1000", "anna", "PC", "local")


class Asked:
    """Replaces LogonUserW: records its arguments, and refuses with a code."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.given: list[tuple[str, str | None, bytes]] = []

    def __call__(self, user: str, domain: str | None, password: int, kind: int, *_: object) -> int:
        """Answer as LogonUserW does."""
        text = ctypes.wstring_at(password)
        assert kind == 2
        self.given.append((user, domain, text.encode("utf-16-le")))
        ctypes.set_last_error(self.code)
        return int(not self.code)


@pytest.fixture
def wiped(monkeypatch: pytest.MonkeyPatch) -> list[bytearray]:
    """Every buffer that the check of a password has overwritten."""
    seen: list[bytearray] = []

    def wipe(buffer: bytearray) -> None:
        frames.wipe(buffer)
        seen.append(buffer)

    monkeypatch.setattr(accounts, "wipe", wipe)
    return seen


@pytest.mark.parametrize(("code", "refusal"), BY_WIN32.items())
def test_every_documented_refusal_is_distinguished(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, code: int, refusal: LogonRefusal
) -> None:
    """Each documented error code of a refused logon is mapped to one refusal."""
    monkeypatch.setattr(api, "LogonUserW", Asked(code))
    assert book.check(ANNA, bytearray(CANARY)) is refusal


def test_refusals_that_windows_never_documented_are_other(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, caplog: pytest.LogCaptureFixture
) -> None:
    """An undocumented code is the refusal `other`, and the log has the code."""
    monkeypatch.setattr(api, "LogonUserW", Asked(31))
    with caplog.at_level(logging.WARNING):
        assert book.check(ANNA, bytearray(CANARY)) is LogonRefusal.OTHER
    assert [record.getMessage() for record in caplog.records] == [
        "Windows refused a logon for a reason that it does not document (Windows error 31)"
    ]


@pytest.mark.parametrize("code", [8, 14, 1398, 1450, 1722, 1723, 1727, 1786, 1787, 1788, 1789, 1792])
def test_inconclusive_errors_are_not_refusals(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, wiped: list[bytearray], code: int
) -> None:
    """A failure of clock, domain or memory is an error, not a refusal that would end a grant."""
    monkeypatch.setattr(api, "LogonUserW", Asked(code))
    with pytest.raises(PortError, match=rf"checking the password failed: .+ \(Windows error {code}\)"):
        book.check(ANNA, bytearray(CANARY))
    assert wiped == [bytearray(len(CANARY) + 2)]


@pytest.mark.parametrize("before", [0, 1326])
def test_a_failure_without_a_code_is_an_error(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, before: int
) -> None:
    """A failure without a code is neither a success nor an earlier call's refusal."""
    monkeypatch.setattr(api, "LogonUserW", lambda *_: 0)
    ctypes.set_last_error(before)
    with pytest.raises(PortError, match="gave no reason"):
        book.check(ANNA, bytearray(CANARY))


def test_table_and_the_ports_refusals_are_the_same() -> None:
    """Each refusal of the port has a Windows error code, except those that need none."""
    without_code = {LogonRefusal.BLANK_PASSWORD, LogonRefusal.LOOKS_LIKE_PIN, LogonRefusal.OTHER}
    assert set(BY_WIN32.values()) == set(LogonRefusal) - without_code


def test_password_reaches_windows_whole_and_is_overwritten(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, wiped: list[bytearray]
) -> None:
    """Windows gets the password with a final zero, and its copy is overwritten afterwards."""
    asked = Asked(0)
    monkeypatch.setattr(api, "LogonUserW", asked)
    assert book.check(ANNA, bytearray(CANARY)) is None
    assert asked.given == [("anna", "PC", CANARY)]
    assert wiped == [bytearray(len(CANARY) + 2)]


def test_real_logonuserw_takes_the_buffer(book: accounts.WindowsAccounts, wiped: list[bytearray]) -> None:
    """The real LogonUserW accepts the buffer as its argument."""
    book.check(ANNA, bytearray(CANARY))
    assert wiped == [bytearray(len(CANARY) + 2)]


def test_principal_name_goes_without_a_domain(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts
) -> None:
    """A user principal name is passed to LogonUserW without a domain."""
    asked = Asked(0)
    monkeypatch.setattr(api, "LogonUserW", asked)
    book.check(Account("S-1-5-21-9-9-9-1", "anna@example.com", "EXAMPLE", "domain"), bytearray(CANARY))
    book.check(
        Account("S-1-5-21-9-9-9-2", "anna@example.com", "MicrosoftAccount", "microsoft"), bytearray(CANARY)
    )
    assert [given[:2] for given in asked.given] == [
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
def test_impossible_passwords_are_refused_without_a_try(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, entry: bytes, refusal: LogonRefusal
) -> None:
    """An impossible password is refused without a call of Windows, so it does not count for a lockout."""
    asked = Asked(0)
    monkeypatch.setattr(api, "LogonUserW", asked)
    assert book.check(ANNA, bytearray(entry)) is refusal
    assert not asked.given


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
    """Refused digits count as a PIN only on an account with a PIN."""
    monkeypatch.setattr(api, "LogonUserW", Asked(1326))
    path = rf"{accounts.NGC}\{ANNA.sid}"
    if has_pin:
        winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, path).Close()
    try:
        assert book.check(ANNA, bytearray(entry.encode("utf-16-le"))) is refusal
    finally:
        if has_pin:
            winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, path)


def test_an_account_is_found_by_every_form_of_its_name(book: accounts.WindowsAccounts) -> None:
    """The bare name, the name with the PC's name or a dot, and the SID find the same account."""
    me = os.environ["USERNAME"]
    found = [book.find(name) for name in (me, rf"{compose.device_name()}\{me}", rf".\{me}")]
    assert found[0] is not None
    assert found == [book.by_sid(found[0].sid)] * 3


@pytest.mark.parametrize("name", ["nobody-of-this-name", "Administrators", "Everyone", ""])
def test_only_accounts_of_people_are_found(book: accounts.WindowsAccounts, name: str) -> None:
    """Unknown names and groups are not found."""
    assert book.find(name) is None


def test_an_unknown_sid_is_an_error_that_names_it(book: accounts.WindowsAccounts) -> None:
    """The error for an unknown SID names it."""
    with pytest.raises(PortError, match="S-1-5-21-1-2-3-4567"):
        book.by_sid("S-1-5-21-1-2-3-4567")
