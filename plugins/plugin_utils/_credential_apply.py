# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""Applying a grant, and following the PC down and up again until the customer is signed in.

The agent knows the story of the permit; what only this side can know is whether the PC can be
reached. Whether it restarted is told by the boot id, never by the connection or by clocks.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from . import _answers as ans
from ._agent_client import LONG_POLL
from ._connection import Lost
from ._failure import Failure, agent_failure, failure
from ._powershell_command import command_line, test_script

if TYPE_CHECKING:
    from ._agent_client import Agent, Reply
    from ._connection import Link
    from ._progress import Watch
    from ._wait_clock import Clock, Deadline

_PACE = 0.2
_TEST_PACE = 1.0
# Just after a restart a PC may refuse an account because it cannot reach its domain yet; a wrong
# password tried every moment would lock the account out.
_REJECTED_PACE = 10.0

_STAYED_UP = frozenset({"pc_did_not_restart", "restart_refused"})
# What a PC says that is about to go down or has just come up: its services are not there.
_PASSING = frozenset({"agent_not_running", "bad_answer"})


@dataclass(frozen=True)
class Use:
    """What is to be done with the grant. `terms` are further fields of the verb."""

    session: str
    action: Literal["restart", "unlock"]
    step: str | None
    terms: dict[str, Any]
    test_command: str | None
    deadline: Deadline

    @property
    def step_name(self) -> str:
        """The operator's step, or one for this task alone.

        The agent joins a use that is known to it by its step; without one, asking again after a
        lost answer could restart the PC twice.
        """
        return self.step or f"once {uuid.uuid4()}"


class Applying:
    """One task's way from the grant to the customer's locked desktop."""

    def __init__(self, agent: Agent, link: Link, clock: Clock, watch: Watch, use: Use) -> None:
        self._agent = agent
        self._link = link
        self._clock = clock
        self._watch = watch
        self._use = use
        self._began = clock.now()
        self._probe = False
        self._lost: Lost | None = None
        self._passing: Failure | None = None

    def apply(self) -> dict[str, Any]:
        """Use the grant once and wait for the end of it; return the task's result.

        Raises:
            Failure: it was refused, or it did not come to its end in time.
        """
        with self._link.impatient():
            reply = self._begin()
            if self._agent.check:
                return self._result(reply.result, changed=reply.changed)
            answer = self._follow(reply.result)
            # A use that another job has begun and that is still under way is this task's as well.
            changed = reply.changed or not _over(reply.result)
            self._settle(answer, changed=changed)
            return self._result(answer, changed=changed)

    # --- the beginning

    def _begin(self) -> Reply[ans.ApplyAnswer]:
        use = self._use
        fields = {**use.terms, "session": use.session, "action": use.action, "step": use.step_name}
        fields["idempotency_key"] = self._agent.new_key()
        while True:
            fields["within"] = _permit_life(use.deadline.left)
            try:
                return self._agent.ask(ans.ApplyAnswer, "credential_apply", use.deadline, **fields)
            except Failure as fault:
                self._wait_for_leave(fault)

    def _wait_for_leave(self, fault: Failure) -> None:
        """Let the time pass after which the agent would not refuse any more."""
        pause = fault.error.retry_after
        if pause is None and fault.code in _PASSING and self._link.lost_at is not None:
            # The PC went down before it could answer.
            pause = _PACE
        if pause is None or pause > self._use.deadline.left:
            raise fault
        if fault.error.retry_after is not None:
            self._watch.tell(f"waiting {pause:.0f} s: {fault.error.message}")
        # Never a busy loop, whatever an agent says.
        self._clock.sleep(max(_PACE, pause))

    # --- the way down and up

    def _follow(self, answer: ans.ApplyAnswer) -> ans.ApplyAnswer:
        """Return the answer that ends the story of the permit."""
        if not _over(answer):
            self._probe = self._link.accepts()
        while not _over(answer):
            self._tell(answer)
            if self._use.deadline.over:
                raise self._too_late(answer).with_facts(**self._result(answer, changed=True))
            answer = self._look(answer)
        return answer

    def _look(self, known: ans.ApplyAnswer) -> ans.ApplyAnswer:
        """Return how far it is; what was known before where the PC cannot say it now."""
        if self._link.away and self._probe and not self._link.accepts():
            self._clock.sleep(_PACE)
            return known
        pause = _PACE
        try:
            answer = self._poll(known)
        except Lost as lost:
            self._lost = lost
            pause = _REJECTED_PACE if lost.rejected else _PACE
        except Failure as fault:
            if fault.code not in _PASSING:
                raise fault.with_facts(**self._result(known, changed=True)) from None
            self._passing = fault
        else:
            self._passing = None
            return answer
        self._clock.sleep(pause)
        return known

    def _poll(self, known: ans.ApplyAnswer) -> ans.ApplyAnswer:
        permit = known.use.permit if known.use else ""
        wait = min(LONG_POLL, self._use.deadline.left)
        fields = {"session": self._use.session, "permit": permit, "wait": wait}
        return self._agent.ask_once(ans.ApplyAnswer, "apply_wait", **fields).result

    def _tell(self, answer: ans.ApplyAnswer) -> None:
        limit = f"for {self._use.deadline.limit:.0f} s at most"
        what = answer.waiting_for.rstrip(".") or f"the {self._use.action}"
        self._watch.tell(f"waiting: {'the PC to come back' if self._link.away else what}; {limit}")

    def _too_late(self, answer: ans.ApplyAnswer) -> Failure:
        """Say what the wait ended in, as far as it can be told from here."""
        limit = f"{self._use.deadline.limit:.0f}"
        same_boot = self._use.action == "restart" and _same_boot(answer)
        if self._link.away and self._lost is not None:
            gone = self._agent.gone(self._lost)
            if gone.code == "pc_frozen" or not same_boot:
                return gone
            return failure("pc_not_back", outcome="unknown", limit=limit).with_facts(**gone.facts)
        if self._passing is not None:
            self._passing.outcome = "unknown"
            return self._passing
        return failure("pc_did_not_restart" if same_boot else "apply_timeout", outcome="unknown", limit=limit)

    # --- the end

    def _settle(self, answer: ans.ApplyAnswer, *, changed: bool) -> None:
        """Accept the end of the story, or say why it is a bad one."""
        use = answer.use
        if use is not None and use.error is not None:
            fault = self._error(answer, use.error)
            raise fault.with_facts(**self._result(answer, changed=fault.code not in _STAYED_UP))
        if changed and use is not None:
            self._watch.tell(f"{use.account} is signed in again")
        if self._use.test_command is not None:
            self._test(self._use.test_command, answer)

    def _error(self, answer: ans.ApplyAnswer, error: ans.ErrorView) -> Failure:
        use = answer.use
        if use and use.state == "lapsed" and use.action == "restart" and _same_boot(answer):
            return failure("pc_did_not_restart", limit=f"{self._use.deadline.limit:.0f}")
        return agent_failure(error)

    def _test(self, text: str, answer: ans.ApplyAnswer) -> None:
        command = command_line(test_script(text))
        detail = "there was no time left to try it"
        while not self._use.deadline.over:
            try:
                code = self._link.run(command).code
            except Lost:
                detail = "the connection was lost"
            else:
                if code == 0:
                    return
                detail = f"its last exit code was {code}"
            self._clock.sleep(_TEST_PACE)
        late = failure("test_command_failed", outcome="unknown", detail=detail)
        raise late.with_facts(**self._result(answer, changed=True))

    def _result(self, answer: ans.ApplyAnswer, *, changed: bool) -> dict[str, Any]:
        use = answer.use
        after = (use.boot_after if use else None) or answer.boot_id
        return {
            "changed": changed,
            "boot": {"before": _boot_before(answer), "after": after},
            "signed_in": _signed_in(use),
            "left": asdict(answer.left),
            "use": use and asdict(use),
            "elapsed": self._elapsed(),
        }

    def _elapsed(self) -> dict[str, float]:
        total = self._clock.now() - self._began
        going_down = 0.0 if self._link.lost_at is None else self._link.lost_at - self._began
        parts = {
            "going_down": going_down,
            "outage": self._link.outage,
            "overhead": total - going_down - self._link.outage,
            "total": total,
        }
        return {name: round(seconds, 3) for name, seconds in parts.items()}


def _over(answer: ans.ApplyAnswer) -> bool:
    """Whether nothing more will happen; without a use nothing had to be done."""
    return answer.finished or answer.use is None


def _boot_before(answer: ans.ApplyAnswer) -> str:
    return answer.use.boot_before if answer.use else answer.boot_id


def _same_boot(answer: ans.ApplyAnswer) -> bool:
    return answer.boot_id == _boot_before(answer)


def _permit_life(left: float) -> float:
    """Return how long the permit may live: a little shorter than the task waits, to hear of its end."""
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
