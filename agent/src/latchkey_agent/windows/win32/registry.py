# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the registry, and the agent's own key in it."""

from __future__ import annotations

import winreg
from typing import TYPE_CHECKING, Any

import pywintypes
import win32api
import win32con
import winerror

from latchkey_agent.windows import names
from latchkey_agent.windows.win32 import access
from latchkey_agent.windows.win32.security import attributes

from .failures import doing, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = str | int | bytes | list[str] | None
REG_OPTION_NON_VOLATILE = 0
REG_OPTION_VOLATILE = 1
_READ = winreg.KEY_READ | winreg.KEY_WOW64_64KEY


def value(path: str, name: str) -> Value:
    """Return a value below HKEY_LOCAL_MACHINE, None where there is none or it cannot be read."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, access=_READ) as key:
            found: Value = winreg.QueryValueEx(key, name)[0]
    except OSError:
        return None
    return found


def exists(path: str) -> bool:
    """Tell whether there is a key below HKEY_LOCAL_MACHINE."""
    try:
        winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, access=_READ).Close()
    except OSError:
        return False
    return True


def subkeys(path: str) -> Iterator[str]:
    """Yield the names of the keys in a key below HKEY_LOCAL_MACHINE."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, access=_READ) as key:
            for index in range(winreg.QueryInfoKey(key)[0]):
                yield winreg.EnumKey(key, index)
    except OSError:
        return


class OwnKey:
    """A key of the agent's own, which users can neither read nor change; made if need be."""

    def __init__(self, path: str, *, volatile: bool = False) -> None:
        """Open the key.

        Raises:
            PortError: it cannot be opened or made.
        """
        options = REG_OPTION_VOLATILE if volatile else REG_OPTION_NON_VOLATILE
        root: Any = win32con.HKEY_LOCAL_MACHINE
        with doing(f"opening the registry key {path}"):
            self._key, _ = win32api.RegCreateKeyEx(
                root,
                path,
                win32con.KEY_READ | win32con.KEY_WRITE | winreg.KEY_WOW64_64KEY,
                None,
                options,
                attributes(access.REGISTRY_KEY),
            )

    def load(self, name: str) -> Value:
        """Return a value, None where there is none.

        Raises:
            PortError: it cannot be read; whether there is one is not known then.
        """
        try:
            found: Value = win32api.RegQueryValueEx(self._key, name)[0]
        except pywintypes.error as fault:
            # "RegQueryValueExW", Microsoft Learn: what the registry answers where the value does not exist.
            if fault.winerror == winerror.ERROR_FILE_NOT_FOUND:
                return None
            raise refused(f"reading {name} from the registry", fault.winerror) from None
        return found

    def save(self, name: str, data: str | bytes) -> None:
        """Write a value; returns when it is on the disk (RegFlushKey).

        Raises:
            PortError: Windows could not write it.
        """
        kind = win32con.REG_SZ if isinstance(data, str) else win32con.REG_BINARY
        with doing(f"writing {name} to the registry"):
            win32api.RegSetValueEx(self._key, name, 0, kind, data)
            win32api.RegFlushKey(self._key)


def agents_key() -> OwnKey:
    """Return the key that outlives a boot; raises PortError."""
    return OwnKey(names.REGISTRY_KEY)


def boot_key() -> OwnKey:
    """Return the key that is gone after each boot; raises PortError."""
    agents_key()
    return OwnKey(names.BOOT_KEY, volatile=True)
