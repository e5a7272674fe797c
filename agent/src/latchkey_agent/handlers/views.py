# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the state into the views of the protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Literal, NamedTuple

from msgspec.structs import replace

from latchkey_agent.domain import (
    ASKED_REQUESTS,
    NO_CODES,
    Checkpoint,
    Erasure,
    Grant,
    LogonRefusal,
    Permit,
    PermitState,
    PlainRestart,
    Program,
    Refused,
    Request,
    RequestState,
    Sealing,
    Signed,
    State,
    SupportSession,
    Terms,
    ended_refusal,
    finished,
    sentence,
    succeeded,
    why_said,
)
from latchkey_agent.ports import PortError, ProgramOutput
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol.customer_messages import DisplayBlock
from latchkey_agent.protocol.errors import error


def entry_sentence(refusal: str) -> str:
    """Return the reason why an entry cannot serve, as a part of a sentence for an operator."""
    if refusal == "agent_failed":
        return "the agent could not check or seal the password"
    return sentence(refusal)


def text(moment: datetime | None) -> str | None:
    """Return a moment as the protocol writes it."""
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def _must(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def refusal_view(refused: Refused) -> ans.ErrorView:
    """Return a refusal as an error; placeholders without a value are empty."""
    places = {"session": "", "detail": "", "request": "", "permit": "", "account": ""} | refused.places
    return error(refused.code, retry_after=refused.retry_after, **places)


def session_view(state: State, session: SupportSession) -> ans.SessionView:
    """Return a session with its checkpoints."""
    asked = session.requester
    return ans.SessionView(
        id=session.id,
        name=session.name,
        state=_session_state(session),
        reason=session.reason,
        ticket=session.ticket,
        requester=ans.RequesterView(name=asked.name, organization=asked.organization, role=asked.role),
        owner=session.owner.qualified,
        operators=[account.qualified for account in session.operators],
        started_at=_must(session.started_at),
        ends_at=_must(session.ends_at),
        checkpoints={
            name: checkpoint_view(state, session, name, checkpoint)
            for name, checkpoint in session.checkpoints.items()
        },
        restarts=[restart_view(r) for r in state.restarts.values() if r.session == session.id],
    )


def _session_state(session: SupportSession) -> Literal["started", "ended", "expired"]:
    return session.state.value


def checkpoint_view(
    state: State, session: SupportSession, name: str, checkpoint: Checkpoint
) -> ans.CheckpointView:
    """Return a checkpoint; `restarted` tells whether the restart of its step has succeeded."""
    restarted = any(
        t.session == session.id and t.step == name and t.action == "restart" and succeeded(t)
        for t in state.permits.values()
    ) or any(
        r.session == session.id and r.step == name and r.boot_after is not None
        for r in state.restarts.values()
    )
    return ans.CheckpointView(state=checkpoint.state, at=_must(checkpoint.at), restarted=restarted)


def terms_view(terms: Terms, write: Callable[[datetime], str] = _must) -> ans.TermsView:
    """Return terms with their times as text; `write` turns a moment into text."""
    return ans.TermsView(
        means=terms.means,
        two_parties=terms.two_parties,
        restarts=terms.restarts,
        unlocks=terms.unlocks,
        foreign_restarts=terms.foreign_restarts,
        programs=terms.programs,
        not_before=write(terms.not_before),
        not_after=write(terms.not_after),
        relock_after=terms.relock_after,
        grace=terms.grace,
    )


class Screens(NamedTuple):
    """The SIDs that are signed in, and the display blocks of requests."""

    signed_in: Collection[str]
    display_block: Callable[[str], DisplayBlock | None]


def request_view(request: Request, screens: Screens) -> ans.RequestView:
    """Return a request with the event that it waits for."""
    return ans.RequestView(
        id=request.id,
        state=request.state.value,
        code=request.code,
        asked_by=request.asked_by.qualified,
        account=request.account.qualified,
        terms=terms_view(request.terms),
        asked_at=_must(request.asked_at),
        answer_by=_must(request.answer_by),
        shown_at=text(request.shown_at),
        later_until=text(request.later_until),
        answered_at=text(request.answered_at),
        why=request.why or request.refusal,
        entries_refused=request.entries_refused,
        waiting_for=_waiting_for(request, screens),
        signed_by=None if request.signed is None else _signer(request.signed),
        sealing=None if request.sealing is None else sealing_view(request.sealing),
    )


def _signer(signed: Signed) -> ans.SignerView:
    who = signed.requester
    return ans.SignerView(
        name=who.name,
        organization=who.organization,
        role=who.role,
        serial=str(signed.serial),
        key=signed.key,
        authority=signed.authority,
    )


_BLOCKED: dict[DisplayBlock, str] = {
    "locked": "{who} to unlock the screen, so that they can be asked",
    "viewed": "the remote view of {who}'s screen to end: a password is requested only on an unwatched screen",
    "presentation": "the presentation on {who}'s screen to end, which the window does not disturb",
    "full_screen": "the full-screen program on {who}'s screen to end, which the window does not disturb",
    "unshown": "Windows to show the window at {who}'s screen, which failed; it is tried again",
}


def _waiting_for(request: Request, screens: Screens) -> str:
    who = request.account.qualified
    asked = request.state in ASKED_REQUESTS
    if asked and request.account.sid not in screens.signed_in:
        return f"{who} to sign in, so that they can be asked"
    if asked and (why := screens.display_block(request.id)) is not None:
        return _BLOCKED[why].format(who=who)
    match request.state:
        case RequestState.PENDING:
            return f"the window to open at {who}'s screen"
        case RequestState.SHOWN:
            return f"{who} to answer the window on their screen"
        case RequestState.LATER:
            return f"{who}, who wants to be asked again at {request.later_until:%H:%M}"
    return ""


def fault_view(fault: PortError | Refused) -> ans.ErrorView:
    """Return the error of a refusal, or of a fault of the PC."""
    return refusal_view(fault) if isinstance(fault, Refused) else error("agent_failed", detail=str(fault))


def request_error(request: Request) -> ans.ErrorView | None:
    """Return the error of a request that led to no grant, None if it did or still may."""
    if request.state is RequestState.WITHDRAWN:
        return error("request_withdrawn")
    if request.state is RequestState.EXPIRED:
        return error("no_answer")
    if request.state is not RequestState.DENIED:
        return None
    if (code := NO_CODES.get(request.refusal)) is not None:
        return error(code, detail=why_said(request), account=request.asked_by.qualified)
    return entry_error(request.refusal)


_ENTRY_ERRORS = {
    "other_account_entered": "other_account_entered",
    LogonRefusal.WRONG_PASSWORD: "wrong_password",
    LogonRefusal.LOOKS_LIKE_PIN: "typed_pin",
}


def entry_error(refusal: str) -> ans.ErrorView:
    """Return the error of an entry that cannot serve, by its stable word."""
    if refusal in _ENTRY_ERRORS:
        return error(_ENTRY_ERRORS[refusal])
    return error("account_refused", detail=entry_sentence(refusal))


def grant_view(state: State, grant: Grant) -> ans.GrantView:
    """Return a grant with its uses."""
    sealing = state.requests[grant.request].sealing
    return ans.GrantView(
        id=grant.id,
        state=grant.state.value,
        account=grant.account.qualified,
        terms=terms_view(grant.terms),
        left=left_view(grant),
        granted_at=_must(grant.granted_at),
        request=grant.request,
        revoked_by=grant.revoked_by or "",
        ended=str(grant.ended or ""),
        ended_at=text(grant.ended_at),
        uses=[use_view(state, t) for t in state.permits.values() if t.grant == grant.id],
        omitted=[ans.OmittedView(at=_must(o.at), why=o.why) for o in grant.omitted],
        programs=[program_view(p) for p in state.programs.values() if p.grant == grant.id],
        sealing=None if sealing is None else sealing_view(sealing),
    )


def sealing_view(sealing: Sealing) -> ans.SealingView:
    """Return the operator's key of a request."""
    return ans.SealingView(device=sealing.device, nonce=sealing.nonce, public_key=sealing.public_key)


def left_view(grant: Grant) -> ans.LeftView:
    """Return the counts that a grant still allows; 0 once it has ended."""
    over = grant.ended is not None
    return ans.LeftView(
        restarts=0 if over else grant.left.restarts, unlocks=0 if over else grant.left.unlocks
    )


def use_view(state: State, permit: Permit) -> ans.UseView:
    """Return one use, with its error if it failed."""
    opened = None
    if permit.logged_on_at is not None and permit.redeemed_at is not None and permit.closed_at is not None:
        opened = round((permit.closed_at - permit.redeemed_at).total_seconds(), 3)
    return ans.UseView(
        permit=permit.id,
        action=permit.action,
        state=permit.state.value,
        issued_at=_must(permit.issued_at),
        account=permit.account.qualified,
        boot_before=permit.boot_before,
        step=permit.step,
        boot_after=permit.boot_after,
        logged_on_at=text(permit.logged_on_at),
        locked_at=text(permit.closed_at) if permit.closing == "locked" else None,
        disconnected=permit.closing == "disconnected",
        desktop_open_seconds=opened,
        why=permit.why or "",
        foreign=permit.foreign,
        error=use_error(state, permit),
    )


def restart_view(restart: PlainRestart) -> ans.UseView:
    """Return a restart without a grant as a use of none."""
    how: Literal["issued", "restarted", "cancelled"] = "issued"
    fault = None
    if restart.boot_after is not None:
        how = "restarted"
    elif restart.why:
        how = "cancelled"
        fault = error("restart_refused", detail=restart.detail or "the PC did not go down in time")
    return ans.UseView(
        permit=restart.id,
        action="restart",
        state=how,
        issued_at=_must(restart.ordered_at),
        account="",
        boot_before=restart.boot_before,
        step=restart.step,
        boot_after=restart.boot_after,
        why=restart.why,
        error=fault,
    )


def use_error(state: State, permit: Permit) -> ans.ErrorView | None:
    """Return the error of a permit that led to no logon, None if it did or still may."""
    match permit.state:
        case PermitState.REFUSED if permit.why == "refused":
            return error("logon_refused", detail=sentence(permit.detail))
        case PermitState.REFUSED:
            return error("logon_interrupted")
        case PermitState.LAPSED if permit.why == "not_restarted":
            return error("permit_cancelled", detail="its time was over before the PC restarted")
        case PermitState.LAPSED if permit.why == "not_signed_on":
            return error("not_signed_on")
        case PermitState.LAPSED:
            return error("logon_did_not_happen")
        case PermitState.CANCELLED:
            return _cancelled(state, permit)
    return None


def _cancelled(state: State, permit: Permit) -> ans.ErrorView | None:
    match permit.why:
        case "signed_in":
            return None
        case "grant_ended":
            session = state.sessions[permit.session].name
            return refusal_view(ended_refusal(state.grants[permit.grant], session))
        case "paused":
            return error("grant_paused")
        case "restart_refused":
            return error("restart_refused", detail=permit.detail)
        case "session_ended":
            return error("permit_cancelled", detail="the support session ended")
        case "signed_out":
            return error("not_signed_in", account=permit.account.qualified)
        case "agent_started":
            return error(
                "permit_cancelled", detail="the agent was started anew, so the screen may have been unlocked"
            )
    return error("permit_cancelled", detail="the PC restarted instead")


def use_waits_for(state: State, permit: Permit) -> str:
    """Return the event that a use waits for, empty if the use is finished."""
    if finished(permit):
        return ""
    match permit.state:
        case PermitState.ISSUED if permit.action == "restart" and state.boot_id == permit.boot_before:
            return "the PC to go down"
        case PermitState.ISSUED if not state.grants[permit.grant].terms.has_secret:
            return "Windows to sign the customer in by itself"
        case PermitState.ISSUED if state.grants[permit.grant].terms.two_parties:
            return "the operator's half of the key, and the logon screen to use the permit"
        case PermitState.ISSUED:
            return "the logon screen to use the permit"
        case PermitState.REDEEMED:
            return "Windows to sign the customer in"
    return "the desktop to be locked"


def program_view(program: Program) -> ans.ProgramView:
    """Return a program without its arguments and its output."""
    return ans.ProgramView(
        command=program.id,
        program=program.path,
        state=program.end or "running",
        started_at=_must(program.started_at),
        by=program.by.name,
        step=program.step,
        ended_at=text(program.ended_at),
        exit_code=program.exit_code,
        why=program.why,
    )


def command_view(state: State, program: Program, output: ProgramOutput | None) -> ans.CommandView:
    """Return a program with its output, if that is kept."""
    view = ans.CommandView(
        id=program.id,
        state=program.end or "running",
        account=program.account.qualified,
        command_line=program.command_line,
        folder=program.folder,
        limit=program.limit,
        started_at=_must(program.started_at),
        step=program.step,
        ended_at=text(program.ended_at),
        exit_code=program.exit_code,
        why=program.why,
        error=command_error(state, program),
    )
    return view if output is None else replace(view, output_kept=True, **output._asdict())


def command_error(state: State, program: Program) -> ans.ErrorView | None:
    """Return the error of a program that did not end by itself, None if it did or still runs."""
    match program.end:
        case "not_started":
            return error("command_not_started", detail=program.detail)
        case "lost":
            return error("command_lost")
        case "stopped" if program.why == "limit":
            return error("command_timed_out", limit=f"{program.limit:g}")
        case "stopped" if program.why == "paused":
            return error("grant_paused")
        case "stopped":
            session = state.sessions[program.session].name
            return refusal_view(ended_refusal(state.grants[program.grant], session))
    return None


def erasure_view(grant: Grant) -> ans.ErasureView | None:
    """Return the checks of a grant's erasure, None while there are none."""
    if grant.erasure is None:
        return None
    return erasure_of(grant.id, grant.erasure)


def erasure_of(grant: str, erasure: Erasure) -> ans.ErasureView:
    """Return the checks of an erasure."""
    checks = [
        ans.ErasureCheck(name=name, passed=passed, detail=detail) for name, passed, detail in erasure.checks
    ]
    return ans.ErasureView(
        grant=grant, confirmed=erasure.confirmed, checked_at=_must(erasure.checked_at), checks=checks
    )
