# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Asks the customer for a grant and waits for the answer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from . import _answers as ans
from ._agent_client import LONG_POLL, sent_along
from ._failure import Failure, failure
from ._progress import later, span
from ._request_signature import challenge_of, facts_with, signed_fields

if TYPE_CHECKING:
    from ._agent_client import Agent, Reply
    from ._device_check import DeviceCheck
    from ._half_answers import HalfAnswers
    from ._operator_certificate import Signer
    from ._progress import Progress
    from ._wait_clock import Deadline

_SHORT_POLL = 1.0
_ANSWERS = {
    "denied": "denied",
    "reported": "denied",
    "grant_revoked": "revoked",
    "answered_later": "later",
    "no_answer": "no_answer",
}


@dataclass(frozen=True)
class RequestOptions:
    """The options of one request. `terms` are the fields of the verb; `wait`: whether to wait for the answer.

    `halves`: the operator's side of a grant of two parties. `signer` signs the request, if there is one.
    `challenges` is the host's fact with the open challenges. `device`: the check of the PC's key; without it any PC may
    have signed the challenge.
    """

    session: str
    terms: dict[str, Any]
    wait: bool
    deadline: Deadline
    halves: HalfAnswers
    signer: Signer | None = None
    challenges: object = None
    device: DeviceCheck | None = None


class RequestTask:
    """One task: from the request to the customer's answer."""

    def __init__(self, agent: Agent, progress: Progress, options: RequestOptions) -> None:
        self._agent = agent
        self._progress = progress
        self._options = options

    def ask(self) -> dict[str, Any]:
        """Ask, and wait for the answer if wanted; return the task's result.

        Raises:
            Failure: the customer did not agree, or could not be asked.
        """
        options = self._options
        within = options.deadline.left if options.wait else None
        fields = {**options.terms, "session": options.session, "answer_within": within}
        if options.signer is None or self._agent.check:
            fields["sealing"] = options.halves.sealing(self._agent, options.deadline)
            return self._answered(self._ask(fields), {})
        if options.halves.key is not None:
            options.halves.key.require_apart(options.signer.key)
        opened_by = challenge_of(options.challenges, options.session)
        if options.device is not None:
            options.device.require_signer(opened_by.challenge.public_key)
        fields["sealing"] = options.halves.sealing_for(opened_by.challenge.public_key)
        reply = self._ask(signed_fields(options.signer, opened_by, fields))
        further = reply.result.challenge
        try:
            following = None if further is None else opened_by.next(further)
        except Failure as fault:
            raise (
                fault if reply.result.request is None else _with_answer(fault, reply.result.request)
            ) from None
        why = reply.result.challenge_why
        return self._answered(reply, facts_with(options.challenges, options.session, following, why))

    def _answered(self, reply: Reply[ans.RequestAnswer], facts: dict[str, Any]) -> dict[str, Any]:
        """Return the task's result; a grant of two parties must be one that the task's sealing key opens."""
        why, halves = reply.result.means_why, self._options.halves
        means = str(self._options.terms.get("means") or "grant")
        halves.require_ours(reply.result, means)
        if reply.result.grant is not None or self._agent.check or not self._options.wait:
            return _result(reply.result, changed=reply.changed, means_why=why) | facts
        answer = self._wait(_request(reply.result))
        halves.require_ours(answer, means)
        return _result(answer, changed=True, means_why=why) | facts

    def _ask(self, fields: dict[str, Any]) -> Reply[ans.RequestAnswer]:
        """Ask; the failure after an earlier no of the customer has the request of that no."""
        try:
            return self._agent.change(
                ans.RequestAnswer, "credential_request", self._options.deadline, **fields
            )
        except Failure as fault:
            raise _told(fault, None) from None

    def _wait(self, request: ans.RequestView) -> ans.RequestAnswer:
        """Wait until the customer agrees; return that answer."""
        known = ""
        while True:
            self._show(request)
            if self._options.deadline.over or _postponed(request):
                answer = self._withdraw(request)
            else:
                answer = self._poll(request, news=request.state != known)
            if answer.grant is not None:
                self._progress.show(f"{answer.grant.account} agreed")
                return answer
            known, request = request.state, _request(answer)

    def _poll(self, request: ans.RequestView, *, news: bool) -> ans.RequestAnswer:
        """Wait for the next change of the request."""
        # The agent waits for a change after the call. A short first poll shows a change just before it.
        wait = min(_SHORT_POLL if news else LONG_POLL, self._options.deadline.left)
        return self._about(request, "request_wait", self._options.deadline, wait=wait)

    def _withdraw(self, request: ans.RequestView) -> ans.RequestAnswer:
        """Withdraw the request; an answer that came first still counts.

        Raises:
            Failure: the customer's answer, or that there was none.
        """
        grace = self._options.deadline.clock.deadline(LONG_POLL)
        answer = self._about(request, "request_withdraw", grace)
        if answer.grant is not None:
            return answer
        if _request(answer).state == "withdrawn":
            raise _with_answer(_no_answer(request), _request(answer))
        return self._about(request, "request_wait", grace, wait=0.0)

    def _about(
        self, request: ans.RequestView, verb: str, deadline: Deadline, **fields: object
    ) -> ans.RequestAnswer:
        fields = {"session": self._options.session, "request": request.id, **fields}
        try:
            return self._agent.ask(ans.RequestAnswer, verb, deadline, **fields).result
        except Failure as fault:
            raise _told(fault, request) from None

    def _show(self, request: ans.RequestView) -> None:
        event = request.waiting_for.rstrip(".") or "the customer to answer"
        when = span(request.asked_at, request.answer_by)
        self._progress.show(f"waiting: {event}; {when}; code {request.code}")


def _postponed(request: ans.RequestView) -> bool:
    """Tell whether the customer postponed the request beyond this task's time."""
    until = request.later_until
    return request.state == "later" and until is not None and not later(request.answer_by, until)


def _no_answer(request: ans.RequestView) -> Failure:
    if request.state == "later":
        return failure("answered_later", detail=f"after {request.later_until}")
    return failure("no_answer")


def _told(fault: Failure, request: ans.RequestView | None) -> Failure:
    """Add the request that the agent sent along, else the known one, if there is any."""
    sent = sent_along(fault, ans.RequestAnswer)
    known = (sent and sent.request) or request
    return fault if known is None else _with_answer(fault, known)


def _with_answer(fault: Failure, request: ans.RequestView) -> Failure:
    """Add the request, and the answer if the customer ended it."""
    facts: dict[str, Any] = {"request": asdict(request), "code": request.code}
    if fault.code in _ANSWERS:
        facts["answer"] = _ANSWERS[fault.code]
    return fault.with_facts(**facts)


def _request(answer: ans.RequestAnswer) -> ans.RequestView:
    if answer.request is None:
        raise failure("bad_answer", outcome="unknown", detail="neither a request nor a grant")
    return answer.request


def _result(answer: ans.RequestAnswer, *, changed: bool, means_why: str) -> dict[str, Any]:
    return {
        "changed": changed,
        "means_why": means_why,
        "answer": "pending" if answer.grant is None else "granted",
        "code": answer.request.code if answer.request else "",
        "request": answer.request and asdict(answer.request),
        "grant": answer.grant and asdict(answer.grant),
    }
