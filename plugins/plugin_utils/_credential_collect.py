# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Finds out how a use that another task has begun has ended.

All state is on the PC, so the task needs nothing of the one that has begun the use: it may run in another job, on
another controller. It begins no use.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from . import _answers as ans
from ._credential_apply import ApplyTask
from ._failure import Failure, failure
from ._half_answers import Meant

_UNDER_WAY = frozenset({"issued", "redeemed"})
_NONE_LEFT = ans.LeftView(restarts=0, unlocks=0)


class CollectTask(ApplyTask):
    """One task: from a use that was begun to its end, or to the news that it is not over yet.

    The deadline of its `Use` is the end of this task alone, and the `terms` are not used.
    """

    def collect(self) -> dict[str, Any]:
        """Look at least once, and wait until the task's deadline; return the result, `pending` if it is not over.

        Raises:
            Failure: no such use was begun, it has failed, or it is not over and must be by now.
        """
        # The task that has begun the use has had an answer. A PC that starts may cut answers short.
        self._agent.assume_working()
        self._least_tests = 1
        try:
            with self._link.impatient():
                answer = self._wait()
                return self._ended(answer) if answer.finished else self._not_yet(answer)
        except Failure as fault:
            # The task that has begun the use has told the change.
            raise fault.with_facts(changed=False) from None

    def _wait(self) -> ans.ApplyAnswer:
        """Return the last answer: of a use that is over, or at the task's deadline."""
        nothing_known = ans.ApplyAnswer(
            session=self._use.session, left=_NONE_LEFT, boot_id="", finished=False
        )
        answer = self._look(nothing_known)
        if not answer.finished:
            self._probe = self._link.accepts()
        while not answer.finished and not self._use.deadline.over:
            self._show(answer)
            answer = self._look(answer)
        return answer

    # --- what the PC knows

    def _poll(self, known: ans.ApplyAnswer) -> ans.ApplyAnswer:
        if known.use is not None:
            return super()._poll(known)
        found = self._find()
        return found if found.finished else super()._poll(found)

    def _find(self) -> ans.ApplyAnswer:
        """Return the newest use of this action and step; a finished answer without a use if none was due.

        Raises:
            ConnectionLost: the connection is gone.
            Failure: no use was begun.
        """
        info = self._agent.ask_once(ans.InfoAnswer, "info", session=self._use.session).result
        uses = [(use, grant.left) for grant in info.grants for use in grant.uses if self._is_meant(use)]
        restarts = [use for session in info.sessions for use in session.restarts]
        uses += [(use, _NONE_LEFT) for use in restarts if self._is_meant(use)]
        if not uses:
            return self._none_begun(info)
        use, left = max(uses, key=lambda one: one[0].issued_at)
        return ans.ApplyAnswer(
            session=self._use.session,
            use=use,
            left=left,
            boot_id=info.agent.boot_id,
            finished=_is_closed(use),
        )

    def _is_meant(self, use: ans.UseView) -> bool:
        step = self._use.step
        return not use.foreign and use.action == self._use.action and step in (None, use.step)

    def _logs_on(self, known: ans.ApplyAnswer) -> Meant:
        """Return the use that was found; a task without a step collects that of any step."""
        meant = super()._logs_on(known)
        if self._use.step is None and known.use is not None:
            return replace(meant, step=known.use.step or "")
        return meant

    def _none_begun(self, info: ans.InfoAnswer) -> ans.ApplyAnswer:
        if not self._use.when_pending:
            what = self._use.action if self._use.step is None else f"{self._use.action} of {self._use.step}"
            raise failure("nothing_begun", use=what, session=self._use.session)
        return self._nothing_due(info)

    def _nothing_due(self, info: ans.InfoAnswer) -> ans.ApplyAnswer:
        """Return the finished answer without a use."""
        left = info.grants[-1].left if info.grants else _NONE_LEFT
        return ans.ApplyAnswer(
            session=self._use.session, left=left, boot_id=info.agent.boot_id, finished=True
        )

    # --- the result

    def _ended(self, answer: ans.ApplyAnswer) -> dict[str, Any]:
        """Return the result of a use that is over, once the test command has succeeded."""
        self._check(answer, changed=False)
        if self._use.test_command is not None and answer.use is not None:
            try:
                self._test(self._use.test_command, answer)
            except Failure as fault:
                if fault.code != "test_command_failed" or self._must_be_over:
                    raise
                return {
                    **self._result(answer, changed=False, pending=True),
                    "waiting_for": "the test command to succeed",
                }
        return self._with_next(self._result(answer, changed=False))

    def _not_yet(self, answer: ans.ApplyAnswer) -> dict[str, Any]:
        """Return the result of a use that is not over; raise Failure if it must be by now."""
        if self._must_be_over:
            raise self._timeout(answer).with_facts(**self._result(answer, changed=False))
        facts = self._result(answer, changed=False, pending=True)
        if self._lost is not None and self._link.away:
            return {**facts, "waiting_for": "the PC to come back", "connection_error": self._lost.reason}
        return {**facts, "waiting_for": answer.waiting_for or "the consent agent to answer"}

    @property
    def _limit(self) -> str:
        by = self._clock.wall() if self._use.fails_at is None else self._use.fails_at
        return f"by {datetime.fromtimestamp(by, UTC):%Y-%m-%d %H:%M:%S} UTC"

    @property
    def _must_be_over(self) -> bool:
        return self._use.fails_at is not None and self._clock.wall() >= self._use.fails_at


class SignInTask(CollectTask):
    """One task: from a restart by others to the customer's locked desktop, under a grant of two parties.

    The agent begins that sign-in by itself, if the terms cover it, and waits for the operator's half. Without such a
    sign-in there is nothing to do.
    """

    def _is_meant(self, use: ans.UseView) -> bool:
        return use.foreign and not _is_closed(use)

    def _ended(self, answer: ans.ApplyAnswer) -> dict[str, Any]:
        """Return the result; the delivery of the half has signed the customer in."""
        return {**super()._ended(answer), "changed": answer.use is not None}

    def _logs_on(self, known: ans.ApplyAnswer) -> Meant:
        """Return the sign-in after the restart by others, which has no step."""
        return Meant("restart", permit=super()._logs_on(known).permit)

    def _none_begun(self, info: ans.InfoAnswer) -> ans.ApplyAnswer:
        return self._nothing_due(info)


def _is_closed(use: ans.UseView) -> bool:
    """Tell whether a use is over for certain: a signed-in desktop may still have to be locked."""
    if use.state == "logged_on":
        return use.locked_at is not None or use.disconnected
    return use.state not in _UNDER_WAY
