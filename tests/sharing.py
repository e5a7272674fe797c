# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests that pytest-xdist keeps on one worker, and the tests that it starts first.

pytest-xdist 3.8 has marks for that (`--dist loadgroup`), but writes them into a field that pytest 9.2
no longer reads, so they have no effect. This scheduler gives `--dist loadscope` its own scopes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parent.parent

WHOLE_FOLDERS = ("tests/package", "tests/native", "tests/wine")
"""Folders whose files share a slow fixture: the package, Wine's prefix, the compiled provider."""

WINE_PCS = "the end-to-end tests' Wine PCs"
"""They run one after the other: each is a whole Windows, too much for two processors at once."""
WAITING_PCS = ("tests/lab/test_connection_lost_frozen.py", "tests/lab/test_connection_lost.py")
"""They wait for a minute or two without using a processor, while Wine's prefix is made."""
FIRST = ("tests/package", "tests/native", *WAITING_PCS, "tests/wine", WINE_PCS)


def together(nodeid: str) -> str:
    """Return the scope of a test: its folder, the Wine PCs, its file, or the test alone."""
    file = nodeid.partition("::")[0]
    if nodeid.endswith("[wine]") or file.startswith("tests/lab/test_wine_"):
        return WINE_PCS
    folder = next((folder for folder in WHOLE_FOLDERS if file.startswith(f"{folder}/")), "")
    return folder or (file if _shares_a_fixture(file) else nodeid)


def turn(nodeid: str) -> int:
    """Return a test's place in the order: slow scopes first, then whole jobs, then the rest."""
    scope = together(nodeid)
    if scope in FIRST:
        return FIRST.index(scope)
    alone = scope == nodeid
    return len(FIRST) + alone + (alone and not nodeid.startswith("tests/lab/"))


@cache
def _shares_a_fixture(file: str) -> bool:
    return 'scope="module"' in (ROOT / file).read_text(encoding="utf-8")


class SharedScheduling(LoadScopeScheduling):
    """A scheduler that gives each scope to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)
