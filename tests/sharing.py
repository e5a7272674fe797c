# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests stay together when several workers share them, and which are begun first (pytest-xdist).

pytest-xdist 3.8 has marks for that (`--dist loadgroup`), but writes them into a field that pytest 9.2
no longer reads, and so keeps nothing together. Here `--dist loadscope` is told what a scope is.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent

WHOLE_FOLDERS = ("tests/package", "tests/native", "tests/wine")
"""Folders whose files share something that is slow to make: the package, Wine's prefix, the compiled provider."""

WINE_PCS = "the end-to-end tests' Wine PCs"
"""One after the other: each is a whole Windows, and two processors are soon too few."""
WAITING_PCS = ("tests/lab/test_connection_lost_frozen.py", "tests/lab/test_connection_lost.py")
"""They wait for a minute or two, and need no processor for that: Wine's prefix is made meanwhile."""
FIRST = ("tests/package", "tests/native", *WAITING_PCS, "tests/wine", WINE_PCS)


def together(nodeid: str) -> str:
    """Return what a test stays with: its folder, the other Wine PCs, its file, or itself alone."""
    file = nodeid.partition("::")[0]
    if nodeid.endswith("[wine]") or file.startswith("tests/lab/test_wine_"):
        return WINE_PCS
    folder = next((folder for folder in WHOLE_FOLDERS if file.startswith(f"{folder}/")), "")
    return folder or (file if _shares_a_fixture(file) else nodeid)


def turn(nodeid: str) -> int:
    """Return when it is a test's turn: what stays together takes longest and is begun first, then whole jobs."""
    scope = together(nodeid)
    if scope in FIRST:
        return FIRST.index(scope)
    alone = scope == nodeid
    return len(FIRST) + alone + (alone and not nodeid.startswith("tests/lab/"))


@cache
def _shares_a_fixture(file: str) -> bool:
    return 'scope="module"' in (ROOT / file).read_text(encoding="utf-8")


class SharedScheduling(LoadScopeScheduling):
    """Gives what stays together to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)
