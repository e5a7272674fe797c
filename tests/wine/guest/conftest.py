# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests on the Windows CPython share."""

from __future__ import annotations

import ctypes
import winreg
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from latchkey_agent.domain.model import Account
from latchkey_agent.ports import LogonFacts
from latchkey_agent.windows import accounts, compose


def under_wine() -> bool:
    """Tell whether Windows is Wine's: its ntdll alone exports wine_get_version."""
    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marks mean."""
    config.addinivalue_line("markers", "windows: what Wine does not enforce, so that only Windows shows it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out under Wine what only Windows shows."""
    if under_wine():
        for item in items:
            if item.get_closest_marker("windows"):
                item.add_marker(
                    pytest.mark.skip(reason="Wine does not enforce it: docs/verify-on-windows.md")
                )


def no_facts(_account: Account | None) -> LogonFacts:
    """Stand for a forecast that nobody asks for here."""
    return LogonFacts()


@pytest.fixture
def book() -> accounts.WindowsAccounts:
    """The accounts of this PC."""
    return accounts.WindowsAccounts(compose.device_name(), no_facts)


@pytest.fixture
def hklm() -> Iterator[Any]:
    """Returns a function that sets a value for the test's time; an empty name makes the key alone."""
    undo: list[Callable[[], None]] = []

    def put(key: str, name: str = "", data: Any = None, kind: int = winreg.REG_SZ) -> None:
        opened = winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, key, access=winreg.KEY_ALL_ACCESS)
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


def _before(key: winreg.HKEYType, name: str) -> tuple[Any, int] | None:
    try:
        return winreg.QueryValueEx(key, name)
    except FileNotFoundError:
        return None
