# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""The one way in which a task of this collection ends badly."""

from __future__ import annotations

from typing import Any, Literal

from ._error_table import ERRORS

Outcome = Literal["refused", "unknown"]


class Failure(Exception):
    """Why a task failed: a stable code, one plain sentence, and what to do next.

    `outcome` is `refused` where nothing happened and `unknown` where it may have happened.
    `facts` are further values of the task's result. `unreachable` tells that the PC never answered.
    `about` is what the agent sent along with its refusal, unread.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str,
        *,
        outcome: Outcome = "refused",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.outcome = outcome
        self.retry_after = retry_after
        self.unreachable = False
        self.facts: dict[str, Any] = {}
        self.about: dict[str, Any] | None = None

    def with_facts(self, **facts: object) -> Failure:
        """Add values to the task's result; return the failure itself."""
        self.facts.update(facts)
        return self

    def as_result(self) -> dict[str, Any]:
        """Return the result of a task that ends with this."""
        told = {"msg": self.message, "error_code": self.code, "hint": self.hint, "outcome": self.outcome}
        state = {"unreachable": True} if self.unreachable else {"failed": True}
        return {"changed": False, **self.facts, **told, **state}


def failure(code: str, *, outcome: Outcome = "refused", **places: object) -> Failure:
    """Return the failure of a row of the error table, its places filled.

    Raises:
        KeyError: no such row, or a place that the row names was not given.
    """
    message, hint = ERRORS[code]
    return Failure(code, message.format(**places), hint.format(**places), outcome=outcome)
