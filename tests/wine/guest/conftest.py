# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures and helpers of the tests on the Windows CPython."""

from __future__ import annotations

import ctypes
import winreg
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pywintypes
import win32security
import win32ts

from latchkey_agent.domain import LogonFacts
from latchkey_agent.domain.model import Account
from latchkey_agent.windows import compose, names, privileges
from latchkey_agent.windows.ports import accounts
from latchkey_agent.windows.win32 import access, registry
from tests.wine.guest.pipe_bench import own_sid


def under_wine() -> bool:
    """Return whether this is Wine: only its ntdll exports wine_get_version."""
    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def lacks_system() -> bool:
    """Return whether Windows refuses actions that need LocalSystem. Wine has one account, which may do everything."""
    return not under_wine() and own_sid() != access.SYSTEM_SID


def refusing(code: int) -> Callable[..., Any]:
    """Return a stand-in for a Windows function that fails with this code."""

    def refuse(*_: object) -> None:
        raise pywintypes.error(code, "function", "refused")

    return refuse


def needs_system(what: str) -> None:
    """Skip a test if its account may not do this."""
    if lacks_system():
        pytest.skip(f"only LocalSystem may {what}: docs/verify-on-windows.md")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and enable the privilege to make LocalSystem the owner of objects.

    The agent's descriptors name LocalSystem as the owner. Any other account needs SeRestorePrivilege for that,
    which is disabled for administrators ("Privilege Constants", Microsoft Learn; else ERROR_INVALID_OWNER).
    """
    config.addinivalue_line("markers", "windows: Wine does not enforce this, so only Windows can test it")
    config.addinivalue_line("markers", "plain: true only on a PC with default settings")
    if lacks_system():
        privileges.enable(["SeRestorePrivilege"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that need Windows under Wine, and tests that need a PC with default settings on Windows."""
    mark, reason = "plain", "this PC has settings of its own"
    if under_wine():
        mark, reason = "windows", "Wine does not enforce it: docs/verify-on-windows.md"
    for item in items:
        if item.get_closest_marker(mark):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def without_system() -> Iterator[None]:
    """If the account is not LocalSystem, give it access to the registry key until all tests are over.

    A test that needs LocalSystem is skipped with the reason.
    """
    installed = registry.exists(names.REGISTRY_KEY)
    with pytest.MonkeyPatch.context() as patch:
        if lacks_system():
            patch.setattr(win32ts, "WTSQueryUserToken", _skip("have the token of the signed-in user"))
            patch.setattr(access, "REGISTRY_KEY", access.REGISTRY_KEY.replace("KR;;;BA", "KA;;;BA"))
            if installed:
                patch.setattr(registry.OwnKey, "__init__", _skip("write the installed agent's key"))
        yield
    if lacks_system() and not installed:
        for key in filter(registry.exists, (names.BOOT_KEY, names.REGISTRY_KEY)):
            winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, key)


def _skip(what: str) -> Callable[..., None]:
    return lambda *_, **_named: needs_system(what)


def no_facts(_account: Account | None) -> LogonFacts:
    """Return no facts: these tests do not use the forecast."""
    return LogonFacts()


@pytest.fixture
def book() -> accounts.WindowsAccounts:
    """Return the accounts of this PC."""
    return accounts.WindowsAccounts(compose.device_name(), no_facts)


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """Return a folder that the test's own account owns.

    By default Windows makes Administrators the owner of an administrator's folder.
    """
    folder = tmp_path / "somebody's"
    folder.mkdir()
    if not under_wine():
        unchanged: Any = None
        me: Any = win32security.ConvertStringSidToSid(own_sid())
        what = win32security.OWNER_SECURITY_INFORMATION
        win32security.SetNamedSecurityInfo(
            str(folder), win32security.SE_FILE_OBJECT, what, me, unchanged, unchanged, unchanged
        )
    return folder


@pytest.fixture
def hklm() -> Iterator[Any]:
    """Return a function that sets a value until the test ends; an empty name creates only the key."""
    undo: list[Callable[[], None]] = []

    def put(key: str, name: str = "", data: Any = None, kind: int = winreg.REG_SZ) -> None:
        opened = _opened(key)
        if not name:
            undo.append(lambda: winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, key))
            return
        before = _before(opened, name)
        winreg.SetValueEx(opened, name, 0, kind, data)
        if before is None:
            undo.append(lambda: winreg.DeleteValue(opened, name))
        else:
            kept, kept_kind = before
            undo.append(lambda: winreg.SetValueEx(opened, name, 0, kept_kind, kept))

    yield put
    for step in reversed(undo):
        step()


def _opened(key: str) -> winreg.HKEYType:
    try:
        return winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, key, access=winreg.KEY_ALL_ACCESS)
    except PermissionError:
        # Windows' installer owns some keys.
        pytest.skip(f"Windows lets no administrator change {key}")


def _before(key: winreg.HKEYType, name: str) -> tuple[Any, int] | None:
    try:
        return winreg.QueryValueEx(key, name)
    except FileNotFoundError:
        return None
