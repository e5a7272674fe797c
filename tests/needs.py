# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test needs of the computer: it is left out where that is absent, and sees nothing else.

While a test runs, no program of tools/system-packages.txt is on the search path, except those of the needs that the
test or one of its fixtures has named (`require`, `have`). So a test that forgets to name a need fails wherever
everything is installed, and not only on a computer that lacks the program.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging.system_tools import missing
from tools import hidden_packages

if TYPE_CHECKING:
    from collections.abc import Generator

    from agent.packaging.system_tools import Need


class Sight:
    """The search path of this process: everything between tests, only the needs that were named during one."""

    def __init__(self, folder: Path) -> None:
        self._everything = os.environ["PATH"]
        self._folder = folder
        owned = hidden_packages.programs_of(hidden_packages.listed(), self._everything)
        self._least = hidden_packages.hide(owned, self._everything, folder / "others")
        for program, package in owned.items():
            link = folder / package / program.name
            link.parent.mkdir(exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(program)
        self._named: defaultdict[object, set[str]] = defaultdict(set)
        self._naming: list[object] = []

    def forget(self) -> None:
        """Remove the links."""
        shutil.rmtree(self._folder)

    def begin(self, item: pytest.Item) -> None:
        """Show a test what its fixtures named when they were made, maybe for another test."""
        self._naming = [item]
        fixtures = getattr(item, "_fixtureinfo", None)
        made = [one for same in fixtures.name2fixturedefs.values() for one in same] if fixtures else []
        self._show({package for one in (*made, item) for package in self._named[one]})

    def end(self) -> None:
        """Show everything again: fixtures end after a test that need not be theirs."""
        self._naming = []
        os.environ["PATH"] = self._everything

    def make(self, fixture: object) -> None:
        """Note that a fixture is being made, and may name needs."""
        self._naming.append(fixture)

    def made(self) -> None:
        """Note that the last fixture is made."""
        self._naming.pop()

    def name(self, needs: tuple[Need, ...]) -> None:
        """Show the programs of needs to the test, and to later tests with the same fixture."""
        if self._naming:
            shown = self._named[self._naming[-1]]
            shown.update(package for need in needs for package in need.packages)
            self._show(shown, os.environ["PATH"])

    def _show(self, packages: set[str], path: str = "") -> None:
        folders = (str(self._folder / package) for package in sorted(packages))
        os.environ["PATH"] = os.pathsep.join([path or self._least, *folders])


@cache
def sight() -> Sight | None:
    """Return the only one of this process; None where packages cannot be told apart, and every program is seen."""
    folder = Path(tempfile.mkdtemp(prefix="latchkey-needs-"))
    try:
        return Sight(folder)
    except hidden_packages.HidingError:
        folder.rmdir()
        return None


def have(*needs: Need) -> bool:
    """Name needs that a test can do without; tell whether they are met."""
    if seen := sight():
        seen.name(needs)
    return missing(*needs) is None


def require(*needs: Need) -> None:
    """Name needs; leave the test out where one is not met, with the sentence that says what to install."""
    __tracebackhide__ = True  # so that the report names the fixture or test that asked
    if not have(*needs):
        pytest.skip(str(missing(*needs)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Begin a test with what it is known to need."""
    if seen := sight():
        seen.begin(item)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    """Keep in mind what each fixture names: later tests get it without its being made again."""
    seen = sight()
    if seen is None:
        return (yield)
    seen.make(fixturedef)
    try:
        return (yield)
    finally:
        seen.made()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    """End a test with everything in sight."""
    if seen := sight():
        seen.end()
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out and why: each reason once, with the files and their numbers of tests."""
    files: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for report in terminalreporter.getreports("skipped"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        files[reason.removeprefix("Skipped: ")][report.nodeid.partition("::")[0]] += 1
    for reason, counts in sorted(files.items()):
        terminalreporter.write_line(f"left out: {counts.total()} tests, since {reason}")
        for file, count in sorted(counts.items()):
            terminalreporter.write_line(f"    {count:>3} of {file}")


def pytest_sessionfinish() -> None:
    """Remove the links; whoever lets other processes run the tests has made none."""
    if sight.cache_info().currsize and (seen := sight()):
        seen.forget()
