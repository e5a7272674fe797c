# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""The programs that a playbook of the lab runs on a Wine PC: `programs NAME SECONDS [ARGUMENTS]`.

They replace `C:\Lab\updates.exe`, `accounting.exe` and `hostname.exe`. A pending
restart is recorded in the registry like Windows Update's, and a boot clears it.
"""

from __future__ import annotations

import sys
import time
import winreg
from typing import Any

import win32api

from lab.simulated import windows_calls

from .lab_link import LabLink

USAGE = 87
"""ERROR_INVALID_PARAMETER, the exit code of Windows' own programs for wrong arguments."""
_REBOOT_REQUIRED = r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired"
_REG_OPTION_VOLATILE = 0x1


def updates(link: LabLink, seconds: float) -> str:
    """Install updates; leave a restart pending."""
    link.ask(windows_calls.ReportEvent("updates_begun", "Windows updates are being installed."), None)
    time.sleep(seconds)
    link.ask(windows_calls.ReportEvent("updates_installed", "Windows updates are installed."), None)
    parent, _, name = _REBOOT_REQUIRED.rpartition("\\")
    winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, parent).Close()
    _make_volatile(_REBOOT_REQUIRED)
    link.ask(
        windows_calls.ReportEvent("restart_pending", "Windows waits for a restart: Windows Update"), None
    )
    return f"2 updates installed, {name} is set"


def _make_volatile(key: str) -> None:
    root: Any = winreg.HKEY_LOCAL_MACHINE
    win32api.RegCreateKeyEx(root, key, winreg.KEY_ALL_ACCESS, None, _REG_OPTION_VOLATILE)


def accounting(link: LabLink, seconds: float) -> str:
    """Upgrade a program that needs no restart."""
    time.sleep(seconds)
    link.ask(windows_calls.ReportEvent("accounting_upgraded", "The accounting software is upgraded."), None)
    return "accounting software upgraded"


def hostname(_link: LabLink, _seconds: float) -> str:
    """Return the PC's name."""
    name: str = win32api.GetComputerName()
    return name


PROGRAMS = {
    "updates": (updates, ("install",)),
    "accounting": (accounting, ("upgrade",)),
    "hostname": (hostname, None),
}


def main(name: str, seconds: str, *arguments: str) -> int:
    """Run one program; return its exit code."""
    program, wanted = PROGRAMS[name]
    if wanted is not None and arguments != wanted:
        sys.stderr.write(f"usage: {name}.exe {' '.join(wanted)}\n")
        return USAGE
    sys.stdout.write(f"{program(LabLink(), float(seconds))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
