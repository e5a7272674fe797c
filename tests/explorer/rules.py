# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules as predicates: on each event, on each state, and after letting a state settle.

`WHERE` says which predicate checks which rule of docs/architecture.md, and where the others are tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latchkey_agent.domain import (
    LIVE_GRANTS,
    OPEN_REQUESTS,
    GrantState,
    PermitState,
    SessionState,
    live_grants,
    owed_effects,
)
from latchkey_agent.domain import effects as fx
from latchkey_agent.domain import events as e

from . import adapter as to
from . import shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from latchkey_agent.domain import AnyEvent, Decision, Permit, Signed, State

    from .node import Applying, Node

KEPT_CALLS = 3
"""Calls that an operator may send again."""
TOLERANCE = 300
"""Seconds that a use may lie outside of its terms' window in the time that really passed."""

WHERE: dict[int, tuple[str, ...]] = {
    1: ("not at this level: test_rule_01_*, test_the_password_is_nowhere",),
    2: ("not at this level: test_rule_02_*; Replay looks for seeds and seal tags in each answer",),
    3: (
        "used_before_window",
        "used_before_window_unseen",
        "used_after_window_unseen",
        "used_with_slow_clock_unseen",
        "redeemed_late_unseen",
        "lives_too_long_unseen",
        "used_after_window",
        "used_with_slow_clock",
        "uses_exceed_terms",
        "counts_below_zero",
        "other_grant_used",
        "two_grants",
        "not_agreed",
        "redeemed_late",
        "stranger:start",
        "stranger:request",
        "stranger:withdraw",
        "stranger:apply",
        "lives_too_long",
        "ended_by_slow_clock",
        "ended_by_fast_clock",
        "lapsed_by_slow_clock",
        "lapsed_by_fast_clock",
        "dead_request",
        "unsigned_asked",
        "untrusted_asked",
        "untrusted_open",
        "untrusted_grant",
        "challenge_answered_twice",
        "challenge_stretched",
        "other_signer",
        "redeemed_by_one_party",
        "told_without_half",
    ),
    4: ("grant_without_yes", "asked_after_report", "asked_when_not_wanted", "reminded_too_often"),
    5: ("handed_out_twice", "handed_out_unrecorded"),
    6: ("refused_password_tried_again", "further_try_after_lost_verdict", "third_entry"),
    7: ("used_after_end", "used_while_paused", "revoking_refused", "opened_while_paused"),
    8: ("erasure_forgotten", "record_without_grant", "grant_without_record", "grant_without_session"),
    9: (
        "left_open",
        "open_after_end",
        "open_must_lock",
        "opened_though_given_up",
        "removed_while_owing",
        "own_lock_opened",
        "automatic_sign_in_left_open",
        "effect_forgotten",
    ),
    10: ("customer_not_told",),
    11: ("contradiction", "own_command_failed", "not at this level: test_rule_11_*"),
    12: ("never_announced", "not at this level: test_rule_12_*, tests/native"),
    13: (
        "sent_again_changes",
        "sent_again_refused",
        "sent_again_differs",
        "refused_though_issued",
        "restarts_exceed_terms",
        "refunded_though_under_way",
    ),
    14: ("restarts_too_close", "restarts_exceed_terms"),
}
"""Rule -> predicates. Every predicate's name is the kind of its violation, perhaps with `:` and a detail."""


# --- on events --------------------------------------------------------------------------------


def on_event(n: Node, before: State, event: AnyEvent, decision: Decision) -> None:
    """Check an event at the moment it is journalled."""
    check = _ON.get(type(event))
    if check is not None:
        check(n, before, event, decision)


def _session_started(n: Node, _before: State, event: e.SessionStarted, _decision: Decision) -> None:
    operator, named = n.why.split()[1], "".join(k for k, v in to.OPERATORS.items() if v in event.operators)
    n.owners = {**n.owners, event.session: (operator, named)}


def _request_made(n: Node, _before: State, event: e.RequestMade, _decision: Decision) -> None:
    if event.answer_by <= to.moment(n.wall):
        n.violate("dead_request")
    if not _is_trusted(n, event.signed):
        n.violate("untrusted_asked" if event.signed else "unsigned_asked")
    asker, who = to.LETTERS[event.asked_by.sid], to.LETTERS[event.account.sid]
    if asker in n.blocked:
        n.violate("asked_after_report")
    if n.true < dict(n.quiet).get(who, n.true) - TOLERANCE:
        n.violate("asked_when_not_wanted")


def _is_trusted(n: Node, signed: Signed | None) -> bool:
    """Tell whether a request may be shown: by the newest settings file that a running agent has seen."""
    pinned = n.newest[1]
    return not pinned if signed is None else signed.authority in map(to.fingerprint, pinned)


def _request_reminded(n: Node, before: State, event: e.RequestReminded, _decision: Decision) -> None:
    """Once, and not a customer who has chosen another time."""
    if event.request in n.reminded or before.requests[event.request].was_postponed:
        n.violate("reminded_too_often")
    n.reminded |= {event.request}


def _grant_given(n: Node, before: State, event: e.GrantGiven, _decision: Decision) -> None:
    request = before.requests[event.request]
    if n.why != f"customer allow {to.LETTERS[request.account.sid]}":
        n.violate("grant_without_yes", n.why)
    if not _is_trusted(n, request.signed):
        n.violate("untrusted_grant")
    _told(n, before, event.grant, "granted")


def _told(n: Node, before: State, grant: str, kind: str) -> None:
    account = n.state.grants[grant].account.sid
    new = (x for i, x in n.state.notices.items() if i not in before.notices)
    if not any(x.account == account and x.kind == kind for x in new):
        n.violate("customer_not_told", kind)


def _grant_ended(n: Node, before: State, event: e.GrantEnded, decision: Decision) -> None:
    grant = before.grants[event.grant]
    if event.how == "expire" and event.grant not in n.odd:
        early = to.seconds(grant.terms.not_after) - n.true > TOLERANCE
        if early:
            n.violate("ended_by_fast_clock" if n.was_fast else "ended_by_slow_clock")
    if not any(isinstance(f, fx.ConfirmErasure) and f.grant == event.grant for f in decision.effects):
        n.violate("erasure_forgotten")
    _told(n, before, event.grant, "ended")


def _issued(n: Node, before: State, event: e.PermitIssued, _decision: Decision) -> None:
    grant = before.grants.get(event.grant)
    if grant is None or grant.state not in LIVE_GRANTS:
        n.violate("used_after_end", "issued")
        return
    if grant.state is GrantState.PAUSED:
        n.violate("used_while_paused", "issued")
    if event.foreign and not grant.terms.foreign_restarts:
        n.violate("not_agreed")
    n.spent = (*n.spent, (event.grant, event.action))
    agreed = grant.terms.restarts if event.action == "restart" else grant.terms.unlocks
    if n.spent.count((event.grant, event.action)) > agreed:
        n.violate("uses_exceed_terms", event.action)
    _in_window(n, event.grant)


def _in_window(n: Node, grant_id: str) -> None:
    if grant_id in n.odd:
        return
    terms = n.state.grants[grant_id].terms
    if n.true < to.seconds(terms.not_before) - TOLERANCE:
        n.violate("used_before_window_unseen" if n.set_unseen else "used_before_window")
    if n.true >= to.seconds(terms.not_after) + TOLERANCE:
        n.violate("used_after_window_unseen" if n.slow_unseen else "used_after_window")
    if n.wall < n.true - TOLERANCE:
        n.violate("used_with_slow_clock_unseen" if n.slow_unseen else "used_with_slow_clock")


def _redeemed(n: Node, before: State, event: e.PermitRedeemed, _decision: Decision) -> None:
    permit = before.permits[event.permit]
    grant = before.grants[permit.grant]
    if event.permit in n.handed:
        n.violate("handed_out_twice")
    n.handed |= {event.permit}
    if grant.state is GrantState.PAUSED:
        n.violate("used_while_paused", "redeemed")
    elif grant.state is not GrantState.ACTIVE:
        n.violate("used_after_end", "redeemed")
    if permit.grant not in n.sealed:
        n.violate("used_after_end", "no record")
    if grant.terms.two_parties and event.permit not in n.brought:
        n.violate("redeemed_by_one_party")
    n.brought -= {event.permit}
    if n.true >= to.seconds(permit.expires_at) + TOLERANCE and not n.was_fast:
        n.violate("redeemed_late_unseen" if n.slow_unseen else "redeemed_late")
    _in_window(n, permit.grant)
    who = to.LETTERS[permit.account.sid]
    if permit.action == "restart" and who in n.hands and any(d.who == who for d in n.desktops):
        n.violate("own_lock_opened")


def _logged_on(n: Node, before: State, event: e.PermitLoggedOn, _decision: Decision) -> None:
    if before.permits[event.permit].state is PermitState.REFUSED:
        n.must_close |= {(event.permit, "opened_though_given_up")}
    _told(n, before, before.permits[event.permit].grant, "used")


def _dropped(n: Node, before: State, event: e.PermitDropped, _decision: Decision) -> None:
    if event.refund and n.scheduled == event.permit:
        n.violate("refunded_though_under_way")
    permit = before.permits[event.permit]
    if event.refund:
        spent = list(n.spent)
        spent.remove((permit.grant, permit.action))
        n.spent = tuple(spent)
    if event.how == "lapse" and permit.grant not in n.odd:
        early = to.seconds(permit.expires_at) - n.true > TOLERANCE
        if early:
            n.violate("lapsed_by_fast_clock" if n.was_fast else "lapsed_by_slow_clock")


_ON: dict[type[e.Event], Callable[[Node, State, Any, Decision], None]] = {
    e.SessionStarted: _session_started,
    e.RequestMade: _request_made,
    e.RequestReminded: _request_reminded,
    e.GrantGiven: _grant_given,
    e.GrantEnded: _grant_ended,
    e.PermitIssued: _issued,
    e.PermitRedeemed: _redeemed,
    e.PermitLoggedOn: _logged_on,
    e.PermitDropped: _dropped,
}


# --- on what the shell and the PC do ----------------------------------------------------------


def on_session_used(n: Node, session: str, operator: str, verb: str) -> None:
    """An operator got a session's thing: only its owner and the operators that it names may."""
    owner, named = n.owners.get(session, ("", ""))
    if session in n.state.sessions and operator != owner and operator not in named:
        n.violate(f"stranger:{verb}")


def on_signed_request(n: Node, subject: str, operator: str, nonce: str) -> None:
    """A signed request was taken: by a challenge of its session, in its time, which it alone answers.

    The window that waits names its signer.
    """
    thing = n.state.requests.get(subject) or n.state.grants.get(subject)
    assert thing is not None
    on_session_used(n, thing.session, operator, "request")
    if nonce in n.answered:
        n.violate("challenge_answered_twice")
    n.answered |= {nonce}
    held = next(one for one in n.held if one.nonce == nonce)
    if held.session != thing.session or n.true >= held.until + TOLERANCE:
        n.violate("challenge_stretched")
    asked = n.state.requests.get(subject)
    if (
        asked is not None
        and asked.state in OPEN_REQUESTS
        and (asked.signed is None or asked.signed.key != operator)
    ):
        n.violate("other_signer")


def on_issued_by_call(n: Node, a: Applying, decision: Decision) -> None:
    """A permit is out for an apply: on the grant that was tried, for an operator who may."""
    permit = n.state.permits.get(decision.subject)
    if permit is None:
        return
    on_session_used(n, permit.session, a.operator, "apply")
    if permit.id == a.permit and permit.grant != a.grant:
        n.violate("other_grant_used")


def on_windows_refused(n: Node, grant: str, *, was_known: bool) -> None:
    """Windows refused a grant's password: once, and never again. `was_known`: we knew of a refusal when we asked."""
    if was_known or n.refused.count(grant) > 1:
        n.violate("refused_password_tried_again")
    elif grant in n.refused:
        n.violate("further_try_after_lost_verdict")
    n.refused = (*n.refused, grant)


def on_entry_checked(n: Node, request: str) -> None:
    """Windows checks an entry of the customer."""
    if n.state.requests[request].entries > 2:
        n.violate("third_entry")


def on_restart_asked(n: Node, permit: Permit) -> None:
    """We ask Windows to restart."""
    if n.scheduled == permit.id:
        return
    if n.true - n.last_restart < to.POLICY.min_restart_interval - 1:
        n.violate("restarts_too_close")
    n.last_restart = n.true


def on_boot(n: Node) -> None:
    """The PC goes down; perhaps by our doing."""
    permit = n.state.permits.get(n.scheduled)
    if permit is None:
        return
    n.restarts = (*n.restarts, permit.grant)
    terms = n.state.grants[permit.grant].terms
    # Where the half for the logon did not come, each agreed restart is given back once.
    if n.restarts.count(permit.grant) > terms.restarts * (2 if terms.two_parties else 1):
        n.violate("restarts_exceed_terms")


def on_appeared(n: Node, permit_id: str) -> None:
    """The desktop of a permit opens: one whose grant is paused must close again at once."""
    permit = n.state.permits.get(permit_id)
    if permit is not None and n.state.grants[permit.grant].state is GrantState.PAUSED:
        n.must_close |= {(permit_id, "opened_while_paused")}


def of_what(subject: str) -> str:
    """Return the kind of thing that an answer was about."""
    kinds = {"s": "session", "r": "request", "g": "grant", "p": "permit"}
    return kinds.get(subject[:1], "nothing")


# --- on states --------------------------------------------------------------------------------


def on_state(n: Node) -> None:
    """Check a state that is new."""
    _grants(n)
    if n.alive and n.newest[0]:
        waiting = (r for r in n.state.requests.values() if r.state in OPEN_REQUESTS)
        if not all(_is_trusted(n, r.signed) for r in waiting):
            n.violate("untrusted_open")
    for logon in n.logons:
        permit = n.state.permits.get(logon.permit)
        if permit is not None and permit.state is PermitState.ISSUED:
            n.violate("handed_out_unrecorded")
    stored = {getattr(f, "permit", "") or getattr(f, "grant", "") for f in n.effects}
    for owed in owed_effects(n.state):
        if (owed.permit if isinstance(owed, fx.CloseDesktop) else owed.grant) not in stored:
            n.violate("effect_forgotten", type(owed).__name__)
    if n.told and (told_of := to.waiting_permit(n)):
        _has_half(n, told_of)
    if _owes(n):
        _will_it_be_closed(n)
    if n.alive and not n.told:
        _will_it_be_announced(n)


def _has_half(n: Node, permit: str) -> None:
    """Note a permit of two parties that the logon screen shows before the operator's half has come."""
    terms = n.state.grants[n.state.permits[permit].grant].terms
    if terms.two_parties and permit not in n.brought:
        n.violate("told_without_half")


def _grants(n: Node) -> None:
    live = live_grants(n.state)
    lent = {(g.session, g.account.sid) for g in live}
    if len(lent) < len(live):
        n.violate("two_grants")
    if any(n.state.sessions[session].state is not SessionState.STARTED for session, _ in lent):
        n.violate("grant_without_session")
    if any(g.left.restarts < 0 or g.left.unlocks < 0 for g in n.state.grants.values()):
        n.violate("counts_below_zero")
    ids = {g.id for g in live}
    if ids - n.sealed:
        n.violate("grant_without_record")
    if n.sealed - ids:
        n.violate("record_without_grant")
    over = (g for g in live if n.true >= to.seconds(g.terms.not_after) + TOLERANCE)
    if n.alive and any(g.id not in n.odd for g in over):
        n.violate("lives_too_long_unseen" if n.slow_unseen else "lives_too_long")


def _owes(n: Node) -> bool:
    """Tell whether a desktop of a permit, or of AutoAdminLogon, is open."""
    if n.removed and any(x.stage in {"held", "accepted"} for x in n.logons):
        n.violate("removed_while_owing")
        return False
    return bool(_opened(n))


def settled(n: Node, passed: int) -> Node:
    """Return the state after the agent has run, all it has to do is done, and time has passed."""
    after = n.copy()
    after.true += passed
    after.wall += passed
    if after.removed:
        return after
    if not after.alive:
        shell.start(after)
    for _ in range(2):
        shell.tick(after)
        shell.sessions_changed(after)
        shell.run_effects(after)
    return after


def _will_it_be_closed(n: Node) -> None:
    """Will each open desktop of a permit still be closed? Now, if it must; in the agreed time, if it may stay."""
    soon = settled(n, 1)
    for opened in _opened(soon):
        _must_it_be_closed(n, soon, opened)
    later = settled(settled(settled(soon, 125), to.RELOCK), 3600)
    for opened in _opened(later):
        if opened == "auto":
            n.violate("automatic_sign_in_left_open")
        else:
            n.violate("left_open", _how(later, opened))


def _opened(n: Node) -> list[str]:
    """Return what opened each desktop that is open and that no hand has opened."""
    return [d.opened_by for d in n.desktops if d.open and d.opened_by != "hand"]


def _must_it_be_closed(n: Node, soon: Node, opened: str) -> None:
    """Note a desktop that is still open, although its permit allows it no time, or no longer."""
    permit = soon.state.permits.get(opened)
    if permit is None:
        return
    ended = soon.state.grants[permit.grant].ended
    if permit.must_lock or permit.action == "restart":
        n.violate("open_must_lock", _how(soon, opened))
    elif ended not in {None, GrantState.USED_UP}:
        n.violate("open_after_end", str(ended))
    for which, why in soon.must_close:
        if which == opened:
            n.violate(why)


def _how(n: Node, permit_id: str) -> str:
    """Return what the agent believes about a permit whose desktop is open."""
    permit = n.state.permits.get(permit_id)
    if n.removed:
        return "the agent is removed"
    if permit is None:
        return "the permit is forgotten"
    clock = ", the clock was set" if n.wall != n.true else ""
    return f"{permit.state} {permit.closing or permit.why or ''}".strip() + clock


def _will_it_be_announced(n: Node) -> None:
    """Does the logon screen learn of a permit that waits for it in this boot?"""
    waiting = to.waiting_permit(n)
    if not waiting or any(d.open and not d.remote for d in n.desktops):
        return
    if any(isinstance(f, fx.AnnouncePermit) and f.boot_id == to.boot_id(n.boot) for f in n.effects):
        return
    after = settled(n, 1)
    if not after.told and to.waiting_permit(after):
        n.violate("never_announced", n.state.permits[waiting].action)
