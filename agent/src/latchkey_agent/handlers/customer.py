# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer pipe: answers companions, each about its own account only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from typing import Any

import msgspec

from latchkey_agent.core.core import Core
from latchkey_agent.core.settings import Organization
from latchkey_agent.domain import (
    ASKED_REQUESTS,
    OPEN_REQUESTS,
    REFUSALS,
    TRIES,
    Account,
    Actor,
    Grant,
    GrantState,
    LogonRefusal,
    Notice,
    Refused,
    Request,
    RequestState,
    State,
    blocked_by_erasure,
    checked_requests,
    find_grant,
    find_request,
    fixed,
    in_use,
    kept_requests,
    requester_of,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.plain_text import SHOWN_LINE, one_line
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.answers import ReceiptView

from . import signed, views
from .display_blocks import DisplayBlocks
from .peer import Peer

SHOWN_RECEIPTS = 20
"""The number of receipts that a companion shows; `latchkeyctl receipt` shows any."""
ROOM = 4096
"""Bytes of an answer that its receipts leave to the rest of it."""


class CustomerHandler:
    """Answers companions. The peer's account limits everything that a companion sees."""

    def __init__(self, core: Core, display_blocks: DisplayBlocks) -> None:
        self._core = core
        self._display_blocks = display_blocks
        self._handlers: dict[
            type[cm.CustomerRequest], Callable[[Any, bytearray, Account], cm.CustomerAnswer]
        ] = {
            cm.CustomerWatch: self._watch,
            cm.RequestShown: self._shown,
            cm.RequestBlocked: self._blocked,
            cm.RequestAllow: self._allow,
            cm.RequestLater: self._later,
            cm.RequestDecline: self._decline,
            cm.GrantRevoke: self._revoke,
            cm.GrantPause: self._pause,
            cm.NoticesClosed: self._notices_closed,
            cm.OwnReceipts: self._receipts,
        }

    def answer(self, body: bytes, secret: bytearray, peer: Peer) -> cm.CustomerAnswer:
        """Return the answer to one message; the caller overwrites `secret`."""
        try:
            account = peer.require_account()
            self._core.journal_life.require_readable()
            request = codec.decode_customer(body)
            return self._handlers[type(request)](request, secret, account)
        except codec.ProtocolError as fault:
            return cm.CustomerAnswer(done=False, error=fault.view)
        except (PortError, Refused) as fault:
            return cm.CustomerAnswer(done=False, error=views.fault_view(fault))

    # --- looking ------------------------------------------------------------------

    def _watch(self, request: cm.CustomerWatch, _secret: bytearray, account: Account) -> cm.CustomerAnswer:
        def newer() -> bool | None:
            return True if self._core.state.version > request.seen else None

        self._core.wait_for(newer, request.wait)
        return cm.CustomerAnswer(done=True, snapshot=self._snapshot(account))

    def _snapshot(self, account: Account) -> cm.CustomerSnapshot:
        state, organization = self._core.state, self._core.settings.organization()
        zone = self._core.computer.clock.zone()
        mine = [r for r in state.requests.values() if r.account.sid == account.sid]
        asked = [r for r in mine if r.state in ASKED_REQUESTS]
        lent = [g for g in in_use(state) if g.account.sid == account.sid]
        notices = [n for n in state.notices.values() if n.account == account.sid]
        return cm.CustomerSnapshot(
            version=state.version,
            organization=organization.name,
            phone=organization.phone,
            asked=[
                self._asked(state, r, organization, lambda t: t.astimezone(zone).isoformat()) for r in asked
            ],
            postponed=sum(r.state is RequestState.LATER for r in mine),
            lent=[_lent(state, g) for g in lent],
            notices=[_notice(n) for n in notices],
        )

    def _asked(
        self, state: State, request: Request, organization: Organization, local: Callable[[datetime], str]
    ) -> cm.AskedItem:
        session = state.sessions[request.session]
        asked = requester_of(request, session)
        return cm.AskedItem(
            request=request.id,
            code=request.code,
            user=request.account.user,
            domain=request.account.domain,
            device=self._core.computer.device,
            asked_by=request.asked_by.qualified,
            operators=[
                one.qualified for one in (session.owner, *session.operators) if one != request.asked_by
            ],
            requester=asked.name,
            role=asked.role,
            requester_organization=asked.organization,
            is_signed=request.signed is not None,
            organization=organization.name,
            phone=organization.phone,
            reason=session.reason,
            ticket=session.ticket,
            terms=views.terms_view(request.terms, local),
            answer_by=local(request.answer_by),
            tries_left=TRIES - request.entries_refused,
            last_refusal=request.last_refusal,
            reminded=request.reminded_at is not None,
            max_absence=request.policy.max_absence,
        )

    def _receipts(self, _request: cm.OwnReceipts, _secret: bytearray, account: Account) -> cm.CustomerAnswer:
        if self._core.journal_life.is_damaged:
            # Nothing is known of the customer's receipts; an empty list would say that there are none.
            raise self._core.journal_life.refusal()
        state = self._core.state
        kept = kept_requests(state, self._core.now().at, self._core.settings.receipt_days())
        mine = [r for r in reversed(kept) if r.account.sid == account.sid]
        # Requests that were never shown must not push out what the customer saw.
        mine.sort(key=lambda r: r.shown_at is None)
        views_ = _fitting(signed.receipt(self._core, state, r.id) for r in mine[:SHOWN_RECEIPTS])
        since = state.replaced_at.isoformat() if state.replaced_at else ""
        return cm.CustomerAnswer(done=True, receipts=views_, receipts_since=since)

    # --- answering ------------------------------------------------------------------

    def _mine(self, request_id: str, account: Account) -> Request:
        """Return a request to this account; requests to others count as unknown."""
        request = find_request(self._core.state, request_id)
        if request.account.sid != account.sid:
            raise Refused("no_request", request=request_id)
        return request

    def _done(self) -> cm.CustomerAnswer:
        return cm.CustomerAnswer(done=True)

    def _shown(self, request: cm.RequestShown, _secret: bytearray, account: Account) -> cm.CustomerAnswer:
        asked = self._mine(request.request, account)
        # The companion may be a new one, which does not know the display block of the one before it.
        self._display_blocks.note(asked.id, None)
        # The text changes with each refused entry; the receipt names the one that was on the screen last.
        if asked.state is not RequestState.SHOWN or asked.text_sha256 != request.text_sha256:
            command = c.ShowRequest(request=asked.id, text_sha256=request.text_sha256)
            self._core.execute(command, actor=_actor(account))
        return self._done()

    def _blocked(self, request: cm.RequestBlocked, _secret: bytearray, account: Account) -> cm.CustomerAnswer:
        self._display_blocks.note(self._mine(request.request, account).id, request.reason)
        return self._done()

    def _later(self, request: cm.RequestLater, _secret: bytearray, account: Account) -> cm.CustomerAnswer:
        asked = self._mine(request.request, account)
        until = self._core.now().at + timedelta(seconds=request.seconds)
        self._core.execute(c.PostponeRequest(request=asked.id, until=until), actor=_actor(account))
        return self._done()

    def _decline(self, request: cm.RequestDecline, _secret: bytearray, account: Account) -> cm.CustomerAnswer:
        asked = self._mine(request.request, account)
        days = max(request.days_away, int(request.not_today))
        until = self._begin_in(days) if days else None
        command = c.DenyRequest(request=asked.id, why=request.why, reported=request.report, quiet_until=until)
        self._core.execute(command, actor=_actor(account))
        return self._done()

    def _begin_in(self, days: int) -> datetime:
        """Return the beginning of the day at the PC that is this many days from today."""
        zone = self._core.computer.clock.zone()
        day = self._core.now().ends.astimezone(zone).date() + timedelta(days=days)
        return fixed(datetime.combine(day, time(), zone))

    def _allow(self, request: cm.RequestAllow, secret: bytearray, account: Account) -> cm.CustomerAnswer:
        """Check the password with Windows, once, and seal it (rules 4 and 6). Under ARSO there is none."""
        self._core.policy()
        blocked_by_erasure(self._core.state, self._core.now())
        asked = self._mine(request.request, account)
        if not asked.terms.has_secret:
            given = c.GiveGrant(request=asked.id, grant=self._core.new_id())
            self._core.execute(given, actor=_actor(account))
            return self._done()
        # Count the entry before it is checked: neither a crash nor a second answer gives one more entry.
        self._core.execute(c.TryEntry(request=asked.id), actor=_actor(account))
        try:
            refusal = self._check_entry(request, secret, asked)
            if refusal is None:
                self._core.give_grant(asked, secret, actor=_actor(asked.account))
        except (PortError, Refused) as fault:
            return self._failed(asked, fault)
        return self._done() if refusal is None else self._refused(asked, refusal)

    def _check_entry(self, request: cm.RequestAllow, secret: bytearray, asked: Request) -> str | None:
        """Return the reason why the entry cannot serve, None if Windows accepts it."""
        found = self._core.computer.accounts.find(request.entered)
        if found is None or found.sid != asked.account.sid:
            return "other_account_entered"
        if not secret:
            return LogonRefusal.BLANK_PASSWORD
        return self._core.computer.accounts.check(asked.account, secret)

    def _failed(self, asked: Request, fault: PortError | Refused) -> cm.CustomerAnswer:
        """Note that an entry came to nothing through no fault of the customer; raise `fault` if it cannot be noted."""
        try:
            answer = self._refused(asked, "agent_failed")
        except Refused:
            raise fault from None
        return msgspec.structs.replace(answer, error=views.fault_view(fault))

    def _refused(self, asked: Request, refusal: str) -> cm.CustomerAnswer:
        with self._core.lock:
            self._core.execute(
                c.RefusePassword(request=asked.id, why=refusal, retry=_may_retry(refusal)),
                actor=_actor(asked.account),
            )
            after = self._core.state.requests[asked.id]
        left = TRIES - after.entries if after.state in OPEN_REQUESTS else 0
        return cm.CustomerAnswer(
            done=False, error=views.entry_error(refusal), tries_left=left, refusal=refusal
        )

    # --- revoking ------------------------------------------------------------------

    def _revoke(self, request: cm.GrantRevoke, _secret: bytearray, account: Account) -> cm.CustomerAnswer:
        if self._core.journal_life.is_damaged:
            # The keys of a damaged journal are overwritten: nothing is lent. The duties close its desktops.
            return self._done()
        with self._core.lock:
            if request.grant is None:
                command = self._revoke_all(account)
            else:
                mine = self._my_grant(request.grant, account)
                command = c.RevokeGrants(grants=(mine.id,), revoked_by="customer")
            self._core.execute(command, actor=_actor(account))
        return self._done()

    def _revoke_all(self, account: Account) -> c.RevokeGrants:
        """Revoke what is lent or holds a desktop open, and close what an entry under check would lend."""
        state = self._core.state
        return c.RevokeGrants(
            grants=tuple(g.id for g in in_use(state) if g.account.sid == account.sid),
            requests=tuple(r.id for r in checked_requests(state) if r.account.sid == account.sid),
            revoked_by="customer",
        )

    def _my_grant(self, grant_id: str, account: Account) -> Grant:
        """Return a grant of this account; grants of others count as unknown."""
        grant = find_grant(self._core.state, grant_id)
        if grant.account.sid != account.sid:
            raise Refused("no_grant", session=grant_id)
        return grant

    def _pause(self, request: cm.GrantPause, _secret: bytearray, account: Account) -> cm.CustomerAnswer:
        grant = self._my_grant(request.grant, account)
        wanted = GrantState.PAUSED if request.pause else GrantState.ACTIVE
        if grant.state is not wanted:
            self._core.execute(c.PauseGrant(grant=grant.id, pause=request.pause), actor=_actor(account))
        return self._done()

    def _notices_closed(
        self, request: cm.NoticesClosed, _secret: bytearray, account: Account
    ) -> cm.CustomerAnswer:
        command = c.CloseNotices(account=account.sid, notices=tuple(request.notices))
        self._core.execute(command, actor=_actor(account))
        return self._done()


def _fitting(receipts: Iterable[ReceiptView]) -> list[ReceiptView]:
    """Return the first receipts, as many as one answer can hold: a grant with many uses has a long one."""
    fitting: list[ReceiptView] = []
    left = frames.MAX_BODY - ROOM
    for receipt in receipts:
        left -= len(codec.encode(receipt)) + 1
        if left < 0:
            break
        fitting.append(receipt)
    return fitting


def _actor(account: Account) -> Actor:
    return Actor(account.qualified, account.sid)


def _may_retry(refusal: str) -> bool:
    """Tell whether a further entry may succeed."""
    if refusal in REFUSALS:
        return REFUSALS[LogonRefusal(refusal)].may_retry
    return refusal in {"other_account_entered", "agent_failed"}


def _lent(state: State, grant: Grant) -> cm.LentItem:
    terms, left = grant.terms, grant.left
    return cm.LentItem(
        means=terms.means,
        grant=grant.id,
        request=grant.request,
        paused=grant.state is GrantState.PAUSED,
        asked_by=state.requests[grant.request].asked_by.qualified,
        not_after=grant.terms.not_after.isoformat(),
        left=views.left_view(grant),
        used=terms.restarts - left.restarts + terms.unlocks - left.unlocks,
    )


def _notice(notice: Notice) -> cm.NoticeItem:
    return cm.NoticeItem(
        notice=notice.id,
        kind=notice.kind,
        at=notice.at.isoformat(),
        ticket=notice.ticket,
        detail=notice.detail,
        not_after=notice.not_after.isoformat() if notice.not_after else "",
        since=notice.since.isoformat() if notice.since else "",
        while_away=notice.while_away,
        program=one_line(notice.program, SHOWN_LINE),
        exit_code=notice.exit_code,
    )
