# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules: what may happen and what follows from it. Pure: no clock, no random numbers, no I/O.

This is the public face of the package. The rest of the agent imports from here; `commands`, `events` and
`effects` are imported as modules.
"""

from __future__ import annotations

from .arso import Obstacle, needs_password, obstacles
from .bystanders import others, people
from .challenges import check_code, fingerprint_of, open_challenge
from .clock import Now
from .clock import read as read_clock
from .decide import decide, seconds_left
from .decision import (
    Decision,
    caused_by,
    checked_requests,
    in_use,
    live_grants,
    may_use,
    owed_effects,
    own_session,
    started_session,
)
from .effects import AnyEffect
from .events import AnyEvent
from .evolve import evolve, fold
from .forecast import forecast, forecast_sign_on, is_ready
from .forecast_facts import NEVER, OF_ACCOUNT, UNLIMITED, LogonFacts
from .grants import ended_refusal, find_grant, session_grant, under_way, usable, warning_outlasts
from .idempotency import done_before, with_call
from .logon_hours import ALWAYS
from .logon_refusals import BY_WIN32, REFUSALS, LogonRefusal, reported, sentence
from .model import (
    AGENT,
    Account,
    AccountKind,
    Action,
    Actor,
    Authorities,
    Bounds,
    Call,
    Challenge,
    Checkpoint,
    Closing,
    Erasure,
    Grant,
    Notice,
    Permit,
    PlainRestart,
    Program,
    ProgramEnd,
    Rejection,
    Request,
    Requester,
    Revoker,
    Sealing,
    Signed,
    State,
    StopReason,
    SupportSession,
    Terms,
    finished,
    how_ended,
    needs_erasing,
    owes_erasure,
    requester_of,
    settled,
    signed_on,
    succeeded,
)
from .permits import awaits_half, find_permit, may_stay_open, opened_by, redeemable
from .plain_restarts import find_restart, signs_out_unasked
from .policy import NOTHING_ALLOWED, Policy
from .programs import find_program
from .receipt import Device, closed_receipts, holding, kept_requests, receipt_document, render
from .refusal import Refused
from .requests import (
    NO_CODES,
    TRIES,
    agreed_or_asked,
    blocked_by_erasure,
    find_request,
    unconfirmed_erasures,
    why_said,
)
from .requests import pin as pin_authorities
from .sessions import must_fit
from .terms import canonical, fixed, resolve, span, window
from .transitions import (
    ASKED_REQUESTS,
    LIVE_GRANTS,
    OPEN_PERMITS,
    OPEN_REQUESTS,
    GrantState,
    IllegalTransitionError,
    PermitState,
    RequestState,
    SessionState,
)

__all__ = [
    "AGENT",
    "ALWAYS",
    "ASKED_REQUESTS",
    "BY_WIN32",
    "LIVE_GRANTS",
    "NEVER",
    "NOTHING_ALLOWED",
    "NO_CODES",
    "OF_ACCOUNT",
    "OPEN_PERMITS",
    "OPEN_REQUESTS",
    "REFUSALS",
    "TRIES",
    "UNLIMITED",
    "Account",
    "AccountKind",
    "Action",
    "Actor",
    "AnyEffect",
    "AnyEvent",
    "Authorities",
    "Bounds",
    "Call",
    "Challenge",
    "Checkpoint",
    "Closing",
    "Decision",
    "Device",
    "Erasure",
    "Grant",
    "GrantState",
    "IllegalTransitionError",
    "LogonFacts",
    "LogonRefusal",
    "Notice",
    "Now",
    "Obstacle",
    "Permit",
    "PermitState",
    "PlainRestart",
    "Policy",
    "Program",
    "ProgramEnd",
    "Refused",
    "Rejection",
    "Request",
    "RequestState",
    "Requester",
    "Revoker",
    "Sealing",
    "SessionState",
    "Signed",
    "State",
    "StopReason",
    "SupportSession",
    "Terms",
    "agreed_or_asked",
    "awaits_half",
    "blocked_by_erasure",
    "canonical",
    "caused_by",
    "check_code",
    "checked_requests",
    "closed_receipts",
    "decide",
    "done_before",
    "ended_refusal",
    "evolve",
    "find_grant",
    "find_permit",
    "find_program",
    "find_request",
    "find_restart",
    "fingerprint_of",
    "finished",
    "fixed",
    "fold",
    "forecast",
    "forecast_sign_on",
    "holding",
    "how_ended",
    "in_use",
    "is_ready",
    "kept_requests",
    "live_grants",
    "may_stay_open",
    "may_use",
    "must_fit",
    "needs_erasing",
    "needs_password",
    "obstacles",
    "open_challenge",
    "opened_by",
    "others",
    "owed_effects",
    "owes_erasure",
    "own_session",
    "people",
    "pin_authorities",
    "read_clock",
    "receipt_document",
    "redeemable",
    "render",
    "reported",
    "requester_of",
    "resolve",
    "seconds_left",
    "sentence",
    "session_grant",
    "settled",
    "signed_on",
    "signs_out_unasked",
    "span",
    "started_session",
    "succeeded",
    "unconfirmed_erasures",
    "under_way",
    "usable",
    "warning_outlasts",
    "why_said",
    "window",
    "with_call",
]
