# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Runs a program in the customer's name, and follows it to its end.

The agent ends each program at its limit, so the task waits as long as the agent answers that the program runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _answers as ans
from ._agent_client import LONG_POLL
from ._failure import Failure, agent_failure, failure
from ._retry import retried

if TYPE_CHECKING:
    from ._agent_client import Agent, Reply
    from ._failure import Outcome
    from ._progress import Progress
    from ._wait_clock import Deadline


class CommandTask:
    """One task: from the start of a program to its end."""

    def __init__(self, agent: Agent, progress: Progress, fields: dict[str, Any], deadline: Deadline) -> None:
        self._agent = agent
        self._progress = progress
        self._fields = fields
        self._deadline = deadline

    def run(self) -> dict[str, Any]:
        """Start the program and wait for its end; return the task's result.

        Raises:
            Failure: it was refused, was ended, or ended with another exit code than 0.
        """
        reply = self._begin()
        if self._agent.check:
            return _result(reply.result.command, changed=reply.changed)
        answer = reply.result
        while not answer.finished:
            self._show(answer.command)
            answer = self._poll(answer.command)
        result = _result(answer.command, changed=reply.changed)
        if answer.command.error is not None:
            is_started = answer.command.state != "not_started"
            outcome: Outcome = "unknown" if is_started else "refused"
            fault = agent_failure(answer.command.error, outcome=outcome)
            raise fault.with_facts(**{**result, "changed": reply.changed and is_started})
        if answer.command.exit_code != 0:
            raise failure("command_failed", outcome="unknown", number=answer.command.exit_code).with_facts(
                **result
            )
        return result

    def _begin(self) -> Reply[ans.CommandAnswer]:
        """Start the program; wait as long as the agent asks for where that helps."""
        fields = {**self._fields, "idempotency_key": self._agent.new_key()}
        return retried(
            lambda: self._agent.ask(ans.CommandAnswer, "session_command", self._deadline, **fields),
            self._deadline,
            self._progress,
        )

    def _poll(self, command: ans.CommandView) -> ans.CommandAnswer:
        """Return the next answer; a lost connection may come back within the task's timeout."""
        deadline = self._deadline.clock.deadline(self._deadline.limit)
        fields = {"session": self._fields["session"], "command": command.id, "wait": LONG_POLL}
        try:
            return self._agent.ask(ans.CommandAnswer, "command_wait", deadline, **fields).result
        except Failure as fault:
            raise fault.with_facts(**_result(command, changed=True)) from None

    def _show(self, command: ans.CommandView) -> None:
        self._progress.show(
            f"waiting: the program of {command.account} to end; for {command.limit:.0f} s at most"
        )


def _result(command: ans.CommandView, *, changed: bool) -> dict[str, Any]:
    return {
        "changed": changed,
        "command": command.id,
        "command_line": command.command_line,
        "account": command.account,
        "rc": command.exit_code,
        "stdout": command.stdout,
        "stderr": command.stderr,
        "stdout_cut": command.stdout_cut,
        "stderr_cut": command.stderr_cut,
        "output_kept": command.output_kept,
        "started_at": command.started_at,
        "ended_at": command.ended_at,
    }
