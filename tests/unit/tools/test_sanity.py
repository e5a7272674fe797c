# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tools import sanity


@pytest.mark.parametrize(
    "name", ["agent/x/y.py", ".ci/run", "tests/unit/a/b.py", "dist/x.tar.gz", "Makefile"]
)
def test_other_products_are_left_out(name: str) -> None:
    """What build_ignore names, or a folder of it, is not part of the collection."""
    patterns = ["agent", "tests/unit", ".*", "*.tar.gz", "Makefile"]
    assert sanity.is_left_out(name, patterns)


@pytest.mark.parametrize("name", ["galaxy.yml", "plugins/action/x.py", "roles/agent/tasks/main.yml"])
def test_collection_files_stay(name: str) -> None:
    """A pattern leaves out whole names from the root only: a role called agent is released."""
    assert not sanity.is_left_out(name, ["agent", "tests/unit", ".*", "*.tar.gz", "Makefile"])


def test_released_files_are_the_collection() -> None:
    """The released files hold the collection's metadata and nothing of its neighbours or of the tests."""
    released = sanity.released_files()
    assert {"galaxy.yml", "meta/runtime.yml", "LICENSE"} <= set(released)
    assert not [
        name for name in released if name.startswith(("agent/", "lab/", "tools/", "tests/unit/", "."))
    ]
