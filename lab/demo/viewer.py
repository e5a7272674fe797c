# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface between the demo and its display: a terminal, or another one that shows the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from lab.computer import Event

Lane = Literal["operator", "customer", "pc"]


class Viewer(Protocol):
    """Shows a demo. The demo calls it from any thread."""

    def heading(self, text: str) -> None:
        """Show a heading."""

    def write(self, lines: list[str]) -> None:
        """Show lines that belong to no lane."""

    def say(self, lane: Lane, text: str) -> None:
        """Show the current view of one party."""

    def show(self, event: Event) -> None:
        """Show an event of the PC, in its own lane."""

    def judge(self, text: str, *, kept: bool) -> None:
        """Show a promise with its evidence, and whether it was kept."""
