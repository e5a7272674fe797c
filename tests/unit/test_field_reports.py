# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/field-reports.md lists public bug reports of others, each with the test that tries it on Latchkey."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from tests.named_tests import named, rows, written_tests

PAGE = "docs/field-reports.md"
ADDRESS = r"https://github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)"
OPEN = "not yet:"
"""The beginning of the last cell of a fault that is still there."""


class Report(NamedTuple):
    """One row of the table."""

    source: str
    there: str
    here: str
    tests: str


REPORTS = [Report(*row) for row in rows(PAGE, "tests")]


def test_the_table_is_read() -> None:
    """A table that was moved or renamed does not pass for an empty one."""
    assert len(REPORTS) >= 15


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.source.partition("]")[0])
def test_each_report_is_a_thread_with_its_address(report: Report) -> None:
    """Each text of a link names the repository and the number of its address."""
    links = re.findall(r"\[([^]]+)\]\(([^)]+)\)", report.source)
    assert links
    for text, address in links:
        match = re.fullmatch(ADDRESS, address)
        assert match
        assert text == f"{match[1]}#{match[2]}"


def test_each_report_stands_once() -> None:
    """No thread has two rows."""
    addresses = [address for report in REPORTS for address in re.findall(r"\((https[^)]+)\)", report.source)]
    assert [address for address in addresses if addresses.count(address) > 1] == []


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.source.partition("]")[0])
def test_each_report_has_tests_that_exist(report: Report) -> None:
    """Each row names a test that exists, or says that the fault is still there."""
    assert report.there
    assert report.here
    tests = {name for name in named(report.tests) if name.startswith("test_")}
    assert tests or report.tests.startswith(OPEN)
    assert tests <= written_tests()
