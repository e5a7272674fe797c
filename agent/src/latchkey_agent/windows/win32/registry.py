# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the registry, and stores values in the agent's own key."""

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
Root = int | winreg.HKEYType
REG_OPTION_NON_VOLATILE = 0
REG_OPTION_VOLATILE = 1
_READ = winreg.KEY_READ | winreg.KEY_WOW64_64KEY


def value(path: str, name: str) -> Value:
    """Return a value below HKEY_LOCAL_MACHINE; None if it does not exist or cannot be read."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, access=_READ) as key:
            content: Value = winreg.QueryValueEx(key, name)[0]
    except OSError:
        return None
    return content


def setting(path: str, name: str, root: Root = winreg.HKEY_LOCAL_MACHINE) -> Value:
    """Return a value; None if it does not exist.

    Args:
        path: the path of its key below `root`.
        name: its name; empty for the default value of the key.
        root: an open key.

    Raises:
        OSError: the value cannot be read, so it is unknown whether it exists.
    """
    try:
        with winreg.OpenKey(root, path, access=_READ) as key:
            content: Value = winreg.QueryValueEx(key, name)[0]
    except FileNotFoundError:
        return None
    return content


def keys_below(path: str) -> list[str]:
    """Return the names of the subkeys of a key below HKEY_LOCAL_MACHINE; none if the key does not exist.

    Raises:
        OSError: the key cannot be read.
    """
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, access=_READ) as key:
            return [winreg.EnumKey(key, index) for index in range(winreg.QueryInfoKey(key)[0])]
    except FileNotFoundError:
        return []


def exists(path: str) -> bool:
    """Return whether a key below HKEY_LOCAL_MACHINE exists and can be read."""
    try:
        winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, access=_READ).Close()
    except OSError:
        return False
    return True


def content(path: str) -> tuple[list[str], int] | None:
    """Return the names of the values of a key below HKEY_LOCAL_MACHINE, and the time of its last change.

    The time is in units of 100 ns since 1601. None if the key does not exist or cannot be read.
    """
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, access=_READ) as key:
            _, values, changed = winreg.QueryInfoKey(key)
            return [winreg.EnumValue(key, index)[0] for index in range(values)], changed
    except OSError:
        return None


def subkeys(path: str) -> Iterator[str]:
    """Yield the names of the subkeys of a key below HKEY_LOCAL_MACHINE; none if it cannot be read."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, access=_READ) as key:
            for index in range(winreg.QueryInfoKey(key)[0]):
                yield winreg.EnumKey(key, index)
    except OSError:
        return


class OwnKey:
    """A key of the agent. Users can neither read nor change it."""

    def __init__(self, path: str, *, volatile: bool = False) -> None:
        """Open the key, or create it.

        Args:
            path: the path below HKEY_LOCAL_MACHINE.
            volatile: whether Windows deletes the key at shutdown.

        Raises:
            PortError: Windows cannot open or create the key.
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
        """Return a value; None if it does not exist.

        Raises:
            PortError: the value cannot be read, so it is unknown whether it exists.
        """
        try:
            content: Value = win32api.RegQueryValueEx(self._key, name)[0]
        except pywintypes.error as fault:
            # "RegQueryValueExW", Microsoft Learn: the code if the value does not exist.
            if fault.winerror == winerror.ERROR_FILE_NOT_FOUND:
                return None
            raise refused(f"reading {name} from the registry", fault.winerror) from None
        return content

    def save(self, name: str, data: str | bytes) -> None:
        """Write a value. Return when it is on the disk (RegFlushKey).

        Raises:
            PortError: Windows cannot write the value.
        """
        kind = win32con.REG_SZ if isinstance(data, str) else win32con.REG_BINARY
        with doing(f"writing {name} to the registry"):
            win32api.RegSetValueEx(self._key, name, 0, kind, data)
            win32api.RegFlushKey(self._key)


def agents_key() -> OwnKey:
    """Return the agent's permanent key; raises PortError."""
    return OwnKey(names.REGISTRY_KEY)


def boot_key() -> OwnKey:
    """Return the agent's volatile key, which Windows deletes at shutdown; raises PortError."""
    agents_key()
    return OwnKey(names.BOOT_KEY, volatile=True)
