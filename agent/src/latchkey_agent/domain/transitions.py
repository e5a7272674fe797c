# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All transitions of the four state machines, as data. No other code knows them.

A machine is a table `(state, input) -> next state`. An input that the table does
not list is refused: `decide` raises, nothing changes, and the shell journals
the refusal. `evolve` uses the same tables, so the journal cannot hold an event
that the rules do not allow.

    session   a name is started once at a time; ended and expired are final
    request   asks until the customer answers or its time is over; a postponed one comes back
    grant     every end leads to erased, or to erase_failed, which is tried again until the
              erasure is confirmed, or its key slot is lost; one without a password has nothing to erase
    permit    redeemed at most once, before the password is handed over; the result of an interrupted
              logon may still be reported, since its desktop must be locked; under ARSO Windows signs on
              without it
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar


class SessionState(StrEnum):
    """States of a support session."""

    STARTED = "started"
    ENDED = "ended"
    EXPIRED = "expired"


class RequestState(StrEnum):
    """States of a request."""

    PENDING = "pending"
    SHOWN = "shown"
    LATER = "later"
    GRANTED = "granted"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class GrantState(StrEnum):
    """States of a grant."""

    ACTIVE = "active"
    PAUSED = "paused"
    REVOKED = "revoked"
    REPLACED = "replaced"
    USED_UP = "used_up"
    EXPIRED = "expired"
    REJECTED = "rejected"
    SESSION_ENDED = "session_ended"
    ERASED = "erased"
    ERASE_FAILED = "erase_failed"


class PermitState(StrEnum):
    """States of a logon permit."""

    ISSUED = "issued"
    REDEEMED = "redeemed"
    LOGGED_ON = "logged_on"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


S = TypeVar("S", bound=StrEnum)
Table = dict[tuple[S, str], S]

SESSION: Table[SessionState] = {
    (SessionState.STARTED, "end"): SessionState.ENDED,
    (SessionState.STARTED, "expire"): SessionState.EXPIRED,
}

REQUEST: Table[RequestState] = {
    (RequestState.PENDING, "show"): RequestState.SHOWN,
    (RequestState.PENDING, "withdraw"): RequestState.WITHDRAWN,
    (RequestState.PENDING, "expire"): RequestState.EXPIRED,
    (RequestState.PENDING, "decline"): RequestState.DENIED,
    (RequestState.SHOWN, "show"): RequestState.SHOWN,
    (RequestState.SHOWN, "remind"): RequestState.SHOWN,
    (RequestState.SHOWN, "grant"): RequestState.GRANTED,
    (RequestState.SHOWN, "deny"): RequestState.DENIED,
    (RequestState.SHOWN, "postpone"): RequestState.LATER,
    (RequestState.SHOWN, "withdraw"): RequestState.WITHDRAWN,
    (RequestState.SHOWN, "expire"): RequestState.EXPIRED,
    (RequestState.SHOWN, "decline"): RequestState.DENIED,
    (RequestState.LATER, "ask_again"): RequestState.PENDING,
    (RequestState.LATER, "withdraw"): RequestState.WITHDRAWN,
    (RequestState.LATER, "expire"): RequestState.EXPIRED,
    (RequestState.LATER, "decline"): RequestState.DENIED,
}

_ENDINGS: dict[str, GrantState] = {
    "revoke": GrantState.REVOKED,
    "replace": GrantState.REPLACED,
    "use_up": GrantState.USED_UP,
    "expire": GrantState.EXPIRED,
    "reject": GrantState.REJECTED,
    "end_session": GrantState.SESSION_ENDED,
}

GRANT: Table[GrantState] = {
    (GrantState.ACTIVE, "pause"): GrantState.PAUSED,
    (GrantState.PAUSED, "resume"): GrantState.ACTIVE,
    **{(live, how): to for live in (GrantState.ACTIVE, GrantState.PAUSED) for how, to in _ENDINGS.items()},
    **{(over, "erased"): GrantState.ERASED for over in _ENDINGS.values()},
    **{(over, "erase_failed"): GrantState.ERASE_FAILED for over in _ENDINGS.values()},
    (GrantState.ERASE_FAILED, "erase_failed"): GrantState.ERASE_FAILED,
    (GrantState.ERASE_FAILED, "erased"): GrantState.ERASED,
}

PERMIT: Table[PermitState] = {
    (PermitState.ISSUED, "redeem"): PermitState.REDEEMED,
    (PermitState.ISSUED, "sign_on"): PermitState.LOGGED_ON,
    (PermitState.ISSUED, "cancel"): PermitState.CANCELLED,
    (PermitState.ISSUED, "lapse"): PermitState.LAPSED,
    (PermitState.REDEEMED, "log_on"): PermitState.LOGGED_ON,
    (PermitState.REDEEMED, "refuse"): PermitState.REFUSED,
    (PermitState.REFUSED, "log_on"): PermitState.LOGGED_ON,
    (PermitState.REFUSED, "refuse"): PermitState.REFUSED,
}

LIVE_GRANTS = frozenset({GrantState.ACTIVE, GrantState.PAUSED})
ASKED_REQUESTS = frozenset({RequestState.PENDING, RequestState.SHOWN})
"""The states in which a request belongs on the customer's screen."""
OPEN_REQUESTS = ASKED_REQUESTS | {RequestState.LATER}
OPEN_PERMITS = frozenset({PermitState.ISSUED, PermitState.REDEEMED})


class IllegalTransitionError(Exception):
    """The table does not list this input in this state."""

    def __init__(self, state: StrEnum, given: str, allowed: list[str]) -> None:
        super().__init__(f"cannot {given} in state {state}; allowed are: {', '.join(allowed) or 'none'}")
        self.state = state
        self.given = given
        self.allowed = allowed


def step(table: Table[S], state: S, given: str) -> S:
    """Return the next state.

    Raises:
        IllegalTransitionError: the table does not list it.
    """
    after = table.get((state, given))
    if after is None:
        raise IllegalTransitionError(state, given, inputs(table, state))
    return after


def inputs(table: Table[S], state: S) -> list[str]:
    """Return the inputs that the table lists for a state."""
    return [given for at, given in table if at == state]
