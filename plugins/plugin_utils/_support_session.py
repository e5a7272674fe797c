# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""Opening a support session, ending it, and giving a grant back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _messages as m
from ._erasure import proof, unconfirmed
from ._failure import failure

if TYPE_CHECKING:
    from ._agent_client import Agent
    from ._wait_clock import Deadline


def start(agent: Agent, deadline: Deadline, fields: dict[str, Any]) -> dict[str, Any]:
    """Open the session, or find it open; return the task's result."""
    reply = agent.change(m.SessionAnswer, "session_start", deadline, **fields)
    return {"changed": reply.changed, **_told(reply.result["session"])}


def end(agent: Agent, deadline: Deadline, session: str) -> dict[str, Any]:
    """End the session; return the task's result with the proof of erasure.

    Raises:
        Failure: the session ended, but the erasure is not certain.
    """
    reply = agent.change(m.EndedAnswer, "session_end", deadline, session=session)
    answer = reply.result
    result = {
        "changed": reply.changed,
        **_told(answer["session"]),
        "erasure": proof(answer["erasure"]),
        "receipts": answer["receipts"],
    }
    return result if agent.check else _sure(result, answer["erasure"])


def revoke(agent: Agent, deadline: Deadline, session: str) -> dict[str, Any]:
    """Give the session's grants back; return the task's result with the proof of erasure.

    Raises:
        Failure: they cannot be used any more, but the erasure is not certain.
    """
    reply = agent.change(m.RevokeAnswer, "credential_revoke", deadline, session=session)
    answer = reply.result
    result = {"changed": reply.changed, "grants": answer["grants"], "erasure": proof(answer["erasure"])}
    return result if agent.check else _sure(result, answer["erasure"])


def _told(session: m.SessionView) -> dict[str, Any]:
    told = dict(session)
    del told["name"]
    return told


def _sure(result: dict[str, Any], erasures: list[m.ErasureView]) -> dict[str, Any]:
    if detail := unconfirmed(erasures):
        raise failure("erasure_unconfirmed", outcome="unknown", detail=detail).with_facts(**result)
    return result
