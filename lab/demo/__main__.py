# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the demo: `python -m lab.demo [DEMO [PC]]`, or the environment variables DEMO and PC; `list` names them."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from agent.packaging.announcing import announced_to
from agent.packaging.workshop import WorkError
from lab.computer import LabError
from lab.demo.computers import KINDS
from lab.demo.endings import ENDINGS
from lab.demo.evidence import FILE, write_evidence, write_receipts
from lab.demo.lanes import Lanes
from lab.demo.night import NIGHT, TITLE, Night
from lab.demo.night_promises import NIGHT_PROMISES
from lab.demo.operator import ROOT
from lab.demo.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path

    from lab.demo.promises import Verdict
    from lab.demo.viewer import Viewer

USAGE, BROKEN = 2, 1
TITLES = {name: ending.title for name, ending in ENDINGS.items()} | {NIGHT: TITLE}


def _demos() -> str:
    return "DEMO is one of:\n" + "\n".join(f"  {name:<10} {title}" for name, title in TITLES.items())


def _kinds() -> str:
    return "PC is one of:\n" + "\n".join(f"  {name:<10} {kind.title}" for name, kind in KINDS.items())


def _show(viewer: Viewer, verdicts: list[Verdict]) -> bool:
    """Show a kept promise with its evidence in brief, and a broken one with all evidence."""
    kept = sum(verdict.kept for verdict in verdicts)
    viewer.heading(f"{kept} of {len(verdicts)} promises kept")
    for verdict in verdicts:
        if verdict.kept:
            viewer.judge(f"{verdict.promise} {verdict.brief}", kept=True)
        else:
            viewer.judge(f"{verdict.promise}\n{verdict.how}", kept=False)
    return kept == len(verdicts)


def advise(viewer: Viewer, name: str, folder: Path) -> None:
    """Show how to go on: a command or a file, and its use."""
    files = folder.relative_to(ROOT)
    other = [*TITLES, *TITLES][list(TITLES).index(name) + 1]
    advice = {
        "less docs/quickstart.md": "your own playbook on your own PC, in ten minutes",
        "make lab": "PCs that stay up, to play with",
        f"make demo DEMO={other}": "another ending; DEMO=list names all of them",
        f"less {files}/{FILE}": "the receipt and each check; all files are beside it",
    }
    viewer.heading("Next:")
    viewer.write([f"  {do:<{max(map(len, advice))}}  {use}" for do, use in advice.items()])
    if name == NIGHT:
        viewer.write([f"The report, for a browser: {files}/report.html"])


def _chosen(arguments: list[str]) -> tuple[str, str]:
    given = [*arguments, "", ""]
    name = given[0] or os.environ.get("DEMO") or "grant"
    return name, given[1] or os.environ.get("PC") or "simulated"


def on_browser() -> bool:
    """Tell whether the demo is to be shown on a page: BROWSER=1."""
    return os.environ.get("BROWSER", "") not in {"", "0", "no"}


def _wrong(name: str, kind: str, more: list[str]) -> str | None:
    """Return the error in the choice; None if there is none."""
    if name not in TITLES:
        return f"There is no demo {name!r}. {_demos()}"
    if kind not in KINDS:
        return f"There is no PC {kind!r}. {_kinds()}"
    if name == NIGHT and kind != "simulated":
        return f"The demo {name!r} runs on simulated PCs only."
    if name == NIGHT and on_browser():
        return f"The demo {name!r} is not shown in a browser."
    return f"Too many arguments: {' '.join(more)}" if more else None


def main(arguments: list[str]) -> int:
    """Show one demo; return 0 only if every promise was checked and kept."""
    name, kind = _chosen(arguments)
    if name == "list":
        sys.stdout.write(f"{_demos()}\n{_kinds()}\n")
        return 0
    if wrong := _wrong(name, kind, arguments[2:]):
        sys.stderr.write(f"{wrong}\n")
        return USAGE
    if lacking := KINDS[kind].lacks():
        sys.stderr.write(f"The demo cannot run: {lacking}\n")
        return BROKEN
    return _played(name, kind)


def _played(name: str, kind: str) -> int:
    folder = ROOT / "build" / "demo" / (name if kind == "simulated" else f"{kind}-{name}")
    shutil.rmtree(folder, ignore_errors=True)
    viewer = Lanes()
    viewer.heading(TITLES[name])
    try:
        with announced_to(lambda work: viewer.write([f"  ... {work}"])):
            kept, check = _night(folder, viewer) if name == NIGHT else _ending(name, kind, folder, viewer)
    except (LabError, WorkError) as fault:
        sys.stderr.write(f"The demo failed: {fault}\n")
        return BROKEN
    advise(viewer, name, folder)
    if check is not None:
        viewer.write([f"To check the receipt without Latchkey, type in {folder.relative_to(ROOT)}:", check])
    return 0 if kept else BROKEN


def _ending(name: str, kind: str, folder: Path, viewer: Viewer) -> tuple[bool, str | None]:
    """Play one ending; return whether all promises were kept, and the command that checks the receipt."""
    ending, run, pace = ENDINGS[name], KINDS[kind].run, 0.0
    if on_browser():
        # The page's server is not installed for other demos.
        from lab.demo.on_page import PACE, on_page  # noqa: PLC0415

        run, pace = on_page(run, kind, viewer), PACE
    with Stage(ending, folder, viewer, run, pace=pace).played() as story:
        verdicts = [check(story) for check in ending.promises]
    stories = {story.computer.name: story}
    write_evidence(folder, verdicts, stories)
    return _show(viewer, verdicts), write_receipts(folder, stories)


def _night(folder: Path, viewer: Viewer) -> tuple[bool, str | None]:
    with Night(folder, viewer).played() as night:
        verdicts = [check(night) for check in NIGHT_PROMISES]
    write_evidence(folder, verdicts, night.pcs)
    return _show(viewer, verdicts), write_receipts(folder, night.pcs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
