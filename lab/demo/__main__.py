# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the demo: `python -m lab.demo [ENDING [PC]]`, or the environment variables DEMO and PC; `list` names them."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from agent.packaging.workshop import WorkError
from lab.computer import LabError
from lab.demo.computers import KINDS
from lab.demo.endings import ENDINGS
from lab.demo.lanes import BAD, GOOD, Lanes
from lab.demo.operator import ROOT
from lab.demo.stage import Stage

if TYPE_CHECKING:
    from lab.demo.promises import Verdict

USAGE, BROKEN = 2, 1


def _endings() -> str:
    return "DEMO is one of:\n" + "\n".join(f"  {name:<10} {ending.title}" for name, ending in ENDINGS.items())


def _kinds() -> str:
    return "PC is one of:\n" + "\n".join(f"  {name:<10} {kind.title}" for name, kind in KINDS.items())


def _show(lanes: Lanes, verdicts: list[Verdict]) -> bool:
    lanes.heading("Promises and checks")
    for verdict in verdicts:
        label = lanes.paint("kept  ", GOOD) if verdict.kept else lanes.paint("BROKEN", BAD)
        lanes.write([f"  {label} {verdict.promise}", f"         {verdict.how}"])
    kept = sum(verdict.kept for verdict in verdicts)
    lanes.write(["", f"{kept} of {len(verdicts)} promises kept."])
    return kept == len(verdicts)


def _chosen(arguments: list[str]) -> tuple[str, str]:
    given = [*arguments, "", ""]
    ending = given[0] or os.environ.get("DEMO") or "grant"
    return ending, given[1] or os.environ.get("PC") or "simulated"


def _wrong(ending: str, kind: str, more: list[str]) -> str | None:
    """Return the error in the choice; None if there is none."""
    if ending not in ENDINGS:
        return f"There is no demo {ending!r}. {_endings()}"
    if kind not in KINDS:
        return f"There is no PC {kind!r}. {_kinds()}"
    return f"Too many arguments: {' '.join(more)}" if more else None


def main(arguments: list[str]) -> int:
    """Show one ending; return 0 only if every promise was checked and kept."""
    ending, kind = _chosen(arguments)
    if ending == "list":
        sys.stdout.write(f"{_endings()}\n{_kinds()}\n")
        return 0
    if wrong := _wrong(ending, kind, arguments[2:]):
        sys.stderr.write(f"{wrong}\n")
        return USAGE
    if lacking := KINDS[kind].lacks():
        sys.stderr.write(f"The demo cannot run: {lacking}\n")
        return BROKEN
    return _played(ending, kind)


def _played(name: str, kind: str) -> int:
    folder = ROOT / "build" / "demo" / (name if kind == "simulated" else f"{kind}-{name}")
    shutil.rmtree(folder, ignore_errors=True)
    lanes = Lanes()
    lanes.heading(ENDINGS[name].title)
    try:
        with Stage(ENDINGS[name], folder, lanes, KINDS[kind].run).played() as story:
            verdicts = [check(story) for check in ENDINGS[name].promises]
    except (LabError, WorkError) as fault:
        sys.stderr.write(f"The demo failed: {fault}\n")
        return BROKEN
    kept = _show(lanes, verdicts)
    lanes.write([f"Files of the PC and the job: {folder.relative_to(ROOT)}"])
    return 0 if kept else BROKEN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
