# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a rule says no."""

from __future__ import annotations


class Refused(Exception):
    """The rules do not allow it; nothing changed.

    `code` is a row of the error table, `places` fill its sentences,
    `retry_after` (seconds) says when the same may be allowed.
    """

    def __init__(self, code: str, *, retry_after: float | None = None, **places: object) -> None:
        super().__init__(code)
        self.code = code
        self.places = places
        self.retry_after = retry_after

    def again(self) -> Refused:
        """Return the same refusal to raise once more: a raised one keeps its traceback, and so all it saw."""
        return Refused(self.code, retry_after=self.retry_after, **self.places)
