# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Signs a request for one PC: its challenge, the person whom the certificate names, and the terms as the PC takes them.

The challenge comes with the answer to `support_session`, and stays in a fact of the host, so that signing takes no
further call. Each one serves one request; the answer to a request brings the next one.

The controller signs what its own tasks say, and what the PC's device key has signed. Whoever sits between the two may
change each message, so a part of an answer that is neither counts for nothing.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from . import _answers as ans
from ._answer_reader import AnswerError, read
from ._armored_signature import SignatureError, fingerprint, key_of_line, signed, signed_json, verified
from ._failure import Failure, failure
from ._pc_times import PcTimes, in_utc, pc_times
from ._plain_data import plain_data

if TYPE_CHECKING:
    from ._operator_certificate import Signer

FACT = "latchkey_challenges"
"""The fact of a host with the open challenges, by the names of their sessions.

Of a session for which the PC has given none it has the PC's reason, under `why`.
"""

_CHALLENGE, _REQUEST = "latchkey-challenge", "latchkey-request"
_CHALLENGE_SCHEMA, _REQUEST_SCHEMA = "latchkey-challenge-1", "latchkey-request-1"


@dataclass(frozen=True)
class OpenChallenge:
    """A challenge, and the words of the task `support_session` about its session.

    Attributes:
        challenge: as the PC signed it.
        received: the controller's time at which it came, in seconds since 1970.
        task: `reason`, `ticket` and `ends` as the task has them (`ends` empty if it has none), and in `operators` the
            SIDs of the operators whom the task names, by those names; empty for one whose SID the PC has not signed.
    """

    challenge: ans.ChallengeView
    received: float
    task: dict[str, Any]

    def as_fact(self) -> dict[str, Any]:
        """Return the challenge as it stands in the fact."""
        return {"challenge": asdict(self.challenge), "received": self.received, "task": self.task}

    def next(self, challenge: ans.ChallengeView) -> OpenChallenge:
        """Return a further challenge, which the same PC has signed for the same session.

        Raises:
            Failure: `challenge_invalid`: the request before it was taken, but another PC has signed the challenge, or
                it is for another session.
        """
        before = self.challenge
        differ = [name for name in _LASTING if getattr(challenge, name) != getattr(before, name)]
        problem = fault_of(challenge) or (f"other than before: {', '.join(differ)}" if differ else "")
        if problem:
            raise failure("challenge_invalid", outcome="unknown", session=before.session, detail=problem)
        return OpenChallenge(challenge, time.time(), self.task)

    def difference(self, session: str) -> str:
        """Return the difference between the session that the PC has signed and the task's words; empty without one.

        The customer reads these parts, and an operator of the session may use the grant.

        Args:
            session: the session's name, as the task that requests the grant has it.

        Raises:
            ValueError: a time of the challenge cannot be read.
        """
        challenge, task = self.challenge, self.task
        pairs = (
            ("name", challenge.session, session),
            ("reason", challenge.reason, task["reason"]),
            ("ticket", challenge.ticket, task["ticket"]),
        )
        for part, theirs, ours in pairs:
            if _composed(theirs) != _composed(ours):
                return f"its {part} is {theirs!r}, and the task says {ours!r}"
        if unknown := [name for name, sid in task["operators"].items() if not sid]:
            return f"it does not say which account {unknown[0]} is"
        allowed = {challenge.asked_by.sid, *task["operators"].values()}
        for one in challenge.operators:
            if one.sid not in allowed:
                return f"{one.name} may use its grants, and the task does not name that account in operators"
        return self._longer()

    def _longer(self) -> str:
        text = self.task["ends"]
        until = self._times().moment(text) if text else None
        if until is not None and datetime.fromisoformat(self.challenge.ends_at) > until:
            return f"it ends at {self.challenge.ends_at}, and the task says {text}"
        return ""

    def _times(self) -> PcTimes:
        """Return the PC's time now.

        Raises:
            ValueError: a time of the challenge cannot be read.
        """
        passed = timedelta(seconds=max(0.0, time.time() - self.received))
        return pc_times(datetime.fromisoformat(self.challenge.at) + passed, self.challenge.offsets)

    def moments(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """Return the request's times as moments in UTC; a text that names no moment stays, and the PC refuses it.

        Raises:
            ValueError: a time of the challenge cannot be read.
        """
        times = self._times()
        begun = datetime.fromisoformat(self.challenge.at)
        ends_at = datetime.fromisoformat(self.challenge.ends_at)
        begin, end = times.window(asked["not_before"], asked["not_after"], begun, ends_at)
        answer_by = None if asked["answer_by"] is None else times.moment(asked["answer_by"])
        found = {"not_before": begin, "not_after": end, "answer_by": answer_by}
        return {name: in_utc(moment) for name, moment in found.items() if moment is not None}


_LASTING = ("device", "public_key", "session", "reason", "ticket", "ends_at", "operators", "asked_by")
"""The fields of a challenge that stay the same as long as its session is started."""


def opened(answer: ans.SessionAnswer, task: Mapping[str, Any]) -> OpenChallenge | None:
    """Return the challenge of an answer to `session_start`, None if it has none.

    Args:
        answer: its challenge is genuine (`require_genuine`).
        task: the fields that the task sent.
    """
    challenge = answer.challenge
    if challenge is None:
        return None
    named = {_composed(name): sid for name, sid in challenge.named.items()}
    told = {
        "reason": task.get("reason") or "",
        "ticket": task.get("ticket") or "",
        "ends": task.get("ends") or "",
        "operators": {name: named.get(_composed(name), "") for name in task.get("operators") or ()},
    }
    return OpenChallenge(challenge, time.time(), told)


def _composed(text: str) -> str:
    """Return a text as the PC keeps it: composed (NFC)."""
    return unicodedata.normalize("NFC", text)


def fault_of(challenge: ans.ChallengeView) -> str:
    """Return the reason why a challenge is not signed by the key that it names; empty if it is."""
    told = {
        name: value for name, value in asdict(challenge).items() if name not in ("signature", "public_key")
    }
    text = signed_json({"schema_version": _CHALLENGE_SCHEMA, **told})
    try:
        if verified(challenge.signature, text, _CHALLENGE) != key_of_line(challenge.public_key):
            return "another key than it names has signed it"
    except SignatureError as fault:
        return f"its signature: {fault}"
    return ""


def require_genuine(challenge: ans.ChallengeView | None, head: ans.HeadView | None) -> str:
    """Return the reason why a challenge is not by the PC that signed the journal head; empty if it is.

    Args:
        challenge: of an answer; None is nothing to check.
        head: of the same answer.
    """
    if challenge is None:
        return ""
    if fault := fault_of(challenge):
        return f"the challenge beside it: {fault}"
    try:
        if head is None or key_of_line(head.public_key) != key_of_line(challenge.public_key):
            return "the challenge beside it is signed by another key"
    except SignatureError as broken:
        return f"its key: {broken}"
    return ""


def facts_with(known: object, session: str, found: OpenChallenge | None, why: str = "") -> dict[str, Any]:
    """Return the part of a result that sets the host's fact: the challenge of a session, or no longer one.

    It is empty where nothing changes.

    Args:
        known: the value of the fact before.
        session: the session's name.
        found: the new challenge; None: the session has none.
        why: the PC's reason for having given none; empty: no reason is known.
    """
    before = plain_data(known) if isinstance(known, Mapping) else {}
    if found is None and not why and session not in before:
        return {}
    kept = {name: one for name, one in before.items() if name != session}
    if found is not None:
        kept[session] = found.as_fact()
    elif why:
        kept[session] = {"why": why}
    return {"ansible_facts": {FACT: kept}}


def challenge_of(known: object, session: str) -> OpenChallenge:
    """Return the open challenge of a session from the host's fact. Its signature is checked: a PC can set facts.

    Raises:
        Failure: `challenge_missing`, or `challenge_invalid`: it is not signed by the key that it names.
    """
    found: Any = plain_data(known).get(session) if isinstance(known, Mapping) else None
    try:
        task: dict[str, Any] = {name: str(found["task"][name]) for name in ("reason", "ticket", "ends")}
        task["operators"] = {str(name): str(sid) for name, sid in found["task"]["operators"].items()}
        one = OpenChallenge(read(ans.ChallengeView, found["challenge"]), float(found["received"]), task)
    except (AnswerError, AttributeError, TypeError, KeyError, ValueError):
        raise _missing(found, session) from None
    if fault := fault_of(one.challenge):
        raise failure("challenge_invalid", session=session, detail=fault)
    return one


def _missing(found: object, session: str) -> Failure:
    """Return the failure for a session without a challenge, with the PC's reason if the fact has it."""
    why = found.get("why") if isinstance(found, Mapping) else None
    detail = f". Its reason: {why.rstrip('.')}" if isinstance(why, str) and why else " that is still open"
    return failure("challenge_missing", session=session, detail=detail)


def signed_fields(signer: Signer, opened_by: OpenChallenge, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `credential_request` with moments in UTC, the account and the signature.

    Args:
        signer: the key and its certificate.
        opened_by: the challenge that the request answers.
        fields: the fields of the request; one that is missing has the protocol's default.

    Raises:
        Failure: `bad_time`, or `challenge_invalid`: the challenge is malformed, or its session is not the task's.
    """
    asked = {**_DEFAULTS, **{name: value for name, value in fields.items() if value is not None}}
    challenge, session = opened_by.challenge, str(asked["session"])
    try:
        problem = opened_by.difference(session)
        asked |= opened_by.moments(asked)
        device_key = fingerprint(key_of_line(challenge.public_key))
    except (ArithmeticError, TypeError, ValueError, SignatureError) as fault:
        # A PC can sign times without an offset, or at the calendar's end.
        problem, device_key = f"it cannot be read: {fault}", ""
    if problem:
        raise failure("challenge_invalid", session=session, detail=problem)
    asked["account"] = asked["account"] or challenge.account or None
    document = {
        "schema_version": _REQUEST_SCHEMA,
        "device": challenge.device,
        "device_key": device_key,
        "nonce": challenge.nonce,
        "certificate_sha256": signer.sha256,
        "requester": {"name": signer.name, "organization": signer.organization, "role": signer.role},
        "reason": challenge.reason,
        "ticket": challenge.ticket,
        "ends_at": challenge.ends_at,
        "operators": [asdict(one) for one in challenge.operators],
        "asked_by": asdict(challenge.asked_by),
        **asked,
        "session": challenge.session,
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
    "sealing": None,
}
"""The fields that a signed text names, with the protocol's defaults."""
