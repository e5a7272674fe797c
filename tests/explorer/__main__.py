# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explore all runs: `make explore`. Print every violation with its shortest path; fail for an unlisted one."""

from __future__ import annotations

import sys
import time

from .limits import LIMITS
from .runs import RUNS
from .search import Search, Violation

SECONDS = 1080.0
"""Processor time for all runs together."""
STATES = 45_000
"""States of one run."""


def main(arguments: list[str]) -> int:
        title = f"{violation.kind} {violation.detail}".strip()
        print(f"\n{title} (in {violation.run}), path of {len(violation.path)} moves:")
    most = int(arguments[0]) if arguments else STATES
    chosen = [run for run in RUNS if not arguments[1:] or run.name in arguments[1:]]
    began = time.process_time()
    seen: set[int] = set()
    transitions, found = 0, dict[str, Violation]()
    for index, run in enumerate(chosen):
        left = began + SECONDS - time.process_time()
        result = Search(run, most, seen).search(time.process_time() + left / (len(chosen) - index))
        transitions += result.transitions
        whole = "all" if result.finished else f"to depth {result.depth}"
        rate = result.states / max(result.seconds, 0.001)
        print(
            f"{run.name}: {result.states} states ({whole}), {result.transitions} transitions, {rate:.0f} states/s",
            flush=True,
        )
        for name, violation in result.violations.items():
            if name not in found or len(violation.path) < len(found[name].path):
                found[name] = violation
    unlisted = [v for v in found.values() if v.kind not in LIMITS]
    for violation in sorted(unlisted, key=lambda v: v.kind):
        print(
            f"\n{violation.kind} {violation.detail} (in {violation.run}), path of {len(violation.path)} moves:"
        )
        print("   ", ", ".join(map(repr, violation.path)))
    print()
    for kind, reason in LIMITS.items():
        print(f"accepted: {kind}: {'found' if kind in found else 'not found'}. {reason}")
    spent = time.process_time() - began
    print(
        f"{len(seen)} distinct states, {transitions} transitions, {len(unlisted)} violations, {spent:.0f} s"
    )
    return 1 if unlisted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
