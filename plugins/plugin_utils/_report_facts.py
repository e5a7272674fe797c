# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The facts about one PC: from its answer to `credential_info`, the role's summary and a step's failure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _answers as ans
from ._answer_reader import AnswerError, read
from ._plain_data import plain_data
from ._report_model import Asked, Lent, Row, Step, Trouble, Use
from ._report_times import order

if TYPE_CHECKING:
    from collections.abc import Mapping

_AWAY = frozenset({"pc_unreachable", "connection_lost", "pc_frozen", "pc_not_back"})
"""Error codes of a PC that could not be reached."""
_ANSWERS = frozenset({
    "answered_later", "asked_too_soon", "denied", "grant_revoked", "no_answer", "not_today", "reported",
})  # fmt: skip
"""Error codes of a customer's answer. It is no failure; the request has it."""


# --- what a receipt's document and the role's summary have, as far as the report uses it


@dataclass(frozen=True, kw_only=True)
class ReceiptAccount:
    """An account in a receipt."""

    account: str = ""


@dataclass(frozen=True, kw_only=True)
class ReceiptUse:
    """A use in a receipt."""

    permit: str
    action: str
    state: str
    issued_at: str
    by: ReceiptAccount = field(default_factory=ReceiptAccount)
    step: str | None = None
    why: str | None = None
    started_by_others: bool = False
    logged_on_at: str | None = None
    signed_in_by_windows_at: str | None = None
    closed_at: str | None = None
    closing: str | None = None
    desktop_open_seconds: float | None = None
    desktop_open_bound: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptAnswer:
    """The answer in a receipt."""

    why: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptDocument:
    """A receipt's document."""

    answer: ReceiptAnswer = field(default_factory=ReceiptAnswer)
    uses: list[ReceiptUse] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SummaryErasure:
    """The checks over all grants, as `support_session` returns them."""

    confirmed: bool
    checked_at: str | None = None
    checks: list[ans.ErasureCheck] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class SummaryFailure:
    """The failure that ended a job. The role's summary calls the error's code `code`."""

    step: str | None = None
    task: str | None = None
    error_code: str | None = None
    code: str | None = None
    msg: str | None = None
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The role's summary. A skipped step is the failure for which it was skipped; one left over is its name."""

    account: str | None = None
    why: str | None = None
    asked: ans.TermsView | None = None
    answer: str | None = None
    code: str | None = None
    done: list[str] = field(default_factory=list)
    skipped: list[SummaryFailure] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    restarts: list[ReceiptUse] = field(default_factory=list)
    unlocks: list[ReceiptUse] = field(default_factory=list)
    erasure: SummaryErasure | None = None
    failure: SummaryFailure | None = None


# --- reading


def row_of(entry: Mapping[str, Any], session: str, run_at: str) -> Row:
    """Return the facts about a PC.

    Args:
        entry: the PC's entry in the option `pcs`.
        session: the support session's name.
        run_at: the run's time.

    Raises:
        AnswerError: a part of the entry has another form, or is of another session.
    """
    given = plain_data(entry)
    name = read(str, given["name"])
    summary = read(Summary, given.get("summary") or {})
    info = given.get("info") or {}
    row = _answered(name, info, session, run_at) if "agent" in info else _missed(name, info, summary, run_at)
    # The failure that the task was given comes before the one in the summary.
    told = read(SummaryFailure, given.get("failure") or {}), summary.failure or SummaryFailure()
    failures = [
        _trouble(dataclasses.asdict(one), run_at) for one in told if one.error_code or one.code or one.msg
    ][:1]
    if row.requests:
        failures = [one for one in failures if one.error_code not in _ANSWERS]
    job_at = run_at if given.get("summary") or told[0].msg else ""
    return dataclasses.replace(row, job_at=job_at, steps=_steps(row.steps, summary), failures=failures)


def _trouble(failed: Mapping[str, Any], run_at: str) -> Trouble:
    """Return a failure, from the result of a task or from a summary."""
    kept = {
        name: str(failed.get(name) or "")
        for name in ("error_code", "msg", "hint", "step", "task")
    }  # fmt: skip
    kept["error_code"] = kept["error_code"] or str(failed.get("code") or "")
    away = bool(failed.get("unreachable")) or kept["error_code"] in _AWAY
    return read(Trouble, {"at": run_at, **kept, "unreachable": away})


def _missed(name: str, info: Mapping[str, Any], summary: Summary, run_at: str) -> Row:
    """Return the row of a PC that gave no answer; the role's summary has its last known facts."""
    asked = []
    if summary.answer or summary.asked:
        one = Asked(
            id="",
            state=summary.answer or "",
            code=summary.code or "",
            why=summary.why or "",
            account=summary.account or "",
            terms=summary.asked,
        )
        asked.append(one)
    erased = summary.erasure
    return Row(
        name=name,
        run_at=run_at,
        requests=asked,
        uses=[_use_of_receipt(use) for use in (*summary.restarts, *summary.unlocks)],
        erasure=[
            ans.ErasureView(
                grant="", confirmed=erased.confirmed, checked_at=erased.checked_at, checks=erased.checks
            )
        ]
        if erased and erased.checked_at
        else [],
        missed=dataclasses.replace(_trouble(info, run_at), reading=True),
    )


def _answered(name: str, info: Mapping[str, Any], session: str, run_at: str) -> Row:
    if info.get("session") != session:
        raise AnswerError(f"info of {name} is not of the session {session}")
    answer = read(ans.InfoAnswer, info)
    documents = {receipt.request: _document(receipt) for receipt in answer.receipts}
    known = {use.permit: use for document in documents.values() for use in document.uses}
    sessions = sorted(answer.sessions, key=lambda one: order(one.started_at))
    last = sessions[-1] if sessions else None
    pending = answer.pending_restart
    return Row(
        name=name,
        run_at=run_at,
        read_at=run_at,
        as_of=answer.agent.now,
        device=answer.agent.device,
        session_state=last.state if last else "",
        started_at=last.started_at if last else None,
        ends_at=last.ends_at if last else None,
        reason=last.reason if last else "",
        ticket=last.ticket if last else "",
        steps=[step for one in sessions for step in _checkpoints(one)],
        requests=[_asked(one, documents.get(one.id, ReceiptDocument())) for one in answer.requests],
        grants=[_lent(grant) for grant in answer.grants],
        uses=[_use(use, known.get(use.permit)) for grant in answer.grants for use in grant.uses],
        omitted=[one for grant in answer.grants for one in grant.omitted],
        programs=[one for grant in answer.grants for one in grant.programs],
        receipts=answer.receipts,
        erasure=answer.erasure,
        pending_restart=(pending.reasons or [""]) if pending.pending else [],
    )


def _document(receipt: ans.ReceiptView) -> ReceiptDocument:
    """Return a receipt's document; an empty one if a later agent writes it in another form."""
    try:
        return read(ReceiptDocument, receipt.document)
    except AnswerError:
        return ReceiptDocument()


def _checkpoints(session: ans.SessionView) -> list[Step]:
    return [
        Step(name=name, state="done" if one.state == "done" else "left_over", at=one.at)
        for name, one in session.checkpoints.items()
    ]


def _steps(begun: list[Step], summary: Summary) -> list[Step]:
    """Return all steps in the summary's order; the checkpoints on the PC have the last word about a done one."""
    told = [
        *(Step(name=name, state="done") for name in summary.done),
        *(Step(name=one.step or "", state="skipped", why=one.msg or "") for one in summary.skipped),
        *(Step(name=name, state="left_over") for name in summary.left_over),
    ]
    steps: dict[str, Step] = {}
    for step in told:  # The summary counts a skipped step as left over, too: the first word counts.
        steps.setdefault(step.name, step)
    for step in begun:
        known = steps.get(step.name, step)
        done = "done" in {step.state, known.state}
        steps[step.name] = step if done else dataclasses.replace(known, at=step.at)
    return list(steps.values())


def _asked(request: ans.RequestView, document: ReceiptDocument) -> Asked:
    """Return a request without the moments at which it was shown or postponed, and without its display block."""
    refusal = document.answer.refusal or ""
    return Asked(
        id=request.id,
        state=request.state,
        code=request.code,
        account=request.account,
        asked_by=request.asked_by,
        signed_by=request.signed_by,
        asked_at=request.asked_at,
        answered_at=request.answered_at,
        why="" if request.why == refusal else request.why,
        refusal=refusal,
        terms=request.terms,
    )


def _lent(grant: ans.GrantView) -> Lent:
    return Lent(
        id=grant.id,
        request=grant.request,
        state=grant.state,
        granted_at=grant.granted_at,
        ended=grant.ended,
        ended_at=grant.ended_at,
        revoked_by=grant.revoked_by,
    )


def _use(use: ans.UseView, told: ReceiptUse | None) -> Use:
    """Return a use; its receipt also tells the account that used it, and how sure the open time is."""
    closing = "locked" if use.locked_at else "disconnected" if use.disconnected else ""
    seen = told or ReceiptUse(
        permit=use.permit,
        action=use.action,
        state=use.state,
        issued_at=use.issued_at,
        step=use.step,
        why=use.why,
        started_by_others=use.foreign,
        logged_on_at=use.logged_on_at,
        closed_at=use.locked_at,
        closing=closing,
        desktop_open_seconds=use.desktop_open_seconds,
    )
    error = use.error
    return dataclasses.replace(
        _use_of_receipt(seen), error_code=error.code if error else "", msg=error.message if error else ""
    )


def _use_of_receipt(use: ReceiptUse) -> Use:
    own = use.why == "signed_in"
    return Use(
        permit=use.permit,
        action=use.action,
        state=use.state,
        issued_at=use.issued_at,
        step=use.step or "",
        by=use.by.account,
        foreign=use.started_by_others,
        why=use.why or "",
        # The customer signed in by hand: when they did is theirs.
        signed_in_at=None if own else use.logged_on_at or use.signed_in_by_windows_at,
        by_windows=use.logged_on_at is None and use.signed_in_by_windows_at is not None,
        closed_at=None if own else use.closed_at,
        closing=use.closing or "",
        open_seconds=None if own else use.desktop_open_seconds,
        open_bound=use.desktop_open_bound or "at_most",
    )
