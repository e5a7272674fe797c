# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: every figure with a goal, side by side in one run; writes the file and the page."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.packaging.workshop import WorkError
from tests import ansible_windows
from tests.benchmarks import calls, click, core, many, parties, provider, restarts, service, wire
from tests.benchmarks.figures import as_json, page
from tests.benchmarks.machine_words import machine
from tools import setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.figures import Figure

FILE = setup.ROOT / "build/benchmarks.json"
PAGE = setup.ROOT / "docs/benchmarks.md"
MEASURES: dict[str, Callable[[Path], list[Figure]]] = {
    "core": core.measure,
    "wire": wire.measure,
    "calls": calls.measure,
    "click": click.measure,
    "provider": provider.measure,
    "service": service.measure,
    "restarts": restarts.measure,
    "parties": parties.measure,
    "many": many.measure,
}


def run(names: list[str], folder: Path) -> list[Figure]:
    """Measure one after the other; print each figure at once."""
    figures: list[Figure] = []
    for name in names:
        began = time.monotonic()
        found = MEASURES[name](folder / name)
        print("\n".join(figure.line() for figure in found), flush=True)
        print(f"        ({name} took {time.monotonic() - began:.0f} s)", flush=True)
        figures += found
        shutil.rmtree(folder / name)
    return figures


def main(names: list[str]) -> int:
    """Run all measures or the named ones; write the page only after all of them."""
    if unknown := set(names) - set(MEASURES):
        print(
            f"bench: unknown: {', '.join(sorted(unknown))}; known: {', '.join(MEASURES)}",
            file=sys.stderr,
        )
        return 2
    busy = os.getloadavg()[0]
    if busy > 1:
        print(
            f"bench: other programs are running (load {busy:.1f}); they lengthen every time",
            flush=True,
        )
    try:
        ansible_windows.prepare()
    except (setup.SetupError, WorkError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="bench-", dir=setup.ROOT / "build") as folder:
        figures = run(names or list(MEASURES), Path(folder))
    if not names:
        FILE.write_text(as_json(figures), encoding="utf-8")
        PAGE.write_text(page(figures, machine(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"written: {FILE.relative_to(setup.ROOT)}, {PAGE.relative_to(setup.ROOT)}")
    missed = sum(figure.holds is False for figure in figures)
    print(f"{missed} goals are missed" if missed else "every goal is met")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
