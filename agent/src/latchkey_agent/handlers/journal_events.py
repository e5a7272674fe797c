# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells operators about the answers of customers and the ends of grants, in the order of the journal.

A place of the journal is the number of an event and its hash. The hash covers all events before it, so a
new journal, or an earlier copy that went on differently, does not have the place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from latchkey_agent.core.core import Core
from latchkey_agent.domain import AnyEvent, Grant, Request, State
from latchkey_agent.domain import events as e
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.storage.journal import BEGINNING, Head

from . import views
from .peer import Peer

_ENDS: dict[str, tuple[ans.EventKind, str]] = {
    "revoke": ("revoked", ""),
    "reject": ("rejected", ""),
    "replace": ("ended", "replaced"),
    "use_up": ("ended", "used_up"),
    "expire": ("ended", "expired"),
    "end_session": ("ended", "session_ended"),
}
"""How a grant ended, as the event's kind and reason; who revoked and why it was rejected stand in the event."""
_MARK = 32
"""Characters of a hash that name an event: 128 bits."""


class JournalEvents:
    """Answers the request for events."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def wait(self, request: rq.Events, _peer: Peer) -> ans.Answer:
        """Return the events after a place, as soon as there are some."""
        self._core.try_tick()
        known = self._place(request)
        if known is None:
            return self._answer(self._core.head(), [], known=False)
        place = known
        found: list[ans.EventView] = []

        def look() -> bool | None:
            nonlocal place
            place = self._read(place, request.session, found)
            return True if found or place.seq < self._core.journal.head.seq else None

        self._core.wait_for(look, request.wait)
        return self._answer(place, found, known=True)

    def _place(self, request: rq.Events) -> Head | None:
        """Return the place that a request names, None if this journal does not have it."""
        if request.position is None:
            return self._core.head()
        if request.position == 0:
            return BEGINNING
        with self._core.storage() as journal:
            digest = journal.mark(request.position)
        is_known = digest is not None and mark(digest) == request.mark
        return Head(request.position, digest) if digest is not None and is_known else None

    def _read(self, after: Head, session: str | None, found: list[ans.EventView]) -> Head:
        """Add the events behind a place to `found`; return the place behind the last one that was read."""
        with self._core.storage() as journal:
            if journal.head == after:
                return after
            portion = journal.read(after)
            state = self._core.state
        views_ = (_view(state, place, event) for place, event in portion)
        found += [view for view in views_ if view is not None and session in {None, view.session}]
        return portion[-1][0] if portion else after

    def _answer(self, place: Head, found: list[ans.EventView], *, known: bool) -> ans.Answer:
        result = ans.EventsAnswer(
            device=self._core.computer.device,
            known=known,
            position=place.seq,
            mark=mark(place.hash) if place.seq else None,
            events=found,
            more=known and place.seq < self._core.head().seq,
        )
        return codec.done(result, changed=False)


def mark(digest: bytes) -> str:
    """Return the name of an event: the beginning of its hash."""
    return digest.hex()[:_MARK]


def _view(state: State, place: Head, event: AnyEvent) -> ans.EventView | None:
    """Return an event as operators see it, None for one of another kind."""
    told = _TELLERS.get(type(event))
    kind_and_reason = told(event) if told is not None else None
    if kind_and_reason is None:
        return None
    kind, reason = kind_and_reason
    grant: str = getattr(event, "grant", "")
    session, request = _belongs(state, getattr(event, "request", ""), grant)
    return ans.EventView(
        id=mark(place.hash),
        position=place.seq,
        at=str(views.text(event.at)),
        event=kind,
        session=session,
        request=request,
        grant=grant,
        reason=reason,
    )


def _belongs(state: State, request: str, grant: str) -> tuple[str, str]:
    """Return the name of the session and the id of the request of an event, as far as they are still kept."""
    kept = state.grants.get(grant) or state.requests.get(request)
    if kept is not None:
        return state.sessions[kept.session].name, request or _request_of(kept)
    for old in state.archive.values():
        both: tuple[Grant | Request, ...] = (*old.grants, *old.requests)
        for one in both:
            if one.id in {grant, request}:
                return old.session.name, request or _request_of(one)
    return "", request


def _request_of(kept: Grant | Request) -> str:
    return kept.request if isinstance(kept, Grant) else kept.id


def _granted(_event: e.GrantGiven) -> tuple[ans.EventKind, str]:
    return "granted", ""


def _denied(event: e.RequestDenied) -> tuple[ans.EventKind, str]:
    return ("reported", "") if event.refusal == "reported" else ("denied", event.refusal)


def _closed(event: e.RequestClosed) -> tuple[ans.EventKind, str] | None:
    """A request that ends by itself or is withdrawn has no answer; the operator who waits for it knows."""
    return ("denied", event.refusal) if event.how == "decline" else None


def _ended(event: e.GrantEnded) -> tuple[ans.EventKind, str]:
    kind, reason = _ENDS[event.how]
    return kind, reason or event.revoked_by or event.rejection or ""


def _erased(event: e.ErasureChecked) -> tuple[ans.EventKind, str] | None:
    if event.erasure.confirmed:
        return None
    return "erasure_failed", "lost" if event.erasure.lost else ""


_TELLERS: dict[type[e.Event], Callable[[Any], tuple[ans.EventKind, str] | None]] = {
    e.GrantGiven: _granted,
    e.RequestDenied: _denied,
    e.RequestClosed: _closed,
    e.GrantEnded: _ended,
    e.ErasureChecked: _erased,
}
