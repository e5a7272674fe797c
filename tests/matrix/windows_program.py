# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows programs that pywinrm's and pypsrp's tests start, each with the output that a test looks for."""

from __future__ import annotations

import sys

USAGE = "the tests start no such program"


def main(name: str, *arguments: str) -> int:
    """Write a program's output; return its exit code."""
    match name, arguments:
        case "hostname", ():
            text = "LAB-PC"
        case "ipconfig", ("/all",):
            text = "Windows IP Configuration"
        case "cmd", ("/c", "echo", *words):
            text = " ".join(words)
        case _:
            print(USAGE, file=sys.stderr)
            return 1
    sys.stdout.buffer.write(f"{text}\r\n".encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
