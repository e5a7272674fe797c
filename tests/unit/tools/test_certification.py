# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands around galaxy-importer: which findings count, and what a failed import says."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.matrix import certification, cores
from tools import importer

if TYPE_CHECKING:
    from pathlib import Path

OMIT = "roles/a/tasks/main.yml:7:11: jinja[invalid][/]: A template was resolved to an Omit scalar."
REAL = (
    "roles/a/tasks/main.yml:9:1: no-changed-when: Commands should not change things if nothing needs doing."
)


def test_known_findings_do_not_count_and_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A known kind is printed with its number and its reason; any other finding counts."""
    assert certification.unknown([OMIT, OMIT, REAL]) == [REAL]
    assert "known: 2 findings" in capsys.readouterr().out


def test_another_invalid_template_counts() -> None:
    """Only the omitted value is known, not each finding of that rule."""
    other = OMIT.replace("A template was resolved to an Omit scalar", "Could not parse")
    assert certification.unknown([other]) == [other]


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("print('Importer processing completed successfully')", []),
        ("print('WARNING: a\\nImporter processing completed successfully')", ["a"]),
        (
            "print('ERROR: the import failed')",
            ["the import failed"],
        ),
        ("raise SystemExit('broken')", ["broken"]),
    ],
)
def test_findings_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, found: list[str]
) -> None:
    """Warnings, errors and a crash are findings, and silence is one as well."""
    package = tmp_path / "galaxy_importer"
    package.mkdir()
    (package / "main.py").write_text(program, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    monkeypatch.setattr(importer, "prepare", lambda: python)
    assert importer.findings(tmp_path / "x.tar.gz", tmp_path / "work", lint=False) == found


def test_sanity_runs_with_each_line_that_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed line is returned, a line without its Python is named."""
    asked = []

    def run(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
        asked.append(command[0])
        return subprocess.CompletedProcess(command, int(command[0] == "2.20"))

    monkeypatch.setattr(cores, "interpreters", list)
    monkeypatch.setattr(cores, "choose", lambda core, _found: None if core.line == "2.19" else core)
    monkeypatch.setattr(cores, "prepare", lambda core, _found: core.line)
    monkeypatch.setattr(subprocess, "run", run)
    assert certification.sanity() == ["the sanity tests failed with ansible-core 2.20"]
    assert asked == [core.line for core in cores.CORES if core.line != "2.19"]
    assert "left out: ansible-core 2.19" in capsys.readouterr().out
