# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control pipe: answers the requests of operators."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from latchkey_agent import __version__
from latchkey_agent.core.core import Core
from latchkey_agent.core.program_runner import ProgramRunner
from latchkey_agent.domain import (
    LIVE_GRANTS,
    OPEN_REQUESTS,
    Account,
    Bounds,
    Call,
    Grant,
    Refused,
    Requester,
    Signed,
    State,
    SupportSession,
    Terms,
    agreed_or_asked,
    check_code,
    done_before,
    find_request,
    forecast,
    forecast_sign_on,
    in_use,
    is_ready,
    kept_requests,
    must_fit,
    needs_password,
    obstacles,
    owes_erasure,
    own_session,
    resolve,
    session_grant,
    span,
    started_session,
    unconfirmed_erasures,
    under_way,
    window,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import PROTOCOL_VERSION, codec
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.storage.journal import Journal

from . import signed, views
from .apply import ApplyHandler
from .display_blocks import DisplayBlocks
from .half_exchange import HalfExchange
from .journal_events import JournalEvents
from .levels import LEVELS
from .peer import Peer
from .session_commands import CommandHandler
from .sign_on import must_sign_on, sign_on_obstacles
from .signed_requests import NO_KEY, Issue, SignedRequests, meant_account

Handler = Callable[[Any, Peer], ans.Answer]
WITHOUT_JOURNAL = (rq.Info, rq.JournalReset, rq.EraseAll)
"""The requests that are answered even without a journal."""
LISTED_RECEIPTS = 1000
CHECK_CODES = [f"{number:04}" for number in range(10_000)]
ERASURE_WAIT = 10.0
"""Seconds that an answer waits for the checks of an erasure; the erasure continues after that."""


class ControlHandler:
    """Answers the operator's requests, one by one."""

    def __init__(self, core: Core, display_blocks: DisplayBlocks, programs: ProgramRunner) -> None:
        self._core = core
        self._verifying = threading.Lock()
        self._display_blocks = display_blocks
        self._signing = SignedRequests(core)
        self._halves = HalfExchange(core)
        self._applying = ApplyHandler(core, self._halves)
        self._commands = CommandHandler(core, programs)
        self._handlers: dict[type[rq.ControlRequest], Handler] = {
            rq.SessionStart: self._start_session,
            rq.SessionEnd: self._end_session,
            rq.CredentialRequest: self._credential_request,
            rq.RequestWait: self._request_wait,
            rq.RequestWithdraw: self._request_withdraw,
            rq.CredentialApply: self._apply,
            rq.ApplyWait: self._applying.wait,
            rq.SessionCommand: self._commands.start,
            rq.CommandWait: self._commands.wait,
            rq.CredentialRevoke: self._revoke,
            rq.Checkpoint: self._checkpoint,
            rq.Info: self._info,
            rq.Events: JournalEvents(core).wait,
            rq.Receipt: self._receipt,
            rq.ReceiptList: self._receipt_list,
            rq.DeviceKey: self._device_key,
            rq.DeviceKeyReplace: self._replace_device_key,
            rq.AskerUnblock: self._asker_unblock,
            rq.JournalVerify: self._verify,
            rq.JournalReset: self._journal_reset,
            rq.EraseAll: self._erase_all,
        }

    def answer(self, body: bytes, peer: Peer) -> ans.Answer:
        """Return the answer to one request; every fault becomes an answer, too."""
        try:
            request = codec.decode_control(body)
            peer.require_level(LEVELS[type(request)])
            if not isinstance(request, WITHOUT_JOURNAL):
                _ = self._core.journal
            return self._handlers[type(request)](request, peer)
        except codec.ProtocolError as fault:
            return codec.refused(fault.view)
        except (PortError, Refused) as fault:
            return codec.refused(views.fault_view(fault))

    # --- support session ----------------------------------------------------------

    def _start_session(self, request: rq.SessionStart, peer: Peer) -> ans.Answer:
        self._core.policy()
        self._require_head(request, peer)
        foreseen = None if request.forecast == "ignore" else self._forecast(request.account, request.means)
        now, zone = self._core.now().present, self._core.computer.clock.zone()
        asked = request.requester
        operators = {name: self._account(name) for name in request.operators}
        command = c.StartSession(
            by=peer.require_operator(),
            operators=tuple(operators.values()),
            session=self._core.new_id(),
            name=request.session,
            requester=Requester(asked.name, asked.organization, asked.role),
            reason=request.reason,
            ticket=request.ticket,
            ends_at=None if request.ends is None else resolve("ends", request.ends, now, zone),
            settled_steps=request.settled_steps,
        )
        if request.forecast == "stop" and _stops(foreseen) and self._would_start(command, request):
            return codec.done(
                ans.SessionAnswer(forecast=foreseen, journal_head=signed.head(self._core)), changed=False
            )
        subject, state, changed = self._run(command, request, peer)
        named = {name: account.sid for name, account in operators.items()}
        issue = NO_KEY if request.check else self._signing.challenge(request.session, peer, named)
        result = ans.SessionAnswer(
            session=views.session_view(state, state.sessions[subject]),
            forecast=foreseen,
            journal_head=signed.head(self._core),
            challenge=issue.challenge,
            challenge_why=issue.why,
        )
        return codec.done(result, changed=changed)

    def _require_head(self, request: rq.SessionStart | rq.Info, peer: Peer) -> None:
        """Refuse a caller who knows a head that this journal does not have, and journal that.

        Raises:
            Refused: `journal_head_unknown`.
        """
        try:
            signed.require_head(self._core, request.seen)
        except Refused as refusal:
            if refusal.code == "journal_head_unknown":
                self._core.note_refusal(type(request).__name__, refusal, peer.actor)
            raise

    def _would_start(self, command: c.StartSession, request: rq.SessionStart) -> bool:
        """Tell whether the command starts a session: one that goes on, or whose work is settled, is found."""
        if self._done_before(request) is not None:
            return False
        try:
            return self._core.preview(command)[0].is_change
        except Refused:
            # Its execution journals the refusal.
            return False

    def _run(self, command: c.AnyCommand, request: rq.ControlRequest, peer: Peer) -> tuple[str, State, bool]:
        """Execute or preview a command; return (subject, state, changed).

        A call that has executed it before does not execute it again, and still counts as its change.
        """
        with self._core.lock:
            if (done := self._done_before(request)) is not None:
                return done.subject, self._core.state, done.changed
            return self._execute(command, request, peer)

    def _done_before(self, request: rq.ControlRequest) -> Call | None:
        """Return the earlier call that this request repeats, None for a new call and in check mode.

        Raises:
            Refused: `call_forgotten`: the state no longer holds the subject of that call.
        """
        state = self._core.state
        call = None if request.check else done_before(state, request.call)
        known = (state.sessions, state.requests, state.grants, state.permits, state.restarts)
        # A lifted block is not kept.
        is_kept = not isinstance(request, rq.AskerUnblock)
        if (
            call is not None
            and is_kept
            and not all(any(s in things for things in known) for s in call.subject.split())
        ):
            raise Refused("call_forgotten")
        return call

    def _execute(
        self, command: c.AnyCommand, request: rq.ControlRequest, peer: Peer
    ) -> tuple[str, State, bool]:
        if request.check:
            decision, state = self._core.preview(command)
        else:
            decision = self._core.execute(command, actor=peer.actor, key=request.call)
            state = self._core.state
        return decision.subject, state, decision.is_change

    def _end_session(self, request: rq.SessionEnd, peer: Peer) -> ans.Answer:
        subject, state, changed = self._run(
            c.EndSession(name=request.session, settled_steps=request.settled_steps), request, peer
        )
        if not request.check:
            self._core.wait_for(lambda: self._erased(subject), ERASURE_WAIT)
            after = self._core.state
            # The agent forgets an ended session when many newer ones were started meanwhile.
            state = after if subject in after.sessions else state
        grants = [g for g in state.grants.values() if g.session == subject and g.terms.has_secret]
        result = ans.EndedAnswer(
            session=views.session_view(state, state.sessions[subject]),
            erasure=[self._checks(grant) for grant in grants],
            receipts=signed.receipts(
                self._core, state, (r.id for r in state.requests.values() if r.session == subject)
            ),
            journal_head=signed.head(self._core),
        )
        return codec.done(result, changed=changed)

    def _erased(self, session: str | None) -> bool | None:
        """Return True if no ended grant (of that session) waits for its erasure, else None."""
        waiting = (
            g
            for g in self._core.state.grants.values()
            if g.ended is not None
            and g.terms.has_secret
            and g.erasure is None
            and session in {None, g.session}
        )
        return None if any(waiting) else True

    def _checks(self, grant: Grant) -> ans.ErasureView:
        """Return the checks of an erasure; until then one that says that nothing was checked yet."""
        found = views.erasure_view(grant)
        if found is not None:
            return found
        now = self._core.now()
        check = ans.ErasureCheck(name="erasure", passed=False, detail="not checked yet")
        return ans.ErasureView(
            grant=grant.id, confirmed=False, checked_at=str(views.text(now.at)), checks=[check]
        )

    def _checkpoint(self, request: rq.Checkpoint, peer: Peer) -> ans.Answer:
        before_session = self._checkpoints_of(request)
        known = before_session.checkpoints.get(request.step)
        state = self._core.state
        before = None if known is None else views.checkpoint_view(state, before_session, request.step, known)
        bounds = self._bounds(request, before_session)
        changed, begun = False, False
        if request.state is not None:
            wanted = None if request.state == "absent" else request.state
            command = c.SetCheckpoint(
                by=peer.require_operator(),
                name=request.session,
                step=request.step,
                state=wanted,
                bounds=None if request.then else bounds,
            )
            _, state, changed = self._run(command, request, peer)
            if request.then is not None:
                state, begun = self._begin_next(
                    replace(command, step=request.then, bounds=bounds), request, peer
                )
        elif bounds is not None:
            must_fit(state, request.step, bounds, self._core.now())
        session = views.session_view(state, state.sessions[before_session.id])
        result = ans.CheckpointAnswer(
            session=request.session,
            step=request.step,
            boot_id=self._core.computer.power.boot_id(),
            uptime=round(self._core.computer.clock.uptime(), 3),
            before=before,
            checkpoints=session.checkpoints,
            opens_at=None if bounds is None else views.text(bounds.opens_at),
            closes_at=None if bounds is None else views.text(bounds.closes_at),
            begun=request.then or "" if begun else "",
        )
        return codec.done(result, changed=changed)

    def _begin_next(self, command: c.SetCheckpoint, request: rq.Checkpoint, peer: Peer) -> tuple[State, bool]:
        """Begin the step after one that is done; return the state, and whether the step has begun.

        The checkpoint before it is durable already. So a refusal is no refusal of the call: the operator learns its
        reason by beginning the step.
        """
        command = replace(command, state="started")
        try:
            if request.check:
                return self._core.preview(command)[1], True
            key = f"{request.call} then" if request.call else ""
            with self._core.lock:
                if done_before(self._core.state, key) is None:
                    self._core.execute(command, actor=peer.actor, key=key)
        except Refused:
            return self._core.state, False
        return self._core.state, True

    def _bounds(self, request: rq.Checkpoint | rq.CredentialApply, session: SupportSession) -> Bounds | None:
        """Return the maintenance window in the PC's time; None without one."""
        if request.not_before is None and request.not_after is None:
            return None
        now, zone = self._core.now().present, self._core.computer.clock.zone()
        opens, closes = span(
            request.not_before, request.not_after, now, session.ends_at, zone, started_at=session.started_at
        )
        return Bounds(
            opens_at=opens,
            closes_at=closes,
            limit=None if request.limit is None else timedelta(seconds=request.limit),
            spare=timedelta(seconds=request.spare if isinstance(request, rq.Checkpoint) else 0),
        )

    def _checkpoints_of(self, request: rq.Checkpoint) -> SupportSession:
        """Return the session of a checkpoint; that of an earlier call also after its end."""
        if (done := self._done_before(request)) is not None:
            return self._core.state.sessions[done.subject]
        return started_session(self._core.state, request.session)

    # --- use --------------------------------------------------------------------------

    def _apply(self, request: rq.CredentialApply, peer: Peer) -> ans.Answer:
        """Settle the step, and begin the use if it is due. The checkpoint is durable before the use begins."""
        before = self._done_before(request)
        if before is not None and before.subject not in self._core.state.sessions:
            return self._applying.apply(request, peer)
        changed = request.done and self._set_done(request, peer)
        if before is not None:
            return codec.done(self._not_due(request), changed=changed)
        if request.when_pending and self._is_idle(request):
            return self._leave_out(request, peer, changed=changed)
        self._must_fit(request)
        return self._applying.apply(request, peer)

    def _is_idle(self, request: rq.CredentialApply) -> bool:
        """Tell whether no restart is due, and none of this step is under way.

        After the restart of a job that was killed nothing is pending, while its sign-in may wait for the operator.
        """
        state = self._core.state
        for session in _named(state, request.session):
            if under_way(state, session, request.action, request.step):
                return False
        return not self._core.computer.power.pending_reasons()

    def _set_done(self, request: rq.CredentialApply, peer: Peer) -> bool:
        """Set the checkpoint to done, by a record of its own; return whether this call has changed it."""
        command = c.SetCheckpoint(
            by=peer.require_operator(), name=request.session, step=str(request.step), state="done"
        )
        if request.check:
            return self._core.preview(command)[0].is_change
        # As if the operator had set it by a call of its own: sent again, it is the same call.
        key = f"checkpoint {request.idempotency_key}" if request.call else ""
        with self._core.lock:
            if (before := done_before(self._core.state, key)) is not None:
                return before.changed
            return self._core.execute(command, actor=peer.actor, key=key).is_change

    def _leave_out(self, request: rq.CredentialApply, peer: Peer, *, changed: bool) -> ans.Answer:
        """Answer that no restart is due. The call is noted: sent again, it must not restart for a later reason."""
        session = own_session(self._core.state, request.session, peer.require_operator())
        self._run(c.NoteCall(subject=session.id), request, peer)
        return codec.done(self._not_due(request), changed=changed)

    def _not_due(self, request: rq.CredentialApply) -> ans.ApplyAnswer:
        state = self._core.state
        grants = [g for name in _named(state, request.session) if (g := session_grant(state, name))]
        left = views.left_view(grants[0]) if grants else ans.LeftView(restarts=0, unlocks=0)
        return ans.ApplyAnswer(session=request.session, left=left, boot_id=state.boot_id, finished=True)

    def _must_fit(self, request: rq.CredentialApply) -> None:
        """Raise Refused if the use could end outside of the maintenance window that the request names."""
        if request.not_before is None and request.not_after is None:
            return
        bounds = self._bounds(request, started_session(self._core.state, request.session))
        if bounds is not None:
            must_fit(self._core.state, request.step or request.action, bounds, self._core.now())

    # --- request ---------------------------------------------------------------------

    def _credential_request(self, request: rq.CredentialRequest, peer: Peer) -> ans.Answer:
        self._core.policy()
        here = self._here()
        if (done := self._done_before(request)) is not None:
            result = self._about(self._core.state, request.session, done.subject, here)
            issue = self._signing.challenge(request.session, peer)
            return codec.done(_with_challenge(result, issue), changed=done.changed)
        session = started_session(self._core.state, request.session)
        now, zone = self._core.now().present, self._core.computer.clock.zone()
        begin, end = window(request.not_before, request.not_after, now, session.ends_at, zone)
        account = self._account(request.account, session.id)
        sealing = self._halves.sealing(request.sealing)
        signature = self._checked_signature(request, session, (begin, end), peer)
        terms, why = self._means(request, session.id, account, _terms(request, begin, end))
        command = c.MakeRequest(
            by=peer.require_operator(),
            request=self._core.new_id(),
            code="",
            name=request.session,
            account=account,
            terms=terms,
            answer_by=self._answer_by(request, now, end),
            organization=msgspec.to_builtins(self._core.settings.organization()),
            ask_again=request.ask_again,
            sealing=sealing if terms.two_parties else None,
            signed=signature,
        )
        try:
            with self._core.lock:
                command = replace(command, code=self._new_code(signature))
                subject, state, changed = self._run(command, request, peer)
        except Refused as fault:
            if not fault.subject:
                raise
            said = self._about(self._core.state, request.session, fault.subject, here)
            return codec.refused(views.fault_view(fault), said)
        issue = NO_KEY if request.check else self._signing.challenge(request.session, peer)
        answer = replace(self._about(state, request.session, subject, here), means_why=why)
        return codec.done(_with_challenge(answer, issue), changed=changed)

    def _about(self, state: State, session: str, subject: str, here: views.Screens) -> ans.RequestAnswer:
        """Return a request with the grant that it led to, and the PC's signed word about a grant of two parties."""
        return self._halves.told(_request_answer(state, session, subject, here))

    def _checked_signature(
        self,
        request: rq.CredentialRequest,
        session: SupportSession,
        bounds: tuple[datetime, datetime],
        peer: Peer,
    ) -> Signed | None:
        """Return the request's signature, None for an unsigned request; journal a refusal."""
        try:
            return self._signing.checked(request, session, bounds, peer.require_operator())
        except Refused as refusal:
            self._core.note_refusal("MakeRequest", refusal, peer.actor)
            raise

    def _means(
        self, request: rq.CredentialRequest, session: str, account: Account, terms: Terms
    ) -> tuple[Terms, str]:
        """Return the terms with the means to ask for, and the reason why `auto` chose them.

        A job that is launched again means the earlier request, whatever Windows says meanwhile.

        Raises:
            Refused: `arso_not_possible`.
        """
        if request.means == "grant":
            return terms, ""
        signing_on = replace(terms, means="arso", two_parties=False)
        is_auto = request.means == "auto"
        if (earlier := agreed_or_asked(self._core.state, session, account, signing_on)) is not None:
            meant = terms if earlier.has_secret else signing_on
            return meant, "an earlier request has these means" if is_auto else ""
        if not is_auto:
            must_sign_on(self._core.computer, account)
            return signing_on, ""
        found = sign_on_obstacles(self._core.computer, account)
        reasons = [needs_password(terms), *(one.text for one in found)]
        if not self._core.policy().allow_arso:
            reasons.append("the policy of this PC does not allow Windows' own sign-in")
        if why := "; ".join(filter(None, reasons)):
            return terms, f"a password is needed: {why}"
        return signing_on, "Windows signs the customer in again by itself, so no password is needed"

    def _new_code(self, signature: Signed | None) -> str:
        """Return a check code that no other request has: with the same code, one window could pass for another.

        That of a signed request comes from its text and the challenge's seed, any other is drawn.
        """
        used = {request.code for request in self._core.state.requests.values()}
        if signature is not None:
            return check_code(signature.seed, signature.document.encode(), used)
        free = [code for code in CHECK_CODES if code not in used] or CHECK_CODES
        return free[int.from_bytes(self._core.random(4), "big") % len(free)]

    def _here(self) -> views.Screens:
        """Return the accounts that are signed in. Ask before a change: after a failure nothing has changed."""
        here = {s.account.sid for s in self._core.computer.sessions.signed_in()}
        return views.Screens(here, self._display_blocks.reason)

    def _answer_by(self, request: rq.CredentialRequest, now: datetime, end: datetime) -> datetime:
        if request.answer_by is not None:
            return min(end, resolve("answer_by", request.answer_by, now, self._core.computer.clock.zone()))
        if request.answer_within is not None:
            return min(end, now + timedelta(seconds=request.answer_within))
        return end

    def _account(self, name: str | None, session: str = "") -> Account:
        """Return the account to ask: the named one, or else the one that is meant (`meant_account`)."""
        if not name:
            return meant_account(self._core, session)
        found = self._core.computer.accounts.find(name)
        if found is None:
            raise Refused("no_such_account", account=name)
        return found

    def _request_wait(self, request: rq.RequestWait, _peer: Peer) -> ans.Answer:
        first = find_request(self._core.state, request.request)
        reason = self._display_blocks.reason(first.id)

        def moved() -> bool | None:
            found = self._core.state.requests.get(first.id)
            same = found == first and self._display_blocks.reason(first.id) == reason
            return None if same and first.state in OPEN_REQUESTS else True

        self._core.wait_for(moved, request.wait)
        state = self._core.state
        found = find_request(state, first.id)
        result = self._about(state, request.session, first.id, self._here())
        if (failed := views.request_error(found)) is not None:
            return codec.refused(failed, result)
        return codec.done(result, changed=False)

    def _request_withdraw(self, request: rq.RequestWithdraw, peer: Peer) -> ans.Answer:
        here = self._here()
        subject, state, changed = self._run(c.WithdrawRequest(request=request.request), request, peer)
        return codec.done(self._about(state, request.session, subject, here), changed=changed)

    # --- revoking -----------------------------------------------------------------

    def _revoke(self, request: rq.CredentialRevoke, peer: Peer) -> ans.Answer:
        with self._core.lock:
            grants: list[str] = []
            if self._done_before(request) is None:
                session = started_session(self._core.state, request.session)
                grants = [g.id for g in in_use(self._core.state, session.id)]
            ended = self._revoke_grants(grants, request, peer)
        return self._revoked(ended, [], request)

    def _erase_all(self, request: rq.EraseAll, peer: Peer) -> ans.Answer:
        if not request.check:
            self._core.give_up_newer_journal()
        if self._core.journal_life.is_damaged:
            # Its sealed records are overwritten; no grant is left to end.
            if not request.check:
                self._await_locks()
            ended: tuple[str, State, bool] = ("", self._core.state, False)
            return self._revoked(ended, [], request)
        # A journal that cannot be read may hold a grant: its state is not empty, but unknown.
        self._core.journal_life.require_readable()
        with self._core.lock:
            grants = [g.id for g in in_use(self._core.state)]
            reported = [g.id for g in self._core.state.grants.values() if owes_erasure(g)]
            ended = self._revoke_grants(grants, request, peer)
        if not request.check:
            self._await_locks()
        return self._revoked(ended, reported, request)

    def _await_locks(self) -> None:
        """Wait until each desktop that a permit opened is closed: a removal takes away the program that locks it.

        Raises:
            Refused: `desktop_open`.
        """
        if self._core.wait_for(lambda: self._core.duties.is_empty or None, ERASURE_WAIT) is None:
            raise Refused("desktop_open", retry_after=ERASURE_WAIT)

    def _revoke_grants(
        self, grants: list[str], request: rq.ControlRequest, peer: Peer
    ) -> tuple[str, State, bool]:
        """Revoke grants in one decision; a call that is sent again revokes no newer grant (rule 13)."""
        return self._run(c.RevokeGrants(grants=tuple(grants), revoked_by="operator"), request, peer)

    def _revoked(
        self, ended: tuple[str, State, bool], reported: list[str], request: rq.ControlRequest
    ) -> ans.Answer:
        """Return the checks of the erasure of the grants to be `reported`, and of those that the call ended."""
        subject, state, changed = ended
        after = state
        if not request.check:
            self._core.wait_for(lambda: self._erased(None), ERASURE_WAIT)
            after = self._core.state
        ids = dict.fromkeys((*subject.split(), *reported))
        grants = [after.grants.get(i) or state.grants[i] for i in ids]
        result = ans.RevokeAnswer(
            grants=[views.grant_view(after, g) for g in grants],
            erasure=[self._checks(g) for g in grants if g.terms.has_secret],
        )
        return codec.done(result, changed=changed)

    # --- reading -----------------------------------------------------------------------

    def _info(self, request: rq.Info, peer: Peer) -> ans.Answer:
        if not self._core.problem:
            self._require_head(request, peer)
        self._core.try_tick()
        state = self._core.state
        names = _named(state, request.session)
        grants = [g for g in state.grants.values() if g.session in names]
        asked = [r for r in state.requests.values() if r.session in names]
        here = self._here()
        reasons = self._core.computer.power.pending_reasons()
        result = ans.InfoAnswer(
            agent=self._agent(),
            sessions=[views.session_view(state, state.sessions[i]) for i in state.sessions if i in names],
            requests=[views.request_view(r, here) for r in asked],
            grants=[views.grant_view(state, g) for g in grants],
            erasure=[erased for g in grants if (erased := views.erasure_view(g)) is not None],
            pending_restart=ans.PendingRestartView(pending=bool(reasons), reasons=reasons),
            receipts=[signed.receipt(self._core, state, r.id) for r in asked] if request.receipts else [],
            forecast=self._forecast(request.account, request.means) if request.forecast else None,
            journal_head=None if self._core.problem else signed.head(self._core),
        )
        return codec.done(result, changed=False)

    def _agent(self) -> ans.AgentView:
        problem, organization = self._core.problem, ""
        try:
            self._core.policy()
            organization = self._core.settings.current().organization.name
        except Refused as refusal:
            problem = problem or views.refusal_view(refusal).message
        return ans.AgentView(
            version=__version__,
            protocol=PROTOCOL_VERSION,
            device=self._core.computer.device,
            boot_id=self._core.computer.power.boot_id(),
            now=str(views.text(self._core.now().wall)),
            ready=not problem and not self._unconfirmed(),
            organization=organization,
            problem=problem or self._unconfirmed(),
        )

    def _unconfirmed(self) -> str:
        failed = [g.id for g in unconfirmed_erasures(self._core.state, self._core.now())]
        return f"the erasure of {', '.join(failed)} is not confirmed" if failed else ""

    def _forecast(self, name: str | None, means: str) -> ans.ForecastView:
        signed_in = self._core.computer.sessions.signed_in()
        account = self._account(name) if name else next((s.account for s in signed_in if s.console), None)
        facts = self._core.computer.accounts.facts(account)
        findings = forecast(facts, account, signed_in, self._core.now().wall, self._restarts(account))
        if means != "grant" and account is not None:
            found = obstacles(facts, account, signed_in)
            if means == "arso" or (not found and self._core.settings.policy_or_nothing().allow_arso):
                findings = forecast_sign_on(findings, found)
        views_ = [
            ans.FindingView(code=f.code, severity=f.severity, evidence=f.evidence, advice=f.advice)
            for f in findings
        ]
        return ans.ForecastView(ready=is_ready(findings), findings=views_)

    def _restarts(self, account: Account | None) -> int:
        """Return the most restarts that are asked for or lent; at least one."""
        state = self._core.state
        asked = [
            r.terms.restarts
            for r in state.requests.values()
            if r.account == account and r.state in OPEN_REQUESTS
        ]
        lent = [
            g.left.restarts for g in state.grants.values() if g.account == account and g.state in LIVE_GRANTS
        ]
        return max([1, *asked, *lent])

    def _receipt(self, request: rq.Receipt, _peer: Peer) -> ans.Answer:
        view = signed.receipt(self._core, self._core.state, request.request)
        return codec.done(ans.ReceiptAnswer(receipt=view), changed=False)

    def _device_key(self, _request: rq.DeviceKey, _peer: Peer) -> ans.Answer:
        return codec.done(self._key_answer(""), changed=False)

    def _replace_device_key(self, request: rq.DeviceKeyReplace, peer: Peer) -> ans.Answer:
        with self._core.lock:
            if (before := self._done_before(request)) is not None:
                return codec.done(self._key_answer(self._core.device_key.replaces), changed=before.changed)
            replaced = "" if request.check else self._core.replace_device_key(peer.actor, request.call)
            return codec.done(self._key_answer(replaced), changed=True)

    def _key_answer(self, replaced: str) -> ans.DeviceKeyAnswer:
        key = self._core.device_key
        return ans.DeviceKeyAnswer(
            device=self._core.computer.device,
            public_key=key.public_key,
            fingerprint=key.fingerprint,
            replaced=replaced,
        )

    def _receipt_list(self, request: rq.ReceiptList, _peer: Peer) -> ans.Answer:
        days = self._core.settings.receipt_days()
        ids = [r.id for r in kept_requests(self._core.state, self._core.now().at, days)]
        if request.after is not None:
            ids = ids[ids.index(request.after) + 1 :] if request.after in ids else []
        result = ans.ReceiptListAnswer(receipts=ids[:LISTED_RECEIPTS], more=len(ids) > LISTED_RECEIPTS)
        return codec.done(result, changed=False)

    def _asker_unblock(self, request: rq.AskerUnblock, peer: Peer) -> ans.Answer:
        blocked = self._core.state.blocked
        asker = next((sid for sid, name in blocked.items() if name.lower() == request.account.lower()), None)
        if asker is None:
            found = self._core.computer.accounts.find(request.account)
            asker = found.sid if found is not None else request.account
        _, _, changed = self._run(c.UnblockAsker(asker=asker), request, peer)
        return codec.done(
            ans.UnblockAnswer(blocked=sorted(self._core.state.blocked.values())), changed=changed
        )

    def _verify(self, _request: rq.JournalVerify, _peer: Peer) -> ans.Answer:
        with self._verifying:
            verdict = self._core.in_steps(Journal.verify)
            problem = verdict.problem or self._core.in_steps(self._core.receipts.verify)
        result = ans.JournalAnswer(
            events=verdict.head.seq,
            head=verdict.head.hash.hex(),
            intact=not problem,
            problem=problem,
        )
        return codec.done(result, changed=False)

    def _journal_reset(self, request: rq.JournalReset, _peer: Peer) -> ans.Answer:
        if request.check:
            self._core.journal_life.require_unusable()
            result = ans.JournalAnswer(events=0, head="", intact=False, problem=self._core.problem)
            return codec.done(result, changed=True)
        aside = self._core.reset_journal()
        head = self._core.head()
        result = ans.JournalAnswer(
            events=head.seq, head=head.hash.hex(), intact=True, problem=f"kept as {aside}"
        )
        return codec.done(result, changed=True)


def _terms(request: rq.CredentialRequest, begin: datetime, end: datetime) -> Terms:
    """Return the terms that the operator asks for, with a password; their window is from `begin` to `end`."""
    return Terms(
        restarts=request.restarts,
        unlocks=request.unlocks,
        foreign_restarts=request.foreign_restarts,
        programs=request.programs,
        not_before=begin,
        not_after=end,
        relock_after=request.relock_after,
        grace=request.grace,
        two_parties=request.sealing is not None,
    )


def _stops(foreseen: ans.ForecastView | None) -> bool:
    """Tell whether a finding says that a sign-in will not work."""
    return foreseen is not None and any(finding.severity == "stops" for finding in foreseen.findings)


def _named(state: State, name: str | None) -> set[str]:
    """Return the ids of all sessions, or of the newest session of a name."""
    if name is None:
        return set(state.sessions)
    theirs = [s.id for s in state.sessions.values() if s.name == name]
    return set(theirs[-1:])


def _with_challenge(answer: ans.RequestAnswer, issue: Issue) -> ans.RequestAnswer:
    return replace(answer, challenge=issue.challenge, challenge_why=issue.why)


def _request_answer(state: State, session: str, subject: str, here: views.Screens) -> ans.RequestAnswer:
    """Return a request with the grant that it led to; `subject` is the id of either."""
    grant = state.grants.get(subject) or next(
        (g for g in state.grants.values() if g.request == subject), None
    )
    request = state.requests.get(subject)
    return ans.RequestAnswer(
        session=session,
        request=None if request is None else views.request_view(request, here),
        grant=None if grant is None else views.grant_view(state, grant),
    )
