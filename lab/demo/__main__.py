# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the demo: `python -m lab.demo [ENDING]`, or the environment variable DEMO; `list` names them."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from lab.computer import LabError
from lab.demo.endings import ENDINGS
from lab.demo.lanes import BAD, GOOD, Lanes
from lab.demo.operator import ROOT
from lab.demo.stage import Stage

if TYPE_CHECKING:
    from lab.demo.promises import Verdict

USAGE, BROKEN = 2, 1


def _listed() -> str:
    return "\n".join(f"  {name:<10} {ending.title}" for name, ending in ENDINGS.items())


def _show(lanes: Lanes, verdicts: list[Verdict]) -> bool:
    lanes.heading("What was promised, and how it was checked")
    for verdict in verdicts:
        mark = lanes.paint("kept  ", GOOD) if verdict.kept else lanes.paint("BROKEN", BAD)
        lanes.write([f"  {mark} {verdict.promise}", f"         {verdict.how}"])
    kept = sum(verdict.kept for verdict in verdicts)
    lanes.write(["", f"{kept} of {len(verdicts)} promises kept."])
    return kept == len(verdicts)


def main(arguments: list[str]) -> int:
    """Show one ending; return 0 only if every promise was checked and kept."""
    name = arguments[0] if arguments else os.environ.get("DEMO") or "grant"
    if name == "list":
        sys.stdout.write(f"DEMO is one of:\n{_listed()}\n")
        return 0
    if name not in ENDINGS or len(arguments) > 1:
        sys.stderr.write(f"There is no demo {' '.join(arguments) or name!r}. DEMO is one of:\n{_listed()}\n")
        return USAGE
    folder = ROOT / "build" / "demo" / name
    shutil.rmtree(folder, ignore_errors=True)
    lanes = Lanes()
    lanes.heading(ENDINGS[name].title)
    try:
        with Stage(ENDINGS[name], folder, lanes).played() as story:
            verdicts = [check(story) for check in ENDINGS[name].promises]
    except LabError as fault:
        sys.stderr.write(f"The demo could not be shown: {fault}\n")
        return BROKEN
    kept = _show(lanes, verdicts)
    lanes.write([f"What is left of the PC and the job: {folder.relative_to(ROOT)}"])
    return 0 if kept else BROKEN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
