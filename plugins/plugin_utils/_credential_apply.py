# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Uses a grant, and follows the PC down and up again until the customer is signed in.

The agent reports the state of the permit; only the controller sees whether the PC can be reached. The
boot id tells whether the PC has restarted; the connection and clocks do not.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from . import _answers as ans
from ._agent_client import LONG_POLL, sent_along
from ._connection import ConnectionLost
from ._failure import Failure, agent_failure, failure
from ._half_answers import Meant
from ._powershell_command import command_line, test_script
from ._retry import retried

if TYPE_CHECKING:
    from ._agent_client import Agent, Reply
    from ._connection import Link
    from ._half_answers import HalfAnswers
    from ._next_step import NextStep
    from ._progress import Progress
    from ._wait_clock import Clock, Deadline

_PACE = 0.2
_QUIET = 0.25
"""The part of the time left for which the task may listen without a call while the PC goes down."""
_TEST_PACE = 1.0
_TRIES = 3
"""The deliveries of a half for one use: each one counts once, and two jobs may deliver at the same time."""
_STAYED_UP = frozenset({"pc_did_not_restart", "restart_refused"})


@dataclass(frozen=True)
class Use:
    """The options of one use of the grant. `terms` are further fields of the verb.

    `when_pending`: whether no restart is due without a pending one. `patience`: the seconds that the use may take,
    which is the time until the deadline for a task that waits for its end. `following`: the step that begins then.
    `fails_at`: the seconds since 1970, by the controller's clock, by which a use that is collected must be over.
    `halves`: the operator's side of a grant of two parties.
    """

    session: str
    action: Literal["restart", "unlock"]
    step: str | None
    terms: dict[str, Any]
    test_command: str | None
    deadline: Deadline
    halves: HalfAnswers
    when_pending: bool = False
    patience: float | None = None
    following: NextStep | None = None
    fails_at: float | None = None


class ApplyTask:
    """One task: from the grant to the customer's locked desktop."""

    def __init__(self, agent: Agent, link: Link, clock: Clock, progress: Progress, use: Use) -> None:
        self._agent = agent
        self._link = link
        self._clock = clock
        self._progress = progress
        self._use = use
        self._started = clock.now()
        self._probe = False
        self._lost: ConnectionLost | None = None
        self._passing: Failure | None = None
        self._listened = False
        self._least_tests = 0
        self._permit = ""

    def apply(self) -> dict[str, Any]:
        """Use the grant once and wait until the use is finished; return the task's result.

        Raises:
            Failure: the use was refused or failed, or was not finished in time.
        """
        with self._link.impatient():
            reply = self._begin()
            if self._agent.check or self._is_left_out(reply.result):
                return self._with_next(self._result(reply.result, changed=reply.changed))
            answer = self._follow(reply.result)
            # A use in progress that another job began counts as this task's change, too.
            changed = reply.changed or not _finished(reply.result)
            self._settle(answer, changed=changed)
            return self._with_next(self._result(answer, changed=changed))

    def begin(self) -> dict[str, Any]:
        """Use the grant once and do not wait for the end of the use; return the task's result.

        Raises:
            Failure: the use was refused, or is the finished use of an earlier call and has failed.
        """
        with self._link.impatient():
            reply = self._begin()
        answer = reply.result
        patience = self._use.deadline.limit if self._use.patience is None else self._use.patience
        until = datetime.fromtimestamp(self._clock.wall() + patience, UTC).isoformat(timespec="seconds")
        if not self._agent.check and _finished(answer):
            self._check(answer, changed=reply.changed)
        pending = not self._agent.check and not _finished(answer)
        result = self._with_next(self._result(answer, changed=reply.changed, pending=pending))
        return {**result, "deadline": until}

    def _with_next(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the result; begin the next step if the use is over."""
        following = self._use.following
        if following is None or self._agent.check or result["pending"]:
            return result
        return {**result, **following.begin(self._agent, self._clock)}

    def _is_left_out(self, answer: ans.ApplyAnswer) -> bool:
        """Tell whether no restart was due, so that there is nothing to wait for and to test."""
        return self._use.when_pending and answer.use is None

    # --- begin the use

    def _begin(self) -> Reply[ans.ApplyAnswer]:
        use = self._use
        fields = {**use.terms, "session": use.session, "action": use.action, "step": use.step}
        # By the key the agent recognises a request that is repeated after a lost answer, also one without a step.
        fields["idempotency_key"] = self._agent.new_key()

        def ask() -> Reply[ans.ApplyAnswer]:
            within = _permit_life(use.deadline.left if use.patience is None else use.patience)
            return self._ask({**fields, "within": within})

        return retried(ask, use.deadline, self._progress)

    def _ask(
        self, fields: dict[str, Any], half: dict[str, Any] | None = None, tries: int = _TRIES
    ) -> Reply[ans.ApplyAnswer]:
        """Begin the use. The agent says with a refusal that it wants the operator's half, and for what."""
        try:
            return self._agent.ask(
                ans.ApplyAnswer, "credential_apply", self._use.deadline, half=half, **fields
            )
        except Failure as fault:
            sent = sent_along(fault, ans.ApplyAnswer)
            wanted = None if sent is None else sent.half
            if fault.code == "restart_in_progress" and sent is not None and wanted is not None:
                # The sign-in after a restart by others comes first; it waits for its half. The next try looks again.
                if sent.use is not None and sent.use.foreign:
                    with suppress(ConnectionLost):
                        self._deliver(sent, wanted, Meant("restart", permit=sent.use.permit))
                raise
            if fault.code == "half_not_awaited" and tries > 1:
                # Another job was faster, or this half came late: the agent says anew what it wants.
                wanted = None
            elif fault.code != "half_missing" or wanted is None or half or self._use.halves.key is None:
                raise
        given = None if wanted is None else self._use.halves.answer(wanted, self._begins(fields))
        return self._ask(fields, given, tries - (given is None))

    def _begins(self, fields: dict[str, Any]) -> Meant:
        """Return the use that a call of this task begins."""
        use = self._use
        return Meant(use.action, use.step or "", message=fields.get("message", ""), within=fields["within"])

    def _logs_on(self, known: ans.ApplyAnswer) -> Meant:
        """Return the use of this task that has begun; its permit is the first one of which the PC has told."""
        use = self._use
        self._permit = self._permit or ("" if known.use is None else known.use.permit)
        return Meant(use.action, use.step or "", self._permit)

    def _deliver(self, known: ans.ApplyAnswer, wanted: ans.HalfView, meant: Meant) -> ans.ApplyAnswer:
        """Deliver the operator's half for a logon; return the answer, which comes with the next news of the use.

        Raises:
            ConnectionLost: the connection is gone; the half may have come or not.
            Failure: the half cannot be given, or was refused.
        """
        try:
            half = self._use.halves.answer(wanted, meant)
        except Failure as fault:
            fault.outcome = "unknown"
            raise
        self._progress.show("the operator's half of the key is delivered for the sign-in")
        try:
            return self._ask_wait(known, half=half)
        except Failure as fault:
            if fault.code != "half_not_awaited":
                raise
        # It came before its answer was lost, or another job has delivered it, or the use is over.
        return self._ask_wait(known)

    # --- follow the restart

    def _follow(self, answer: ans.ApplyAnswer) -> ans.ApplyAnswer:
        """Wait until the use is finished; return the last answer."""
        if not _finished(answer):
            self._probe = self._link.accepts()
        while not _finished(answer):
            self._show(answer)
            if self._use.deadline.over:
                raise self._timeout(answer).with_facts(**self._result(answer, changed=True))
            answer = self._look(answer)
        return answer

    def _look(self, known: ans.ApplyAnswer) -> ans.ApplyAnswer:
        """Return the current answer, or the known one while the PC cannot answer."""
        if self._link.away and self._probe and not self._link.accepts():
            self._clock.sleep(_PACE)
            return known
        if self._hangs_up(known):
            return known
        pause = _PACE
        try:
            answer = self._poll(known)
        except ConnectionLost as lost:
            self._lost = lost
            if lost.ends_within(self._use.deadline.left):
                raise self._agent.failure_of(lost).with_facts(**self._result(known, changed=True)) from None
            pause = max(_PACE, lost.pause)
        except Failure as fault:
            if not self._agent.may_pass(fault):
                raise fault.with_facts(**self._result(known, changed=True)) from None
            self._passing = fault
        else:
            self._passing = None
            return answer
        self._clock.sleep(pause)
        return known

    def _hangs_up(self, known: ans.ApplyAnswer) -> bool:
        """Wait for the PC to go down, without a call that its end would cut short; tell whether it did.

        Every other time the agent is asked: its news, such as a permit that is cancelled, comes a few seconds later.
        """
        goes_down = self._use.action == "restart" and _same_boot(known) and not self._link.away
        self._listened = goes_down and self._probe and not self._listened
        if not self._listened:
            return False
        if not self._link.hangs_up(min(LONG_POLL, self._use.deadline.left * _QUIET)):
            return False
        self._lost = ConnectionLost(ConnectionResetError("The PC has ended its connections."))
        return True

    def _poll(self, known: ans.ApplyAnswer) -> ans.ApplyAnswer:
        answer = known if known.half is not None else self._ask_wait(known)
        if answer.half is None:
            return answer
        return self._deliver(answer, answer.half, self._logs_on(answer))

    def _ask_wait(self, known: ans.ApplyAnswer, half: dict[str, Any] | None = None) -> ans.ApplyAnswer:
        permit = known.use.permit if known.use else ""
        wait = min(LONG_POLL, self._use.deadline.left)
        # Once the PC has been away, only the end counts: each answer before it would cost a further call.
        fields: dict[str, Any] = {"session": self._use.session, "permit": permit, "wait": wait, "half": half}
        if self._lost is not None:
            fields["to_the_end"] = True
        return self._agent.ask_once(ans.ApplyAnswer, "apply_wait", **fields).result

    def _show(self, answer: ans.ApplyAnswer) -> None:
        limit = f"for {self._use.deadline.limit:.0f} s at most"
        event = answer.waiting_for.rstrip(".") or f"the {self._use.action}"
        self._progress.show(f"waiting: {'the PC to come back' if self._link.away else event}; {limit}")

    def _timeout(self, answer: ans.ApplyAnswer) -> Failure:
        """Return the failure at the end of the timeout, as far as the controller can tell."""
        limit = self._limit
        same_boot = self._use.action == "restart" and _same_boot(answer)
        if self._link.away and self._lost is not None:
            fault = self._agent.failure_of(self._lost)
            if fault.code == "pc_frozen" or not same_boot:
                return fault
            return failure("pc_not_back", outcome="unknown", limit=limit).with_facts(**fault.facts)
        if self._passing is not None:
            self._passing.outcome = "unknown"
            return self._passing
        return failure("pc_did_not_restart" if same_boot else "apply_timeout", outcome="unknown", limit=limit)

    @property
    def _limit(self) -> str:
        """The time that the use had, for a sentence."""
        return f"within {self._use.deadline.limit:.0f} s"

    # --- finish

    def _settle(self, answer: ans.ApplyAnswer, *, changed: bool) -> None:
        """Check the finished use and run the test command; raise Failure if either failed."""
        self._check(answer, changed=changed)
        if self._use.test_command is not None:
            self._test(self._use.test_command, answer)

    def _check(self, answer: ans.ApplyAnswer, *, changed: bool) -> None:
        """Show how the use has ended; raise Failure if it failed."""
        use = answer.use
        if use is not None and use.error is not None:
            fault = self._error(answer, use.error)
            raise fault.with_facts(**self._result(answer, changed=fault.code not in _STAYED_UP))
        if changed and use is not None and use.state == "restarted":
            self._progress.show("the PC is back; no account was signed in")
        elif changed and use is not None:
            how = "has signed in without the grant" if use.why == "signed_in" else "is signed in again"
            self._progress.show(f"{use.account} {how}")

    def _error(self, answer: ans.ApplyAnswer, error: ans.ErrorView) -> Failure:
        use = answer.use
        if use and (use.state == "lapsed" or use.why == "not_restarted") and _same_restart(answer):
            return failure("pc_did_not_restart", limit=self._limit)
        return agent_failure(error)

    def _test(self, text: str, answer: ans.ApplyAnswer) -> None:
        command = command_line(test_script(text))
        detail = "no time was left to run it"
        runs = 0
        while runs < self._least_tests or not self._use.deadline.over:
            runs += 1
            try:
                code = self._link.run(command).code
            except ConnectionLost as lost:
                if lost.final:
                    raise self._agent.failure_of(lost).with_facts(
                        **self._result(answer, changed=True)
                    ) from None
                detail = "the connection was lost"
            else:
                if code == 0:
                    return
                detail = f"its last exit code was {code}"
            if not self._use.deadline.over:
                self._progress.pause(_TEST_PACE, f"waiting: the test command to succeed; {detail}")
        late = failure("test_command_failed", outcome="unknown", detail=detail)
        raise late.with_facts(**self._result(answer, changed=True))

    def _result(self, answer: ans.ApplyAnswer, *, changed: bool, pending: bool = False) -> dict[str, Any]:
        use = answer.use
        after = (use.boot_after if use else None) or answer.boot_id
        return {
            "changed": changed,
            "boot": {"before": _boot_before(answer), "after": after},
            "signed_in": _signed_in(use),
            "left": asdict(answer.left),
            "use": use and asdict(use),
            "pending": pending,
            "waiting_for": answer.waiting_for if pending else "",
            "elapsed": self._elapsed(),
        }

    def _elapsed(self) -> dict[str, float]:
        total = self._clock.now() - self._started
        going_down = 0.0 if self._link.lost_at is None else self._link.lost_at - self._started
        parts = {
            "going_down": going_down,
            "outage": self._link.outage,
            "overhead": total - going_down - self._link.outage,
            "total": total,
        }
        return {name: round(seconds, 3) for name, seconds in parts.items()}


def _finished(answer: ans.ApplyAnswer) -> bool:
    """Tell whether the use is finished. Without a use, nothing had to be done."""
    return answer.finished or answer.use is None


def _boot_before(answer: ans.ApplyAnswer) -> str:
    return answer.use.boot_before if answer.use else answer.boot_id


def _same_boot(answer: ans.ApplyAnswer) -> bool:
    return answer.boot_id == _boot_before(answer)


def _same_restart(answer: ans.ApplyAnswer) -> bool:
    return answer.use is not None and answer.use.action == "restart" and _same_boot(answer)


def _permit_life(left: float) -> float:
    """Return the permit's lifetime in seconds: shorter than the task's wait, so that the task sees its end."""
    return max(1.0, left - min(10.0, left / 5))


def _signed_in(use: ans.UseView | None) -> dict[str, Any] | None:
    if use is None or use.logged_on_at is None:
        return None
    return {
        "account": use.account,
        "at": use.logged_on_at,
        "locked_at": use.locked_at,
        "disconnected": use.disconnected,
        "desktop_open_seconds": use.desktop_open_seconds,
    }
