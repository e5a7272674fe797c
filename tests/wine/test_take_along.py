# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of .github/workflows/windows.yml work on a Wine PC with the installed agent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from agent.packaging.system_tools import PACKAGE, WINE
from agent.packaging.workshop import WorkError
from lab.wine.installed import InstalledPC
from lab.wine.wine_calls import PORT_FILE
from lab.wine.wine_windows import WineWindows
from tests.needs import require
from tests.wine.take_along import take_along

LIMIT = 240.0
"""Seconds; on a busy machine a file's tests take longer than a single program may."""
TESTS = r"C:\elsewhere\tests\wine\guest\__main__.py"


@pytest.fixture(scope="module")
def pc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InstalledPC]:
    """A PC with the agent from its package and with the workflow's files."""
    require(WINE, PACKAGE)
    machine = InstalledPC(tmp_path_factory.mktemp("along") / "pc")
    machine.make()
    take_along(machine.path(r"C:\elsewhere"))
    with WineWindows("PC") as windows:
        (machine.lab / PORT_FILE).write_text(str(windows.port), encoding="ascii")
        machine.power_on()
        yield machine
        machine.power_off()
    shutil.rmtree(machine.folder)


@pytest.mark.parametrize("file", ["test_installed.py", "test_logon_pipe.py"])
def test_the_tests_run_wherever_they_are_put(pc: InstalledPC, file: str) -> None:
    """Each test file passes on the workflow's runtime, without a skipped test."""
    python = pc.path(r"C:\elsewhere\runtime\python.exe")
    try:
        output = pc.run("-I", "-B", TESTS, file, program=python, limit=LIMIT)
    except WorkError as failure:
        pytest.fail(str(failure), pytrace=False)
    assert "passed" in output
    assert "skipped" not in output, output
