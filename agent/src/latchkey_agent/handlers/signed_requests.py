# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Issues challenges, and checks the signature of a request before anything of the request is shown."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

import msgspec

from latchkey_agent.core.core import Core
from latchkey_agent.domain import (
    Account,
    Refused,
    Requester,
    Signed,
    SupportSession,
    live_grants,
    open_challenge,
    started_session,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.device_key import DeviceKey
from latchkey_agent.storage.signed_json import CHALLENGE, REQUEST, canonical_json

from .operator_signatures import as_object, checked, difference
from .peer import Peer
from .views import refusal_view

CHALLENGE_SCHEMA, REQUEST_SCHEMA = "latchkey-challenge-1", "latchkey-request-1"
_HOUR = timedelta(hours=1)
_BEFORE = timedelta(days=2)


class Issue(NamedTuple):
    """The attempt to issue a challenge. `why` there is none: a sentence, empty where the PC pins no authority."""

    challenge: ans.ChallengeView | None
    why: str = ""


NO_KEY = Issue(None)
"""The PC pins no authority, so no request can be signed; or the call is a dry one."""


class SignedRequests:
    """Issues challenges and checks signatures for one agent."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def challenge(self, name: str, peer: Peer, named: dict[str, str] | None = None) -> Issue:
        """Issue a challenge for the session of this name; it is in the journal when this returns.

        There is none where no key is pinned, the PC cannot sign now, the session has ended, or the account has made too
        many calls. The call that it comes with does not fail for that.

        Args:
            name: the session's name.
            peer: the caller, who is also the account that the signed request must come from.
            named: the SIDs of the operators whom the call names, by those names.
        """
        try:
            if not self._core.authorities().keys:
                return NO_KEY
            return Issue(self._issued(name, peer, named or {}))
        except Refused as refusal:
            return Issue(None, refusal_view(refusal).message)

    def _issued(self, name: str, peer: Peer, named: dict[str, str]) -> ans.ChallengeView:
        """Issue a challenge.

        Raises:
            Refused: the PC cannot sign now, or the rules or the journal do not allow a challenge.
        """
        core = self._core
        key = core.device_key
        session = started_session(core.state, name)
        account = self._meant(session)
        issued = c.IssueChallenge(
            by=peer.require_operator(),
            name=name,
            nonce=core.random(16).hex(),
            seed=core.random(16).hex(),
        )
        with core.lock:
            core.execute(issued, actor=peer.actor)
            expires_at = core.state.challenges[issued.nonce].expires_at
        told = {
            **self._times(expires_at, session),
            "device": core.computer.device,
            "nonce": issued.nonce,
            "account": account,
            "session": session.name,
            "reason": session.reason,
            "ticket": session.ticket,
            "ends_at": _utc(session.ends_at),
            "operators": _operators(session),
            "named": named,
            "asked_by": _operator(issued.by),
        }
        return _challenge_view(told, key)

    def _meant(self, session: SupportSession) -> str:
        """Return the account that a request without one is for; empty where there is none."""
        with suppress(PortError, Refused):
            return meant_account(self._core, session.id).qualified
        return ""

    def _times(self, expires_at: datetime, session: SupportSession) -> dict[str, Any]:
        now = self._core.now().present
        return {
            "at": _utc(now.replace(microsecond=0)),
            "expires_at": _utc(expires_at.replace(microsecond=0)),
            "offsets": _offsets(now, session.ends_at, self._core.computer.clock.zone()),
        }

    def checked(
        self,
        request: rq.CredentialRequest,
        session: SupportSession,
        bounds: tuple[datetime, datetime],
        asker: Account,
    ) -> Signed | None:
        """Check the signature of a request; return it, or None for an unsigned request that is allowed.

        Args:
            request: the request as it came.
            session: the support session that it is in.
            bounds: the beginning and the end of the terms as the PC takes them.
            asker: the account of the call, as the PC has verified it.

        Raises:
            Refused: with a code for each fault. Nothing of the request was shown.
        """
        core = self._core
        pinned = core.authorities()
        if request.signature is None:
            # Check mode shows nothing, and has no challenge to sign.
            if pinned.keys and not core.policy().allow_unsigned and not request.check:
                raise Refused("signature_required")
            return None
        sent = request.signature
        who, certificate, signer = checked(core, sent, REQUEST)
        found = as_object(sent.document).get("nonce")
        nonce = found if isinstance(found, str) else ""
        challenge = open_challenge(core.state, nonce, session.id, core.now())
        if request.account is None:
            raise Refused("account_not_signed")
        said = {"nonce": nonce, "certificate_sha256": certificate.sha256}
        expected = self._document(request, session, bounds, who) | said | {"asked_by": _operator(asker)}
        if differs := difference(sent.document, expected):
            raise Refused("request_differs", detail=differs)
        return Signed(
            requester=who,
            document=sent.document,
            signature=sent.signature,
            certificate=" ".join(sent.certificate.split()[:2]),
            serial=certificate.serial,
            key=ssh_signature.fingerprint(signer),
            authority=ssh_signature.fingerprint(certificate.authority),
            nonce=nonce,
            seed=challenge.seed,
        )

    def _document(
        self,
        request: rq.CredentialRequest,
        session: SupportSession,
        bounds: tuple[datetime, datetime],
        who: Requester,
    ) -> dict[str, Any]:
        """Return the text that must have been signed, as an object: the request as the PC takes it."""
        begin, end = bounds
        return {
            "schema_version": REQUEST_SCHEMA,
            "device": self._core.computer.device,
            "device_key": self._core.device_key.fingerprint,
            "session": session.name,
            "requester": {"name": who.name, "organization": who.organization, "role": who.role},
            "reason": session.reason,
            "ticket": session.ticket,
            "ends_at": _utc(session.ends_at),
            "operators": _operators(session),
            "account": request.account,
            "means": request.means,
            "restarts": request.restarts,
            "unlocks": request.unlocks,
            "foreign_restarts": request.foreign_restarts,
            "programs": request.programs,
            "not_before": _utc(begin),
            "not_after": _utc(end),
            "relock_after": request.relock_after,
            "grace": request.grace,
            "answer_within": request.answer_within,
            "answer_by": request.answer_by,
            "ask_again": request.ask_again,
            "sealing": msgspec.to_builtins(request.sealing),
        }


def _challenge_view(told: dict[str, Any], key: DeviceKey) -> ans.ChallengeView:
    """Return a challenge with the signature of the device key."""
    document = {"schema_version": CHALLENGE_SCHEMA, **told}
    signature = key.sign(CHALLENGE, canonical_json(document))
    signed = {**told, "signature": signature, "public_key": key.public_key}
    return msgspec.convert(signed, ans.ChallengeView)


def meant_account(core: Core, session: str) -> Account:
    """Return the account that a request without one is for: the one at the console, or the one that has lent.

    After a restart Windows may list nobody for minutes, while the account that a launched job means is known.

    Args:
        core: knows the PC and its state.
        session: the id of the support session.

    Raises:
        Refused: `nobody_signed_in`.
        PortError: Windows does not say who is signed in.
    """
    here = [one for one in core.computer.sessions.signed_in() if one.console]
    lent = {grant.account.sid: grant.account for grant in live_grants(core.state, session)}
    if not here and len(lent) != 1:
        raise Refused("nobody_signed_in")
    return here[0].account if here else next(iter(lent.values()))


def _operators(session: SupportSession) -> list[dict[str, str]]:
    """Return the accounts that may use the session's grants, as signed texts write them."""
    return [_operator(one) for one in (session.owner, *session.operators)]


def _operator(account: Account) -> dict[str, str]:
    return {"name": account.qualified, "sid": account.sid}


def _offsets(now: datetime, end: datetime, zone: tzinfo) -> dict[str, int]:
    """Return the offsets from UTC in minutes up to the end, by the moments from which they count.

    They begin two days ago: a night that has begun may have begun before the clock was changed. Offsets change at whole
    hours of UTC, or at quarters of it in some zones; a moment that is missed by less than an hour is refused as another
    request, and shows nothing.
    """
    moment = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - _BEFORE
    offsets, last = dict[str, int](), None
    while moment <= end:
        if (offset := _offset(moment, zone)) != last:
            offsets[_utc(moment)] = last = offset
        moment += _HOUR
    return offsets


def _offset(moment: datetime, zone: tzinfo) -> int:
    return (moment.astimezone(zone).utcoffset() or timedelta()) // timedelta(minutes=1)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
