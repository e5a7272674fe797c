# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""C:\Lab\canned.exe: Windows' answers to the PowerShell of the ansible.windows collection.

Each script is recognized by its exact form; the form's first group names the answer. The lab refuses
scripts of another form, so a release with other scripts fails the benchmark.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from typing import TYPE_CHECKING

from lab.simulated import windows_calls
from lab.simulated.remote_ports import WindowsLink
from lab.wsman.host import StandIn

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = r"C:\Lab\canned.exe"
PROGRAMS = {PROGRAM: __spec__.name}
_KEPT_CODE = r"; If \(-not \$\?\) \{ If \(Get-Variable LASTEXITCODE[^;]*"
_FORMS = (
    r"\((Get-CimInstance) -ClassName Win32_OperatingSystem -Property LastBootUpTime\)"
    r"\.LastBootUpTime\.ToFileTime\(\)" + _KEPT_CODE,
    r"\$ErrorActionPreference = 'Continue'.*\. \{ C:\\Windows\\System32\\(shutdown\.exe) /r /t (\d+) /c '[^']*'"
    r" \| Set-Variable stdout \}.*ConvertTo-Json -Compress -InputObject @\{[^}]*\}\s*" + _KEPT_CODE,
    r"(Get-Item) -LiteralPath 'HKLM:[^']*\\AutoLogonChecked' -ErrorAction Stop; '(success-[0-9a-f-]{36})'" + _KEPT_CODE,
    # Ansible's wrapper; its input names the module.
    r".*(ConvertFrom-Json).*& \$cmd @splat.*",
)  # fmt: skip
STAND_INS = tuple(StandIn(form, PROGRAM) for form in _FORMS)
_MODULE = re.compile(rb'"ansible\.windows\.win_ping|win_ping\.ps1')
UNKNOWN = 250


def boot_time(link: WindowsLink) -> int:
    """Print a number that changes with each boot, like LastBootUpTime."""
    boot: str = link.ask(windows_calls.BootId(), str)
    print(int.from_bytes(hashlib.sha256(boot.encode()).digest()[:6], "big"))
    return 0


def shutdown(link: WindowsLink, seconds: str) -> int:
    """Schedule the restart."""
    link.ask(windows_calls.Restart("win_reboot", float(seconds), by_agent=False), None)
    print(json.dumps({"rc": 0, "stdout": "", "stderr": ""}))
    return 0


def logon_screen(_link: WindowsLink, expected: str) -> int:
    """Report the logon screen; the lab's PCs show it before they answer."""
    print(expected)
    return 0


def ping(_link: WindowsLink) -> int:
    """Answer for the module win_ping; read its whole wrapper, as PowerShell does."""
    if not _MODULE.search(sys.stdin.buffer.read()):
        sys.stderr.write("the wrapper carries another module than win_ping\n")
        return UNKNOWN
    print(json.dumps({"changed": False, "ping": "pong"}))
    return 0


_ANSWERS: dict[str, Callable[..., int]] = {
    "Get-CimInstance": boot_time,
    "shutdown.exe": shutdown,
    "Get-Item": logon_screen,
    "ConvertFrom-Json": ping,
}


def main(windows: str, form: str, *arguments: str) -> int:
    """Answer a script of this form; return the exit code."""
    return _ANSWERS[form](WindowsLink(windows), *arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
