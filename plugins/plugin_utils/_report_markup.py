# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Builds HTML and SVG that is well-formed XML, too. A text is escaped wherever it stands."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from ._terminal_text import plain, plain_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID = frozenset({"meta", "br", "col", "wbr"})
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_NOT_XML = re.compile("[\ufffe\uffff]")
"""What `plain` leaves and XML 1.0 (2.2, Char) forbids."""


class Markup(str):
    """A text that is markup already. Only this module makes one."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """Return a text as it may stand in an element or an attribute, without characters that turn or end a line."""
    return _markup_of(plain(text))


def lines(text: str) -> Markup:
    """Return a text of lines, for an element that keeps them and their tabs."""
    return _markup_of(plain_lines(text))


def _markup_of(text: str) -> Markup:
    return Markup(html.escape(_NOT_XML.sub("\ufffd", text)))


def joined(parts: Iterable[str | None]) -> Markup:
    """Return parts one after the other; what is no markup is escaped, None is left out."""
    return Markup(
        "".join(part if isinstance(part, Markup) else escaped(part) for part in parts if part is not None)
    )


def tag(name: str, /, *parts: str | None, **attributes: str | float | None) -> Markup:
    """Return an element.

    Args:
        name: the element's name.
        parts: its content, as for `joined`.
        attributes: an underscore stands for a hyphen, one at the end is left out. None leaves the attribute out.
    """
    written = "".join(
        f' {_attribute(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None
    )
    if name in _VOID:
        return Markup(f"<{_checked(name)}{written} />")
    return Markup(f"<{_checked(name)}{written}>{joined(parts)}</{name}>")


def style(sheet: str) -> Markup:
    """Return a style element with a sheet of this collection."""
    if re.search("[<&]", sheet):
        raise ValueError("a sheet with these characters would not be XML")
    return Markup(f"<style>{sheet}</style>")


def page(root: Markup) -> str:
    """Return a whole page."""
    return f"<!DOCTYPE html>\n{root}\n"


def _attribute(key: str) -> str:
    return _checked(key.rstrip("_").replace("_", "-"))


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return escaped(value)
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return name
