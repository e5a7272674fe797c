# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Texts and times as people wrote them, although YAML has read them.

YAML reads `22:00` as the number 1320, `0711` as 457, `no` as false and an ISO 8601 time as a datetime. AWX writes the
answers of a survey as `!unsafe '22:00'`, and ansible-core 2.19 to 2.21 read such a text once more. A time can be
recovered; a text cannot, so it is refused.
"""

from __future__ import annotations

from datetime import date, datetime

_FIRST, _LAST = 10 * 60, 23 * 60 + 59
"""The minutes of the times of day that YAML reads as a number: 10:00 to 23:59. It leaves 09:59 a text."""

HOW = (
    "write it in quotes; in AWX begin the answer with a letter or a space, or write it into the template's own "
    "variables in quotes"
)


def exact_text(value: object) -> str:
    """Return a text as it is.

    Raises:
        TypeError: the value is no text.
    """
    if isinstance(value, str):
        return value
    raise TypeError(f"it must be a text, and it is {kind(value)}; {HOW}")


def plain_text(value: object) -> str:
    """Return a text without the spaces around it; empty for None, which core makes of an empty answer.

    Raises:
        TypeError: the value is no text, or it is blank and not empty.
    """
    if value is None:
        return ""
    text = exact_text(value).strip(" ")
    if value and not text:
        raise TypeError("it is blank")
    return text


def name_text(value: object) -> str:
    """Return a text that is not empty.

    Raises:
        TypeError: the value is no text, or it is empty.
    """
    if not (text := plain_text(value)):
        raise TypeError("it is empty")
    return text


def written_time(value: object) -> str:
    """Return a time as it was written; the PC interprets it in its own time zone.

    A text of digits alone is no time: ansible-core 2.16 to 2.18 make `1320` of 22:00 where an expression returns it,
    and a person may mean 13:20.

    Raises:
        TypeError: the value is neither a text nor a time that YAML has read, or it is a text of digits alone.
    """
    if isinstance(value, str) and not (text := value.strip(" ")).isdecimal():
        return text
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool) and _FIRST <= value <= _LAST:
        return f"{value // 60:02}:{value % 60:02}"
    told = "a number without a colon" if isinstance(value, str) else kind(value)
    raise TypeError(f'it must be a time as a text, such as "22:00", and it is {told}; {HOW}')


_KINDS = (
    (bool, "a truth value"),
    ((int, float), "a number"),
    (date, "a date"),
    (list, "a list"),
    (dict, "a dictionary"),
)


def kind(value: object) -> str:
    """Return words for the kind of a value. The value itself is not told: it may be a password in the wrong place."""
    if isinstance(value, str):
        return "another text"
    return next((word for types, word in _KINDS if isinstance(value, types)), "empty")
