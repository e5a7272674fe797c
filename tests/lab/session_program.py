# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""C:\Lab\a tool.exe: a program for the customer's session that behaves in the way that its first argument names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from lab.simulated.session_programs import EXIT_CODE

PIECE = 1_000_000
FOREVER = 600.0


def main(how: str, *arguments: str) -> int:
    """Behave as asked; return the exit code, which may be larger than the lab's computer allows."""
    match how:
        case "say":
            sys.stdout.write(json.dumps(arguments))
        case "end":
            Path(os.environ[EXIT_CODE]).write_text(arguments[0], encoding="ascii")
        case "hang":
            sys.stdout.write("before")
            sys.stdout.flush()
            time.sleep(FOREVER)
        case "flood":
            for _ in range(10):
                sys.stdout.write("x" * PIECE)
                sys.stderr.write("y" * PIECE)
        case "read":
            sys.stdout.write(repr(sys.stdin.read()))
        case "fork":
            fork(*arguments)
        case "both":
            sys.stdout.write("to stdout,\t\u00e4\r\nline 2")
            sys.stderr.write("to\tstderr")
    return 0


def fork(file: str, seconds: str) -> None:
    """Start a program that outlives this one, and notes its own process id and its end in a file."""
    note = (
        "import os, sys, time; p = open(sys.argv[1], 'w'); p.write(str(os.getpid())); p.flush();"
        "time.sleep(float(sys.argv[2])); p.write(' ended'); p.close()"
    )
    subprocess.Popen([sys.executable, "-c", note, file, seconds])
    while not (Path(file).exists() and Path(file).read_text(encoding="ascii")):
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[2:]))
