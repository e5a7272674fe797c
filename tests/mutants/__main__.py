# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make mutants`: the share of small changes of the core that a test notices.

The mutants of the last run are kept in build/mutants. A killed one is tried again when its module changes,
a survivor also when a test changes. Remove the folder to try all of them again.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import secrets
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.mutants import reach, trial
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutations import Mutant, assigned, mutants
from tools import setup

MEASURED = (
    "domain/*.py",
    "handlers/*.py",
    "storage/vault.py",
    "storage/journal.py",
    "storage/key_slots.py",
    "storage/lock_duties.py",
    "core/effect_runner.py",
    "core/desktops.py",
)
GOAL = 95.0
SHAPES = "tests/unit/agent/test_shapes.py::"
"""The tests of classes and tables. They read what an import has made, so no line tells which modules they reach."""
PATIENCE = 20.0
"""Seconds of tests that a mutant has to survive: the likeliest and the fastest tests come first."""


class Result(NamedTuple):
    """What became of one mutant."""

    killed_by: str
    """A test, `trial.TIME`, or nothing."""
    tests: str
    """The hash of the tests that were there, and the patience."""


class Module:
    """One module, its mutants and what became of them so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.file = reach.PACKAGE / name
        source = self.file.read_text(encoding="utf-8")
        self._lines = source.splitlines()
        self.mutants = {mutant.name: mutant for mutant in mutants(source)}
        self._store = reach.STORE / f"{name.replace('/', '-')}.json"
        self._source = reach.digest([self.file])
        self.results: dict[str, Result] = {}
        if self._store.exists():
            stored = json.loads(self._store.read_text(encoding="utf-8"))
            if stored["source"] == self._source:
                self.results = {key: Result(*value) for key, value in stored["results"].items()}

    def open(self, tests: str) -> list[str]:
        """Return the mutants that have to be tried."""
        known = {key for key, result in self.results.items() if result.killed_by or result.tests == tests}
        return [key for key in self.mutants if key not in known]

    def save(self) -> None:
        """Keep the results for the next run."""
        text = json.dumps({"source": self._source, "results": self.results}, indent=1)
        self._store.write_text(text, encoding="utf-8")

    def outdated(self) -> list[str]:
        """Return the equivalent mutants that do not exist, or that a test kills."""
        listed = EQUIVALENT.get(self.name, {})
        return [key for key in listed if key not in self.mutants or self.killer(key)]

    def users(self, mutant: Mutant) -> set[int]:
        """Return the lines that use the name that a changed statement outside of functions gives a value to."""
        name = assigned(self._lines[mutant.statement - 1])
        word = re.compile(rf"\b{name}\b") if name else None
        return {number for number, line in enumerate(self._lines, 1) if word and word.search(line)}

    def killer(self, key: str) -> str:
        """Return the test that kills a mutant, or nothing."""
        return self.results[key].killed_by if key in self.results else ""


class Trials:
    """A plugin of pytest that tries mutants instead of running the tests."""

    def __init__(self, chosen: list[tuple[Module, str]], tests: str, patience: float) -> None:
        self._chosen = chosen
        self._patience = patience
        self._tests = tests
        self._reached = reach.load()
        self._kills: Counter[tuple[str, str, str]] = Counter()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try all mutants."""
        trial.find_quickly(session.items)
        self._items = {item.nodeid: item for item in session.items}
        self._known = trial.functions()
        saved = time.monotonic()
        for count, (module, key) in enumerate(self._chosen, 1):
            killed_by = self._try(module, module.mutants[key])
            module.results[key] = Result(killed_by, self._tests)
            if not killed_by and key not in EQUIVALENT.get(module.name, {}):
                print(f"survived: {module.name}:{module.mutants[key].line} {key}", flush=True)
            last = count == len(self._chosen) or self._chosen[count][0] is not module
            if last or time.monotonic() - saved > 10:
                module.save()
                saved = time.monotonic()
                print(f"mutants: {count} of {len(self._chosen)} tried", flush=True)
        return True

    def _try(self, module: Module, mutant: Mutant) -> str:
        tests = self._order(module, mutant)
        if not tests:
            return ""
        try:
            killed_by = self._take_over(module, mutant, tests)
        except trial.CannotTakeOver:
            limit = 60 + 10 * sum(self._reached[test].seconds for test in tests)
            killed_by = trial.in_process(mutant, module.name, tests, limit)
        if killed_by:
            self._kills[module.name, mutant.function, killed_by] += 1
        return killed_by

    def _take_over(self, module: Module, mutant: Mutant, tests: list[str]) -> str:
        if not mutant.function:
            raise trial.CannotTakeOver
        items = [self._items[test] for test in tests]
        limits = [10 + 10 * self._reached[test].seconds for test in tests]
        return trial.in_fork(mutant, module.file, self._known, items, limits)

    def _order(self, module: Module, mutant: Mutant) -> list[str]:
        """Return the tests that reach a mutant: those that killed its neighbours first, then the fastest.

        A change at the import is reached by every test of the module, most likely by those of its name's users.
        """
        lines = {mutant.line, mutant.statement} if mutant.function else module.users(mutant)
        reaching = []
        for test, reached in self._reached.items():
            at = reached.lines.get(module.name, [])
            is_shape = not mutant.function and test.startswith(SHAPES)
            is_likely = is_shape or not lines.isdisjoint(at)
            if test in self._items and (at or is_shape) and (is_likely or not mutant.function):
                kills = self._kills[module.name, mutant.function, test]
                reaching.append((not is_likely, -kills, reached.seconds, test))
        left = self._patience
        chosen: list[str] = []
        for *_, seconds, test in sorted(reaching):
            left -= seconds
            if left < 0 and chosen:
                break
            chosen.append(test)
        return chosen


def choose(modules: list[Module], tests: str, sample: int, seed: int) -> list[tuple[Module, str]]:
    """Return the mutants to count: all, or a random sample."""
    every = [(module, key) for module in modules for key in module.mutants]
    if not sample:
        return every
    print(f"mutants: {sample} of {len(every)}, chosen with SEED={seed}", flush=True)
    chosen = random.Random(seed).sample(every, min(sample, len(every)))  # noqa: S311 - no secret
    return sorted(chosen, key=lambda one: (one[0].name, one[1]))


def report(chosen: list[tuple[Module, str]]) -> int:
    """Print the kill rate of each module and of all; return the exit code."""
    killed: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    for module, key in chosen:
        if key not in EQUIVALENT.get(module.name, {}):
            counted[module.name] += 1
            killed[module.name] += bool(module.killer(key))
    for name, count in counted.items():
        print(f"{name:32} {killed[name]:5} of {count:5} killed, {100 * killed[name] / count:5.1f} %")
    outdated = [(module.name, key) for module in {one[0] for one in chosen} for key in module.outdated()]
    for name, key in outdated:
        print(f"mutants: tests/mutants/equivalent.py: {name} has no such mutant, or a test kills it: {key}")
    rate = 100 * killed.total() / max(1, counted.total())
    print(f"{killed.total()} of {counted.total()} mutants killed; the goal is {GOAL:.0f} %")
    print(f"kill rate: {rate:.1f} %")
    return 1 if outdated or rate < GOAL else 0


def main(arguments: list[str]) -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("--module", default="", help="as domain/permits.py")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--patience", type=float, default=PATIENCE)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    asked = parser.parse_args(arguments)
    patterns = asked.module.split() or MEASURED
    names = [
        str(file.relative_to(reach.PACKAGE)) for one in patterns for file in sorted(reach.PACKAGE.glob(one))
    ]
    if not names:
        print(
            f"mutants: there is no module {asked.module}. Name one below {reach.PACKAGE.name}/",
            file=sys.stderr,
        )
        return 2
    # A process of its own: coverage has to be there before the agent is imported.
    if subprocess.run([sys.executable, "-m", "tests.mutants.reach"], cwd=setup.ROOT, check=False).returncode:
        return 1
    tests = f"{reach.digest(Path(reach.TESTS).glob('*.py'))} {asked.patience}"
    modules = [Module(name) for name in names]
    chosen = choose(modules, tests, asked.sample, asked.seed)
    left = {module.name: set(module.open(tests)) for module in modules}
    trying = [(module, key) for module, key in chosen if key in left[module.name]]
    if trying:
        options = ["-q", "-s", "-o", "cache_dir=build/mutants/pytest"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        pytest.main([*options, str(reach.TESTS)], plugins=[Trials(trying, tests, asked.patience)])
    return report(chosen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
