# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that may happen next. A move is a tuple of words: its name and its arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from latchkey_agent.domain import (
    ASKED_REQUESTS,
    LIVE_GRANTS,
    OPEN_REQUESTS,
    GrantState,
    SessionState,
    in_use,
    live_grants,
)
from latchkey_agent.domain import effects as fx

from . import adapter as to
from . import rules, shell
from .node import Applying, Desktop, Held, Logon, Node, Sent

if TYPE_CHECKING:
    from latchkey_agent.domain import Decision

Move = tuple[object, ...]
TERMS = {
    # restarts, unlocks, restarts by others, first and last second from now, seconds to answer
    "day": (1, 1, 0, 0, 7200, 7200),
    "two": (2, 1, 0, 0, 7200, 7200),
    "others": (2, 0, 1, 0, 7200, 7200),
    "more": (4, 0, 1, 0, 7200, 7200),
    "night": (1, 1, 0, 14_400, 21_600, 21_600),
    "over": (1, 0, 0, 0, 7200, 0),
    "parties": (2, 1, 1, 0, 7200, 7200),
    "party": (1, 0, 0, 0, 7200, 7200),
}
PARTIES = frozenset({"parties", "party"})
"""The terms of grants that two parties open."""
HELD = 2
"""The latest challenges that an operator keeps."""
BOOT_TIME = 40
AT_ONCE = 30
"""Seconds within which a living agent takes in a change of sessions and runs its effects."""


def do(n: Node, move: Move) -> Node:
    """Return the state after a move."""
    after = n.copy()
    _MOVES[str(move[0])](after, *move[1:])
    return after


# --- operators --------------------------------------------------------------------------------


def _call(n: Node, operator: str, verb: str, args: tuple[object, ...], key: str = "") -> str:
    """Send a call, or send it again with its key; return its outcome."""
    again = bool(key)
    first = next((s for s in n.sent if s.key == key), None) if again else None
    key = key or f"{verb} {n.new_id('k')}"
    n.why = f"call {operator} {verb}"
    shell.tick(n)
    before, held = n.state.version, n.held
    try:
        subject = _CALLS[verb](n, key, operator, *args)
    except shell.Refusal as refusal:
        outcome, subject = "refused", str(refusal)
    else:
        outcome = "under way" if subject is None else "done"
    n.why = ""
    if not n.repeats:
        return outcome
    if first is None:
        n.sent = (*n.sent, Sent(key, operator, verb, args, outcome, subject or ""))[-rules.KEPT_CALLS :]
    elif first.outcome == "done" and subject != "policy_invalid":
        # A call that is sent again may bring another challenge.
        if outcome == "under way" or n.state.version - (n.held != held) != before:
            n.violate(f"sent_again_changes:{verb}", rules.of_what(first.subject))
        elif outcome == "refused":
            n.violate(f"sent_again_refused:{verb}", subject or "")
        elif subject != first.subject:
            n.violate(f"sent_again_differs:{verb}", rules.of_what(first.subject))
    return outcome


def _run(n: Node, command: Callable[[], object], key: str) -> tuple[str, Decision | None]:
    """`ControlHandler._run`."""
    if (done := to.known_call(n.state, key)) is not None:
        return done.subject, None
    decision = shell.execute(n, command(), key)  # type: ignore[arg-type]
    return decision.subject, decision


def _start(n: Node, key: str, operator: str, name: str, named: str) -> str:
    shell.require_policy(n)
    new = n.new_id("s")
    subject, _ = _run(n, lambda: to.start_session(new, name, operator, named, n.wall), key)
    rules.on_session_used(n, subject, operator, "start")
    _challenge(n, operator, name)
    return subject


def _challenge(n: Node, operator: str, name: str) -> None:
    """`SignedRequests.challenge`: where an authority is pinned, the answer brings one."""
    session = _started(n, name)
    if not n.settings[1] or not session:
        return
    nonce = n.new_id("n")
    with suppress(shell.Refusal):
        shell.execute(n, to.issue_challenge(name, operator, nonce))
        mine = [one for one in n.held if one.operator == operator]
        others = tuple(one for one in n.held if one.operator != operator)
        ends = to.seconds(n.state.sessions[session].ends_at)
        new = Held(nonce, operator, session, min(n.true + to.CHALLENGE_TIME, ends))
        n.held = (*others, *mine[1 - HELD :], new)


def held_challenge(n: Node, operator: str, age: str) -> str:
    """Return the nonce of the operator's `new` or `old` challenge, empty if there is none."""
    mine = [one.nonce for one in n.held if one.operator == operator]
    place = {"new": 1, "old": 2}[age]
    return mine[-place] if len(mine) >= place else ""


def _end(n: Node, key: str, operator: str, name: str) -> str:
    return _run(n, lambda: to.end_session(name), key)[0]


def _signed(
    n: Node, key: str, operator: str, name: str, who: str, terms: str, age: str, authority: str
) -> str:
    """`ControlHandler._credential_request` with a signature; `authority` has issued the certificate."""
    shell.require_policy(n)
    new, nonce = n.new_id("r"), held_challenge(n, operator, age)
    if to.known_call(n.state, key) is None:
        if not (session := _started(n, name)):
            raise shell.Refusal("no_session")
        if authority not in n.settings[1]:
            raise shell.Refusal("certificate_untrusted")
        if code := to.answerable(n, nonce, session):
            raise shell.Refusal(code)
    signature = to.signature(n, operator, nonce, authority)
    subject, decision = _run(
        n,
        lambda: to.make_request(
            new, name, operator, who, TERMS[terms], n.wall, signature, two_parties=terms in PARTIES
        ),
        key,
    )
    if decision is not None:
        rules.on_signed_request(n, subject, operator, nonce)
    _challenge(n, operator, name)
    return subject


def _request(n: Node, key: str, operator: str, name: str, who: str, terms: str) -> str:
    shell.require_policy(n)
    if to.known_call(n.state, key) is None:
        if not _started(n, name):
            raise shell.Refusal("no_session")
        if n.settings[1]:
            raise shell.Refusal("signature_required")
    new = n.new_id("r")
    parties = terms in PARTIES
    subject, _ = _run(
        n, lambda: to.make_request(new, name, operator, who, TERMS[terms], n.wall, two_parties=parties), key
    )
    thing = n.state.requests.get(subject) or n.state.grants.get(subject)
    if thing is not None:
        rules.on_session_used(n, thing.session, operator, "request")
    _challenge(n, operator, name)
    return subject


def _withdraw(n: Node, key: str, operator: str, request: str) -> str:
    open_ = request in n.state.requests and n.state.requests[request].state in OPEN_REQUESTS
    subject, _ = _run(n, lambda: to.withdraw(request), key)
    if open_:
        rules.on_session_used(n, n.state.requests[subject].session, operator, "withdraw")
    return subject


def _revoke(n: Node, key: str, _operator: str, name: str) -> str:
    session = _started(n, name)
    if to.known_call(n.state, key) is None and not session:
        raise shell.Refusal("no_session")
    return _revoke_grants(n, key, [g.id for g in in_use(n.state, session)])


def _erase_all(n: Node, key: str, _operator: str) -> str:
    subject = _revoke_grants(n, key, [g.id for g in in_use(n.state)])
    shell.run_effects(n)
    if any(not duty.late for duty in n.duties):
        raise shell.Refusal("desktop_open")
    return subject


def _revoke_grants(n: Node, key: str, ids: list[str]) -> str:
    """`ControlHandler._revoke_grants`."""
    return _run(n, lambda: to.revoke(tuple(ids), by_operator=True), key)[0]


def _unblock(n: Node, key: str, _operator: str, asker: str) -> str:
    n.blocked -= {asker}
    return _run(n, lambda: to.unblock(asker), key)[0]


def _apply(n: Node, key: str, operator: str, name: str, action: str, step: str) -> str | None:
    """`ApplyHandler.apply` up to the moment when Windows is asked; the operator's half, if any, is right."""
    if (done := to.known_call(n.state, key)) is not None:
        return done.subject
    grant = _session_grant(n, name)
    who = to.LETTERS[n.state.grants[grant].account.sid] if grant else ""
    mine = [d for d in n.desktops if d.who == who]
    desktop = "none" if not mine else "unlocked" if any(d.open for d in mine) else "locked"
    others = tuple(sorted({d.who for d in n.desktops if d.who != who}))
    permit = n.new_id("p")
    command = to.apply(name, operator, permit, action, step, n.boot, desktop, others, None)
    decision = shell.preview(n, command)
    if not decision.events:
        if (joined := n.state.permits.get(decision.subject)) is not None:
            rules.on_session_used(n, joined.session, operator, "apply")
        shell.execute(n, to.note_call(decision.subject), key)
        return decision.subject
    tried = decision.events[0].grant  # type: ignore[union-attr]
    if n.state.grants[tried].on_trial:
        shell.execute(n, to.reject(tried))
        raise shell.Refusal("grant_rejected")
    shell.execute(n, to.begin_trial(tried))
    args = (name, action, step)
    n.applying = Applying(key, operator, args, tried, permit, desktop, others, "asked", tried in n.known)
    return None


_CALLS: dict[str, Callable[..., str | None]] = {
    "start": _start,
    "end": _end,
    "request": _request,
    "signed": _signed,
    "withdraw": _withdraw,
    "revoke": _revoke,
    "erase_all": _erase_all,
    "unblock": _unblock,
    "apply": _apply,
}


def _send_again(n: Node, key: str) -> None:
    sent = next(s for s in n.sent if s.key == key)
    _call(n, sent.operator, sent.verb, sent.args, key)


def _verdict(n: Node) -> None:
    """Windows answers the check of an apply: the permit is issued on the tried grant, or the grant is rejected."""
    a = n.applying
    assert a is not None
    n.why = f"call {a.operator} apply"
    if a.grant in n.stale:
        rules.on_windows_refused(n, a.grant, was_known=a.was_known)
        n.known |= {a.grant}
        n.applying = None
        _own(n, to.reject(a.grant))
        _answered(n, a, "refused")
        return
    name, action, step = (str(x) for x in a.args)
    command = to.apply(name, a.operator, a.permit, action, step, n.boot, a.desktop, a.others, a.grant)
    try:
        decision = shell.execute(n, command, a.key)
    except shell.Refusal:
        n.applying = None
        _own(n, to.end_trial(a.grant))
        _answered(n, a, "refused")
        return
    rules.on_issued_by_call(n, a, decision)
    n.applying = a._replace(stage="issued", permit=decision.subject)


def _answer(n: Node) -> None:
    """The rest of an apply after its permit is out: the trial ends, the answer goes out."""
    a = n.applying
    assert a is not None
    n.applying = None
    try:
        shell.execute(n, to.end_trial(a.grant))
    except shell.Refusal as refusal:
        n.violate("refused_though_issued", str(refusal))
        _answered(n, a, "refused")
        return
    _answered(n, a, "done")


def _answered(n: Node, a: Applying, outcome: str) -> None:
    subject = a.permit if outcome == "done" else ""
    n.sent = tuple(s._replace(outcome=outcome, subject=subject) if s.key == a.key else s for s in n.sent)


def _deliver(n: Node, permit: str) -> None:
    """The operator brings the half for a logon."""
    n.why = "call X deliver"
    shell.deliver(n, permit)


def _remove(n: Node, operator: str) -> None:
    """An administrator removes the agent, if everything is erased and nothing is left to lock."""
    outcome = _call(n, operator, "erase_all", ())
    if outcome == "done" and all(g.state is GrantState.ERASED for g in n.state.grants.values()):
        shell.kill(n)
        n.removed = True


# --- customers --------------------------------------------------------------------------------


def _own(n: Node, command: object) -> None:
    try:
        shell.execute(n, command)  # type: ignore[arg-type]
    except shell.Refusal as refusal:
        if n.why.startswith("customer revoke"):
            n.violate("revoking_refused", str(refusal))


def _allow(n: Node, request: str) -> None:
    who = to.LETTERS[n.state.requests[request].account.sid]
    n.why = f"customer allow {who}"
    grant = n.new_id("g")
    _own(n, to.show(request))
    try:
        shell.require_policy(n)
        shell.execute(n, to.try_entry(request))
        shell.execute(n, to.give(request, grant))
    except shell.Refusal:
        return
    if n.wall != n.true:
        n.odd |= {grant}


def _mistype(n: Node, request: str) -> None:
    n.why = "customer mistype"
    _own(n, to.show(request))
    try:
        shell.execute(n, to.try_entry(request))
    except shell.Refusal:
        return
    rules.on_entry_checked(n, request)
    _own(n, to.refuse_password(request))


def _deny(n: Node, request: str) -> None:
    n.why = "customer deny"
    _own(n, to.show(request))
    _own(n, to.deny(request))


def _report_request(n: Node, request: str) -> None:
    n.why = "customer report"
    _own(n, to.show(request))
    _own(n, to.deny(request, reported=True))
    asker = next(k for k, v in to.OPERATORS.items() if v == n.state.requests[request].asked_by)
    n.blocked |= {asker}


def _not_today(n: Node, request: str) -> None:
    n.why = "customer not today"
    _own(n, to.show(request))
    today = to.seconds(to.now(n).ends)
    until = to.tomorrow(today)
    _own(n, to.deny(request, quiet_until=until))
    who = to.LETTERS[n.state.requests[request].account.sid]
    n.quiet = (*(q for q in n.quiet if q[0] != who), (who, n.true + until - today))


def _later(n: Node, request: str) -> None:
    n.why = "customer later"
    _own(n, to.show(request))
    _own(n, to.postpone(request, n))


def _take_back(n: Node, who: str) -> None:
    n.why = f"customer revoke {who}"
    mine = tuple(g.id for g in in_use(n.state) if to.LETTERS[g.account.sid] == who)
    _own(n, to.revoke(mine, by_operator=False, requests=to.checked(n.state, who)))


def _pause(n: Node, grant: str) -> None:
    n.why = "customer pause"
    _own(n, to.pause(grant, hold=True))


def _resume(n: Node, grant: str) -> None:
    n.why = "customer resume"
    theirs = {p.id for p in n.state.permits.values() if p.grant == grant}
    n.must_close = frozenset(
        m for m in n.must_close if m != (m[0], "opened_while_paused") or m[0] not in theirs
    )
    _own(n, to.pause(grant, hold=False))


# --- the people at the screen ----------------------------------------------------------------


def _noticed(n: Node) -> None:
    """Windows tells of each change in turn, and people need seconds between two."""
    if n.unseen:
        shell.sessions_changed(n)


def _sessions(n: Node, desktops: tuple[Desktop, ...]) -> None:
    n.desktops = desktops
    n.unseen = n.alive
    shell.announce(n)


def _come(n: Node, who: str, opened_by: str) -> None:
    """An account's own session, or a new one, is open on the PC's screen."""
    rest = (d._replace(console=False) for d in n.desktops if d.who != who or d.remote)
    _sessions(n, (*rest, Desktop(who, True, opened_by)))  # noqa: FBT003


def _sign_in(n: Node, who: str) -> None:
    _noticed(n)
    n.hands |= {who}
    _come(n, who, "hand")


def _lock_by_hand(n: Node, who: str) -> None:
    _noticed(n)
    _sessions(
        n,
        tuple(
            d._replace(open=False, opened_by="") if d.who == who and not d.remote else d for d in n.desktops
        ),
    )


def _remote(n: Node, who: str) -> None:
    _noticed(n)
    _sessions(n, (*n.desktops, Desktop(who, True, "hand", console=False, remote=True)))  # noqa: FBT003


def _sign_out(n: Node, who: str) -> None:
    _noticed(n)
    _sessions(n, tuple(d for d in n.desktops if d.who != who))


def _change_password(n: Node, who: str) -> None:
    n.changed |= {who}
    n.stale |= {g.id for g in n.state.grants.values() if to.LETTERS[g.account.sid] == who}


# --- the logon screen ------------------------------------------------------------------------


def _redeem(n: Node) -> None:
    """`LogonHandler._redeem`, for the permit that its peek found."""
    permit = to.waiting_permit(n)
    n.why = "logon redeem"
    n.told = False
    if not permit:
        return
    who = to.LETTERS[n.state.permits[permit].account.sid]
    screen = shell.logon_session(n, who)
    try:
        shell.execute(n, to.see_sign_ins(n.desktops, automatic=n.automatic))
    except shell.Refusal:
        return
    if not shell.release_half(n, permit):
        return
    shell.take_duty(n, permit, who, screen)
    try:
        shell.execute(n, to.redeem(permit, n.boot, screen))
    except shell.Refusal:
        shell.settle_duty(n, permit)
        return
    shell.replace_late_duties(n, permit, who)
    n.logons = (*n.logons, Logon(permit, who, "held"))


def _logon(n: Node, permit: str, **changes: object) -> None:
    after = (logon._replace(**changes) if logon.permit == permit else logon for logon in n.logons)  # type: ignore[arg-type]
    n.logons = tuple(x for x in after if not (x.reported and x.stage in {"shown", "refused"}))


def _accept(n: Node, permit: str) -> None:
    _logon(n, permit, stage="accepted")


def _refuse(n: Node, permit: str) -> None:
    grant = _grant_of(n, permit)
    rules.on_windows_refused(n, grant, was_known=grant in n.known)
    _logon(n, permit, stage="refused")


def _appear(n: Node, permit: str) -> None:
    """The desktop of an accepted logon opens: the account's own locked one, or a new one."""
    who = next(x.who for x in n.logons if x.permit == permit)
    _logon(n, permit, stage="shown")
    rules.on_appeared(n, permit)
    _come(n, who, permit)


def _report(n: Node, permit: str) -> None:
    n.why = "logon report"
    refused = next(x.stage for x in n.logons if x.permit == permit) == "refused"
    _logon(n, permit, reported=True)
    if refused:
        n.known |= {_grant_of(n, permit)}
    with suppress(shell.Refusal):
        shell.execute(n, to.report(permit, refused=refused))


def _lose_report(n: Node, permit: str) -> None:
    """The report never arrives. A logon that Windows was not asked about does not happen any more."""
    if next(x.stage for x in n.logons if x.permit == permit) == "held":
        n.logons = tuple(x for x in n.logons if x.permit != permit)
    else:
        _logon(n, permit, reported=True)


# --- the PC -----------------------------------------------------------------------------------


def _kill(n: Node) -> None:
    shell.kill(n)


def _start_agent(n: Node) -> None:
    n.unwatched = False
    # In the boot that it knows, the agent sees that the clock runs ahead.
    n.set_unseen = n.set_unseen or (n.set_while_down and n.state.boot_id != to.boot_id(n.boot))
    n.set_while_down = False
    shell.start(n)


def _boot(n: Node, automatic: str = "") -> None:
    """The PC goes down and comes up; the agent starts later. `automatic`: AutoAdminLogon's account."""
    shell.kill(n)
    n.slow_unseen = n.slow_unseen or n.unwatched
    ours = bool(n.scheduled)
    rules.on_boot(n)
    n.boot += 1
    n.true += BOOT_TIME
    n.wall += BOOT_TIME
    n.booted = n.true
    n.scheduled = ""
    n.automatic = n.automatic or bool(automatic)
    n.logons = ()
    n.hands = frozenset()
    n.told = False
    n.desktops = (Desktop(automatic, True, "auto" if ours else "hand"),) if automatic else ()  # noqa: FBT003


def _effects(n: Node) -> None:
    shell.run_effects(n)


def _effect_then_kill(n: Node, index: int) -> None:
    """An effect runs, and the agent dies before it has noted that."""
    shell.attempt(n, n.effects[index])
    shell.kill(n)


def _see(n: Node) -> None:
    shell.sessions_changed(n)


def _wait(n: Node, passed: int) -> None:
    """Time passes. A living agent does what it has to do within seconds (`agent.FIRST_RETRY`), and so does Windows
    when it unlocks a session that exists; a new one may take any time.
    """
    if passed > AT_ONCE:
        for logon in opening(n):
            _appear(n, logon.permit)
    if n.alive and passed > AT_ONCE:
        if n.unseen:
            shell.sessions_changed(n)
        shell.run_effects(n)
    n.true += passed
    n.wall += passed
    n.unwatched = n.unwatched or (not n.alive and passed > rules.TOLERANCE)
    if n.alive:
        shell.wake(n)


def opening(n: Node) -> list[Logon]:
    """Return the accepted logons that unlock a session that exists."""
    there = {d.who for d in n.desktops if not d.remote}
    return [logon for logon in n.logons if logon.stage == "accepted" and logon.who in there]


def _clock(n: Node, by: int) -> None:
    n.wall += by
    n.set_while_down = n.set_while_down or (by > 0 and not n.alive)
    n.was_fast = n.was_fast or n.wall > n.true
    if n.alive:
        shell.wake(n)


def _pin(n: Node, which: str) -> None:
    """An administrator writes another settings file, with a higher epoch."""
    epoch = max(n.settings[0], n.older[0], n.newest[0]) + 1
    n.older, n.settings = n.settings, (epoch, which)
    if n.alive:
        shell.wake(n)


def _restore_settings(n: Node) -> None:
    """The settings file before is there again."""
    n.settings, n.older = n.older, n.settings
    if n.alive:
        shell.wake(n)


_MOVES: dict[str, Callable[..., object]] = {
    "call": _call,
    "again": _send_again,
    "verdict": _verdict,
    "answer": _answer,
    "remove": _remove,
    "deliver": _deliver,
    "allow": _allow,
    "mistype": _mistype,
    "deny": _deny,
    "later": _later,
    "report_request": _report_request,
    "not_today": _not_today,
    "take_back": _take_back,
    "pause": _pause,
    "resume": _resume,
    "sign_in": _sign_in,
    "unlock": _sign_in,
    "lock": _lock_by_hand,
    "remote": _remote,
    "sign_out": _sign_out,
    "change_password": _change_password,
    "redeem": _redeem,
    "accept": _accept,
    "refuse": _refuse,
    "appear": _appear,
    "report": _report,
    "lose_report": _lose_report,
    "kill": _kill,
    "start": _start_agent,
    "boot": _boot,
    "effects": _effects,
    "effect_then_kill": _effect_then_kill,
    "see": _see,
    "wait": _wait,
    "clock": _clock,
    "damage": shell.damage,
    "pin": _pin,
    "restore_settings": _restore_settings,
}


# --- what may happen next ---------------------------------------------------------------------


def _started(n: Node, name: str) -> str:
    found = (s for s in n.state.sessions.values() if s.name == name and s.state is SessionState.STARTED)
    return next((s.id for s in found), "")


def _session_grant(n: Node, name: str) -> str:
    session = _started(n, name)
    theirs = [g for g in n.state.grants.values() if g.session == session]
    live = [g for g in theirs if g.state in LIVE_GRANTS] or theirs
    return live[-1].id if live else ""


def _grant_of(n: Node, permit: str) -> str:
    found = n.state.permits.get(permit)
    return found.grant if found else ""


def options(n: Node, groups: dict[str, tuple[object, ...]]) -> Iterator[Move]:
    """Yield the moves of a run's groups that are possible now."""
    for group, choices in groups.items():
        yield from _OPTIONS[group](n, choices)


Choices = tuple[object, ...]


def _calls(n: Node, choices: Choices) -> Iterator[Move]:
    if n.alive:
        # Applies run one at a time (`ApplyHandler`): a second one waits.
        yield from (("call", *call) for call in choices if _may_call(n, *call))  # type: ignore[misc]


def _may_call(n: Node, operator: str, verb: str, args: tuple[str, ...]) -> bool:
    """Tell whether the operator can send a call: for a signature they need a challenge."""
    if verb == "signed":
        return bool(held_challenge(n, operator, args[3]))
    return n.applying is None or verb != "apply"


def _calls_again(n: Node, _choices: Choices) -> Iterator[Move]:
    if n.alive:
        done = (sent for sent in n.sent if sent.outcome == "done")
        yield from (("again", s.key) for s in done if n.applying is None or s.verb != "apply")


def _withdrawals(n: Node, choices: Choices) -> Iterator[Move]:
    if n.alive:
        for request in n.state.requests.values():
            if request.state in OPEN_REQUESTS:
                yield from (("call", operator, "withdraw", (request.id,)) for operator in choices)


def _applying(n: Node, _choices: Choices) -> Iterator[Move]:
    if n.applying is not None:
        yield ("verdict",) if n.applying.stage == "asked" else ("answer",)


def _deliveries(n: Node, _choices: Choices) -> Iterator[Move]:
    if n.alive:
        yield from (("deliver", permit) for permit in n.state.permits if to.awaits(n, permit))


def _removals(n: Node, choices: Choices) -> Iterator[Move]:
    if n.alive:
        yield from (("remove", operator) for operator in choices)


def _answers(n: Node, choices: Choices) -> Iterator[Move]:
    if n.alive:
        for request in n.state.requests.values():
            if request.state in ASKED_REQUESTS:
                yield from ((how, request.id) for how in choices)


def _revocations(n: Node, choices: Choices) -> Iterator[Move]:
    if n.alive:
        lent = {to.LETTERS[g.account.sid] for g in live_grants(n.state)}
        yield from (("take_back", who) for who in choices if who in lent)


def _pauses(n: Node, _choices: Choices) -> Iterator[Move]:
    if n.alive:
        for grant in n.state.grants.values():
            if grant.state is GrantState.ACTIVE:
                yield ("pause", grant.id)
            elif grant.state is GrantState.PAUSED:
                yield ("resume", grant.id)


def _people(n: Node, choices: Choices) -> Iterator[Move]:
    # Winlogon handles one logon after another.
    busy = any(d.open and not d.remote for d in n.desktops) or any(
        x.stage in {"held", "accepted"} for x in n.logons
    )
    for who in choices:
        mine = [d for d in n.desktops if d.who == who and not d.remote]
        if mine and mine[0].open:
            yield ("lock", who)
            yield ("sign_out", who)
        elif not busy:
            yield ("unlock" if mine else "sign_in", who)


def _remotes(n: Node, choices: Choices) -> Iterator[Move]:
    for who in choices:
        if not any(d.who == who and d.remote for d in n.desktops):
            yield ("remote", who)


def _passwords(n: Node, choices: Choices) -> Iterator[Move]:
    yield from (("change_password", who) for who in choices if who not in n.changed)


def _logons(n: Node, choices: Choices) -> Iterator[Move]:
    if n.alive and n.told:
        yield ("redeem",)
    console_is_open = any(d.open and not d.remote for d in n.desktops)
    for logon in n.logons:
        if logon.stage == "held" and not console_is_open:
            yield ("refuse" if _grant_of(n, logon.permit) in n.stale else "accept", logon.permit)
        if logon.stage == "accepted" and not console_is_open:
            yield ("appear", logon.permit)
        if not logon.reported:
            if n.alive and logon.stage != "held":
                yield ("report", logon.permit)
            if "lose" in choices:
                yield ("lose_report", logon.permit)


def _crashes(n: Node, choices: Choices) -> Iterator[Move]:
    if n.removed:
        return
    if not n.alive:
        yield ("start",)
        return
    yield ("kill",)
    if "effect" in choices:
        yield from (
            ("effect_then_kill", i) for i, f in enumerate(n.effects) if not isinstance(f, fx.AnnouncePermit)
        )


def _boots(_n: Node, choices: Choices) -> Iterator[Move]:
    yield from (("boot", *([who] if who else [])) for who in choices)


def _restarts(n: Node, _choices: Choices) -> Iterator[Move]:
    if n.scheduled:
        yield ("boot",)


def _work(n: Node, _choices: Choices) -> Iterator[Move]:
    if n.alive:
        if n.effects:
            yield ("effects",)
        if n.unseen:
            yield ("see",)


def _times(n: Node, choices: Choices) -> Iterator[Move]:
    # Windows answers a logon within seconds; its desktop may be late.
    asked = any(logon.stage == "held" for logon in n.logons)
    yield from (("wait", passed) for passed in choices if not asked or passed <= AT_ONCE)  # type: ignore[operator]


def _damages(n: Node, _choices: Choices) -> Iterator[Move]:
    if n.alive and not n.damaged:
        yield ("damage",)


def _clocks(n: Node, choices: Choices) -> Iterator[Move]:
    for by in choices:
        drift = n.wall - n.true + by  # type: ignore[operator]
        if abs(drift) <= 32 * 3600:
            yield ("clock", by)


def _pins(n: Node, choices: Choices) -> Iterator[Move]:
    yield from (("pin", which) for which in choices if which != n.settings[1])
    if n.older[0]:
        yield ("restore_settings",)


_OPTIONS: dict[str, Callable[[Node, Choices], Iterator[Move]]] = {
    "work": _work,
    "logon": _logons,
    "restart": _restarts,
    "applying": _applying,
    "calls": _calls,
    "again": _calls_again,
    "withdraw": _withdrawals,
    "remove": _removals,
    "deliver": _deliveries,
    "answer": _answers,
    "take_back": _revocations,
    "pause": _pauses,
    "people": _people,
    "remote": _remotes,
    "password": _passwords,
    "crash": _crashes,
    "boot": _boots,
    "time": _times,
    "clock": _clocks,
    "damage": _damages,
    "pin": _pins,
}
GROUPS = tuple(_OPTIONS)
