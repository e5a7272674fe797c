# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""C:\Lab\accounting.exe: `upgrade` takes a moment and asks for no restart."""

from __future__ import annotations

import sys
import time

from lab.simulated import windows_calls
from lab.simulated.programs.updates import USAGE
from lab.simulated.remote_ports import WindowsLink


def main(windows: str, seconds: str, *arguments: str) -> int:
    """Upgrade, and return the exit code."""
    if arguments != ("upgrade",):
        sys.stderr.write("usage: accounting.exe upgrade\n")
        return USAGE
    time.sleep(float(seconds))
    event = windows_calls.ReportEvent("accounting_upgraded", "The accounting software is upgraded.")
    WindowsLink(windows).ask(event, None)
    sys.stdout.write("accounting software upgraded\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
