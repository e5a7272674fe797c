# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the views of the operator, the customer and the PC, each in its own lane."""

from __future__ import annotations

import os
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from lab.computer import Event

Lane = Literal["operator", "customer", "pc"]
LABELS: dict[Lane, str] = {"operator": "operator", "customer": "customer", "pc": "PC"}
COLOURS: dict[Lane, str] = {"operator": "36", "customer": "33", "pc": "35"}
GOOD, BAD, STRONG = "32", "31", "1"
WIDTH = 78


class Lanes:
    """Writes to one stream, from any thread, with the seconds since its start."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._began = time.monotonic()
        # https://no-color.org: set and not empty means no colours.
        self._coloured = stream.isatty() and not os.environ.get("NO_COLOR")

    def paint(self, text: str, colour: str) -> str:
        """Return `text` in a colour (an SGR code) if the stream supports colours."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured and text else text

    def heading(self, text: str) -> None:
        """Write a heading."""
        self.write(["", self.paint(text, STRONG)])

    def write(self, lines: list[str]) -> None:
        """Write plain lines without interruption."""
        with self._lock:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()

    def say(self, lane: Lane, text: str) -> None:
        """Write one party's current view; align further lines with the first one."""
        colour = COLOURS[lane]
        label = self.paint(f"{LABELS[lane]:<8} |", colour)
        blank = self.paint(f"{'':<8} |", colour)
        elapsed = f"{time.monotonic() - self._began:5.1f} s"
        lines = [part for line in text.splitlines() for part in _wrapped(line)] or [""]
        heads = [f"{elapsed}  {label} ", *[f"{'':7}  {blank} "] * (len(lines) - 1)]
        self.write([head + line for head, line in zip(heads, lines, strict=True)])

    def show(self, event: Event) -> None:
        """Write an event of the computer; draw a request window as a window."""
        text = _window(event.text) if event.what == "request_shown" else event.text
        self.say(event.lane, text)


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_long_words=False) or [""]


def _window(text: str) -> str:
    title, *lines, buttons = text.splitlines()
    width = WIDTH - 4
    inside = [part for line in lines for part in textwrap.wrap(line, width)]
    edge = "+" + "-" * (width + 2) + "+"
    row = [f"| {line:<{width}} |" for line in (title, *inside, buttons)]
    return "\n".join((edge, row[0], edge, *row[1:-1], edge, row[-1], edge))
