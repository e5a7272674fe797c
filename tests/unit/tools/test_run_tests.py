# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from tools import run_tests


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The exit codes that coverage.py's commands give; a command that is not there must not be run."""
    codes: dict[str, int] = {}
    monkeypatch.setattr(run_tests, "coverage", lambda command, *arguments: codes[command])
    return codes


@pytest.mark.parametrize(("tests", "report", "code"), [(0, 0, 0), (0, 2, 2)])
def test_coverage_decides_after_the_tests(asked: dict[str, int], tests: int, report: int, code: int) -> None:
    """Passed tests are not enough: the core's branch coverage must be whole."""
    asked.update(run=tests, report=report)
    assert run_tests.main([]) == code


def test_failed_tests_end_the_run(asked: dict[str, int]) -> None:
    """After failed tests nothing is said of coverage, and their exit code stays."""
    asked.update(run=1)
    assert run_tests.main([]) == 1


def test_selection_leaves_the_gate_out(asked: dict[str, int], capsys: pytest.CaptureFixture[str]) -> None:
    """Some tests cannot show the coverage of all, and the run says so."""
    asked.update(run=0)
    assert run_tests.main(["tests/unit"]) == 0
    assert "left out: the coverage gate" in capsys.readouterr().out
