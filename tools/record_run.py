# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write docs/recorded-run.md, and ten lines of it into README.md, from the output of `make demo`.

Run `make demo | python tools/record_run.py`. Long lines are broken, and typographic quotation marks are
written as plain ones, as Ansible's rules for a collection's pages ask; nothing else is changed.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE, README = "docs/recorded-run.md", "README.md"
WIDTH = 116
PLAIN_QUOTES = str.maketrans("\u201c\u201d\u2018\u2019", "\"\"''")
FIRST, LAST = "The customer allows it", "Next:"
BEFORE, AFTER = "([the whole run](docs/recorded-run.md)):\n\n", "\nFor real work"
CHOSEN = (
    r"operator \| Waits",
    r"Allows it and types",
    r"\w agreed\.$",
    r"Begins the step: Windows",
    r"updates are installed",
    r"restarts this PC",
    r"Boot 2\.",
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
Made by tools/record_run.py from the output of `make demo`.
-->

# A recorded run

The output of `make demo` up to its advice on what to try next. Three lanes tell one job: the operator's
`ansible-playbook`, the customer's screen, the PC. The PC is simulated, so a restart takes one second. Agent,
collection, role and Ansible are the real ones. `DEMO=deny`, `DEMO=revoke` and `DEMO=power-cut` show other endings.

"""
# REUSE-IgnoreEnd


def recorded(output: str) -> list[str]:
    """Return the lines of a run, without colours, each at most WIDTH characters long.

    Raises:
        ValueError: the output is not that of a whole run.
    """
    output = output.translate(PLAIN_QUOTES)
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


def write(output: str, root: Path = ROOT) -> None:
    """Write the page, and the excerpt into README.md."""
    lines = recorded(output)
    (root / PAGE).write_text(HEAD + "```text\n" + "\n".join(lines) + "\n```\n", encoding="utf-8")
    readme = root / README
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEFORE)
    _, after, end = rest.partition(AFTER)
    shown = "".join(f"    {line}\n" for line in excerpt(lines))
    readme.write_text(f"{before}{BEFORE}{shown}{after}{end}", encoding="utf-8")


if __name__ == "__main__":
    write(sys.stdin.read())
