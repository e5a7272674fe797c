# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which test reaches which lines of the agent, and how long each test takes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import NamedTuple

import coverage
import pytest

from tools.setup import ROOT

PACKAGE = ROOT / "agent/src/latchkey_agent"
TESTS = ROOT / "tests/unit/agent"
STORE = ROOT / "build/mutants"
FILE = STORE / "reach.json"


class Reach(NamedTuple):
    """What one test reaches."""

    seconds: float
    lines: dict[str, list[int]]
    """The lines of each module, named as below `latchkey_agent`."""


class Watch:
    """A plugin of pytest that notes the lines that each test reaches."""

    def __init__(self) -> None:
        self._coverage = coverage.Coverage(data_file=None, source=[str(PACKAGE)], config_file=False)
        self._seconds: dict[str, float] = {}

    def start(self) -> None:
        """Watch from now on; call it before the agent is imported."""
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Count what is reached from now on as this test's."""
        self._coverage.switch_context(item.nodeid)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = time.monotonic() - began
            self._coverage.switch_context("")

    def found(self) -> dict[str, Reach]:
        """Stop; return what each test has reached."""
        self._coverage.stop()
        data = self._coverage.get_data()
        reached = {test: Reach(seconds, {}) for test, seconds in self._seconds.items()}
        for file in data.measured_files():
            module = str(Path(file).relative_to(PACKAGE))
            for line, tests in data.contexts_by_lineno(file).items():
                for test in tests:
                    if test:
                        reached[test].lines.setdefault(module, []).append(line)
        return reached


def digest(files: Iterable[Path]) -> str:
    """Return a hash of the files' contents."""
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(file.read_bytes())
    return total.hexdigest()[:16]


def shared_digest() -> str:
    """Return a hash of everything that can change what any test reaches."""
    helpers = (file for file in TESTS.glob("*.py") if not file.name.startswith("test_"))
    return digest([*PACKAGE.rglob("*.py"), *helpers])


def measure(files: list[Path]) -> dict[str, Reach]:
    """Run these test files; return what their tests reach.

    Raises:
        SystemExit: a test fails without any mutant.
    """
    watch = Watch()
    watch.start()
    code = pytest.main(["-q", "-o", "cache_dir=build/mutants/pytest", *map(str, files)], plugins=[watch])
    if code:
        raise SystemExit("mutants: a test fails without any mutant. Mend it first")
    return watch.found()


def update() -> None:
    """Measure the test files that changed since the last time, and keep the result."""
    shared = shared_digest()
    kept: dict[str, dict[str, object]] = {}
    if FILE.exists():
        stored = json.loads(FILE.read_text(encoding="utf-8"))
        kept = stored["files"] if stored["shared"] == shared else {}
    files = {str(file.relative_to(ROOT)): digest([file]) for file in sorted(TESTS.glob("test_*.py"))}
    kept = {name: entry for name, entry in kept.items() if entry["digest"] == files.get(name)}
    changed = [name for name in files if name not in kept]
    if changed:
        print(f"mutants: looking which lines the tests of {len(changed)} files reach", flush=True)
        for name in changed:
            kept[name] = {"digest": files[name], "tests": {}}
        for test, reached in measure([ROOT / name for name in changed]).items():
            tests = kept[test.partition("::")[0]]["tests"]
            assert isinstance(tests, dict)
            tests[test] = reached
    STORE.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps({"shared": shared, "files": kept}), encoding="utf-8")


def load() -> dict[str, Reach]:
    """Return what each test reaches."""
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        test: Reach(*reached)
        for entry in stored["files"].values()
        for test, reached in entry["tests"].items()
    }


if __name__ == "__main__":
    update()
