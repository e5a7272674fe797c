# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Text of a PC as an operator's terminal may show it."""

from __future__ import annotations

import re
import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ACTIVE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""General_Category (UAX 44, table 12) of characters that move the cursor or end a line."""
_TURNING = frozenset({"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""Bidi_Class (UAX 44, table 13) of characters that turn the text after them. Joiners and marks of one letter stay:
names need them."""
_BETWEEN = re.compile(r"[^\n\t]+")
"""The parts of lines between their ends and tabs."""


def plain(text: str) -> str:
    """Return the text with a visible sign for each character that could change what a terminal shows.

    With ESC and OSC a PC could write lines that look like the operator's own.
    """
    return "".join(_REPLACEMENT if _is_active(one) else one for one in text)


def plain_lines(text: str) -> str:
    """Return the text with each of its lines made plain; their tabs stay. Windows ends a line with CR and LF.

    A tab only moves the cursor on within its line, so it can hide nothing (ECMA-48, 8.3.60). A form feed and a line
    tabulation move it to another page or line (8.3.51 and 8.3.161).
    """
    return _BETWEEN.sub(lambda part: plain(part[0]), text.replace("\r\n", "\n"))


def _is_active(one: str) -> bool:
    return unicodedata.category(one) in _ACTIVE or unicodedata.bidirectional(one) in _TURNING
