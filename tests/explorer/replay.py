# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays a path on the bench, with the whole agent, and compares it with the explorer's state after every move."""

from __future__ import annotations

import base64
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from latchkey_agent.agent import Agent
from latchkey_agent.domain import Account, LogonRefusal, PermitState
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import effects as fx
from latchkey_agent.domain.model import State
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.ports import SignIn
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.protocol.answers import ErrorView
from latchkey_agent.storage.journal import JournalDamagedError
from tests.explorer import adapter as to
from tests.explorer import moves, rules, shell
from tests.explorer.moves import Move
from tests.explorer.node import Node, session_number
from tests.unit.agent import signing
from tests.unit.agent.bench import Bench
from tests.unit.agent.second_party import SecondParty
from tests.unit.agent.world import World

POLICY = "min_restart_interval = 60.0\nremind_before = 3600.0\nlock_within = 0.05"
KEYS = {"X": signing.OPERATOR_KEY, "Y": Ed25519PrivateKey.from_private_bytes(b"y" * 32)}
"""The operators' signing keys."""
RIGHT, NEW, WRONG = b"a1\x00\x00", b"n1\x00\x00", b"no"
REFUSED = 0xC000006D


class _Killed(BaseException):
    """The agent dies while it waits for Windows, or the path ends there."""


class Replay:
    """A path, played on the explorer's state and on the bench at once."""

    def __init__(self, folder: Path) -> None:
        world = World(now=to.START, zone=UTC)
        world.passwords = {}
        world.accounts += to.OPERATORS.values()
        for account in to.ACCOUNTS.values():
            world.set_password(account, RIGHT)
        self.bench = Bench(folder, world, POLICY)
        self.bench.effects_lag = True
        self.node = Node()
        self.node.repeats = True
        self._fresh = True
        self._passwords = dict.fromkeys(to.ACCOUNTS, RIGHT)
        self._sent: dict[str, tuple[rq.ControlRequest, Peer]] = {}
        self._challenges: dict[str, dict[str, Any]] = {}
        self._second = SecondParty(self.bench)
        self._queue: deque[Move] = deque()
        self.found: list[tuple[str, str]] = []

    def play(self, path: tuple[Move, ...]) -> None:
        """Play all moves; raise AssertionError at the first one after which the two differ."""
        self._queue = deque(path)
        while self._queue:
            try:
                self._step(self._queue.popleft())
            except _Killed:
                # The apply in which the agent dies, or the path ends, was left.
                continue

    def close(self) -> None:
        """Stop the agent."""
        self.bench.stop()

    def _step(self, move: Move) -> None:
        before = self._advance(move)
        getattr(self, f"_{move[0]}")(before, *move[1:])
        self._compare(move)

    def _advance(self, move: Move) -> Node:
        """Let the explorer's state make the move, and note what it violates; return the state before."""
        before, self.node = self.node, moves.do(self.node, move)
        rules.on_state(self.node)
        self.found += self.node.found
        return before

    def _compare(self, move: Move) -> None:
        if self.node.alive:
            assert self.world.announced == self.node.announced, move
            assert [d.late for d in self.agent.core.duties.all()] == [d.late for d in self.node.duties], move
            assert len(self.agent.core.halves.held) == len(self.node.halves), move
        if self.node.alive and not self.node.damaged:
            real_, model_ = _signature(self.bench.state), _signature(self.node.state)
            assert real_ == model_, (move, [(r, m) for r, m in zip(real_, model_, strict=True) if r != m])
        there = {
            (s.account.user[0].upper(), s.session_id, s.active and not s.locked) for s in self.world.signed_in
        }
        assert there == {(d.who, d.session, d.open) for d in self.node.desktops}, move

    # --- what both sides call a thing --------------------------------------------------------

    @property
    def world(self) -> World:
        """The PC."""
        return self.bench.world

    @property
    def agent(self) -> Agent:
        """The agent."""
        return self.bench.agent

    def _real(self, before: Node, key: str) -> str:
        for kind in ("sessions", "requests", "grants", "permits"):
            ours: dict[str, Any] = getattr(before.state, kind)
            if key in ours:
                return str(list(getattr(self.bench.state, kind))[list(ours).index(key)])
        return key

    # --- operators ------------------------------------------------------------------------------

    def _call(self, before: Node, operator: str, verb: str, args: tuple[Any, ...]) -> None:
        peer = Peer(to.OPERATORS[operator], 0, operator=True, administrator=True, system=False)
        new = [s for s in self.node.sent if s.key not in {x.key for x in before.sent}]
        key = new[0].key if new else f"{verb} x{before.next}"
        request = self._request_of(before, verb, args, key.replace(" ", "-").replace("_", "-"))
        if isinstance(request, rq.CredentialRequest) and verb == "signed":
            request = self._signed(before, operator, request, *args[3:])
        self._sent[key] = request, peer
        self._ask(request, peer)

    def _again(self, _before: Node, key: str) -> None:
        self._ask(*self._sent[key])

    def _ask(self, request: rq.ControlRequest, peer: Peer) -> str:
        if isinstance(request, rq.CredentialApply):
            return self._apply(request, peer)
        self.bench.effects_lag = not isinstance(request, rq.EraseAll)
        try:
            answer = self.bench.ask(request, peer)
        finally:
            self.bench.effects_lag = True
        self._keep_challenge(answer.result or {})
        self._search(self.bench.raw_answers[-1])
        return answer.outcome

    # --- signed requests ------------------------------------------------------------------------

    def _signed(
        self, before: Node, operator: str, request: rq.CredentialRequest, age: str, sign: str
    ) -> rq.CredentialRequest:
        """Return the request as the operator signs it, with a certificate of the authority `sign`."""
        issued = signing.certificate(
            self.world.now, key=KEYS[operator], ca=to.AUTHORITIES[sign], until=timedelta(days=20)
        )
        controller = signing.Controller(self.bench, issued, KEYS[operator])
        controller.challenge = self._challenges[moves.held_challenge(before, operator, age)]
        return controller.signed(request, reason="updates", ticket="")

    def _keep_challenge(self, result: dict[str, Any]) -> None:
        """Keep the challenge of an answer: there is one where the explorer's state has a new one."""
        new = [one.nonce for one in self.node.held if one.nonce not in self._challenges]
        assert ("challenge" in result) == bool(new)
        for nonce in new:
            self._challenges[nonce] = result["challenge"]

    def _search(self, answer: bytes) -> None:
        """Look for what leaves the PC in no answer (rule 2): sealed records, and seeds of open challenges."""
        for challenge in self.bench.state.challenges.values():
            assert challenge.used or challenge.seed.encode() not in answer
        if self.node.alive and not self.node.damaged:
            for grant in self.bench.sealed():
                record = self.agent.core.journal.sealed(grant) or b""
                pieces = [record[at : at + 12] for at in range(0, len(record) - 12, 12)]
                assert not any(piece.hex().encode() in answer for piece in pieces)
                assert not any(base64.b64encode(piece) in answer for piece in pieces)

    def _pin(self, _before: Node, _which: str = "") -> None:
        """Write the settings that the move has left."""
        epoch, which = self.node.settings
        keys = ", ".join(f'"{signing.line_of(to.AUTHORITIES[sign])}"' for sign in which)
        table = (
            f'[signing]\nepoch = {epoch}\norganization = "{signing.ORGANIZATION}"\nauthorities = [{keys}]\n'
        )
        self.bench.settings.write_text(f"[policy]\n{POLICY}\n{table if epoch else ''}")
        self._wake()

    _restore_settings = _pin

    def _request_of(self, before: Node, verb: str, args: tuple[Any, ...], key: str) -> rq.ControlRequest:
        def at(seconds: int) -> str:
            return (self.world.now + timedelta(seconds=seconds)).isoformat()

        match verb:
            case "start":
                named = tuple(to.OPERATORS[x].user for x in args[1])
                ends = at(to.SESSION_HOURS * 3600)
                return rq.SessionStart(
                    session=args[0], reason="updates", operators=named, ends=ends, idempotency_key=key
                )
            case "end":
                return rq.SessionEnd(session=args[0], idempotency_key=key)
            case "request" | "signed":
                restarts, unlocks, foreign, begin, end, answer = moves.TERMS[args[2]]
                return rq.CredentialRequest(
                    session=args[0],
                    account=to.ACCOUNTS[args[1]].user,
                    restarts=restarts,
                    unlocks=unlocks,
                    foreign_restarts=bool(foreign),
                    not_before=at(begin),
                    not_after=at(end),
                    relock_after=float(to.RELOCK),
                    answer_by=at(answer),
                    ask_again=True,
                    idempotency_key=key,
                    sealing=self._second.sealing() if args[2] in moves.PARTIES else None,
                )
            case "withdraw":
                return rq.RequestWithdraw(
                    session="S", request=self._real(before, args[0]), idempotency_key=key
                )
            case "revoke":
                return rq.CredentialRevoke(session=args[0], idempotency_key=key)
            case "unblock":
                return rq.AskerUnblock(account=to.OPERATORS[args[0]].qualified, idempotency_key=key)
            case "erase_all":
                return rq.EraseAll(idempotency_key=key)
            case _:
                return rq.CredentialApply(
                    session=args[0],
                    action=args[1],
                    step=args[2] or None,
                    within=float(to.WITHIN),
                    idempotency_key=key,
                )

    def _remove(self, before: Node, operator: str) -> None:
        self._call(before, operator, "erase_all", ())
        if self.node.removed:
            self.bench.kill()

    # --- an apply: the moves up to its verdict and its answer happen inside of it -----------------

    def _apply(self, request: rq.CredentialApply, peer: Peer) -> str:
        core = self.agent.core
        check, execute = core.computer.accounts.check, core.execute

        def slow_check(account: Account, password: bytearray) -> LogonRefusal | None:
            core.computer.accounts.check = check  # type: ignore[method-assign]
            self._until("verdict")
            return check(account, password)

        def slow_execute(command: c.AnyCommand, **how: Any) -> Any:
            if isinstance(command, c.EndTrial) and self.node.applying is not None:
                core.execute = execute  # type: ignore[method-assign]
                self._compare(("verdict",))
                self._until("answer")
            return execute(command, **how)

        core.computer.accounts.check = slow_check  # type: ignore[method-assign]
        core.execute = slow_execute  # type: ignore[method-assign]
        try:
            answer = self.bench.ask(request, peer)
            if isinstance(answer.error, ErrorView) and answer.error.code == "half_missing":
                assert isinstance(answer.result, dict)
                half = self._second.delivered(answer.result["half"])
                answer = self.bench.ask(replace(request, half=half), peer)
            return answer.outcome
        finally:
            core.computer.accounts.check = check  # type: ignore[method-assign]
            core.execute = execute  # type: ignore[method-assign]

    def _deliver(self, before: Node, permit: str) -> None:
        """Bring the half that the logon of a permit waits for."""
        peer = Peer(to.OPERATORS["X"], 0, operator=True, administrator=True, system=False)
        wait = rq.ApplyWait(session="S", permit=self._real(before, permit))
        result: Any = self.bench.ask(wait, peer).result
        half = self._second.delivered(result["half"])
        assert self.bench.ask(replace(wait, half=half), peer).outcome == "done"

    def _until(self, name: str) -> None:
        """Play moves up to the one of that name, which the caller carries out."""
        self._compare(("call", "apply"))
        while self._queue:
            move = self._queue.popleft()
            if move[0] == name:
                self._advance(move)
                return
            if move[0] in {"kill", "boot", "effect_then_kill", "damage"}:
                self._queue.appendleft(move)
                raise _Killed
            self._step(move)
        raise _Killed

    # --- customers ------------------------------------------------------------------------------

    def _peer_of(self, before: Node, request: str) -> tuple[str, Peer]:
        account = before.state.requests[request].account
        return to.LETTERS[account.sid], Peer(account, 1, operator=False, system=False)

    def _show(self, before: Node, request: str) -> tuple[str, str, Peer]:
        who, peer = self._peer_of(before, request)
        real = self._real(before, request)
        self.bench.customer(cm.RequestShown(request=real, text_sha256="0" * 64), peer=peer)
        return real, who, peer

    def _allow(self, before: Node, request: str) -> None:
        real, who, peer = self._show(before, request)
        allow = cm.RequestAllow(request=real, entered=to.ACCOUNTS[who].qualified)
        self.bench.customer(allow, self._passwords[who], peer)

    def _mistype(self, before: Node, request: str) -> None:
        real, who, peer = self._show(before, request)
        self.bench.customer(cm.RequestAllow(request=real, entered=to.ACCOUNTS[who].qualified), WRONG, peer)

    def _deny(self, before: Node, request: str) -> None:
        real, _, peer = self._show(before, request)
        self.bench.customer(cm.RequestDecline(request=real), peer=peer)

    def _report_request(self, before: Node, request: str) -> None:
        real, _, peer = self._show(before, request)
        self.bench.customer(cm.RequestDecline(request=real, report=True), peer=peer)

    def _not_today(self, before: Node, request: str) -> None:
        real, _, peer = self._show(before, request)
        self.bench.customer(cm.RequestDecline(request=real, not_today=True), peer=peer)

    def _later(self, before: Node, request: str) -> None:
        real, _, peer = self._show(before, request)
        self.bench.customer(cm.RequestLater(request=real, seconds=600.0), peer=peer)

    def _take_back(self, _before: Node, who: str) -> None:
        self.bench.customer(cm.GrantRevoke(), peer=Peer(to.ACCOUNTS[who], 1, operator=False, system=False))

    def _pause(self, before: Node, grant: str, *, hold: bool = True) -> None:
        peer = Peer(before.state.grants[grant].account, 1, operator=False, system=False)
        self.bench.customer(cm.GrantPause(grant=self._real(before, grant), pause=hold), peer=peer)

    def _resume(self, before: Node, grant: str) -> None:
        self._pause(before, grant, hold=False)

    # --- the people at the screen -----------------------------------------------------------------

    def _noticed(self, before: Node) -> None:
        if before.unseen:
            self.agent.sessions_changed()

    def _come(self, who: str) -> None:
        number = session_number(who)
        others = [
            s if s.session_id > 10 else s._replace(console=False, active=False)
            for s in self.world.signed_in
            if s.session_id != number
        ]
        mine = SignIn(number, to.ACCOUNTS[who], console=True, active=True, locked=False)
        self.world.signed_in = [*others, mine]

    def _sign_in(self, before: Node, who: str) -> None:
        self._noticed(before)
        self._come(who)

    _unlock = _sign_in

    def _lock(self, before: Node, who: str) -> None:
        self._noticed(before)
        number = session_number(who)
        self.world.signed_in = [
            s._replace(locked=True) if s.session_id == number else s for s in self.world.signed_in
        ]

    def _remote(self, before: Node, who: str) -> None:
        self._noticed(before)
        number = session_number(who, remote=True)
        self.world.signed_in.append(
            SignIn(number, to.ACCOUNTS[who], console=False, active=True, locked=False)
        )

    def _sign_out(self, before: Node, who: str) -> None:
        self._noticed(before)
        self.world.signed_in = [s for s in self.world.signed_in if s.account.sid != to.ACCOUNTS[who].sid]

    def _change_password(self, _before: Node, who: str) -> None:
        self._passwords[who] = NEW
        self.world.set_password(to.ACCOUNTS[who], NEW)

    # --- the logon screen -------------------------------------------------------------------------

    def _redeem(self, before: Node) -> None:
        screen = shell.logon_session(before, "A")
        if self.node.logons != before.logons:
            screen = shell.logon_session(before, self.node.logons[-1].who)
        peer = Peer(None, screen, operator=False, system=True)
        permit, _ = self.bench.logon(lm.Peek(), peer)
        if permit.done:
            self.bench.logon(lm.Redeem(permit=permit.permit), peer)

    def _report(self, before: Node, permit: str) -> None:
        refused = next(x.stage for x in before.logons if x.permit == permit) == "refused"
        status = REFUSED if refused else 0
        self.bench.logon(lm.ReportResult(permit=self._real(before, permit), status=status, substatus=0))

    def _appear(self, before: Node, permit: str) -> None:
        self._come(next(x.who for x in before.logons if x.permit == permit))

    def _accept(self, _before: Node, _permit: str) -> None:
        """Windows accepts: nothing that the agent sees."""

    _refuse = _lose_report = _accept

    # --- the PC -----------------------------------------------------------------------------------

    def _kill(self, before: Node) -> None:
        if before.alive:
            self.bench.kill()

    def _start(self, _before: Node) -> None:
        if self.node.damaged:
            with closing(sqlite3.connect(self.bench.journal)) as database, database:
                database.execute("DELETE FROM events WHERE seq = 2")
        if not self._fresh:
            self.bench.start()
        self._fresh = False
        self.bench.wake()

    def _boot(self, before: Node, automatic: str = "") -> None:
        self._kill(before)
        self.world.reboot(f"boot-{self.node.boot}")
        self.world.now += timedelta(seconds=moves.BOOT_TIME)
        if automatic:
            self.world.facts = self.world.facts._replace(auto_logon=True)
            self._come(automatic)

    def _effects(self, _before: Node) -> None:
        self.bench.effects()

    def _effect_then_kill(self, before: Node, index: int) -> None:
        pending = [f for _, f in self.agent.core.journal.pending() if not isinstance(f, fx.SummonCompanion)]
        self.agent.effects._attempt(pending[index])
        self.bench.kill()

    def _see(self, _before: Node) -> None:
        self.agent.sessions_changed()

    def _wait(self, before: Node, passed: int) -> None:
        opened = moves.opening(before) if passed > moves.AT_ONCE else []
        for logon in opened:
            self._come(logon.who)
        if before.alive and passed > moves.AT_ONCE:
            if before.unseen or opened:
                self.agent.sessions_changed()
            self.bench.effects()
        self.world.now += timedelta(seconds=passed)
        self._wake()

    def _clock(self, _before: Node, by: int) -> None:
        self.world.set_clock(self.world.now + timedelta(seconds=by))
        self._wake()

    def _wake(self) -> None:
        if self.node.alive:
            self.bench.wake()

    def _damage(self, _before: Node) -> None:
        with self.agent.core.lock:
            self.agent.core.state = State()
            self.agent.core.journal_life.fail(JournalDamagedError("by the test"))


def _signature(state: State) -> tuple[Any, ...]:
    """Return what must be alike on both sides."""
    return (
        [(s.name, s.state) for s in state.sessions.values()],
        [(r.state, r.entries, r.entries_refused) for r in state.requests.values()],
        [
            (g.state, g.ended, g.left.restarts, g.left.unlocks, g.on_trial, g.is_doubtful)
            for g in state.grants.values()
        ],
        [
            (p.action, p.state, p.why, p.closing, p.owes_lock, p.must_lock, p.foreign, p.relock_at is None)
            for p in state.permits.values()
        ],
        sorted(n.kind for n in state.notices.values()),
        sorted(state.blocked),
        sorted(state.quiet),
        [challenge.used for challenge in state.challenges.values()],
        (state.authorities.epoch, state.authorities.keys),
        [r.signed is None for r in state.requests.values()],
        sorted((key, asking.without_yes) for key, asking in state.asking.items()),
    )


_: Callable[..., object] = PermitState
