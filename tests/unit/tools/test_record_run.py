# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tools import record_run

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (record_run.ROOT / record_run.PAGE).read_text(encoding="utf-8")
RUN = PAGE.split("```text\n")[1].split("\n```")[0]
CAST = (record_run.ROOT / record_run.CAST).read_text(encoding="utf-8")


def chunks() -> list[record_run.Chunk]:
    """Return the output in the cast, with its times."""
    events = (json.loads(line) for line in CAST.splitlines()[1:])
    return [record_run.Chunk(seconds, text) for seconds, _, text in events]


def test_the_cast_the_page_and_the_readme_are_of_one_run(tmp_path: Path) -> None:
    """Recording the cast's own run again changes no file."""
    (tmp_path / "docs").mkdir()
    readme = (record_run.ROOT / record_run.README).read_text(encoding="utf-8")
    (tmp_path / record_run.README).write_text(readme, encoding="utf-8")

    record_run.write(chunks(), tmp_path)

    assert (tmp_path / record_run.CAST).read_text(encoding="utf-8") == CAST
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
        record_run.recorded(RUN)


def test_the_cast_fits_the_terminal_that_it_names() -> None:
    """It is in the format asciicast v2, its times rise, and the request window is not wider than its terminal."""
    header = json.loads(CAST.splitlines()[0])
    times = [chunk.seconds for chunk in chunks()]
    plain = re.sub(r"\x1b\[[0-9;]*m", "", "".join(chunk.text for chunk in chunks()))
    assert header["version"] == 2
    assert times == sorted(times)
    window = [len(line) for line in plain.splitlines() if line.endswith(("|", "-+"))]
    assert len(window) > 10
    assert max(window) <= header["width"]


def test_a_program_is_played_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """It sees a terminal, its output is shown, and each piece has the time at which it came."""
    program = "import sys, time; print(sys.stdout.isatty(), flush=True); time.sleep(0.3); print('ä')"
    played = record_run.play((sys.executable, "-c", program))
    assert "".join(chunk.text for chunk in played) == "True\r\nä\r\n"
    assert 0 < played[0].seconds <= played[-1].seconds
    assert played[-1].seconds >= 0.3
    assert capsys.readouterr().out == "True\r\nä\r\n"


def test_a_demo_that_failed_is_not_recorded() -> None:
    """Its exit code is named."""
    with pytest.raises(ValueError, match="exit code 3"):
        record_run.play((sys.executable, "-c", "raise SystemExit(3)"))


def test_the_demo_prints_the_lines_that_frame_a_run() -> None:
    """The demo prints the first and the last line that a recorded run is found by."""
    folder = record_run.ROOT / "lab/demo"
    code = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    assert record_run.FIRST in code
    assert record_run.LAST in code
