# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""C:\Lab\hostname.exe: prints the PC's name."""

from __future__ import annotations

import sys

from lab.simulated import windows_calls
from lab.simulated.remote_ports import WindowsLink


def main(windows: str, *_arguments: str) -> int:
    """Print the name and return the exit code; it has no options."""
    name: str = WindowsLink(windows).ask(windows_calls.Device(), str)
    sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
