# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's integration targets, run by the real `ansible-test windows-integration`, each on a PC of its own.

`make integration` and `make nights` run every target; `make test` takes a few, by the seed in the report's header.
"""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from lab.process_tree import kill_tree
from lab.testbed import bed
from lab.testbed.integration_targets import Tree, names
from tests.canary import search
from tests.lab import kinds  # noqa: F401 - the condition below names it

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif("kinds.chosen() == kinds.WINE", reason="the targets run on simulated PCs"),
]


SHARE = 3
"""Targets in `make test`."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the targets by the seed."""
    dice = random.Random(metafunc.config.getoption("unkind_seed"))  # noqa: S311 - no secret
    chosen = names() if metafunc.config.getoption("nights") else dice.sample(names(), SHARE)
    metafunc.parametrize("target", chosen)


def ran(tree: Tree, target: str, log: Path) -> int:
    """Run a target to its end; return the exit code of ansible-test. Its output goes to the log."""
    with log.open("wb") as stream:
        process = tree.start([target], stdout=stream, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        return process.wait(200)
    finally:
        kill_tree(process)


def test_a_target_passes(tmp_path: Path, canary: bytearray, target: str) -> None:
    """The target passes on a lab PC; its output and its results hold nothing of the customer's password."""
    tree, log = Tree(tmp_path / "tree"), tmp_path / "output.txt"
    with bed.running(tmp_path / "pcs", password=canary) as inventory:
        tree.make(inventory)
        code = ran(tree, target, log)
    said = log.read_text(encoding="utf-8")
    assert code == 0, said
    assert "failed=0" in said
    assert "ok=" in said
    assert search([log, tree.collection / "tests"], canary) == []
