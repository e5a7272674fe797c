# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A measured figure with its goal, and the page and file of all figures."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PAGE = """\
<!--
SPDX-FileCopyrightText: 2026 Latchkey contributors
SPDX-License-Identifier: GPL-3.0-or-later

Written by `make bench`; do not edit.
-->

# How fast, how small

Measured by `make bench`, side by side in one run: the agent's core and its events by themselves, on Linux; its package,
its service and the credential provider under Wine; everything else on the lab's simulated PCs. What is compared with
runs against the same PCs: `ansible.builtin.raw`, and `ansible.windows` with canned answers for its PowerShell, so that
neither side pays for a PowerShell that really starts (on Windows both do, once a command).
"""
FLEET = "<!-- Written by `make fleet`; do not edit. -->"
NODES = "<!-- Written by `make fleet PART=nodes`; do not edit. -->"
_NEXT = re.compile(r"\n<!-- Written by ")


@dataclass(frozen=True)
class Figure:
    """One figure. The goal is the largest allowed value; `where` breaks the value down."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    compared_with: Mapping[str, float] = field(default_factory=dict)
    where: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        return None if self.goal is None else self.value <= self.goal

    def line(self) -> str:
        """Return the figure as a line for the terminal, with its breakdown if its goal is missed."""
        verdict = {None: "no goal", True: "holds", False: "MISSED"}[self.holds]
        goal = "" if self.goal is None else f", goal {_number(self.goal)}"
        others = "".join(f", {name} {_number(value)}" for name, value in self.compared_with.items())
        missed = f"\n    where it goes: {self.where}" if self.holds is False and self.where else ""
        return f"{verdict:8}{self.name}: {_number(self.value)} {self.unit}{goal}{others}{missed}"


def as_json(figures: Iterable[Figure]) -> str:
    """Return all figures as one JSON object, by their names."""
    plain = {figure.name: _plain(figure) for figure in figures}
    return json.dumps(plain, indent=2) + "\n"


def _plain(figure: Figure) -> dict[str, Any]:
    return {
        "value": round(figure.value, 4),
        "unit": figure.unit,
        "goal": figure.goal,
        "holds": figure.holds,
        "compared_with": {name: round(value, 4) for name, value in figure.compared_with.items()} or None,
    }


def page(figures: Sequence[Figure], machine: str, before: str = "") -> str:
    """Return the page of the documentation, with the sections of `make fleet` from the page before."""
    written = "\n".join([PAGE, *table(figures), "", f"Measured on {machine}.", ""])
    for mark in (FLEET, NODES):
        if kept := section_of(before, mark):
            written = with_section(written, mark, kept)
    return written


def table(figures: Sequence[Figure]) -> list[str]:
    """Return the lines of a table of figures, and of the details below it."""
    rows = ["| figure | value | goal | compared with | |", "| --- | --- | --- | --- | --- |"]
    rows += [_row(figure) for figure in figures]
    details = [f"- {figure.name}: {figure.where}." for figure in figures if figure.where]
    return [*rows, "", "Where it goes:", "", *details]


def section_of(page: str, mark: str) -> str:
    """Return the section of a page behind a mark, empty if there is none."""
    behind = page.partition(f"\n{mark}\n")[2]
    return _NEXT.split(behind, maxsplit=1)[0].strip("\n")


def with_section(page: str, mark: str, section: str) -> str:
    """Return a page with this section behind its mark, in place of the one that it has or at the end."""
    before, found, behind = page.partition(f"\n{mark}\n")
    rest = _NEXT.search(behind) if found else None
    after = behind[rest.start() :] if rest is not None else "\n"
    return f"{before.rstrip()}\n\n{mark}\n{section}\n{after.rstrip()}".rstrip() + "\n"


def _row(figure: Figure) -> str:
    goal = "-" if figure.goal is None else f"at most {_number(figure.goal)}"
    others = ", ".join(f"{name} {_number(value)}" for name, value in figure.compared_with.items()) or "-"
    verdict = {None: "", True: "holds", False: "**missed**"}[figure.holds]
    return f"| {figure.name} | {_number(figure.value)} {figure.unit} | {goal} | {others} | {verdict} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
