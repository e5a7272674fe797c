# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs chosen tests of pywinrm or pypsrp with pytest, and prints the results as JSON; a process of its own.

These tests take the server and the password from environment variables. So that the password is in no process's
initial environment, this program reads them from its standard input, as JSON: `environment`, the `arguments` of
pytest, and the names of the `chosen` tests.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stdout

import pytest

SERVER_FIXTURES = {"protocol_real", "functional_transports"}
"""The fixtures that connect to a server, or leave the test out."""

PLAYED_FIXTURE = "wsman_conn"
"""pypsrp's fixture that plays a recording, unless the test's first parameter allows a real server."""


class Results:
    """Keeps the chosen tests; notes all that can talk to a server, and how each chosen one ended."""

    def __init__(self, chosen: set[str]) -> None:
        self._chosen = chosen
        self.talking: set[str] = set()
        self.outcomes: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note which tests can talk to a server, then keep the chosen ones alone."""
        self.talking = {_name(item.nodeid) for item in items if _talks(item)}
        items[:] = [item for item in items if _name(item.nodeid) in self._chosen]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test's outcome, with the last line of the reason; of a later phase only a failure."""
        if report.when == "call" or report.outcome != "passed":
            reason = report.longreprtext.strip().rpartition("\n")[2]
            self.outcomes[_name(report.nodeid)] = f"{report.outcome} {reason}".strip()


def _name(node: str) -> str:
    return node.rpartition("::")[2].partition("[")[0]


def _talks(item: pytest.Item) -> bool:
    if SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
        return True
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return bool(parameters.get(PLAYED_FIXTURE, (False,))[0])


def main() -> int:
    """Run pytest with the options on standard input, print the results, and return pytest's exit code."""
    asked = json.load(sys.stdin)
    os.environ.update(asked["environment"])
    results = Results(set(asked["chosen"]))
    with redirect_stdout(io.StringIO()):
        code = pytest.main(asked["arguments"], plugins=[results])
    print(json.dumps({"talking": sorted(results.talking), "outcomes": results.outcomes}))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
