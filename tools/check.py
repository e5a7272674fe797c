# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the gates of every commit in parallel; print a line for each, then the output of failed ones."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent

# The plugins are checked under the path that Ansible imports them from, so that their imports resolve.
COLLECTION = "build/collections/ansible_collections/latchkey/consent/"
TYPED = ("agent", "lab", "tools", "tests", f"{COLLECTION}plugins")
# Code that runs only on Windows is type-checked for Windows; the rest of the agent runs on both systems.
WINDOWS_ONLY = (
    "(latchkey_agent/windows/|latchkey_agent/companion/(screen/|__main__)|lab/wine/guest/|tests/wine/guest/)"
)
ON_WINDOWS = ("agent/src", "lab/wine/guest", "tests/wine/guest")

# The slowest gates come first, so that the short ones run beside them.
GATES = {
    "sanity": [sys.executable, "tools/sanity.py"],
    "site": [sys.executable, "-m", "tools.docs_site"],
    "importer": [sys.executable, "-m", "tools.importer"],
    "environment": [sys.executable, "-m", "tools.execution_environment"],
    "docs": [
        "antsibull-docs",
        "lint-collection-docs",
        "--plugin-docs",
        "--validate-collection-refs=all",
        ".",
    ],
    "lint": ["ansible-lint", "--offline", "--strict"],
    "types": ["mypy", "--exclude", WINDOWS_ONLY, *TYPED],
    # Imported modules are not reported: the simulated PC has Unix sockets and is checked above.
    "types-win": [
        "mypy",
        "--platform",
        "win32",
        "--follow-imports",
        "silent",
        "--cache-dir",
        ".mypy_cache/win32",
        *ON_WINDOWS,
    ],
    "licences": ["reuse", "lint"],
    "changelog": ["antsibull-changelog", "lint"],
    "style": ["ruff", "check", "--quiet", "--output-format", "concise", "."],
    "format": ["ruff", "format", "--check", "--quiet", "--output-format", "concise", "."],
}


class Result(NamedTuple):
    """The result of one gate."""

    name: str
    passed: bool
    seconds: float
    output: str


def run_gate(name: str) -> Result:
    """Run one gate to its end."""
    started = time.monotonic()
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        GATES[name],
        cwd=ROOT,
        env=dict(os.environ, PATH=path, NO_COLOR="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    seconds = time.monotonic() - started
    output = done.stdout.decode(errors="replace").replace(COLLECTION, "")
    return Result(name, done.returncode == 0, seconds, output)


def run_gates(names: list[str]) -> list[Result]:
    """Run gates in parallel and print each result; return the failed ones."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = []
        for future in as_completed([pool.submit(run_gate, name) for name in names]):
            result = future.result()
            results.append(result)
            print(
                f"{'ok    ' if result.passed else 'FAILED'} {result.name:<11}{result.seconds:5.1f} s",
                flush=True,
            )
    return [result for result in results if not result.passed]


def main(selection: list[str]) -> int:
    """Run the selected gates, or all of them; return the exit code."""
    unknown = sorted(set(selection) - set(GATES))
    if unknown:
        print(f"no such gate: {', '.join(unknown)}; there are: {', '.join(GATES)}", file=sys.stderr)
        return 2
    failed = run_gates(selection or list(GATES))
    for result in failed:
        print(f"\n{'-' * 20} {result.name}: {subprocess.list2cmdline(map(str, GATES[result.name]))}")
        print(result.output.rstrip())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
