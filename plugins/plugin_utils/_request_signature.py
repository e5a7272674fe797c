# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Signs a request for one PC: its challenge, the person whom the certificate names, and the terms as the PC takes them.

The challenge comes with the answer to `support_session`, and stays in a fact of the host, so that signing takes no
further call. Each one serves one request; the answer to a request brings the next one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import _answers as ans
from ._answer_reader import AnswerError, read
from ._armored_signature import SignatureError, fingerprint, key_of_line, signed, signed_json, verified
from ._failure import failure
from ._pc_times import in_utc, pc_times
from ._plain_data import plain_data

if TYPE_CHECKING:
    from ._operator_certificate import Signer

FACT = "latchkey_challenges"
"""The fact of a host with the open challenges, by the names of their sessions."""

_CHALLENGE, _REQUEST = "latchkey-challenge", "latchkey-request"
_CHALLENGE_SCHEMA, _REQUEST_SCHEMA = "latchkey-challenge-1", "latchkey-request-1"


@dataclass(frozen=True)
class OpenChallenge:
    """A challenge, and what a signed request of its session says beside it.

    Attributes:
        challenge: as the PC sent it.
        received: the controller's time at which it came, in seconds since 1970.
        session: the session's name, reason, ticket and end, as the PC has them.
    """

    challenge: ans.ChallengeView
    received: float
    session: dict[str, str]

    def as_fact(self) -> dict[str, Any]:
        """Return the challenge as it stands in the fact."""
        return {"challenge": asdict(self.challenge), "received": self.received, "session": self.session}

    def next(self, challenge: ans.ChallengeView) -> OpenChallenge:
        """Return a further challenge of the same session."""
        return OpenChallenge(challenge, time.time(), self.session)


def opened(answer: ans.SessionAnswer) -> OpenChallenge | None:
    """Return the challenge of an answer to `session_start`, None if it has none."""
    session = answer.session
    if answer.challenge is None or session is None:
        return None
    told = {
        "name": session.name,
        "reason": session.reason,
        "ticket": session.ticket,
        "ends_at": session.ends_at,
    }
    return OpenChallenge(answer.challenge, time.time(), told)


def require_genuine(challenge: ans.ChallengeView | None, head: ans.HeadView | None) -> str:
    """Return the reason why a challenge is not by the PC that signed the journal head; empty if it is.

    Args:
        challenge: of an answer; None is nothing to check.
        head: of the same answer.
    """
    if challenge is None:
        return ""
    told = {
        name: value for name, value in asdict(challenge).items() if name not in ("signature", "public_key")
    }
    try:
        key = verified(
            challenge.signature, signed_json({"schema_version": _CHALLENGE_SCHEMA, **told}), _CHALLENGE
        )
        if head is None or key != key_of_line(head.public_key) or key != key_of_line(challenge.public_key):
            return "the challenge beside it is signed by another key"
    except SignatureError as fault:
        return f"the signature of the challenge beside it: {fault}"
    return ""


def facts_with(known: object, session: str, found: OpenChallenge | None) -> dict[str, Any]:
    """Return the part of a result that sets the host's fact: the challenge of a session, or no longer one.

    It is empty where nothing changes.

    Args:
        known: the value of the fact before.
        session: the session's name.
        found: the new challenge; None: the session has none.
    """
    before = plain_data(known) if isinstance(known, Mapping) else {}
    if found is None and session not in before:
        return {}
    kept = {name: one for name, one in before.items() if name != session}
    return {"ansible_facts": {FACT: kept if found is None else {**kept, session: found.as_fact()}}}


def challenge_of(known: object, session: str) -> OpenChallenge:
    """Return the open challenge of a session from the host's fact.

    Raises:
        Failure: `challenge_missing`.
    """
    found: Any = plain_data(known).get(session) if isinstance(known, Mapping) else None
    try:
        told = {name: str(found["session"][name]) for name in ("name", "reason", "ticket", "ends_at")}
        return OpenChallenge(read(ans.ChallengeView, found["challenge"]), float(found["received"]), told)
    except (AnswerError, TypeError, KeyError, ValueError):
        raise failure("challenge_missing", session=session) from None


def signed_fields(signer: Signer, opened_by: OpenChallenge, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `credential_request` with moments in UTC, the account and the signature.

    Args:
        signer: the key and its certificate.
        opened_by: the challenge that the request answers.
        fields: the fields of the request; one that is missing has the protocol's default.

    Raises:
        Failure: `bad_time`, or `challenge_missing`: the challenge is malformed.
    """
    asked = {**_DEFAULTS, **{name: value for name, value in fields.items() if value is not None}}
    try:
        asked |= _moments(opened_by, asked)
        device_key = fingerprint(key_of_line(opened_by.challenge.public_key))
    except (ValueError, SignatureError):
        raise failure("challenge_missing", session=asked["session"]) from None
    asked["account"] = asked["account"] or opened_by.challenge.account or None
    document = {
        "schema_version": _REQUEST_SCHEMA,
        "device": opened_by.challenge.device,
        "device_key": device_key,
        "nonce": opened_by.challenge.nonce,
        "certificate_sha256": signer.sha256,
        "requester": {"name": signer.name, "organization": signer.organization, "role": signer.role},
        "reason": opened_by.session["reason"],
        "ticket": opened_by.session["ticket"],
        **asked,
        "session": opened_by.session["name"],
    }
    text = signed_json(document)
    signature = {
        "document": text.decode("ascii"),
        "signature": signed(signer.key, text, _REQUEST),
        "certificate": signer.certificate,
    }
    return {**fields, **asked, "signature": signature}


_DEFAULTS: dict[str, Any] = {
    "account": None,
    "means": "grant",
    "restarts": 0,
    "unlocks": 0,
    "foreign_restarts": False,
    "programs": False,
    "not_before": None,
    "not_after": None,
    "relock_after": 600.0,
    "grace": 5.0,
    "answer_within": None,
    "answer_by": None,
    "ask_again": False,
}
"""The fields that a signed text names, with the protocol's defaults."""


def _moments(opened_by: OpenChallenge, asked: Mapping[str, Any]) -> dict[str, str]:
    """Return the request's times as moments in UTC; a text that names no moment stays, and the PC refuses it.

    Raises:
        ValueError: a time of the challenge or of the session cannot be read.
    """
    begun = datetime.fromisoformat(opened_by.challenge.at)
    now = begun + timedelta(seconds=max(0.0, time.time() - opened_by.received))
    times = pc_times(now, opened_by.challenge.offsets)
    ends_at = datetime.fromisoformat(opened_by.session["ends_at"])
    begin, end = times.window(asked["not_before"], asked["not_after"], begun, ends_at)
    answer_by = None if asked["answer_by"] is None else times.moment(asked["answer_by"])
    found = {"not_before": begin, "not_after": end, "answer_by": answer_by}
    return {name: in_utc(moment) for name, moment in found.items() if moment is not None}
