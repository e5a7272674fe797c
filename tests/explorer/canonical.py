# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canonical form of a state: equal for states that differ in names, counters and absolute time only.

Ids become positions, moments become distances from now, and the two accounts and the two operators are named in
the order of their appearance: the moves of a run treat them alike. Dropped: versions, notices, codes, tags, and
the moments of whatever can do nothing any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latchkey_agent.domain import LIVE_GRANTS, OPEN_REQUESTS, PermitState, RequestState, SessionState

from . import adapter as to

if TYPE_CHECKING:
    from datetime import datetime

    from latchkey_agent.domain import Grant, Permit, Request, SupportSession

    from .node import Node

FAR = 40_000
"""Distances beyond this many seconds are alike."""
_SHIFT = 1_000_000  # hash(-1) == hash(-2)


def canonical(n: Node) -> tuple[object, ...]:
    """Return the canonical form."""
    return _Form(n).form()


class _Form:
    def __init__(self, n: Node) -> None:
        self.n = n
        state = n.state
        self.clock = to.now(n)
        self.now = self.clock.at
        self.place: dict[str, object] = {"": "", "hand": "hand", "auto": "auto"}
        for things in (state.sessions, state.requests, state.grants, state.permits):
            for index, key in enumerate(things):
                self.place[key] = key[0], index
        self.people: dict[str, int] = {}

    def ago(self, at: datetime | None) -> int | None:
        """Return the distance of a moment from now."""
        if at is None:
            return None
        return max(-FAR, min(FAR, int((at - self.now).total_seconds()))) + _SHIFT

    def who(self, name: str) -> int:
        """Return the number of a person or an account."""
        return self.people.setdefault(name, len(self.people))

    def id(self, key: str) -> object:
        """Return the position of a thing; a forgotten one has none."""
        return self.place.get(key, "forgotten")

    def ids(self, keys: frozenset[str] | tuple[str, ...]) -> tuple[object, ...]:
        """Return the positions of things."""
        return tuple(sorted(map(str, (self.id(k) for k in keys))))

    def form(self) -> tuple[object, ...]:
        """Return all parts; those that name people in the order of their appearance come first."""
        n = self.n
        return (
            tuple(map(self._session, n.state.sessions.values())),
            tuple(map(self._request, n.state.requests.values())),
            tuple(map(self._grant, n.state.grants.values())),
            tuple(map(self._permit, n.state.permits.values())),
            tuple(
                (
                    s.verb,
                    s.args and self._args(s.args),
                    s.outcome,
                    self.who(s.operator),
                    self._call(s.key),
                    self.id(s.subject),
                )
                for s in n.sent
            ),
            self._memory(),
            tuple(
                sorted(
                    (type(f).__name__, str(self.id(getattr(f, "permit", "") or getattr(f, "grant", ""))))
                    for f in n.effects
                    if not f.boot_id or f.boot_id == to.boot_id(n.boot)
                )
            ),
            self._pc(),
            self._signing() if n.newest[0] or n.settings[0] else (),
        )

    def _signing(self) -> tuple[object, ...]:
        n, known = self.n, self.n.state.challenges
        epoch = n.newest[0]
        return (
            n.newest[1],
            len(n.state.authorities.keys),
            n.state.authorities.epoch == epoch,
            *((which, (at > epoch) - (at < epoch)) for at, which in (n.settings, n.older)),
            tuple(
                (
                    self.who(one.operator),
                    self.id(one.session),
                    one.nonce in n.answered,
                    one.nonce in known and (known[one.nonce].used, self.ago(known[one.nonce].expires_at)),
                )
                for one in n.held
            ),
        )

    def _args(self, args: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(
            self.place.get(str(x), str(x)) if str(x) not in to.ACCOUNTS else self.who(str(x)) for x in args
        )

    def _sids(self, key: str) -> tuple[int, ...]:
        return tuple(self.who(to.LETTERS.get(sid, sid)) for sid in key.split())

    def _call(self, key: str) -> tuple[object, ...] | None:
        known = self.n.state.calls.get(key)
        return None if known is None else (self.ids(tuple(known.subject.split())), known.changed)

    def _session(self, s: SupportSession) -> tuple[object, ...]:
        started = s.state is SessionState.STARTED
        owner, named = self.n.owners[s.id]
        return (
            s.name,
            started and self.ago(s.ends_at),
            self.who(owner),
            named and self.who(named),
        )

    def _request(self, r: Request) -> tuple[object, ...]:
        open_ = r.state in OPEN_REQUESTS
        terms = r.terms
        return (
            self.id(r.session),
            self.who(to.LETTERS[r.account.sid]),
            r.state.value,
            open_
            and (
                self.ago(r.answer_by),
                r.was_postponed,
                self.ago(r.shown_at),
                r.reminded_at is not None,
                r.entries,
                r.entries_refused,
                terms.restarts,
                terms.foreign_restarts,
                terms.two_parties,
                self.ago(terms.not_before),
                self.ago(terms.not_after),
                r.signed and (self.who(r.signed.key), r.signed.authority),
            ),
            self.ago(r.later_until) if r.state is RequestState.LATER else None,
        )

    def _grant(self, g: Grant) -> tuple[object, ...]:
        n = self.n
        live = g.state in LIVE_GRANTS
        terms = g.terms
        key = g.id
        return (
            self.id(g.request),
            g.state.value,
            g.ended and g.ended.value,
            g.left.restarts,
            g.left.unlocks,
            live
            and (
                g.on_trial,
                g.is_doubtful,
                self.ago(terms.not_before),
                self.ago(terms.not_after),
                terms.foreign_restarts,
                terms.two_parties,
            ),
            n.spent.count((key, "restart")) + 10 * n.spent.count((key, "unlock")),
            n.refused.count(key),
            key in n.known,
            n.restarts.count(key),
            key in n.stale,
            key in n.odd,
            key in n.sealed,
        )

    def _permit(self, p: Permit) -> tuple[object, ...]:
        n = self.n
        state = p.state
        times: tuple[object, ...] = ()
        if state is PermitState.ISSUED:
            times = self.ago(p.expires_at), self.ago(p.issued_at), p.boot_before == n.state.boot_id
        elif state is PermitState.REDEEMED or p.why == "interrupted":
            times = self.ago(p.redeemed_at), self.ago(p.expires_at), p.boot_after == n.state.boot_id
        elif state is PermitState.LOGGED_ON and p.owes_lock:
            times = self.ago(p.logged_on_at), self.ago(p.relock_at), p.boot_after == n.state.boot_id
        key = p.id
        return (
            self.id(p.grant),
            p.action,
            p.step,
            p.foreign,
            p.must_lock,
            state.value,
            p.why,
            p.closing,
            p.owes_lock,
            p.is_unseen,
            p.owes_lock and p.windows_session,
            times,
            key in n.handed,
            key in n.seen_open,
            key in n.opened,
            next((self.ago(to.moment(at)) for permit, at in n.awaited if permit == key), None),
            key in n.restarting,
            tuple(sorted(why for permit, why in n.must_close if permit == key)),
            key == n.scheduled,
            key in n.brought,
            next((until - n.true + n.booted for permit, until in n.halves if permit == key), None),
        )

    def _memory(self) -> tuple[object, ...]:
        n, a = self.n, self.n.applying
        since = None if n.state.last_restart_at is None else self.ago(n.state.last_restart_at)
        if since is not None and since < _SHIFT - to.POLICY.min_restart_interval:
            since = 0
        return (
            n.alive,
            n.removed,
            n.damaged,
            n.lock_pending,
            self.ids(n.not_yet),
            tuple(
                (
                    self.id(d.permit),
                    self.who(d.who),
                    d.boot == n.boot,
                    d.windows_session,
                    d.late,
                    d.permit in n.seen_open,
                    d.permit in n.opened,
                    next((self.ago(to.moment(at)) for permit, at in n.awaited if permit == d.permit), None),
                )
                for d in n.duties
            ),
            n.unseen,
            n.state.boot_id == to.boot_id(n.boot),
            since,
            a
            and (
                a.args,
                self.who(a.operator),
                self.id(a.grant),
                a.desktop,
                tuple(map(self.who, a.others)),
                a.stage,
            ),
        )

    def _pc(self) -> tuple[object, ...]:
        n = self.n
        for desktop in n.desktops:
            self.who(desktop.who)
        for name in to.ACCOUNTS:
            self.who(name)
        return (
            tuple(
                sorted(
                    (self.who(d.who), d.open, str(self.id(d.opened_by)), d.console, d.remote)
                    for d in n.desktops
                )
            ),
            n.automatic,
            n.was_fast,
            n.set_while_down,
            n.set_unseen,
            n.slow_unseen,
            n.unwatched,
            tuple((self.id(x.permit), self.who(x.who), x.stage, x.reported) for x in n.logons),
            n.told,
            tuple(sorted(map(self.who, n.changed))),
            tuple(sorted(map(self.who, n.hands))),
            tuple(sorted(map(self.who, n.blocked))),
            tuple(sorted((self.who(who), max(0, until - n.true)) for who, until in n.quiet)),
            # Without the moments of all requests: no path is long enough for twenty of them.
            tuple(
                (self._sids(key), a.without_yes, self.ago(a.last_at), self.ago(a.held_until))
                for key, a in n.state.asking.items()
            ),
            n.wall - n.true + _SHIFT,
            self.ago(self.clock.wall),
            None
            if n.state.seen_at is None
            else int((n.state.seen_at - self.now).total_seconds()) // 60 + _SHIFT,
            int(n.state.clock_ahead.total_seconds()),
            n.state.clock is not None and n.state.clock.boot_id == to.boot_id(n.boot),
            min(61, n.true - n.last_restart),
        )
