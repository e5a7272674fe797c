# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Challenges: each lets one signed request through. And the check code, which the operator cannot choose."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import timedelta

from . import commands as c
from . import events as e
from .clock import Now
from .decision import Decision, own_session
from .model import Challenge, State
from .policy import Policy
from .refusal import Refused

CHALLENGE_TIME = timedelta(hours=8)
"""The time within which a challenge can be answered, if its session does not end before."""
DIGITS = 6
"""The digits of a check code that comes from a signed request."""


def issue(state: State, command: c.IssueChallenge, now: Now, _policy: Policy) -> Decision:
    """Issue a challenge for a session; its seed is journalled before any request is known."""
    session = own_session(state, command.name, command.by)
    issued = e.ChallengeIssued(
        at=now.at,
        nonce=command.nonce,
        session=session.id,
        seed=command.seed,
        expires_at=min(session.ends_at, now.ends + CHALLENGE_TIME),
    )
    return Decision((issued,), subject=command.nonce)


def open_challenge(state: State, nonce: str, session: str, now: Now) -> Challenge:
    """Return a challenge of this session that may still be answered.

    Raises:
        Refused: `challenge_unknown`, `challenge_used`, `challenge_expired`.
    """
    found = state.challenges.get(nonce)
    if found is None or found.session != session:
        raise Refused("challenge_unknown")
    if found.used:
        raise Refused("challenge_used")
    if found.expires_at <= now.ends:
        raise Refused("challenge_expired", detail=found.expires_at.isoformat(timespec="minutes"))
    return found


def check_code(seed: str, document: bytes, taken: Collection[str]) -> str:
    """Return the check code of a signed request: six digits that neither side could choose.

    The PC journals the seed before it learns the document, and the operator signs the document without the seed.

    Args:
        seed: the challenge's random value, in hexadecimal.
        document: the bytes that were signed.
        taken: the codes of other requests. With the same code, one window could pass for another.
    """
    for count in range(256):
        digest = hashlib.sha256(bytes.fromhex(seed) + bytes([count]) + document).digest()
        code = f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}}"
        if code not in taken:
            break
    return code
