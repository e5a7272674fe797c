# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PC and everybody around it, doing anything at any time; what must always hold is checked after each act.

`acts.ACTS` says what can happen; Hypothesis and `histories` choose from it.
The ledger is kept outside of the agent: it remembers what the agent, after a
crash, might not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from latchkey_agent.domain import LogonRefusal
from latchkey_agent.domain.evolve import fold
from latchkey_agent.domain.grants import session_grant
from latchkey_agent.domain.model import Account, Grant, State
from latchkey_agent.domain.transitions import LIVE_GRANTS, OPEN_REQUESTS, GrantState, RequestState
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage.vault import MAGIC
from tests.unit.agent.acts import Act
from tests.unit.agent.bench import Bench
from tests.unit.agent.ledger import Ledger
from tests.unit.agent.repeating import Repeating
from tests.unit.agent.world import ANNA, BEN, CUSTOMER, OTHER, PowerCut, World, digest

INTERVAL = 60.0
POLICY = f"min_restart_interval = {INTERVAL}\nlock_within = 0.05"
PEOPLE: dict[str, tuple[Account, Peer]] = {"anna": (ANNA, CUSTOMER), "ben": (BEN, OTHER)}
REFUSED = 0xC000006D


class Play(Repeating):
    """One history."""

    def __init__(self, folder: Path, random: Callable[[int], bytes]) -> None:
        world = World(random=random, machine_key=random(32))
        self.bench = Bench(folder, world, POLICY)
        self.ledger = Ledger(by_hand={ANNA})
        self.passwords = {"anna": b"a1\x00\x00", "ben": b"b1\x00\x00"}
        for name, (account, _) in PEOPLE.items():
            world.set_password(account, self.passwords[name])
        world.sign_in(ANNA)

    @property
    def world(self) -> World:
        """The PC."""
        return self.bench.world

    def perform(self, act: Act) -> None:
        """Let it happen; a power cut in it ends in a start. Then look whether everything holds."""
        try:
            getattr(self, act.name)(*act.arguments)
        except PowerCut:
            self._killed()
        self.look()

    def _killed(self) -> None:
        self.bench.kill()
        self.bench.start()

    # --- the operators ------------------------------------------------------------------------

    def open(self, operator: int, session: str) -> None:
        """Open a support session of eight hours."""
        ends = (self.world.now + timedelta(hours=8)).isoformat()
        self.ask(operator, rq.SessionStart(session=session, reason="Updates", ends=ends))

    def end(self, operator: int, session: str) -> None:
        """End it."""
        self.ask(operator, rq.SessionEnd(session=session))

    def request(self, operator: int, session: str, who: str, counts: tuple[int, int], whose: str) -> None:
        """Ask for restarts and unlocks; whether restarts of others are covered, too."""
        restarts, unlocks = counts
        wanted = rq.CredentialRequest(
            session=session,
            account=who,
            restarts=restarts,
            unlocks=unlocks,
            foreign_restarts=whose == "anybody's",
            answer_within=3600.0,
        )
        self.ask(operator, wanted)

    def withdraw(self, operator: int, session: str) -> None:
        """Take an open question back."""
        if (request := self._asked(session, OPEN_REQUESTS)) is not None:
            self.ask(operator, rq.RequestWithdraw(session=session, request=request))

    def give_back(self, operator: int, session: str) -> None:
        """Give the grant back."""
        self.ask(operator, rq.CredentialRevoke(session=session))

    def erase_all(self, operator: int) -> None:
        """Erase everything."""
        self.ask(operator, rq.EraseAll())

    def apply(self, operator: int, session: str, action: str, step: str | None) -> None:
        """Use the grant; a password that Windows refused before is not tried again."""
        grant, before = self._grant_of(session), len(self.world.verdicts)
        try:
            self.ask(operator, rq.CredentialApply(session=session, action=action, step=step))  # type: ignore[arg-type]
        finally:
            asked = self.world.verdicts[before:]
            if grant is not None and asked:
                assert grant.id not in self.ledger.refused
                if asked[-1] is LogonRefusal.WRONG_PASSWORD:
                    self.ledger.refused.add(grant.id)

    def use(self, operator: int, session: str, action: str, step: str | None, ending: str) -> None:
        """Use the grant, and let come of it what comes."""
        if action == "unlock":
            self.leave()
        self.apply(operator, session, action, step)
        self.go_down()
        self.log_on(ending)

    # --- the customers ------------------------------------------------------------------------

    def answer(self, who: str, how: str) -> None:
        """Answer the window on one's screen."""
        request = self._asked_of(who)
        if request is None:
            return
        peer = PEOPLE[who][1]
        self.bench.customer(cm.RequestShown(request=request, text_sha256="0" * 64), peer=peer)
        if how in {"allow", "mistype"}:
            self._enter(who, request, self.passwords[who] if how == "allow" else b"no")
        elif how == "guess":
            for _ in range(3):
                self._enter(who, request, b"no")
        elif how == "deny":
            self.bench.customer(cm.RequestDecline(request=request), peer=peer)
        elif how == "later":
            self.bench.customer(cm.RequestLater(request=request, seconds=600.0), peer=peer)

    def _enter(self, who: str, request: str, entry: bytes) -> None:
        before = len(self.world.verdicts)
        self.ledger.entered[request] = digest(entry)
        try:
            allowed = cm.RequestAllow(request=request, entered=f"PC-07\\{who}")
            self.bench.customer(allowed, entry, PEOPLE[who][1])
        finally:
            self.ledger.entries[request] += len(self.world.verdicts) - before

    def revoke(self, who: str) -> None:
        """Click on it; what is answered with done is over for good."""
        account, peer = PEOPLE[who]
        lent = [g.id for g in self._live() if g.account == account]
        if self.bench.customer(cm.GrantRevoke(), peer=peer).done:
            self.ledger.over.update(lent)

    def pause(self, who: str, how: str) -> None:
        """Hold the first grant back, or let it go on."""
        account, peer = PEOPLE[who]
        if lent := [g.id for g in self._live() if g.account == account]:
            self.bench.customer(cm.GrantPause(grant=lent[0], pause=how == "hold"), peer=peer)

    def read(self, who: str) -> None:
        """Read and close all notices."""
        snapshot = self.bench.customer(cm.CustomerWatch(), peer=PEOPLE[who][1]).snapshot
        told = [notice.notice for notice in snapshot.notices] if snapshot else []
        self.bench.customer(cm.NoticesClosed(notices=told), peer=PEOPLE[who][1])

    def change_password(self, who: str) -> None:
        """Take a new password."""
        self.passwords[who] = self.passwords[who][:-2] + bytes((self.passwords[who][-2] + 1, 0))
        self.world.set_password(PEOPLE[who][0], self.passwords[who])

    def come(self, who: str) -> None:
        """Sign in by hand, or unlock."""
        self.world.sign_in(PEOPLE[who][0])
        self.ledger.by_hand.add(PEOPLE[who][0])
        self.bench.agent.sessions_changed()

    def leave(self) -> None:
        """Lock the screen."""
        self.world.signed_in = [s._replace(locked=True) for s in self.world.signed_in]
        self.ledger.by_hand.clear()
        self.bench.agent.sessions_changed()

    # --- the logon screen ---------------------------------------------------------------------

    def log_on(self, ending: str) -> None:
        """Let the logon screen use a permit, if there is one and nobody sits there."""
        if self.world.open_desktops():
            return
        tile, _ = self.bench.logon(lm.Peek())
        if not tile.done:
            return
        secret = self._redeem(tile.permit)
        if secret is None or ending == "dies":
            return
        account = PEOPLE[tile.user][0]
        accepted = digest(secret) == self.world.passwords[account.sid]
        if ending == "late":
            self.world.now += timedelta(minutes=20)
            self.bench.wake()
        if ending == "slow":
            # Windows accepts the logon, and lists the session a while later.
            self.bench.report(tile.permit, 0 if accepted else REFUSED)
            self.world.now += timedelta(seconds=20)
        if accepted:
            self.world.sign_in(account)
            self.ledger.by_hand.discard(account)
        # Where neither the logon screen nor Windows tells of the logon, nobody can know of it.
        is_told = ending != "unreported" or "sessions" in self.world.broken
        if is_told and self.bench.report(tile.permit, 0 if accepted else REFUSED) and not accepted:
            self.ledger.refused.add(self.bench.state.permits[tile.permit].grant)
        self.bench.agent.sessions_changed()

    def redeem_again(self) -> None:
        """Let somebody ask for a password that is out already."""
        for permit in list(self.ledger.handed):
            assert not self.bench.logon(lm.Redeem(permit=permit))[1]

    def _redeem(self, permit: str) -> bytearray | None:
        """Redeem; what comes out is held against everything that forbids it."""
        answer, secret = self.bench.logon(lm.Redeem(permit=permit))
        if not answer.done:
            return None
        grant = self.bench.state.grants[self.bench.state.permits[permit].grant]
        self.ledger.handed[permit] += 1
        self.ledger.by_grant[grant.id] += 1
        assert self.ledger.handed[permit] == 1
        assert grant.id not in self.ledger.over | self.ledger.refused
        assert grant.state is GrantState.ACTIVE
        assert grant.terms.not_before <= self.world.now < grant.terms.not_after
        assert self.ledger.by_grant[grant.id] <= grant.terms.restarts + grant.terms.unlocks
        assert digest(secret) == self.ledger.entered[grant.request]
        return secret

    # --- the PC -------------------------------------------------------------------------------

    def go_down(self) -> None:
        """Restart, if somebody asked for it."""
        if self.world.scheduled:
            self.bench.reboot()

    def restart_by_others(self) -> None:
        """Restart, although nobody of ours asked."""
        self.bench.reboot()

    def crash(self) -> None:
        """Kill the agent."""
        self.bench.crash()

    def power_cut(self) -> None:
        """Cut the power."""
        self.bench.power_cut()

    def cut_soon(self, touches: int) -> None:
        """Cut the agent's life at one of the next touches."""
        self.world.cut_at = self.world.touches + touches

    def die_asking(self, password: str) -> None:
        """Cut the agent's life when Windows has next judged a password; perhaps one that is not Anna's any more."""
        if password == "changed":
            self.change_password("anna")
        self.world.dies_after = "accounts"

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.world.now += timedelta(seconds=seconds)
        self.bench.wake()

    def set_clock(self, seconds: float) -> None:
        """Set the clock forward or back."""
        self.ledger.jumped = True
        self.world.now += timedelta(seconds=seconds)
        self.bench.agent.clock_changed()

    def break_port(self, port: str) -> None:
        """Let a port fail from now on."""
        self.world.broken.add(port)

    def break_disk(self, how: str) -> None:
        """Let the disk be full, or dead."""
        self.world.disk = how  # type: ignore[assignment]

    def mend(self) -> None:
        """Mend everything."""
        self.world.broken.clear()
        self.world.disk = "well"
        self.bench.wake()

    def lag(self) -> None:
        """Let effects wait."""
        self.bench.effects_lag = True

    def catch_up(self) -> None:
        """Let effects catch up."""
        self.bench.effects_lag = False
        self.bench.effects()

    def settle(self) -> None:
        """Mend everything, let it come to rest: then nothing is half done any more."""
        self.world.power_on()
        self.bench.effects_lag = False
        self.mend()
        self.bench.agent.sessions_changed()
        self.world.now += timedelta(minutes=3)
        self.bench.wake()
        assert self.bench.effects()
        self.look()
        assert self.bench.agent.core.journal.verify().problem == ""
        self._all_erased()
        self._all_locked()

    # --- what must hold -----------------------------------------------------------------------

    def look(self) -> None:
        """Check what holds at every moment."""
        if self.bench.agent.core.problem:
            # Without a journal nothing is done; whether it was to be, `start` has decided.
            assert self.world.broken or self.world.disk != "well", self.bench.agent.core.problem
            return
        state = self.bench.state
        self.ledger.over.update(g.id for g in state.grants.values() if g.ended)
        assert self.bench.sealed() == {g.id for g in self._live()}
        assert all(count <= 2 for count in self.ledger.entries.values())
        assert not any(g.id in self.ledger.over for g in self._live())
        for grant in state.grants.values():
            assert grant.left.restarts >= 0
            assert grant.left.unlocks >= 0
        self._interval()
        self._disk_says_the_same()

    def _interval(self) -> None:
        """Between two restarts of ours lies the policy's interval, unless somebody set the clock between them."""
        moments, seen = self.world.restarted_at, self.ledger.restarts
        if len(moments) > seen:
            if seen and not self.ledger.jumped:
                assert (moments[-1] - moments[-2]).total_seconds() >= INTERVAL
            self.ledger.restarts, self.ledger.jumped = len(moments), False

    def _disk_says_the_same(self) -> None:
        journal = self.bench.agent.core.journal
        events = (journal._decode(head, body) for head, body in journal._chain())
        assert fold(State(), events) == self.bench.state

    def _all_erased(self) -> None:
        """What has ended is erased, and confirmed; what is lent is all that is sealed in any file."""
        ended, content = [g for g in self.bench.state.grants.values() if g.ended], self.bench.content()
        assert {g.state for g in ended} <= {GrantState.ERASED}
        assert not any(bytes.fromhex(g.tag) in content for g in ended)
        assert (MAGIC in content) == bool(self._live())

    def _all_locked(self) -> None:
        """Each logon with a permit has been closed; an unlock at the latest when its time was over."""
        unlocked = set()
        for permit in self.bench.state.permits.values():
            if permit.logged_on_at is not None and permit.closing is None:
                assert not permit.must_lock
                assert permit.relock_at is not None
                grant = self.bench.state.grants[permit.grant]
                assert self.world.now < permit.relock_at <= grant.terms.not_after
                unlocked.add(permit.account)
        assert {s.account for s in self.world.open_desktops()} <= unlocked | self.ledger.by_hand

    # --- help ---------------------------------------------------------------------------------

    def _live(self) -> list[Grant]:
        return [g for g in self.bench.state.grants.values() if g.state in LIVE_GRANTS]

    def _grant_of(self, session: str) -> Grant | None:
        state = self.bench.state
        found = [s.id for s in state.sessions.values() if s.name == session]
        return session_grant(state, found[-1]) if found else None

    def _asked(self, session: str, states: frozenset[RequestState]) -> str | None:
        state = self.bench.state
        names = {s.id for s in state.sessions.values() if s.name == session}
        found = [r.id for r in state.requests.values() if r.session in names and r.state in states]
        return found[0] if found else None

    def _asked_of(self, who: str) -> str | None:
        asked = {RequestState.PENDING, RequestState.SHOWN}
        requests = self.bench.state.requests.values()
        found = [r.id for r in requests if r.account == PEOPLE[who][0] and r.state in asked]
        return found[0] if found else None
