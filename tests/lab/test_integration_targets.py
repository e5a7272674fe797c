# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each integration target of the collection, run by the real `ansible-test windows-integration`, on a PC of its own."""

from __future__ import annotations

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


def ran(tree: Tree, target: str, log: Path) -> int:
    """Run a target to its end; return the exit code of ansible-test. Its output goes to the log."""
    with log.open("wb") as stream:
        process = tree.start([target], stdout=stream, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        return process.wait(200)
    finally:
        kill_tree(process)


@pytest.mark.parametrize("target", names())
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
