# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The receipt of a request: the question, the answer, the uses and the erasure.

Its fields follow the consent receipts of Kantara and ISO/IEC TS 27560 as far
as they apply. It is a projection of the state: never the password, its hash
or its length, no keystrokes, no times of work.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import to_builtins

from latchkey_agent.plain_text import SHOWN_LINE, isolated, one_line, quotable, spelled_out

from .model import (
    Account,
    Archived,
    Erasure,
    Grant,
    Permit,
    Program,
    Request,
    Signed,
    State,
    SupportSession,
    how_ended,
    is_under_way,
    open_since,
    requester_of,
)
from .refusal import Refused
from .transitions import OPEN_REQUESTS, GrantState

SCHEMA = "latchkey-receipt-2"


class Device(NamedTuple):
    """The PC in a receipt: its name, and the fingerprint of the key that signs for it."""

    name: str
    key: str


def receipt_document(
    state: State,
    request: Request,
    device: Device,
    as_of: datetime,
    *,
    closed: bool = False,
    previous: str | None = None,
) -> dict[str, Any]:
    """Return the receipt's content as plain values, ready to be signed.

    It says what was true when it happened: organisation, policy and the shown text of that time.

    Args:
        state: holds the request.
        request: the receipt is its.
        device: the PC.
        as_of: the present moment, up to which the receipt is complete.
        closed: nothing can follow, and this document is the one that is stored; otherwise more may follow.
        previous: the SHA-256 of the receipt that was stored before this one, None for the first and for an open one.
    """
    session = state.sessions[request.session]
    grant = _grant_of(state, request)
    permits = [t for t in state.permits.values() if grant is not None and t.grant == grant.id]
    programs = [p for p in state.programs.values() if grant is not None and p.grant == grant.id]
    document = {
        "schema_version": SCHEMA,
        "request": request.id,
        "created_at": _text(request.asked_at),
        "as_of": _text(as_of),
        "closed": closed,
        "principal": _account(request.account),
        "device": device.name,
        "device_key": device.key,
        "previous": previous,
        "controller": request.organization,
        "policy": to_builtins(request.policy),
        "asked_by": _account(request.asked_by),
        "session_owner": _account(session.owner),
        "operators": [_account(account) for account in session.operators],
        "requester": _requester(request, session),
        "signature": _signature(request.signed),
        "purpose": session.reason,
        "ticket": session.ticket,
        "session": session.name,
        "data": ["Windows password of the account, sealed"] if request.terms.has_secret else [],
        "recipients": [],
        "storage_location": _stored(request),
        "terms": _terms(request),
        "notice": {
            "code": request.code,
            "shown_at": _text(request.shown_at),
            "text_sha256": request.text_sha256,
        },
        "answer": _answer(request),
        "withdrawal_method": "the Latchkey icon by the clock: Revoke my credentials",
        "events": _events(request, grant, permits),
        "uses": [_use(permit) for permit in permits],
        "programs": [_program(program) for program in programs],
        "restarts_without_sign_in": [
            {"at": _text(omitted.at), "why": omitted.why} for omitted in (grant.omitted if grant else ())
        ],
        "ended": _ended(grant),
        "erasure": _erasure(grant.erasure) if grant else None,
    }
    return {name: _spelled_out(value) for name, value in document.items()}


def _spelled_out(value: Any) -> Any:  # noqa: ANN401 - any plain value
    """Return a value of the document with each text spelled out.

    A reader that makes texts safe for a terminal, as the collection does, then leaves the signed bytes as they are.
    """
    match value:
        case str():
            return spelled_out(value)
        case dict():
            return {name: _spelled_out(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_spelled_out(inner) for inner in value]
    return value


def closed_receipts(
    state: State, stored: Collection[str], *, archive: bool
) -> Iterator[tuple[State, Request]]:
    """Yield the requests whose receipts are closed and not stored, each with the state that holds it.

    Args:
        state: the present state.
        stored: the ids of the requests whose receipts are stored.
        archive: whether to look at ended sessions that were put aside, too; they come first.
    """
    for kept in state.archive.values() if archive else ():
        yield from _closed_in(_unpacked(kept), stored)
    yield from _closed_in(state, stored)


def _closed_in(state: State, stored: Collection[str]) -> Iterator[tuple[State, Request]]:
    for request in state.requests.values():
        if request.id not in stored and _is_closed(state, request):
            yield state, request


def _is_closed(state: State, request: Request) -> bool:
    """Tell whether nothing can follow: no answer, no use, no restart, no program, no desktop, no erasure."""
    grant = _grant_of(state, request)
    if grant is None:
        return request.state not in OPEN_REQUESTS
    under_way = any(is_under_way(p, state.boot_id) for p in state.permits.values() if p.grant == grant.id)
    runs = any(p.end is None for p in state.programs.values() if p.grant == grant.id)
    is_over = grant.state is GrantState.ERASED or (grant.ended is not None and not grant.terms.has_secret)
    return is_over and not under_way and not runs


def holding(state: State, request_id: str, now: datetime, days: int) -> State:
    """Return the state that holds a request: the present one, or what was put aside in the last `days`.

    Raises:
        Refused: `no_request`.
    """
    if request_id in state.requests:
        return state
    for kept in state.archive.values():
        if now - kept.at < timedelta(days=days) and any(r.id == request_id for r in kept.requests):
            return _unpacked(kept)
    raise Refused("no_request", request=request_id)


def _unpacked(kept: Archived) -> State:
    """Return a state with a session that was put aside."""
    return State(
        sessions={kept.session.id: kept.session},
        requests={r.id: r for r in kept.requests},
        grants={g.id: g for g in kept.grants},
        permits={p.id: p for p in kept.permits},
        programs={p.id: p for p in kept.programs},
    )


def _grant_of(state: State, request: Request) -> Grant | None:
    return next((g for g in state.grants.values() if g.request == request.id), None)


def kept_requests(state: State, now: datetime, days: int) -> list[Request]:
    """Return all requests whose receipts are kept, the oldest first."""
    aside = [
        r for kept in state.archive.values() if now - kept.at < timedelta(days=days) for r in kept.requests
    ]
    return sorted([*aside, *state.requests.values()], key=lambda request: request.asked_at)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _account(account: Account) -> dict[str, str]:
    return {"sid": account.sid, "account": account.qualified}


def _stored(request: Request) -> str:
    if not request.terms.has_secret:
        return "none"
    return (
        "this PC; it opens with the operator's half of the key only"
        if request.terms.two_parties
        else "this PC only"
    )


def _requester(request: Request, session: SupportSession) -> dict[str, str]:
    """Return the person who asks (`requester_of`), as the receipt writes them."""
    asked = requester_of(request, session)
    return {"name": asked.name, "organization": asked.organization, "role": asked.role}


def _signature(signed: Signed | None) -> dict[str, Any] | None:
    """Return the signature of the request, with all that shows it later; None for an unsigned one.

    The signed text is canonical JSON, so writing `document` as such gives the signed bytes again. Texts of several
    lines are lists of lines: the receipt has no control characters.
    """
    if signed is None:
        return None
    return {
        "document": json.loads(signed.document),
        "signature": signed.signature.splitlines(),
        "certificate": signed.certificate,
        "serial": str(signed.serial),
        "key": signed.key,
        "authority": signed.authority,
        "code_seed": signed.seed,
    }


def _terms(request: Request) -> dict[str, Any]:
    terms = request.terms
    return {
        "means": terms.means,
        "two_parties": terms.two_parties,
        "restarts": terms.restarts,
        "unlocks": terms.unlocks,
        "foreign_restarts": terms.foreign_restarts,
        "programs": terms.programs,
        "not_before": _text(terms.not_before),
        "not_after": _text(terms.not_after),
        "relock_after": terms.relock_after,
        "grace": terms.grace,
        "lock_after_restart": True,
    }


def _answer(request: Request) -> dict[str, Any]:
    return {
        "state": str(request.state),
        "at": _text(request.answered_at or request.ended_at),
        "why": request.why or request.refusal,
        "refusal": request.refusal,
    }


def _ended(grant: Grant | None) -> dict[str, Any] | None:
    if grant is None or grant.ended is None:
        return None
    return {
        "how": str(grant.ended),
        "at": _text(grant.ended_at),
        "by": {"sid": grant.ended_by.sid, "account": grant.ended_by.name},
        "revoked_by": grant.revoked_by,
        "rejection": grant.rejection,
        "detail": grant.detail,
    }


def _use(permit: Permit) -> dict[str, Any]:
    open_seconds, bound, since = None, None, open_since(permit)
    if since is not None and permit.closed_at is not None:
        open_seconds = round((permit.closed_at - since).total_seconds(), 3)
        bound = "at_least" if permit.opened_at is not None else "at_most"
    return {
        "permit": permit.id,
        "action": permit.action,
        "step": permit.step,
        "state": str(permit.state),
        "why": permit.why,
        "by": {"sid": permit.by.sid, "account": permit.by.name},
        "started_by_others": permit.foreign,
        "issued_at": _text(permit.issued_at),
        "redeemed_at": _text(permit.redeemed_at),
        "logged_on_at": _text(permit.logged_on_at),
        "signed_in_by_windows_at": _text(permit.opened_at),
        "closed_at": _text(permit.closed_at),
        "closing": permit.closing,
        "desktop_open_seconds": open_seconds,
        "desktop_open_bound": bound,
    }


def _program(program: Program) -> dict[str, Any]:
    return {
        "program": program.id,
        "step": program.step,
        "command_line": program.command_line,
        "folder": program.folder,
        "by": {"sid": program.by.sid, "account": program.by.name},
        "started_at": _text(program.started_at),
        "ended_at": _text(program.ended_at),
        "end": program.end,
        "why": program.why,
        "detail": program.detail,
        "exit_code": program.exit_code,
    }


def _erasure(erasure: Erasure | None) -> dict[str, Any] | None:
    if erasure is None:
        return None
    return {
        "checked_at": _text(erasure.checked_at),
        "confirmed": erasure.confirmed,
        "checks": [
            {"name": name, "passed": passed, "detail": detail} for name, passed, detail in erasure.checks
        ],
    }


def _events(request: Request, grant: Grant | None, permits: list[Permit]) -> list[dict[str, Any]]:
    """Return the events in order of time."""
    story: list[tuple[str, datetime | None]] = [
        ("requested", request.asked_at),
        ("shown", request.shown_at),
        ("reminded", request.reminded_at),
        (str(request.state), request.answered_at or request.ended_at),
    ]
    for permit in permits:
        story += [
            ("applied", permit.issued_at),
            ("signed_in", permit.logged_on_at),
            ("signed_in_by_windows", permit.opened_at),
            (permit.closing or "", permit.closed_at),
        ]
    if grant is not None:
        story.append((how_ended(grant), grant.ended_at))
        story.append(
            ("erased", grant.erasure.checked_at if grant.erasure and grant.erasure.confirmed else None)
        )
    ordered = sorted(((at, what) for what, at in story if at is not None), key=lambda pair: pair[0])
    return [{"state": what, "at": _text(at)} for at, what in ordered]


def render(receipt: dict[str, Any]) -> str:
    """Return the receipt as plain text. Words that a person wrote stand in quotation marks, which they cannot end."""
    asked = receipt["requester"]
    who = ", ".join(_quoted(part) for part in (asked["name"], asked["role"], asked["organization"]) if part)
    terms = receipt["terms"]
    lines = [
        f"Receipt {receipt['request']}",
        f"As of {receipt['as_of']}; {'closed' if receipt['closed'] else 'NOT CLOSED, more may follow'}",
        f"PC {receipt['device']}, account {isolated(receipt['principal']['account'])}",
        f"Asked by the account {isolated(receipt['asked_by']['account'])}",
        *_who_lines(receipt, who),
        _names_line(receipt),
        (
            f"Agreed at most {terms['restarts']} restarts and {terms['unlocks']} unlocks"
            f" from {terms['not_before']} to {terms['not_after']};"
            f" a desktop stays open for at most {terms['relock_after']:g} s after an unlock;"
            f" at least {terms['grace']:g} s of warning before a restart;"
            f" {'programs' if terms['programs'] else 'no programs'} in the customer's name"
        ),
        _TWO_PARTIES if terms["two_parties"] else _MEANS[terms["means"]],
        _answer_line(receipt["answer"]),
    ]
    lines += [_use_line(use) for use in receipt["uses"]] or ["Never used"]
    lines += [_program_line(program) for program in receipt["programs"]]
    lines += [
        f"Restart {_begun_by(omitted['why'])} without a sign-in: {omitted['at']}, {omitted['why']}"
        for omitted in receipt["restarts_without_sign_in"]
    ]
    if receipt["ended"] is not None:
        ended = receipt["ended"]
        by = f" by the {ended['revoked_by']}" if ended["revoked_by"] else ""
        lines.append(f"Ended: {ended['how']}{by} {ended['at']}, account {isolated(ended['by']['account'])}")
    if receipt["erasure"] is not None:
        verdict = "confirmed" if receipt["erasure"]["confirmed"] else "NOT CONFIRMED"
        lines.append(f"Erasure {verdict} {receipt['erasure']['checked_at']}")
        lines += [
            f"  {'ok' if x['passed'] else 'NO'} {x['name']}: {x['detail']}"
            for x in receipt["erasure"]["checks"]
        ]
    return "\n".join(lines)


def _who_lines(receipt: dict[str, Any], who: str) -> list[str]:
    """Return the lines with the person who asks, and the certificate that names them if the request is signed."""
    purpose = _quoted(receipt["purpose"])
    # A receipt of an earlier agent has no such field.
    signature = receipt.get("signature")
    if signature is None:
        return [f"Not signed; in the operator's words: {who or 'no name'}; for: {purpose}"]
    return [
        f"Signature checked: {who}; for: {purpose}",
        f"Certificate {signature['serial']} of the authority {signature['authority']}, key {signature['key']}",
    ]


_MEANS = {
    "grant": "Signed in with the customer's password, which is sealed on this PC",
    "arso": "Signed in by Windows itself (ARSO); no password was asked for",
}
_TWO_PARTIES = (
    "Signed in with the customer's password, which is sealed on this PC"
    " and opens with the operator's half of the key only"
)


def _begun_by(why: str) -> str:
    return "begun by the agent" if why == "own_restart" else "by others"


def _quoted(text: str) -> str:
    """Return a text that a person wrote, in quotation marks."""
    return f"\u201c{quotable(text)}\u201d"


def _names_line(receipt: dict[str, Any]) -> str:
    """Return the line with the operator's names of ticket and support session, and the check code."""
    ticket = _quoted(receipt["ticket"]) if receipt["ticket"] else "none"
    return f"Ticket {ticket}, support session {_quoted(receipt['session'])}, code {receipt['notice']['code']}"


def _answer_line(answer: dict[str, Any]) -> str:
    """Return the line with the answer: the customer's own, or the reason why no entry could serve."""
    line = f"Answer: {answer['state']} {answer['at'] or ''}".rstrip()
    if answer["refusal"] == "reported":
        return f"{line}, reported as suspicious"
    if answer["refusal"] == "reported_elsewhere":
        return f"{line}, because another customer reported the account that asked"
    if answer["refusal"]:
        return f"{line}, because no entry could serve: {answer['refusal']}"
    return f"{line}, in the customer's words: {_quoted(answer['why'])}" if answer["why"] else line


def _use_line(use: dict[str, Any]) -> str:
    step = f" for {_quoted(use['step'])}" if use["step"] else ""
    action = "after a restart by others" if use["started_by_others"] else use["action"]
    return f"Used by {isolated(use['by']['account'])}: {action}{step} {use['issued_at']}, {_use_ended(use)}"


def _program_line(program: dict[str, Any]) -> str:
    step = f" for {_quoted(program['step'])}" if program["step"] else ""
    by, line = isolated(program["by"]["account"]), _quoted(one_line(program["command_line"], SHOWN_LINE))
    return f"Program of {by}{step} {program['started_at']}: {line}, {_program_ended(program)}"


def _program_ended(program: dict[str, Any]) -> str:
    match program["end"]:
        case None:
            return "running"
        case "exited":
            return f"exit code {program['exit_code']} {program['ended_at']}"
        case "stopped":
            return f"ended by the agent ({program['why']}) {program['ended_at']}"
        case "not_started":
            return f"not started: {program['detail']}"
    return "result not known"


def _use_ended(use: dict[str, Any]) -> str:
    closing = use["closing"] or "open"
    if use["desktop_open_seconds"] is not None:
        bound = "at least" if use["desktop_open_bound"] == "at_least" else "at most"
        closing += f", open for {bound} {use['desktop_open_seconds']:g} s"
    if use["logged_on_at"]:
        return f"signed in {use['logged_on_at']}, {closing}"
    if use["signed_in_by_windows_at"]:
        return f"signed in by Windows itself {use['signed_in_by_windows_at']}, {closing}"
    return "result not known" if use["why"] == "interrupted" else str(use["state"])
