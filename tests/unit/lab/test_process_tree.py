# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killing a program also kills its descendants, whatever session they lead."""

from __future__ import annotations

import select
import subprocess
import sys

from lab.process_tree import kill_tree

FAMILY = """
import subprocess, sys
child = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
subprocess.run(child, start_new_session=True)
"""


def test_children_with_a_session_of_their_own_end_too() -> None:
    """A pipe that the whole family holds closes after the kill."""
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        kill_tree(parent)
        ended, _, _ = select.select([parent.stdout], [], [], 10)
        assert ended
        assert parent.stdout.read() == b""


def test_a_program_that_has_ended_is_left_alone() -> None:
    """Killing an ended program does nothing: its process id may belong to another program."""
    with subprocess.Popen([sys.executable, "-c", ""]) as over:
        over.wait()
        kill_tree(over)
        assert over.returncode == 0
