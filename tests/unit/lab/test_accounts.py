# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.account_model import AccountBook, Lockout, pin_form
from lab.simulated.codes import CODES
from latchkey_agent.domain import LogonRefusal

if TYPE_CHECKING:
    from lab.simulated.account_model import WindowsAccount

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WRONG = bytearray("wrong".encode("utf-16-le"))


@pytest.fixture
def book() -> AccountBook:
    """The accounts of a PC that locks an account after three wrong tries."""
    return AccountBook("PC-1", Lockout(threshold=3))


@pytest.fixture
def anna(book: AccountBook, canary: bytearray) -> WindowsAccount:
    """An account whose password is the canary."""
    return book.add("anna", canary)


@pytest.mark.parametrize("name", ["anna", "ANNA", r"PC-1\anna", r"pc-1\Anna", r".\anna"])
def test_an_account_is_found_by_every_name_that_windows_accepts(
    book: AccountBook, anna: WindowsAccount, name: str
) -> None:
    """A local account is found by its name, also with the PC's name or a dot before it."""
    assert book.find(name) is anna


@pytest.mark.parametrize("name", ["", "bob", r"PC-2\anna", r"DOMAIN\anna", "anna@example.org"])
def test_another_name_finds_nothing(book: AccountBook, anna: WindowsAccount, name: str) -> None:
    """An unknown name and another PC's name find no account."""
    assert book.find(name) is None


def test_a_user_principal_name_is_found(book: AccountBook, canary: bytearray) -> None:
    """A domain account is found by its domain's name and by its user principal name."""
    carl = book.add("carl", canary, domain="CONTOSO", kind="domain")
    carl.upn = "carl@contoso.example"
    assert book.find(r"contoso\CARL") is carl
    assert book.find("Carl@Contoso.example") is carl


def test_the_right_password_is_accepted(
    book: AccountBook,
    anna: WindowsAccount,
    canary: bytearray,
) -> None:
    """Windows accepts the account's password."""
    assert book.check(anna, canary, NOON) is None


def test_wrong_tries_lock_the_account_for_a_while(
    book: AccountBook,
    anna: WindowsAccount,
    canary: bytearray,
) -> None:
    """After the policy's number of wrong tries even the right password is refused for the lockout's duration."""
    for _ in range(3):
        assert book.check(anna, WRONG, NOON) is LogonRefusal.WRONG_PASSWORD
    assert book.check(anna, canary, NOON) is LogonRefusal.LOCKED_OUT
    assert book.check(anna, canary, NOON + timedelta(minutes=10)) is None


def test_a_right_try_resets_the_count(
    book: AccountBook,
    anna: WindowsAccount,
    canary: bytearray,
) -> None:
    """A right try between two pairs of wrong ones prevents the lockout."""
    for entry in (WRONG, WRONG, canary, WRONG, WRONG):
        book.check(anna, entry, NOON)
    assert book.check(anna, canary, NOON) is None


def test_old_wrong_tries_are_forgotten(
    book: AccountBook,
    anna: WindowsAccount,
    canary: bytearray,
) -> None:
    """Wrong tries outside of the policy's window do not count."""
    for number in range(6):
        moment = NOON + timedelta(minutes=6 * number)
        assert book.check(anna, WRONG, moment) is LogonRefusal.WRONG_PASSWORD
    assert book.check(anna, canary, NOON + timedelta(minutes=31)) is None


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"disabled": True}, LogonRefusal.ACCOUNT_DISABLED),
        ({"expires_at": NOON}, LogonRefusal.ACCOUNT_EXPIRED),
        ({"hours": frozenset(range(8, 12))}, LogonRefusal.LOGON_HOURS),
        ({"allowed_here": False}, LogonRefusal.WORKSTATION),
        ({"may_sign_in": False}, LogonRefusal.LOGON_TYPE),
        ({"password_expires_at": NOON}, LogonRefusal.PASSWORD_EXPIRED),
        ({"must_change": True}, LogonRefusal.MUST_CHANGE),
    ],
)
def test_each_restriction_has_its_own_refusal(
    book: AccountBook,
    anna: WindowsAccount,
    canary: bytearray,
    change: dict[str, Any],
    refusal: LogonRefusal,
) -> None:
    """Only a client with the right password learns of a restriction; others get "wrong password"."""
    for name, value in change.items():
        setattr(anna, name, value)
    assert book.check(anna, canary, NOON) is refusal
    assert book.check(anna, WRONG, NOON) is LogonRefusal.WRONG_PASSWORD


def test_a_domain_account_needs_its_domain(book: AccountBook, canary: bytearray) -> None:
    """Without a domain controller a domain account cannot sign in."""
    carl = book.add("carl", canary, domain="CONTOSO", kind="domain")
    book.domain_reachable = False
    assert book.check(carl, canary, NOON) is LogonRefusal.NO_LOGON_SERVERS


def test_a_pc_accepts_the_cached_password_without_a_controller(book: AccountBook, canary: bytearray) -> None:
    """The password of the last sign-in here counts, even an outdated one, and no wrong try is counted."""
    carl = book.add("carl", canary, domain="CONTOSO", kind="domain")
    assert book.check(carl, canary, NOON) is None
    carl.change_elsewhere(WRONG)
    assert book.check(carl, canary, NOON) is LogonRefusal.WRONG_PASSWORD
    carl.wrong_tries.clear()
    book.domain_reachable = False
    assert book.check(carl, WRONG, NOON) is LogonRefusal.WRONG_PASSWORD
    assert book.check(carl, canary, NOON) is None
    assert carl.wrong_tries == []
    carl.set_password(WRONG)
    assert book.check(carl, WRONG, NOON) is None


def test_a_changed_password_replaces_the_old_one(
    book: AccountBook,
    anna: WindowsAccount,
    canary: bytearray,
) -> None:
    """After a change the old password is wrong, and the duty to change it is fulfilled."""
    anna.must_change = True
    anna.set_password(WRONG)
    assert book.check(anna, WRONG, NOON) is None
    assert book.check(anna, canary, NOON) is LogonRefusal.WRONG_PASSWORD


@pytest.mark.parametrize(
    ("entry", "looks"),
    [("1234", True), ("123456", True), ("123", False), ("12a4", False), ("", False), ("١٢٣٤", False)],
)
def test_only_digits_look_like_a_pin(entry: str, looks: bool) -> None:  # noqa: FBT001
    """Only an entry of four or more ASCII digits looks like a PIN."""
    assert pin_form(bytearray(entry.encode("utf-16-le"))) is looks


def test_every_refusal_has_windows_codes() -> None:
    """Each refusal of the port has its Windows error and NTSTATUS."""
    assert set(CODES) == set(LogonRefusal)
    assert all(code.status >= 0xC0000000 for code in CODES.values())
