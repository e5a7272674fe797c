# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that the tests run through the WinRM server: it reports its arguments and input.

report ...            arguments and standard input as JSON
exit CODE             that exit code
write SIZE            SIZE bytes to standard output
complain              a line to standard error output, exit code 5
wait FILE             writes its process id to FILE and waits to be ended
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path


def main(verb: str = "", *values: str) -> int:
    """Carry out the verb."""
    match verb:
        case "exit":
            return int(values[0])
        case "write":
            sys.stdout.buffer.write((b"0123456789abcdef" * (int(values[0]) // 16 + 1))[: int(values[0])])
        case "complain":
            sys.stderr.write("it went wrong\n")
            return 5
        case "wait":
            fresh = Path(values[0] + ".new")
            fresh.write_text(str(os.getpid()), encoding="ascii")
            fresh.replace(values[0])
            # The wait has an end, so that a failed test leaves no process behind for good.
            signal.alarm(60)
            signal.pause()
        case _:
            given = sys.stdin.buffer.read().decode("latin-1")
            print(json.dumps({"arguments": sys.argv[1:], "input": given}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
