# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the service known to Windows, and takes it away again."""

from __future__ import annotations

import sys
import winreg
from pathlib import Path
from typing import TYPE_CHECKING, Any

import win32service

from . import names
from .win32 import access
from .win32.failures import doing
from .win32.security import descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SERVICE_SID_TYPE_UNRESTRICTED = 1
PRESHUTDOWN_MILLISECONDS = 5_000
RESTART_AFTER = (5_000, 5_000, 60_000)
"""Milliseconds until the service is started again after its first, second and each further crash."""
FORGET_CRASHES_AFTER = 86_400
_NONE: Any = None


def image_path(python: Path | None = None, arguments: Sequence[str] = ("-m", names.SERVICE_MODULE)) -> str:
    r"""Return the service's command line.

    The program is quoted: without quotes Windows would try `C:\Program.exe` first
    ("CreateProcessW", Microsoft Learn). `-I` keeps the environment and the users'
    folders out of the module search, `-B` writes no byte code.
    """
    program = python or Path(sys.executable).with_name("pythonw.exe")
    return " ".join([f'"{program}"', "-I", "-B", *(f'"{a}"' if " " in a else a for a in arguments)])


def install(command: str | None = None) -> None:
    """Create the service, of automatic start; it runs from the next boot, or when it is started.

    Raises:
        PortError: it exists already, or Windows refuses.
    """
    with doing(f"creating the service {names.SERVICE}"):
        manager = win32service.OpenSCManager(_NONE, _NONE, win32service.SC_MANAGER_CREATE_SERVICE)
        service = win32service.CreateService(
            manager,
            names.SERVICE,
            names.SERVICE_TITLE,
            win32service.SERVICE_ALL_ACCESS,
            win32service.SERVICE_WIN32_OWN_PROCESS,
            win32service.SERVICE_AUTO_START,
            win32service.SERVICE_ERROR_NORMAL,
            command or image_path(),
            _NONE,
            False,  # noqa: FBT003 - positional in Windows
            _NONE,
            _NONE,
            _NONE,
        )
        win32service.ChangeServiceConfig2(
            service, win32service.SERVICE_CONFIG_DESCRIPTION, names.SERVICE_SUMMARY
        )
    _register_event_source()


def harden() -> None:
    """Give the service only the privileges it needs, restart on failure, and its access list.

    Raises:
        PortError: there is no such service, or Windows refuses.
    """
    with doing(f"configuring the service {names.SERVICE}"):
        manager = win32service.OpenSCManager(_NONE, _NONE, win32service.SC_MANAGER_CONNECT)
        service = win32service.OpenService(manager, names.SERVICE, win32service.SERVICE_ALL_ACCESS)
        for level, setting in _settings():
            win32service.ChangeServiceConfig2(service, level, setting)
        win32service.SetServiceObjectSecurity(service, 4, descriptor(access.SERVICE))


def _settings() -> Iterator[tuple[int, Any]]:
    yield win32service.SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, list(access.REQUIRED_PRIVILEGES)
    yield win32service.SERVICE_CONFIG_SERVICE_SID_INFO, SERVICE_SID_TYPE_UNRESTRICTED
    yield win32service.SERVICE_CONFIG_PRESHUTDOWN_INFO, PRESHUTDOWN_MILLISECONDS
    restart = [(win32service.SC_ACTION_RESTART, delay) for delay in RESTART_AFTER]
    yield (
        win32service.SERVICE_CONFIG_FAILURE_ACTIONS,
        {"ResetPeriod": FORGET_CRASHES_AFTER, "RebootMsg": None, "Command": None, "Actions": restart},
    )
    yield win32service.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, True


def _register_event_source() -> None:
    with winreg.CreateKeyEx(
        winreg.HKEY_LOCAL_MACHINE, names.EVENT_SOURCE_KEY, access=winreg.KEY_WRITE | winreg.KEY_WOW64_64KEY
    ) as key:
        winreg.SetValueEx(key, "EventMessageFile", 0, winreg.REG_EXPAND_SZ, names.EVENT_MESSAGE_FILE)
        winreg.SetValueEx(key, "TypesSupported", 0, winreg.REG_DWORD, 7)


def remove() -> None:
    """Delete the service and its event source; it must have been stopped.

    Raises:
        PortError: there is no such service, or Windows refuses.
    """
    with doing(f"removing the service {names.SERVICE}"):
        manager = win32service.OpenSCManager(_NONE, _NONE, win32service.SC_MANAGER_CONNECT)
        service = win32service.OpenService(manager, names.SERVICE, win32service.SERVICE_ALL_ACCESS)
        win32service.DeleteService(service)
        winreg.DeleteKeyEx(winreg.HKEY_LOCAL_MACHINE, names.EVENT_SOURCE_KEY, winreg.KEY_WOW64_64KEY)
