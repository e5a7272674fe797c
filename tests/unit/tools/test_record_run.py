# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import record_run

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (record_run.ROOT / record_run.PAGE).read_text(encoding="utf-8")
RUN = PAGE.split("```text\n")[1].split("\n```")[0]
OUTPUT = f"setup: nothing to do\n\n\x1b[1m{RUN}\x1b[0m\n{record_run.LAST}: build/demo/grant\n"


def test_the_page_and_the_readme_are_of_one_run(tmp_path: Path) -> None:
    """Recording the page's own run again changes neither file."""
    (tmp_path / "docs").mkdir()
    readme = (record_run.ROOT / record_run.README).read_text(encoding="utf-8")
    (tmp_path / record_run.README).write_text(readme, encoding="utf-8")

    record_run.write(OUTPUT, tmp_path)

    assert (tmp_path / record_run.PAGE).read_text(encoding="utf-8") == PAGE
    assert (tmp_path / record_run.README).read_text(encoding="utf-8") == readme


def test_a_long_line_is_broken_and_keeps_its_indent() -> None:
    """Every word stays, and no part is longer than a page's line."""
    line = "    " + "word " * 60
    parts = record_run.broken(line.rstrip())
    assert all(len(part) <= record_run.WIDTH and part.startswith("    word") for part in parts)
    assert " ".join(parts).split() == line.split()


def test_half_a_run_is_refused() -> None:
    """A run that broke off is not recorded."""
    with pytest.raises(ValueError, match="whole run"):
        record_run.recorded(OUTPUT.replace(record_run.LAST, ""))


def test_the_demo_prints_the_lines_that_frame_a_run() -> None:
    """The demo prints the first and the last line that a recorded run is found by."""
    folder = record_run.ROOT / "lab/demo"
    code = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    assert record_run.FIRST in code
    assert record_run.LAST in code
