# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update that Windows Update offers to a simulated PC, as plain data."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class Update:
    """An update. `article`: its number in the knowledge base. `seconds`: how long installing it takes."""

    title: str
    article: str
    categories: tuple[str, ...] = ("Security Updates",)
    seconds: float = 0.1
    needs_restart: bool = True

    @property
    def id(self) -> str:
        """The update's identity, the same on every PC."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.article))
