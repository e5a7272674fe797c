# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for requests and the customer's answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import commands as c
from . import effects as fx
from . import events as e
from .challenges import counts, is_same_signer, open_challenge, require_counting
from .clock import Now, wait_left
from .decision import Decision, decline_all, end_grant, is_spent, live_grants, open_requests, own_session
from .evolve import ASKING_TIME, asking_key, recent
from .model import Account, Asking, Authorities, Grant, Request, State, Terms, owes_erasure
from .policy import Policy
from .refusal import Refused
from .terms import covers
from .transitions import OPEN_REQUESTS, REQUEST, RequestState, step

OPEN_AT_ONCE = 3
"""The open requests of other sessions that a customer may have before one more is refused."""
ASKED_PER_HOUR = 20
"""The requests of an account to one customer within an hour; those that were never shown count, too."""
TRIES = 2
"""The entries that a request allows (rule 6)."""
CHECKED_WITHIN = timedelta(minutes=1)
"""An erasure that has no check this long after the end of its grant counts as unconfirmed."""


def ask(state: State, command: c.MakeRequest, now: Now, policy: Policy) -> Decision:
    """Make a request, unless a live grant or an open request covers the terms."""
    session = own_session(state, command.name, command.by)
    blocked_by_erasure(state, now)
    _allowed(command.terms, policy)
    used = _used_challenge(state, session.id, command, now)
    if (grant := _covering(state, session.id, command)) is not None:
        return Decision(used, subject=grant.id)
    waiting = open_requests(state, command.account.sid)
    mine = [r for r in waiting if r.session == session.id]
    if (same := next((r for r in mine if _asks_this(r, command)), None)) is not None:
        return Decision(used, subject=same.id)
    if not command.ask_again:
        _no_holds(state, session.id, command)
    answer_by = min(command.answer_by, session.ends_at, command.terms.not_after)
    _spared(state, command, now)
    _not_too_many([r for r in waiting if r not in mine], command)
    if answer_by <= now.ends:
        raise Refused("bad_time", field="answer_by", detail="it is over already")
    withdrawn = tuple(e.RequestClosed(at=now.at, request=r.id, how="withdraw") for r in mine)
    made = e.RequestMade(
        at=now.at,
        request=command.request,
        session=session.id,
        asked_by=command.by,
        account=command.account,
        terms=command.terms,
        code=command.code,
        answer_by=answer_by,
        organization=command.organization,
        policy=policy,
        sealing=command.sealing,
        signed=command.signed,
    )
    return Decision((*withdrawn, made), (fx.SummonCompanion(account=command.account),), command.request)


def _asks_this(request: Request, command: c.MakeRequest) -> bool:
    """Tell whether an open request asks what the command would.

    The window names its signer, so another person's request is not taken in its place.
    """
    return covers(request.terms, command.terms) and is_same_signer(request.signed, command.signed)


def _used_challenge(
    state: State, session: str, command: c.MakeRequest, now: Now
) -> tuple[e.ChallengeUsed, ...]:
    """Return the event by which a request that asks nothing new uses its challenge; none for an unsigned request.

    A request that is made uses it by its own event, so it cannot be sent again later, when no grant covers it.

    Raises:
        Refused: the challenge cannot be answered.
    """
    if command.signed is None:
        return ()
    challenge = open_challenge(state, command.signed.nonce, session, now)
    return (e.ChallengeUsed(at=now.at, nonce=challenge.nonce),)


def agreed_or_asked(state: State, session: str, account: Account, terms: Terms) -> Terms | None:
    """Return the terms of the session's grant or open request that cover these terms, by whatever means."""
    grants = (
        g.terms
        for g in live_grants(state, session)
        if g.account.sid == account.sid and not is_spent(state, g)
    )
    asked = (r.terms for r in open_requests(state, account.sid) if r.session == session)
    return next((found for found in (*grants, *asked) if covers(found, terms)), None)


def _no_holds(state: State, session: str, command: c.MakeRequest) -> None:
    """Raise Refused if the customer's last answer in this session was a no: a job that is run again does not ask again.

    A revoked grant is a no, too. An entry that could not serve is none: the customer meant to lend.
    """
    theirs = (
        r for r in state.requests.values() if r.session == session and r.account.sid == command.account.sid
    )
    answered = [(r.answered_at, number, r) for number, r in enumerate(theirs) if r.answered_at is not None]
    if not answered:
        return
    # Of two answers at the same moment, that to the later request counts.
    _, _, last = max(answered)
    if last.state is RequestState.DENIED and (code := NO_CODES.get(last.refusal)) is not None:
        raise Refused(code, subject=last.id, detail=why_said(last), account=last.asked_by.qualified)
    if any(g.request == last.id and g.revoked_by == "customer" for g in state.grants.values()):
        raise Refused("grant_revoked", subject=last.id, detail="The customer")


NO_CODES = {"": "denied", "reported": "reported", "reported_elsewhere": "asker_blocked"}
"""The error codes of a customer's no, by the request's `refusal`."""


def why_said(request: Request) -> str:
    """Return the customer's words as the end of a sentence; empty without any."""
    return f": {request.why}" if request.why else ""


def _spared(state: State, command: c.MakeRequest, now: Now) -> None:
    """Raise Refused if the customer is not to be asked now.

    After each window that led to no yes the same account waits, each time twice as long. After "later" it waits until
    then, in every session. A report blocks it, on this PC, until an administrator lifts that.
    """
    customer = command.account.sid
    if command.by.sid in state.blocked:
        raise Refused("asker_blocked", account=command.by.qualified)
    # A day begins by both times: the agent's time may be hours ahead while something is lent.
    if (until := state.quiet.get(customer)) is not None and now.opens < until:
        left = (until - now.opens).total_seconds()
        raise Refused("not_today", retry_after=left, detail=until.date().isoformat())
    asking = state.asking.get(asking_key(command.account, command.by), Asking())
    wait = wait_left(asking, now.at)
    made = recent(asking, now.at)
    if len(made) >= ASKED_PER_HOUR:
        wait = max(wait, made[0] + ASKING_TIME - now.at)
    if wait:
        raise Refused("asked_too_soon", retry_after=wait.total_seconds())


def _not_too_many(others: list[Request], command: c.MakeRequest) -> None:
    """Raise Refused if the customer has enough open requests of other sessions."""
    if len(others) >= OPEN_AT_ONCE or any(r.asked_by.sid == command.by.sid for r in others):
        raise Refused("too_many_requests", detail=len(others))


def unblock(state: State, command: c.UnblockAsker, now: Now, _policy: Policy) -> Decision:
    """Unblock a reported account, or end the absence of a customer."""
    if command.asker not in state.blocked and command.asker not in state.quiet:
        return Decision(subject=command.asker)
    return Decision((e.AskerUnblocked(at=now.at, asker=command.asker),), subject=command.asker)


def _allowed(terms: Terms, policy: Policy) -> None:
    if terms.restarts + terms.unlocks == 0:
        raise Refused("bad_terms", detail="no restart and no unlock is asked for")
    if not terms.has_secret:
        _signs_on(terms, policy)
    elif policy.require_two_parties and not terms.two_parties:
        raise Refused(
            "policy_refuses", detail="a password may be lent to two parties only: use a sealing key"
        )
    if terms.restarts > policy.max_restarts:
        raise Refused("policy_refuses", detail=f"at most {policy.max_restarts} restarts may be lent")
    if terms.unlocks > policy.max_unlocks:
        raise Refused("policy_refuses", detail=f"at most {policy.max_unlocks} unlocks may be lent")
    if terms.relock_after > policy.max_relock_after:
        raise Refused(
            "policy_refuses",
            detail=f"an unlocked desktop may stay open for at most {policy.max_relock_after:g} s",
        )
    if terms.foreign_restarts and not policy.allow_foreign_restarts:
        raise Refused("policy_refuses", detail="restarts that others start may not be covered")
    if terms.programs and not policy.allow_programs:
        raise Refused("policy_refuses", detail="programs may not run in a customer's name")


def _signs_on(terms: Terms, policy: Policy) -> None:
    """Raise Refused if Windows' own sign-in cannot serve the terms: it follows a restart that the agent orders."""
    if not policy.allow_arso:
        raise Refused("policy_refuses", detail="Windows' own sign-in (ARSO) may not be asked for")
    if terms.unlocks:
        raise Refused("bad_terms", detail="an unlock needs the password, so means cannot be arso")
    if terms.foreign_restarts:
        raise Refused("bad_terms", detail="restarts by others need the password, so means cannot be arso")


def _covering(state: State, session: str, command: c.MakeRequest) -> Grant | None:
    for grant in live_grants(state, session):
        is_theirs = grant.account.sid == command.account.sid
        # A spent grant may live on for its programs alone.
        if is_theirs and covers(grant.terms, command.terms) and not is_spent(state, grant):
            return grant
    return None


def unconfirmed_erasures(state: State, now: Now) -> list[Grant]:
    """Return the ended grants whose erasure failed and may be confirmed yet, or was not checked in time (rule 8)."""
    return [
        grant
        for grant in state.grants.values()
        if grant.ended_at is not None
        and owes_erasure(grant)
        and (grant.erasure is not None or now.at >= grant.ended_at + CHECKED_WITHIN)
    ]


def blocked_by_erasure(state: State, now: Now) -> None:
    """Raise Refused (`erasure_unconfirmed`) while there is an unconfirmed erasure."""
    for grant in unconfirmed_erasures(state, now):
        checks = (
            grant.erasure.checks if grant.erasure is not None else (("erasure", False, "not checked yet"),)
        )
        failed = [f"{name}: {detail}" for name, passed, detail in checks if not passed]
        raise Refused("erasure_unconfirmed", detail="; ".join(failed))


def find_request(state: State, request: str) -> Request:
    """Return a request by its id.

    Raises:
        Refused: `no_request`.
    """
    if (found := state.requests.get(request)) is None:
        raise Refused("no_request", request=request)
    return found


def withdraw(state: State, command: c.WithdrawRequest, now: Now, _policy: Policy) -> Decision:
    """Withdraw an open request; an answered one stays as it is."""
    request = find_request(state, command.request)
    if request.state not in OPEN_REQUESTS:
        return Decision(subject=request.id)
    closed = e.RequestClosed(at=now.at, request=request.id, how="withdraw")
    return Decision((closed,), (fx.SummonCompanion(account=request.account),), request.id)


def pin(state: State, pinned: Authorities, now: Now, policy: Policy) -> Decision:
    """Pin these authorities if they are new, and withdraw the open requests that no longer count (`counts`)."""
    noted = () if pinned == state.authorities else (e.AuthoritiesPinned(at=now.at, authorities=pinned),)
    gone = [
        r
        for r in state.requests.values()
        if r.state in OPEN_REQUESTS and not counts(r.signed, pinned, policy)
    ]
    closed = tuple(e.RequestClosed(at=now.at, request=r.id, how="withdraw") for r in gone)
    notify = {r.account.sid: fx.SummonCompanion(account=r.account) for r in gone}
    return Decision((*noted, *closed), tuple(notify.values()))


def show(state: State, command: c.ShowRequest, now: Now, _policy: Policy) -> Decision:
    """Note that the window is on the screen; a companion that starts again shows it again."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "show")
    shown = e.RequestShown(at=now.at, request=request.id, text_sha256=command.text_sha256)
    return Decision((shown,), subject=request.id)


def reminder_at(request: Request) -> datetime | None:
    """Return the moment at which the customer is reminded of the request on their screen, None if they are not.

    A request has one reminder at most, the policy's time before its end, and counts as two windows then. A customer
    who has postponed it has chosen the time of the next window themselves. There is no reminder while Windows checks an
    entry, nor if the time from the first window to the reminder is shorter than the time after it.
    """
    before = timedelta(seconds=request.policy.remind_before)
    if not before or request.state is not RequestState.SHOWN or request.shown_at is None:
        return None
    if request.was_postponed or request.reminded_at is not None or request.entries > request.entries_refused:
        return None
    at = request.answer_by - before
    return at if at - request.shown_at >= before else None


def postpone(state: State, command: c.PostponeRequest, now: Now, _policy: Policy) -> Decision:
    """Postpone a request. One that ends before that stays a no, and its account waits until then all the same."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "postpone")
    postponed = e.RequestPostponed(at=now.at, request=request.id, until=command.until)
    return Decision((postponed,), subject=request.id)


def deny(state: State, command: c.DenyRequest, now: Now, _policy: Policy) -> Decision:
    """Deny a request, and with it the same account's other requests to this customer.

    "Not before" a day denies those of every account, a report the account's requests to every customer.
    """
    request = find_request(state, command.request)
    step(REQUEST, request.state, "deny")
    _not_away_for_long(request, command, now)
    refusal = "reported" if command.reported else ""
    denied = e.RequestDenied(
        at=now.at,
        request=request.id,
        why=command.why,
        refusal=refusal,
        quiet_until=command.quiet_until,
    )
    mine = [
        r
        for r in open_requests(state, request.account.sid)
        if r.id != request.id and (command.quiet_until is not None or r.asked_by.sid == request.asked_by.sid)
    ]
    elsewhere = _asked_elsewhere(state, request) if command.reported else []
    notify = {r.account.sid: fx.SummonCompanion(account=r.account) for r in elsewhere}
    decision = Decision((denied,), tuple(notify.values()), request.id) + decline_all(mine, now.at)
    return decision + decline_all(elsewhere, now.at, "reported_elsewhere")


def _not_away_for_long(request: Request, command: c.DenyRequest, now: Now) -> None:
    """Raise Refused if the customer rules out requests for longer than the policy lets them; a day is always possible.

    A day may have an hour more than 24, where daylight saving time ends.
    """
    days = max(request.policy.max_absence, 1)
    longest = now.ends + timedelta(days=days, hours=1)
    if command.quiet_until is not None and command.quiet_until > longest:
        raise Refused("policy_refuses", detail=f"requests may be ruled out for at most {days} days")


def _asked_elsewhere(state: State, request: Request) -> list[Request]:
    """Return the open requests of the same account to other customers."""
    asker, customer = request.asked_by.sid, request.account.sid
    theirs = (r for r in state.requests.values() if r.state in OPEN_REQUESTS and r.asked_by.sid == asker)
    return [r for r in theirs if r.account.sid != customer]


def try_entry(state: State, command: c.TryEntry, now: Now, policy: Policy) -> Decision:
    """Count an entry before Windows checks it: a crash must not give the entry back (rule 6)."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "grant")
    require_counting(request, state, policy)
    if request.entries >= TRIES:
        raise Refused("out_of_order", detail=f"{TRIES} entries were tried already")
    return Decision((e.EntryTried(at=now.at, request=request.id),), subject=request.id)


def refuse_password(state: State, command: c.RefusePassword, now: Now, _policy: Policy) -> Decision:
    """Note a refused entry: the customer may enter once more, or the request ends."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "deny")
    return refused_entry(request, command.why, now, retry=command.retry)


def refused_entry(request: Request, why: str, now: Now, *, retry: bool) -> Decision:
    """Note the reason why an entry cannot serve; the last entry ends the request."""
    events: tuple[e.AnyEvent, ...] = (e.PasswordRefused(at=now.at, request=request.id, why=why),)
    if retry and request.entries < TRIES:
        return Decision(events, subject=request.id)
    if request.state is RequestState.SHOWN:
        events += (e.RequestDenied(at=now.at, request=request.id, refusal=why),)
    else:
        # The customer postponed the request while the entry was checked: no entry is left to answer it with.
        events += (e.RequestClosed(at=now.at, request=request.id, how="withdraw", refusal=why),)
    return Decision(events, subject=request.id)


def give(state: State, command: c.GiveGrant, now: Now, policy: Policy) -> Decision:
    """Begin a grant. It replaces an older one of the same session and account."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "grant")
    require_counting(request, state, policy)
    blocked_by_erasure(state, now)
    if not request.terms.has_secret:
        _clicked_by_the_customer(state, request)
    decision = Decision(subject=command.grant)
    for grant in live_grants(state, request.session):
        if grant.account.sid == request.account.sid:
            decision += end_grant(state, grant, e.GrantEnded(at=now.at, grant=grant.id, how="replace"))
    given = e.GrantGiven(at=now.at, grant=command.grant, request=request.id, tag=command.tag)
    notify = fx.SummonCompanion(account=request.account)
    return Decision(subject=command.grant) + decision + Decision((given,), (notify,))


def _clicked_by_the_customer(state: State, request: Request) -> None:
    """Raise Refused (`customer_not_alone`) while others can answer in the account's session.

    A yes without a password proves only that somebody in the account's own session gave it. IT may sit at a desktop
    that was unlocked for it, and IT's programs may run in the customer's name.
    """
    customer = request.account.sid
    if any(p.owes_lock and p.account.sid == customer for p in state.permits.values()):
        raise Refused("customer_not_alone", detail="the screen may be unlocked for IT")
    if any(p.end is None and p.account.sid == customer for p in state.programs.values()):
        raise Refused("customer_not_alone", detail="a program of IT runs in the customer's name")
