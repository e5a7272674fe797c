# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the tables of pages whose rows name the tests of a fact."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def rows(page: str, head: str) -> list[list[str]]:
    """Return the cells of each row of a page's table.

    Args:
        page: the page, from the root of the repository.
        head: the head of the table's last column.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    body = text.split(f"| {head} |\n", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()[1:]]


def named(cell: str) -> set[str]:
    """Return the names in backticks in a cell."""
    return set(re.findall(r"`([^`]+)`", cell))


@cache
def written_tests() -> frozenset[str]:
    """Return the name of each test in the tree."""
    files = (path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return frozenset(name for text in files for name in re.findall(r"(?m)^ *def (test_\w+)\(", text))
