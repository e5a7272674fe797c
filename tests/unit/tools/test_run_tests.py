# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import hidden_packages, run_tests


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, int]:
    """Stands in for pytest: exit codes that a test chooses, and nothing runs."""
    codes = {"run": 0, "report": 0, "beside": 0}
    program = "import sys; print('a report'); sys.exit(int(open('beside').read()))"
    monkeypatch.setattr(run_tests, "ROOT", tmp_path)
    monkeypatch.setattr(run_tests, "PYTEST", (sys.executable, "-c", program))
    monkeypatch.setattr(run_tests, "waiting_folders", list)

    def coverage(command: str, *_: str) -> int:
        (tmp_path / "beside").write_text(str(codes["beside"]), encoding="utf-8")
        return codes[command]

    (tmp_path / "beside").write_text("0", encoding="utf-8")
    monkeypatch.setattr(run_tests, "coverage", coverage)
    return codes


def test_all_well_is_zero(quick: dict[str, int]) -> None:
    """Only when both halves and the gate pass does the run pass."""
    assert run_tests.main([]) == 0


@pytest.mark.parametrize("part", ["run", "report"])
def test_a_part_that_fails_fails_the_run(quick: dict[str, int], part: str) -> None:
    """Unit tests and gate each decide."""
    quick[part] = 2
    assert run_tests.main([]) == 2


def test_the_half_beside_decides_too(quick: dict[str, int], tmp_path: Path) -> None:
    """What ran out of sight is not forgotten."""
    program = "import sys; sys.exit(3)"
    run_tests.PYTEST = (sys.executable, "-c", program)
    assert run_tests.main([]) == 3


def test_a_selection_leaves_the_gate_out(quick: dict[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    """Some tests alone say nothing about coverage, and the run says so."""
    quick["report"] = 2
    assert run_tests.main(["tests/unit"]) == 0
    assert "left out: the coverage gate" in capsys.readouterr().out


def test_packages_are_hidden_from_all_that_runs(
    quick: dict[str, int], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Their programs are not on the tests' search path, and the run says what it hid."""
    (tmp_path / "wixl").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(hidden_packages, "_dpkg_query", lambda *_: str(tmp_path / "wixl"))
    program = "import shutil, sys; sys.exit(bool(shutil.which('wixl')))"
    monkeypatch.setattr(run_tests, "PYTEST", (sys.executable, "-c", program))
    assert run_tests.main(["tests/package"]) == 1
    assert run_tests.main(["--without", "wixl", "tests/package"]) == 0
    assert "hidden: wixl" in capfd.readouterr().out


def test_a_package_that_is_not_listed_is_said(
    quick: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is run then."""
    assert run_tests.main(["--without", "wixel"]) == 2
    assert "WITHOUT: wixel: not in" in capsys.readouterr().err


def test_every_folder_with_tests_is_run() -> None:
    """A folder that is added runs without being listed anywhere."""
    found = run_tests.waiting_folders()
    assert "tests/lab" in found
    assert "tests/integration" in found
    assert "tests/unit" not in found
