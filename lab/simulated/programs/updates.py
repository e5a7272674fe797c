# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""C:\Lab\updates.exe: `install` takes a moment; then Windows waits for a restart."""

from __future__ import annotations

import sys
import time

from lab.simulated import windows_calls
from lab.simulated.remote_ports import WindowsLink

USAGE = 87
"""ERROR_INVALID_PARAMETER, as Windows' own programs answer to wrong arguments."""


def main(windows: str, seconds: str, *arguments: str) -> int:
    """Install, and return the exit code."""
    if arguments != ("install",):
        sys.stderr.write("usage: updates.exe install\n")
        return USAGE
    link = WindowsLink(windows)
    link.ask(windows_calls.ReportEvent("updates_begun", "Windows updates are being installed."), None)
    time.sleep(float(seconds))
    link.ask(windows_calls.ReportEvent("updates_installed", "Windows updates are installed."), None)
    link.ask(windows_calls.NeedRestart("Windows Update"), None)
    sys.stdout.write("2 updates installed, a restart is pending\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
