# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Challenges: each lets one signed request through. And the check code, which the operator cannot choose.

And whether the signature of a request, or the lack of one, still counts after the pinned authorities have changed.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from datetime import timedelta

from . import commands as c
from . import events as e
from .clock import Now
from .decision import Decision, own_session
from .model import Authorities, Challenge, Request, Signed, State
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


def counts(signed: Signed | None, pinned: Authorities, policy: Policy) -> bool:
    """Tell whether a request with this signature, or without one, may be shown and granted.

    Args:
        signed: the signature; None for an unsigned request.
        pinned: the authorities that the PC pins now.
        policy: of now; it may allow unsigned requests.
    """
    if signed is None:
        return not pinned.keys or policy.allow_unsigned
    who = signed.requester
    is_known = signed.authority in map(fingerprint_of, pinned.keys)
    return is_known and who.organization == pinned.organization and who.role in (pinned.roles or (who.role,))


def require_counting(request: Request, state: State, policy: Policy) -> None:
    """Raise Refused (`request_withdrawn`) if a request may no longer be granted: see `counts`."""
    if not counts(request.signed, state.authorities, policy):
        raise Refused("request_withdrawn")


def is_same_signer(one: Signed | None, other: Signed | None) -> bool:
    """Tell whether two requests are by the same person and key, or both unsigned; the certificates may differ."""
    if one is None or other is None:
        return one is other
    return (one.requester, one.key) == (other.requester, other.key)


def fingerprint_of(line: str) -> str:
    """Return the fingerprint of a public key in a line of OpenSSH, as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def check_code(seed: str, document: bytes, taken: Collection[str]) -> str:
    """Return the check code of a signed request: six digits that neither side could choose.

    The PC journals the seed before it learns the document, and the operator signs the document without the seed.

    Args:
        seed: the challenge's random value, in hexadecimal.
        document: the bytes that were signed.
        taken: the codes of other requests. With the same code, one window could pass for another.
    """
    codes = (_code(seed, document, count) for count in range(256))
    return next((code for code in codes if code not in taken), _code(seed, document, 255))


def _code(seed: str, document: bytes, count: int) -> str:
    digest = hashlib.sha256(bytes.fromhex(seed) + bytes([count]) + document).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}}"
