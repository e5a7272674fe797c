# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the disk asks for input before Windows starts, and after how many restarts (BitLocker)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import win32api

from latchkey_agent.domain import UNLIMITED

PRE_BOOT_PROTECTORS = ("TPMAndPIN", "TPMAndPINAndStartupKey", "TPMAndStartupKey", "Password")
"""manage-bde's names of the protectors that require input, or a key on a stick, before Windows starts."""
MANAGE_BDE_SECONDS = 20.0
"""Seconds that manage-bde, or PowerShell, may take."""
ON, OFF = 0, 1
"""The exit codes of `manage-bde -status -protectionaserrorlevel` (Microsoft Learn)."""
_COUNT = (
    "(Get-CimInstance -Namespace root/CIMV2/Security/MicrosoftVolumeEncryption -ClassName Win32_EncryptableVolume "
    "-Filter \"DriveLetter='{drive}'\" | Invoke-CimMethod -MethodName GetSuspendCount).SuspendCount"
)
PLACE = "manage-bde -status; Win32_EncryptableVolume.GetSuspendCount"


def restarts_without_pin() -> int | None:
    """Return the restarts after which Windows starts without input; UNLIMITED if it never asks; None: unknown."""
    drive = win32api.GetWindowsDirectory()[:2]
    try:
        status = _manage_bde("-status", drive, "-protectionaserrorlevel").returncode
        if status not in {ON, OFF}:
            return None
        if not any(_has_protector(drive, kind) for kind in PRE_BOOT_PROTECTORS):
            return _without_protector(drive, status)
        return 0 if status == ON else _suspended(drive)
    except FileNotFoundError:
        # A Windows without BitLocker's programs has no protected system disk.
        return UNLIMITED
    except (OSError, subprocess.SubprocessError):
        return None


def _without_protector(drive: str, status: int) -> int | None:
    """Return UNLIMITED, but None if a protected disk lists no protector at all: then the lists say nothing."""
    protected = status == ON
    return None if protected and _manage_bde("-protectors", "-get", drive).returncode else UNLIMITED


def _has_protector(drive: str, kind: str) -> bool:
    result = _manage_bde("-protectors", "-get", drive, "-Type", kind)
    # Only the protector's GUID is the same in every display language.
    return not result.returncode and bool(re.search(rb"\{[0-9A-Fa-f-]{36}\}", result.stdout))


def _suspended(drive: str) -> int | None:
    """Return for how many restarts BitLocker is suspended (GetSuspendCount, Microsoft Learn: 0 to 15).

    0 means until somebody resumes it ("manage-bde protectors", Microsoft Learn).
    """
    shell = Path(win32api.GetSystemDirectory(), "WindowsPowerShell", "v1.0", "powershell.exe")
    script = _COUNT.format(drive=drive)
    result = _run(shell, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", script)
    text = result.stdout.strip()
    if result.returncode or not re.fullmatch(rb"[0-9]{1,2}", text):
        return None
    return int(text) or UNLIMITED


def _manage_bde(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return _run(Path(win32api.GetSystemDirectory(), "manage-bde.exe"), *arguments)


def _run(program: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program of Windows; raises OSError or SubprocessError."""
    return subprocess.run(
        [program, *arguments],
        capture_output=True,
        check=False,
        timeout=MANAGE_BDE_SECONDS,
        creationflags=subprocess.CREATE_NO_WINDOW,
    )
