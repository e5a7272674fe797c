# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exception with which a rule refuses a command."""

from __future__ import annotations


class Refused(Exception):
    """The rules do not allow a command; nothing changed.

    Attributes:
        code: the row of the error table.
        places: the values for the placeholders in its sentences.
        retry_after: the seconds after which the same command may be allowed, None if unknown.
        subject: the id of the thing that the refusal is about, if the answer tells more of it.
    """

    def __init__(
        self, code: str, *, retry_after: float | None = None, subject: str = "", **places: object
    ) -> None:
        super().__init__(code)
        self.code = code
        self.places = places
        self.retry_after = retry_after
        self.subject = subject

    def again(self) -> Refused:
        """Return a copy to raise: an exception that is raised again keeps its old traceback and all values in it."""
        return Refused(self.code, retry_after=self.retry_after, subject=self.subject, **self.places)
