# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests on the Windows CPython share."""

from __future__ import annotations

import ctypes
import sys

import pytest

if sys.platform != "win32":
    pytest.skip("runs on the Windows CPython only", allow_module_level=True)


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
