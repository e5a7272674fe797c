# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that plays what a recorded command wrote, for the WinRM server to pass on.

Its argument is a file of JSON: `turns`, the pieces of output ([stream, base64 text]) of one answer each, `code`, the
exit code, and `reads`, whether it reads its input to the end first. Before each turn but the first it waits for the
file `NAME.TURN` beside it, so that an answer without output comes between.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from pathlib import Path

LIMIT_SECONDS = 60.0
STREAMS = {"stdout": 1, "stderr": 2}


def main(name: str) -> int:
    """Play a file; return its exit code."""
    play = json.loads(Path(name).read_text(encoding="utf-8"))
    if play["reads"]:
        sys.stdin.buffer.read()
    for number, turn in enumerate(play["turns"]):
        if number:
            _wait_for(Path(f"{name}.{number}"))
        for stream, text in turn:
            os.write(STREAMS[stream], base64.b64decode(text))
    return int(play["code"])


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
