# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the films that a page of the documentation site links to."""

from __future__ import annotations

import re

FILM = re.compile(r'<p><a class="reference download[^"]*"[^>]* href="([^"]+\.webm)">.*?</p>', re.DOTALL)
"""A paragraph that begins with a link to a film, as Sphinx writes it; group 1 is the address."""


def show_films(body: str) -> str:
    """Return a page's text with each film below the paragraph that begins with a link to it."""
    return FILM.sub(r'\g<0>\n<video controls preload="metadata" src="\1"></video>', body)
