# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the eyes on a Wine PC (`guest.eyes`) tell the lab of each window."""

from __future__ import annotations

from typing import NamedTuple


class Seen(NamedTuple):
    """A window: `texts` are those of its parts, `place` is left, top, right, bottom."""

    title: str
    kind: str
    texts: list[str]
    place: tuple[int, int, int, int]
