# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Text of a PC as an operator's terminal may show it."""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ACTIVE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""General_Category (UAX 44, table 12) of characters that move the cursor, turn text, end a line or show nothing."""


def plain(text: str) -> str:
    """Return the text with a visible sign for each character that could change what a terminal shows.

    With ESC and OSC a PC could write lines that look like the operator's own.
    """
    return "".join(_REPLACEMENT if unicodedata.category(one) in _ACTIVE else one for one in text)
