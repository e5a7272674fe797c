# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests on the Windows CPython share."""

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

from latchkey_agent.domain.model import Account
from latchkey_agent.ports import LogonFacts
from latchkey_agent.windows import compose, names, privileges
from latchkey_agent.windows.ports import accounts
from latchkey_agent.windows.win32 import access, registry
from tests.wine.guest.pipe_bench import own_sid


def under_wine() -> bool:
    """Tell whether Windows is Wine's: its ntdll alone exports wine_get_version."""
    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def lacks_system() -> bool:
    """Tell whether Windows would refuse what it lets LocalSystem do; Wine has one account, and lets it."""
    return not under_wine() and own_sid() != access.SYSTEM_SID


def refusing(code: int) -> Callable[..., Any]:
    """Return a function of Windows that fails with this code."""

    def refuse(*_: object) -> None:
        raise pywintypes.error(code, "function", "refused")

    return refuse


def needs_system(what: str) -> None:
    """Leave a test out where its account may not do this."""
    if lacks_system():
        pytest.skip(f"only LocalSystem may {what}: docs/verify-on-windows.md")


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marks mean, and take the right to give the agent's objects to LocalSystem.

    The agent's descriptors name it as the owner. Any other account needs SeRestorePrivilege for that, which
    administrators have switched off ("Privilege Constants", Microsoft Learn; else ERROR_INVALID_OWNER).
    """
    config.addinivalue_line("markers", "windows: what Wine does not enforce, so that only Windows shows it")
    config.addinivalue_line("markers", "plain: what holds only on a PC on which nobody has set anything")
    if lacks_system():
        privileges.enable(["SeRestorePrivilege"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out under Wine what only Windows shows, and on Windows what needs a PC like Wine's."""
    mark, reason = "plain", "this PC has settings of its own"
    if under_wine():
        mark, reason = "windows", "Wine does not enforce it: docs/verify-on-windows.md"
    for item in items:
        if item.get_closest_marker(mark):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def without_system() -> Iterator[None]:
    """Where the account is not LocalSystem, give it a registry key that it may write, until all tests are over.

    A test that comes to what Windows lets nobody else do says so, and is left out.
    """
    installed = registry.exists(names.REGISTRY_KEY)
    with pytest.MonkeyPatch.context() as patch:
        if lacks_system():
            patch.setattr(win32ts, "WTSQueryUserToken", _left_out("have the token of who is signed in"))
            patch.setattr(access, "REGISTRY_KEY", access.REGISTRY_KEY.replace("KR;;;BA", "KA;;;BA"))
            if installed:
                patch.setattr(registry.OwnKey, "__init__", _left_out("write the installed agent's key"))
        yield
    if lacks_system() and not installed:
        for key in filter(registry.exists, (names.BOOT_KEY, names.REGISTRY_KEY)):
            winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, key)


def _left_out(what: str) -> Callable[..., None]:
    return lambda *_, **_named: needs_system(what)


def no_facts(_account: Account | None) -> LogonFacts:
    """Stand for a forecast that nobody asks for here."""
    return LogonFacts()


@pytest.fixture
def book() -> accounts.WindowsAccounts:
    """The accounts of this PC."""
    return accounts.WindowsAccounts(compose.device_name(), no_facts)


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder of the test's own account. What an administrator makes, Windows gives to Administrators."""
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
    """Returns a function that sets a value for the test's time; an empty name makes the key alone."""
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
        # Some keys belong to Windows' installer alone.
        pytest.skip(f"Windows lets no administrator change {key}")


def _before(key: winreg.HKEYType, name: str) -> tuple[Any, int] | None:
    try:
        return winreg.QueryValueEx(key, name)
    except FileNotFoundError:
        return None
