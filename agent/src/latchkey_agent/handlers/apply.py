# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a grant: checks the terms and the password again, then issues a permit."""

from __future__ import annotations

import threading
from typing import Literal

from msgspec.structs import replace

from latchkey_agent.core.core import Core
from latchkey_agent.domain import (
    REFUSALS,
    Account,
    Call,
    Decision,
    Grant,
    LogonRefusal,
    Permit,
    PlainRestart,
    Refused,
    Rejection,
    State,
    done_before,
    ended_refusal,
    find_permit,
    find_restart,
    finished,
    live_grants,
    others,
    people,
    session_grant,
    started_session,
    usable,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.ports import RENAME, PortError, SignIn
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol.frames import wipe
from latchkey_agent.storage.vault import VaultError, WrongHalfError

from . import views
from .half_exchange import HalfExchange
from .peer import Peer
from .sign_on import must_sign_on

Desktop = Literal["none", "locked", "unlocked"]


class ApplyHandler:
    """Answers `credential_apply` and `apply_wait`."""

    def __init__(self, core: Core, halves: HalfExchange) -> None:
        self._core = core
        self._halves = halves
        self._one_at_a_time = threading.Lock()

    def apply(self, request: rq.CredentialApply, peer: Peer) -> ans.Answer:
        """Begin a use, or join the use that this request repeats."""
        self._core.policy()
        if request.means == "none":
            return self._restart_plainly(request, peer)
        # Two checks at once of a password that Windows refuses would be one too many (rule 6).
        with self._one_at_a_time:
            if not request.check and (done := done_before(self._core.state, request.call)):
                return self._begun(request, done)
            command = self._command(request, peer)
            try:
                decision, state = self._look(command, request, peer)
            except Refused as refusal:
                return self._instead(refusal, request)
            if decision.events and request.action == "restart":
                self._must_keep_name()
            if request.check:
                answer = _answer(state, request.session, decision.subject)
                return codec.done(answer, changed=decision.is_change)
            if decision.events and (wanted := self._wanted(request)) is not None:
                return wanted
            decision, state = self._carry_out(command, decision, request, peer)
        return codec.done(self._answer(state, request, decision.subject), changed=decision.is_change)

    def _instead(self, refusal: Refused, request: rq.CredentialApply) -> ans.Answer:
        """Return a refusal, with the use before this one that waits for the operator's half; raise it without one."""
        state = self._core.state
        waiting = self._halves.waiting(state, request.session)
        if refusal.code != "restart_in_progress" or waiting is None or request.check:
            raise refusal
        return codec.refused(
            views.refusal_view(refusal), self._permit_answer(state, request.session, waiting)
        )

    def _wanted(self, request: rq.CredentialApply) -> ans.Answer | None:
        """Return the refusal of a use that needs the operator's half and has none; None if it has or needs none."""
        grant = self._usable(request)
        if not grant.terms.two_parties or request.half is not None:
            return None
        try:
            half = self._halves.before_use(grant, request.action, request.step)
        except VaultError as fault:
            raise self._rejected(grant, "record_unreadable", str(fault), request) from None
        answer = ans.ApplyAnswer(
            session=request.session,
            left=views.left_view(grant),
            boot_id=self._core.state.boot_id,
            finished=False,
            half=half,
        )
        return codec.refused(views.refusal_view(Refused("half_missing")), answer)

    def _carry_out(
        self, command: c.ApplyGrant, looked: Decision, request: rq.CredentialApply, peer: Peer
    ) -> tuple[Decision, State]:
        """Begin the use after Windows has checked the password; a use that is joined needs no check."""
        if looked.events:
            grant = self._usable(request)
            tried = self._try_password(request, peer) if grant.terms.has_secret else self._may_sign_on(grant)
            return self._use(command, tried, request.call, peer)
        noted = c.NoteCall(subject=looked.subject)
        with self._core.lock:
            return self._core.execute(noted, actor=peer.actor, key=request.call), self._core.state

    def _restart_plainly(self, request: rq.CredentialApply, peer: Peer) -> ans.Answer:
        """Order a restart without a grant, or join the one that this step has ordered.

        Only an administrator may: a member of "Latchkey Operators" alone could not restart the PC without Latchkey.
        """
        peer.require_level("administrator")
        if request.action != "restart" or request.step is None:
            raise Refused("bad_terms", detail="means none needs a step and the action restart")
        if not request.check and (done := done_before(self._core.state, request.call)):
            return self._begun(request, done)
        if any(grant.terms.has_secret for grant in live_grants(self._core.state)):
            self._must_keep_name()
        computer = self._core.computer
        here = computer.sessions.signed_in()
        command = c.OrderRestart(
            by=peer.require_operator(),
            name=request.session,
            restart=self._core.new_id(),
            step=request.step,
            boot_id=computer.power.boot_id(),
            message=request.message,
            grace=request.grace,
            people=people(here),
            is_open=any(s.is_open for s in here),
        )
        if request.check:
            decision, state = self._core.preview(command)
            return codec.done(_answer(state, request.session, decision.subject), changed=decision.is_change)
        with self._core.lock:
            decision = self._core.execute(command, actor=peer.actor, key=request.call)
            state = self._core.state
        return codec.done(_answer(state, request.session, decision.subject), changed=decision.is_change)

    def _may_sign_on(self, grant: Grant) -> Grant:
        """Raise Refused if Windows would not sign the account in by itself: the restart would leave it signed out."""
        must_sign_on(self._core.computer, grant.account)
        return grant

    def _must_keep_name(self) -> None:
        """Raise Refused if the restart gives the PC another name: the sealed record is bound to the present one."""
        if RENAME in self._core.computer.power.pending_reasons():
            raise Refused("rename_pending", device=self._core.computer.device)

    def _begun(self, request: rq.CredentialApply, call: Call) -> ans.Answer:
        """Return the state of the use that this call has begun or joined before."""
        state = self._core.state
        if not any(call.subject in things for things in (state.permits, state.grants, state.restarts)):
            raise Refused("call_forgotten")
        return codec.done(self._answer(state, request, call.subject), changed=call.changed)

    def _answer(self, state: State, request: rq.CredentialApply, subject: str) -> ans.ApplyAnswer:
        """Return the state of the use that was begun or joined, and the half that its logon waits for."""
        answer = _answer(state, request.session, subject)
        permit = state.permits.get(subject)
        return answer if permit is None else replace(answer, half=self._halves.for_logon(state, permit))

    def _permit_answer(self, state: State, session: str, permit: Permit) -> ans.ApplyAnswer:
        half = self._halves.for_logon(state, permit)
        return replace(_permit_answer(state, session, permit), half=half)

    def _command(self, request: rq.CredentialApply, peer: Peer) -> c.ApplyGrant:
        lender = self._lender(request)
        desktop, strangers = self._at_the_screen(lender)
        return c.ApplyGrant(
            by=peer.require_operator(),
            name=request.session,
            permit=self._core.new_id(),
            action=request.action,
            boot_id=self._core.computer.power.boot_id(),
            step=request.step,
            message=request.message,
            within=request.within,
            desktop=desktop,
            others=strangers,
        )

    def _at_the_screen(self, lender: Account | None) -> tuple[Desktop, tuple[str, ...]]:
        """Return the present state of the lender's desktop, and the other accounts that are signed in."""
        if lender is None:
            return "none", ()
        signed_in = self._core.computer.sessions.signed_in()
        return _desktop([s for s in signed_in if s.account.sid == lender.sid]), others(signed_in, lender)

    def _look(self, command: c.ApplyGrant, request: rq.CredentialApply, peer: Peer) -> tuple[Decision, State]:
        """Return the decision without carrying it out; journal a refusal."""
        try:
            return self._core.preview(command)
        except Refused as refusal:
            if not request.check:
                self._core.note_refusal(type(command).__name__, refusal, peer.actor)
            raise

    def _use(self, command: c.ApplyGrant, tried: Grant, call: str, peer: Peer) -> tuple[Decision, State]:
        """Issue the permit on the tried grant; end the trial also if the grant was revoked meanwhile.

        People come and go while Windows checks the password, so the screen is looked at once more. The core's lock is
        free meanwhile: Windows may be slow to name an account, and revoking must not wait for that.
        """
        try:
            desktop, strangers = self._at_the_screen(tried.account)
            named = replace(command, tried=tried.id, desktop=desktop, others=strangers)
            with self._core.lock:
                return self._core.execute(named, actor=peer.actor, key=call), self._core.state
        finally:
            self._core.execute(c.EndTrial(grant=tried.id))

    def _usable(self, request: rq.CredentialApply) -> Grant:
        state = self._core.state
        session = started_session(state, request.session)
        return usable(state, session, request.action, self._core.now())

    def _lender(self, request: rq.CredentialApply) -> Account | None:
        state = self._core.state
        grant = session_grant(state, started_session(state, request.session).id)
        return grant.account if grant is not None else None

    def _try_password(self, request: rq.CredentialApply, peer: Peer) -> Grant:
        """Let Windows check the sealed password; return the grant that was checked.

        The operator's half is overwritten then: for the logon it is delivered again.
        """
        grant = self._usable(request)
        half = None
        if grant.terms.two_parties:
            half = self._half(request, grant, peer)
        try:
            return self._try_with(half, grant, request, peer)
        finally:
            if half is not None:
                wipe(half)

    def _half(self, request: rq.CredentialApply, grant: Grant, peer: Peer) -> bytearray:
        """Return the operator's half; journal a refusal."""
        if request.half is None:
            # The grant of a moment ago has been replaced by one of two parties.
            raise Refused("half_missing")
        try:
            return self._halves.take_before_use(request.half, grant, request)
        except Refused as refusal:
            self._core.note_refusal("DeliverHalf", refusal, peer.actor)
            raise

    def _try_with(
        self, half: bytearray | None, grant: Grant, request: rq.CredentialApply, peer: Peer
    ) -> Grant:
        """Let Windows check the sealed password; reject the grant if Windows refuses it (rule 6).

        The core's lock is free meanwhile: Windows may ask a domain controller, and
        revoking must not wait for that. Returns the grant that was checked.
        """
        if grant.on_trial:
            # The result of the last check could not be journalled.
            raise self._rejected(grant, "trial_unresolved", "", request)
        # A refusal that passes lets the operator ask again and again.
        self._core.count_call(c.BeginTrial, peer.actor)
        try:
            # A wrong half leaves no trial behind: one that cannot be ended would end the grant.
            secret = self._core.unseal(grant, half)
        except WrongHalfError:
            raise Refused("wrong_half") from None
        except VaultError as fault:
            raise self._rejected(grant, "record_unreadable", str(fault), request) from None
        try:
            refusal = self._ask_windows(grant, secret)
        finally:
            wipe(secret)
        if refusal is None:
            return grant
        if REFUSALS[refusal].is_temporary:
            self._core.execute(c.EndTrial(grant=grant.id))
            raise Refused("account_refused", detail=REFUSALS[refusal].sentence)
        raise self._rejected(grant, "password_refused", refusal, request)

    def _rejected(self, grant: Grant, why: Rejection, detail: str, request: rq.CredentialApply) -> Refused:
        """Reject the grant, unless it has ended already; return the refusal for how it ended."""
        with self._core.lock:
            self._core.execute(c.RejectGrant(grant=grant.id, rejection=why, detail=detail))
            after = self._core.state.grants[grant.id]
        return ended_refusal(after, request.session)

    def _ask_windows(self, grant: Grant, secret: bytearray) -> LogonRefusal | None:
        """Let Windows check the password, as a trial that a crash leaves in the journal."""
        self._core.execute(c.BeginTrial(grant=grant.id))
        try:
            return self._core.computer.accounts.check(grant.account, secret)
        except (PortError, Refused):
            self._core.execute(c.EndTrial(grant=grant.id))
            raise

    def _wait_for_restart(self, request: rq.ApplyWait) -> ans.Answer:
        def over() -> bool | None:
            return True if not find_restart(self._core.state, request.permit).is_pending else None

        self._core.wait_for(over, request.wait)
        state = self._core.state
        answer = _restart_answer(state, request.session, find_restart(state, request.permit))
        return codec.done(answer, changed=False)

    def wait(self, request: rq.ApplyWait, peer: Peer) -> ans.Answer:
        """Answer when the state of the permit changes, when it waits for the operator's half, or the wait is over."""
        if request.permit in self._core.state.restarts:
            return self._wait_for_restart(request)
        first = find_permit(self._core.state, request.permit)
        if request.half is not None:
            self._halves.deliver(request.half, first.id, peer)

        def moved() -> bool | None:
            now = self._core.state.permits.get(request.permit)
            if now is None or finished(now) or self._halves.is_wanted(self._core.state, now):
                return True
            return None if request.to_the_end or now.state == first.state else True

        self._core.wait_for(moved, request.wait)
        state = self._core.state
        answer = self._permit_answer(state, request.session, find_permit(state, request.permit))
        return codec.done(answer, changed=request.half is not None)


def _restart_answer(state: State, session: str, restart: PlainRestart) -> ans.ApplyAnswer:
    return ans.ApplyAnswer(
        session=session,
        use=views.restart_view(restart),
        left=ans.LeftView(restarts=0, unlocks=0),
        boot_id=state.boot_id,
        finished=not restart.is_pending,
        waiting_for="the PC to go down" if restart.is_pending else "",
    )


def _desktop(mine: list[SignIn]) -> Desktop:
    if not mine:
        return "none"
    return "unlocked" if any(s.is_open for s in mine) else "locked"


def _answer(state: State, session: str, subject: str) -> ans.ApplyAnswer:
    """Return the state of the use that was begun or joined; without a use if nothing had to be done."""
    if (restart := state.restarts.get(subject)) is not None:
        return _restart_answer(state, session, restart)
    if (permit := state.permits.get(subject)) is not None:
        return _permit_answer(state, session, permit)
    left = views.left_view(state.grants[subject])
    return ans.ApplyAnswer(session=session, left=left, boot_id=state.boot_id, finished=True)


def _permit_answer(state: State, session: str, permit: Permit) -> ans.ApplyAnswer:
    return ans.ApplyAnswer(
        session=session,
        use=views.use_view(state, permit),
        left=views.left_view(state.grants[permit.grant]),
        boot_id=state.boot_id,
        finished=finished(permit),
        waiting_for=views.use_waits_for(state, permit),
    )
