# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the views of the operator, the customer and the PC, each in its own lane."""

from __future__ import annotations

import os
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from lab.computer import Event
    from lab.demo.viewer import Lane

LABELS: dict[Lane, str] = {"operator": "operator", "customer": "customer", "pc": "PC"}
COLOURS: dict[Lane, str] = {"operator": "36", "customer": "33", "pc": "35"}
GOOD, BAD, STRONG = "32", "31", "1"
WIDTH = 100
"""Columns of the longest line."""
_SAID = WIDTH - len("  0.0 s customer | ")
_INDENT = " " * len("  BROKEN ")


class Lanes:
    """A `Viewer` that writes to one stream, with the seconds since its start."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._began = time.monotonic()
        # https://no-color.org: set and not empty means no colours.
        self._coloured = stream.isatty() and not os.environ.get("NO_COLOR")

    def heading(self, text: str) -> None:
        """Write a heading."""
        self.write(["", self._paint(text, STRONG)])

    def write(self, lines: list[str]) -> None:
        """Write plain lines without interruption."""
        with self._lock:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()

    def say(self, lane: Lane, text: str) -> None:
        """Write one party's current view; align further lines with the first one."""
        self.write(self._said(lane, text))

    def show(self, event: Event) -> None:
        """Write an event of the computer; draw a request window as a window."""
        if event.what == "request_shown":
            self.write([*self._said(event.lane, "Sees this window:"), *_window(event.text)])
        else:
            self.say(event.lane, event.text)

    def judge(self, text: str, *, kept: bool) -> None:
        """Write a promise with its evidence."""
        first, *more = [part for line in text.splitlines() for part in _wrapped(line, WIDTH - len(_INDENT))]
        label = self._paint("kept  ", GOOD) if kept else self._paint("BROKEN", BAD)
        self.write([f"  {label} {first}", *(_INDENT + line for line in more)])

    def _said(self, lane: Lane, text: str) -> list[str]:
        label = self._paint(f"{LABELS[lane]:<8} |", COLOURS[lane])
        blank = self._paint(f"{'':<8} |", COLOURS[lane])
        elapsed = f"{time.monotonic() - self._began:5.1f} s"
        lines = [part for line in text.splitlines() for part in _wrapped(line, _SAID)] or [""]
        heads = [f"{elapsed} {label} ", *[f"{'':7} {blank} "] * (len(lines) - 1)]
        return [head + line for head, line in zip(heads, lines, strict=True)]

    def _paint(self, text: str, colour: str) -> str:
        """Return `text` in a colour (an SGR code) if the stream supports colours."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured and text else text


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(
        line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    ) or [""]


def _window(text: str) -> list[str]:
    """Draw a window over the whole width: its title is in the upper edge, its buttons are in the lower one."""
    title, *lines, buttons = text.splitlines()
    width = WIDTH - len("  |  |")
    inside = [part for line in lines for part in textwrap.wrap(line, width)]
    edges = [f"  +{f'- {words} ':-<{width + 2}}+" for words in (title, buttons)]
    return [edges[0], *(f"  | {line:<{width}} |" for line in inside), edges[1]]
