# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explore all runs: `make explore`. Print every violation with its shortest path; fail for an unlisted one."""

from __future__ import annotations

import sys
import time

from .limits import LIMITS
from .rules import WHERE
from .runs import RUNS, few_sessions
from .search import Result, Search, Violation

SECONDS = 1080.0
"""Processor time for all runs together."""
STATES = 40_000
"""States of one run."""


def main(arguments: list[str]) -> int:
    """Explore, and count every violation that is no accepted limit.

    Args:
        arguments: the number of states of a run, then the names of runs; empty for all.
    """
    most = int(arguments[0]) if arguments else STATES
    chosen = [run for run in RUNS if not arguments[1:] or run.name in arguments[1:]]
    began, seen, transitions = time.process_time(), set[int](), 0
    found: dict[str, Violation] = {}
    for index, run in enumerate(chosen):
        now = time.process_time()
        result = Search(run, most, seen).search(now + (began + SECONDS - now) / (len(chosen) - index))
        _tell_run(run.name, result)
        transitions += result.transitions
        for name, violation in result.violations.items():
            if name not in found or len(violation.path) < len(found[name].path):
                found[name] = violation
    unlisted = [v for v in found.values() if v.kind not in LIMITS]
    _tell_violations(unlisted)
    _tell_tables({v.kind for v in found.values()})
    spent = time.process_time() - began
    print(
        f"{len(seen)} distinct states, {transitions} transitions, {len(unlisted)} violations"
        f" in {spent:.0f} s of one processor"
    )
    return 1 if unlisted else 0


def _tell_run(name: str, result: Result) -> None:
    reach = "all" if result.finished else f"to depth {result.depth}"
    rate = result.states / max(result.seconds, 0.001)
    print(
        f"{name}: {result.states} states ({reach}), {result.transitions} transitions, {rate:.0f} states/s",
        flush=True,
    )


def _tell_violations(violations: list[Violation]) -> None:
    for violation in sorted(violations, key=lambda v: v.kind):
        title = f"{violation.kind} {violation.detail}".strip()
        print(f"\n{title} (in {violation.run}), path of {len(violation.path)} moves:")
        print("   ", ", ".join(map(repr, violation.path)))


def _tell_tables(found: set[str]) -> None:
    print()
    for rule, predicates in WHERE.items():
        print(f"rule {rule}: {', '.join(predicates)}")
    for kind, reason in LIMITS.items():
        print(f"accepted: {kind} ({'found' if kind in found else 'not found'}): {reason}")


if __name__ == "__main__":
    with few_sessions():
        sys.exit(main(sys.argv[1:]))
