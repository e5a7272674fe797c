# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the event source as ansible-rulebook does, without rules: each taken event becomes a line of a file.

    python tests/lab/event_reader.py SOURCE FILE ARGUMENTS

The source and the file are paths, the arguments JSON. A line is on the disk before the next event is taken.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import runpy
import sys
from pathlib import Path
from typing import Any


async def take(queue: asyncio.Queue[dict[str, Any]], file: Path) -> None:
    """Write each event as a line, as soon as it is taken."""
    with file.open("a", encoding="utf-8") as stream:
        while True:
            event = await queue.get()
            stream.write(json.dumps(event) + "\n")
            stream.flush()
            os.fsync(stream.fileno())


async def read(source: str, file: str, arguments: str) -> None:
    """Run the source until this process is ended."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(1)
    taking = asyncio.create_task(take(queue, Path(file)))
    try:
        await runpy.run_path(source)["main"](queue, json.loads(arguments))
    finally:
        taking.cancel()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(read(*sys.argv[1:]))
