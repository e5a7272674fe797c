# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""How a task fails. The agent's words hold inside the collection; `as_result` alone has Ansible's."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from ._answers import ErrorView
from ._error_table import ADVICE, ERRORS
from ._terminal_text import plain

Outcome = Literal["refused", "unknown"]


class Failure(Exception):
    """Why a task failed.

    Attributes:
        error: a stable code, one plain sentence and advice.
        outcome: `refused` if nothing happened, `unknown` if the action may have happened.
        facts: further values of the task's result.
        unreachable: the PC never answered.
        passing: the agent does not answer yet, or no longer; it may answer soon.
        result: the answer that the agent sent with its refusal, unread.
    """

    def __init__(
        self, error: ErrorView, *, outcome: Outcome = "refused", result: dict[str, Any] | None = None
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.outcome = outcome
        self.result = result
        self.unreachable = False
        self.passing = False
        self.facts: dict[str, Any] = {}

    @property
    def code(self) -> str:
        """The error's stable code."""
        return self.error.code

    def with_facts(self, **facts: object) -> Failure:
        """Add values to the task's result; return the failure itself."""
        self.facts.update(facts)
        return self

    def as_result(self) -> dict[str, Any]:
        """Return the result of a task that ends with this failure."""
        state = {"unreachable": True} if self.unreachable else {"failed": True}
        return {"changed": False, **self.facts, **_ansible_keys(self.error, self.outcome), **state}


def _ansible_keys(error: ErrorView, outcome: Outcome) -> dict[str, Any]:
    """Return an error under the names that a task's result has for it: the one place that renames."""
    keys: dict[str, Any] = {
        "error_code": error.code,
        "msg": error.message,
        "hint": error.hint,
        "outcome": outcome,
    }
    return keys if error.retry_after is None else {**keys, "retry_after": error.retry_after}


def failure(code: str, *, outcome: Outcome = "refused", **places: object) -> Failure:
    """Return the failure of a row of the collection's error table, its places filled.

    Raises:
        KeyError: no such row, or a place that the row names was not given.
    """
    row = ERRORS[code]
    # A place may quote the PC: Windows Installer's log, or a connection's error.
    places = {name: plain(one) if isinstance(one, str) else one for name, one in places.items()}
    return Failure(
        ErrorView(code=code, message=row.message.format(**places), hint=row.hint.format(**places)),
        outcome=outcome,
    )


def agent_failure(
    error: ErrorView, *, outcome: Outcome = "refused", result: dict[str, Any] | None = None
) -> Failure:
    """Return the failure that an error of the agent means, with Ansible's advice where there is some."""
    advised = dataclasses.replace(error, hint=ADVICE.get(error.code, error.hint))
    return Failure(advised, outcome=outcome, result=result)
