# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the bytes that a program printed into text. Pure."""

from __future__ import annotations

import codecs


def read(printed: bytes, code_page: str, *, is_cut: bool = False) -> str:
    """Return printed bytes as text: UTF-8 if they are, otherwise the console's code page.

    A program without a window has a console of its own, whose code page is the system's OEM code page unless the
    program changes it ("Console Code Pages", Microsoft Learn).

    Args:
        printed: the bytes.
        code_page: Python's name of the code page.
        is_cut: the bytes end at a limit, possibly within a character.
    """
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(printed, final=not is_cut)
    except UnicodeDecodeError:
        return printed.decode(code_page, "replace")
