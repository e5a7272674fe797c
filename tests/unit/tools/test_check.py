# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys

import pytest

from tools import check


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """One gate that passes and one that does not."""
    bad = "print('this is wrong'); raise SystemExit(3)"
    monkeypatch.setattr(
        check, "GATES", {"good": [sys.executable, "-c", "pass"], "bad": [sys.executable, "-c", bad]}
    )


@pytest.mark.usefixtures("gates")
def test_failed_gate_fails_the_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Each gate has its line, and what a failed one said is shown."""
    assert check.main([]) == 1
    told = capsys.readouterr().out
    assert "ok     good" in told
    assert "FAILED bad" in told
    assert "\nthis is wrong" in told


@pytest.mark.usefixtures("gates")
def test_selected_gates_only() -> None:
    """A selection runs those gates and no other."""
    assert check.main(["good"]) == 0


@pytest.mark.usefixtures("gates")
def test_unknown_gate_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped gate is no passed gate."""
    assert check.main(["god"]) == 2
    assert capsys.readouterr().err == "no such gate: god; there are: good, bad\n"
