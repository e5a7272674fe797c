# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of simulated PCs, and what they take from the process that starts them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.simulated import processes


def write_path(file: str) -> None:
    """Write the search path of this process into a file."""
    Path(file).write_text(os.environ["PATH"], encoding="utf-8")


def test_a_process_finds_the_programs_that_its_starter_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search path is the starter's at each start, not the one of the moment when the fork server began."""
    for path in ("/bin", "/sbin:/bin"):
        monkeypatch.setenv("PATH", path)
        file = tmp_path / path.replace("/", "-")

        process = processes.start("path", write_path, str(file))

        assert process.join(60)
        assert file.read_text(encoding="utf-8") == path
