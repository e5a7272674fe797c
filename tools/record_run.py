# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Play the demo; write docs/recorded-run.cast with its times, docs/recorded-run.md, and ten lines into README.md.

Run `make recording`. On the page, long lines are broken, and typographic quotation marks are written as
plain ones, as Ansible's rules for a collection's pages ask; nothing else is changed.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE, README, CAST = "docs/recorded-run.md", "README.md", "docs/recorded-run.cast"
DEMO = (sys.executable, "-m", "lab.demo", "grant", "simulated")
WIDTH = 116
HEADER = {"version": 2, "width": 104, "height": 32, "idle_time_limit": 2, "title": "Latchkey: make demo"}
"""The first line of the cast: asciicast v2 (docs.asciinema.org/manual/asciicast/v2). Seconds, characters and lines."""
PLAIN_QUOTES = str.maketrans("\u201c\u201d\u2018\u2019", "\"\"''")
FIRST, LAST = "The customer allows it", "Next:"
BEFORE, AFTER = "([the whole run](docs/recorded-run.md)):\n\n", "\nFor real work"
CHOSEN = (
    r"operator \| Waits",
    r"Allows it and types",
    r"\w agreed\.$",
    r"updates are installed",
    r"restarts this PC",
    r"Boot 2\.",
    r"half of the key is delivered",
    r"signed in; the screen",
    r"signed in again\.$",
    r"Password erased",
)
"""The lines that README.md shows: the first match of each."""
# Text for another file, not about this one: REUSE-IgnoreStart
HEAD = """\
<!--
SPDX-FileCopyrightText: 2026 Latchkey contributors
SPDX-License-Identifier: GPL-3.0-or-later
Made by `make recording`.
-->

# A recorded run

The output of `make demo` up to its advice on what to try next. Three lanes tell one job: the operator's
`ansible-playbook`, the customer's screen, the PC. The PC is simulated, so a restart takes one second. Agent,
collection, role and Ansible are the real ones. `DEMO=deny`, `DEMO=revoke`, `DEMO=power-cut` and
`DEMO=unsigned` show others.

[The same run with its times](recorded-run.cast) is a file for asciinema: `asciinema play docs/recorded-run.cast`.

"""
# REUSE-IgnoreEnd


class Chunk(NamedTuple):
    """A piece of a program's output, and the seconds from the program's start."""

    seconds: float
    text: str


def play(command: tuple[str, ...] = DEMO) -> list[Chunk]:
    """Run a program in a terminal of its own; show and return its output.

    Raises:
        ValueError: the program failed.
    """
    ours, its = os.openpty()
    began = time.monotonic()
    decoder = codecs.getincrementaldecoder("utf-8")()
    chunks = []
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=its, stderr=its) as program:
        os.close(its)
        while data := read(ours):
            chunks.append(Chunk(round(time.monotonic() - began, 3), decoder.decode(data)))
            sys.stdout.write(chunks[-1].text)
            sys.stdout.flush()
    os.close(ours)
    if program.returncode:
        msg = f"the demo failed with exit code {program.returncode}; nothing is recorded"
        raise ValueError(msg)
    return chunks


def read(terminal: int) -> bytes:
    """Return the next output in a terminal; none when its last program has closed it."""
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux: EIO
        return b""


def cast(chunks: list[Chunk]) -> str:
    """Return a run in asciinema's format."""
    lines = [HEADER, *([chunk.seconds, "o", chunk.text] for chunk in chunks)]
    return "".join(json.dumps(line) + "\n" for line in lines)


def recorded(output: str) -> list[str]:
    """Return the lines of a run, without colours, each at most WIDTH characters long.

    Raises:
        ValueError: the output is not that of a whole run.
    """
    output = output.translate(PLAIN_QUOTES).replace("\r\n", "\n")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    if FIRST not in plain or LAST not in plain:
        msg = "this is not the output of a whole run of make demo"
        raise ValueError(msg)
    run = plain[plain.index(FIRST) : plain.index(LAST)].rstrip().splitlines()
    return [part for line in run for part in broken(line.rstrip())]


def broken(line: str) -> list[str]:
    """Return a line in parts of at most WIDTH characters, indented alike."""
    indent = line[: len(line) - len(line.lstrip())]
    if len(line) <= WIDTH:
        return [line]
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def excerpt(lines: list[str]) -> list[str]:
    """Return the chosen lines, in the order of the run.

    Raises:
        StopIteration: the run lacks one.
    """
    found = {next(line for line in lines if re.search(pattern, line)) for pattern in CHOSEN}
    return [line for line in lines if line in found]


def write(chunks: list[Chunk], root: Path = ROOT) -> None:
    """Write the cast, the page, and the excerpt into README.md.

    Raises:
        ValueError: the output is not that of a whole run.
    """
    lines = recorded("".join(chunk.text for chunk in chunks))
    (root / CAST).write_text(cast(chunks), encoding="utf-8")
    (root / PAGE).write_text(HEAD + "```text\n" + "\n".join(lines) + "\n```\n", encoding="utf-8")
    readme = root / README
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEFORE)
    _, after, end = rest.partition(AFTER)
    shown = "".join(f"    {line}\n" for line in excerpt(lines))
    readme.write_text(f"{before}{BEFORE}{shown}{after}{end}", encoding="utf-8")


if __name__ == "__main__":
    try:
        write(play())
    except ValueError as fault:
        sys.exit(f"record_run: {fault}")
