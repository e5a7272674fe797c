# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make soak` counts the tests that fail, and says how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import soak

if TYPE_CHECKING:
    from pathlib import Path

BY_CHANCE = """
from pathlib import Path

MARK = Path({mark!r})


def test_passes():
    pass


def test_fails_once():
    first = not MARK.exists()
    MARK.write_text("")
    assert not first
"""


def test_a_test_that_fails_once_in_two_runs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output names the failures of each run and their total. The reports stay on the disk."""
    monkeypatch.setattr(soak, "FOLDER", tmp_path / "soak")
    monkeypatch.setattr(
        soak, "SHARED", ("--rootdir", str(tmp_path), "-c", "/dev/null", "-p", "no:cacheprovider")
    )
    monkeypatch.setattr(soak, "ROOT", tmp_path)
    file = tmp_path / "test_chance.py"
    file.write_text(BY_CHANCE.format(mark=str(tmp_path / "mark")), encoding="utf-8")
    assert soak.main(["2", str(file)]) == 1
    first, second, total = capsys.readouterr().out.splitlines()
    assert first.startswith("run 1 of 2: 2 tests in ")
    assert first.endswith("test_chance::test_fails_once")
    assert second.endswith("none failed")
    assert total == "1 of 2 runs: test_chance::test_fails_once"
    assert (tmp_path / "soak" / "2.txt").exists()


@pytest.mark.parametrize("given", [[], ["0"], ["many"]])
def test_a_wrong_number_gets_a_sentence(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing runs."""
    assert soak.main(given) == soak.USAGE
    assert "make soak RUNS=20" in capsys.readouterr().err
