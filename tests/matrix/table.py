# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of connections and ansible-core lines, as a page of the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.matrix.column import Column
    from tests.matrix.steps import Step

HEAD = """\
<!--
SPDX-FileCopyrightText: 2026 Latchkey contributors
SPDX-License-Identifier: GPL-3.0-or-later

Written by `make matrix`; do not edit.
-->

# What works with what

Each cell is one PC of the lab on which every module ran through Ansible's real connection plugin, real restart of the
simulated PC included. `make matrix` runs all cells again and fails where one does. The PCs are simulated, and so is
Windows Installer on them: it installs nothing, but looks whether the package has arrived as it was sent. The tests
install the real package over winrm, on Wine. What only Windows itself can show is in
[verify-on-windows.md](verify-on-windows.md).
"""


def page(columns: Mapping[str, Column], steps: Sequence[Step]) -> str:
    """Return the whole page. It has no dates, so it changes only with a result."""
    versions = [column.versions for column in columns.values()]
    head = ["connection", *(f"ansible-core {line}" for line in columns)]
    connections = next(iter(columns.values())).cells
    rows = [
        [connection, *(_cell(column.cells[connection]) for column in columns.values())]
        for connection in connections
    ]
    parts = [[name, *(one[name] for one in versions)] for name in versions[0]]
    done = [f"{step.name} ({step.fact})" for step in steps]
    return "\n".join(
        [
            HEAD,
            *_table([head, *rows]),
            "",
            "What took part:",
            "",
            *_table([["", *head[1:]], *parts]),
            "",
            "The steps of each cell, in order: " + "; ".join(done) + ".",
            "",
        ]
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *lines[1:]]
