# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Starts a support session, ends it, and revokes its grants."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import _answers as ans
from ._erasure import summary, unconfirmed
from ._failure import Failure, failure
from ._request_signature import facts_with, opened, require_genuine

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._agent_client import Agent
    from ._device_check import DeviceCheck
    from ._wait_clock import Deadline


def start(
    agent: Agent, deadline: Deadline, fields: dict[str, Any], device: DeviceCheck, challenges: object = None
) -> dict[str, Any]:
    """Start the session, or find it started; return the task's result, also where the forecast stopped the start.

    `challenges` are the host's open ones; the result's fact has that of this session instead of an earlier one.

    Raises:
        Failure: the session started, but another PC than the enrolled one may have answered.
    """
    with device.names_another_key(lambda: agent.device_key(deadline)):
        reply = agent.change(ans.SessionAnswer, "session_start", deadline, **fields, seen=device.seen)
    answer = reply.result
    known = device.facts(answer.journal_head, outcome="unknown")
    if problem := require_genuine(answer.challenge, answer.journal_head):
        raise failure("journal_head_invalid", outcome="unknown", pc=device.pc, detail=problem)
    view = {"state": "not_started"} if answer.session is None else _view(answer.session)
    forecast = answer.forecast and asdict(answer.forecast)
    challenge = opened(answer, fields)
    # In check mode the PC issues none, and an open one of an earlier task stays.
    facts = {} if agent.check else facts_with(challenges, fields["session"], challenge, answer.challenge_why)
    signing = {
        "challenge": answer.challenge and asdict(answer.challenge),
        "challenge_why": answer.challenge_why,
    }
    changed = reply.changed or known["enrolled"]
    return {"changed": changed, **view, "forecast": forecast, **known, **signing, **facts}


def end(
    agent: Agent,
    deadline: Deadline,
    session: str,
    settled_steps: list[str] | None,
    device: Callable[[], DeviceCheck],
) -> dict[str, Any]:
    """End the session; return the task's result with the checks of the erasure. `settled_steps` need no more work.

    The files about known PCs are read after the call: a fault in them does not keep a password on the PC.

    Raises:
        Failure: the session ended, but the erasure is not confirmed, or the key of the PC could not be compared.
    """
    reply = agent.change(
        ans.EndedAnswer, "session_end", deadline, session=session, settled_steps=settled_steps
    )
    answer = reply.result
    result = {
        "changed": reply.changed,
        **_view(answer.session),
        "erasure": summary(answer.erasure),
        "receipts": [asdict(receipt) for receipt in answer.receipts],
    }
    try:
        known = device().facts(answer.journal_head, outcome="unknown")
    except Failure as fault:
        fault.outcome = "unknown"
        raise
    result |= {**known, "changed": reply.changed or known["enrolled"]}
    return result if agent.check else _require_erased(result, answer.erasure)


def revoke(agent: Agent, deadline: Deadline, session: str) -> dict[str, Any]:
    """Revoke the session's grants; return the task's result with the checks of the erasure.

    Raises:
        Failure: the grants are revoked, but the erasure is not confirmed.
    """
    reply = agent.change(ans.RevokeAnswer, "credential_revoke", deadline, session=session)
    answer = reply.result
    result = {
        "changed": reply.changed,
        "grants": [asdict(grant) for grant in answer.grants],
        "erasure": summary(answer.erasure),
    }
    return result if agent.check else _require_erased(result, answer.erasure)


def _view(session: ans.SessionView) -> dict[str, Any]:
    view = asdict(session)
    # The task's result has the name as `session`.
    del view["name"]
    return view


def _require_erased(result: dict[str, Any], erasures: list[ans.ErasureView]) -> dict[str, Any]:
    if detail := unconfirmed(erasures):
        raise failure("erasure_unconfirmed", outcome="unknown", detail=detail).with_facts(**result)
    return result
