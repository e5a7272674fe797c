# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PC and its people perform any act at any time; the invariants are checked after each act.

`acts.ACTS` lists the acts; Hypothesis and `histories` choose from them. The
ledger is kept outside of the agent, so a crash of the agent does not change it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from latchkey_agent.domain import LogonRefusal
from latchkey_agent.domain.evolve import fold
from latchkey_agent.domain.grants import session_grant
from latchkey_agent.domain.model import Account, Grant, Permit, State
from latchkey_agent.domain.transitions import LIVE_GRANTS, OPEN_REQUESTS, GrantState, RequestState
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage.vault import MAGIC
from tests.unit.agent.acts import Act
from tests.unit.agent.bench import Bench, verdict
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
        world.facts = world.facts._replace(restart_sign_on=True)
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
        """Perform an act and check the invariants; a power cut ends in a new start."""
        try:
            getattr(self, act.name)(*act.arguments)
        except PowerCut:
            self._killed()
        self.check()

    def _killed(self) -> None:
        self.bench.kill()
        self.bench.start()

    # --- the operators ------------------------------------------------------------------------

    def start_session(self, operator: int, session: str) -> None:
        """Start a support session of eight hours."""
        ends = (self.world.now + timedelta(hours=8)).isoformat()
        self.ask(operator, rq.SessionStart(session=session, reason="Updates", ends=ends))

    def end_session(self, operator: int, session: str) -> None:
        """End the session."""
        self.ask(operator, rq.SessionEnd(session=session))

    def request(self, operator: int, session: str, who: str, counts: tuple[int, int], whose: str) -> None:
        """Request restarts and unlocks, perhaps also for restarts by others; or restarts with Windows' own sign-in."""
        restarts, unlocks = counts
        by_windows = whose == "windows'"
        wanted = rq.CredentialRequest(
            session=session,
            account=who,
            means="arso" if by_windows else "grant",
            restarts=restarts,
            unlocks=0 if by_windows else unlocks,
            foreign_restarts=whose == "anybody's",
            answer_within=3600.0,
            ask_again=True,
        )
        self.ask(operator, wanted)

    def withdraw(self, operator: int, session: str) -> None:
        """Withdraw an open request."""
        if (request := self._request_in(session, OPEN_REQUESTS)) is not None:
            self.ask(operator, rq.RequestWithdraw(session=session, request=request))

    def revoke_as_operator(self, operator: int, session: str) -> None:
        """Revoke the grant as the operator."""
        self.ask(operator, rq.CredentialRevoke(session=session))

    def erase_all(self, operator: int) -> None:
        """Erase everything."""
        self.ask(operator, rq.EraseAll())

    def apply(self, operator: int, session: str, action: str, step: str | None) -> None:
        """Use the grant; a password that Windows refused is not checked again."""
        grant, before = self._grant_of(session), len(self.world.verdicts)
        try:
            self.ask(operator, rq.CredentialApply(session=session, action=action, step=step))  # type: ignore[arg-type]
        finally:
            asked = self.world.verdicts[before:]
            if grant is not None and asked:
                assert grant.id not in self.ledger.refused
                if asked[-1] is LogonRefusal.WRONG_PASSWORD:
                    self.ledger.refused.add(grant.id)

    def restart_plainly(self, operator: int, session: str, step: str) -> None:
        """Restart without a grant."""
        plain = rq.CredentialApply(session=session, action="restart", means="none", step=step)
        self.ask(operator, plain)

    def use(self, operator: int, session: str, action: str, step: str | None, ending: str) -> None:
        """Use the grant and play the logon that follows."""
        if action == "unlock":
            self.leave()
        self.apply(operator, session, action, step)
        self.go_down()
        self.log_on(ending)

    # --- the customers ------------------------------------------------------------------------

    def answer(self, who: str, how: str) -> None:
        """Answer the request window of one account."""
        request = self._request_to(who)
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
        if not self.bench.state.requests[request].terms.has_secret:
            entry = b""
        self.ledger.entered[request] = digest(entry)
        try:
            allowed = cm.RequestAllow(request=request, entered=f"PC-07\\{who}")
            self.bench.customer(allowed, entry, PEOPLE[who][1])
        finally:
            self.ledger.entries[request] += len(self.world.verdicts) - before

    def revoke(self, who: str) -> None:
        """Revoke everything; a confirmed revocation is final."""
        account, peer = PEOPLE[who]
        lent = [g.id for g in self._live() if g.account == account]
        if self.bench.customer(cm.GrantRevoke(), peer=peer).done:
            self.ledger.over.update(lent)

    def pause(self, who: str, how: str) -> None:
        """Pause or resume the account's first grant."""
        account, peer = PEOPLE[who]
        if lent := [g.id for g in self._live() if g.account == account]:
            self.bench.customer(cm.GrantPause(grant=lent[0], pause=how == "hold"), peer=peer)

    def read(self, who: str) -> None:
        """Read and close all notices."""
        snapshot = self.bench.customer(cm.CustomerWatch(), peer=PEOPLE[who][1]).snapshot
        notices = [notice.notice for notice in snapshot.notices] if snapshot else []
        self.bench.customer(cm.NoticesClosed(notices=notices), peer=PEOPLE[who][1])

    def change_password(self, who: str) -> None:
        """Set a new password."""
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
        """Let the logon screen use a permit if there is one and no desktop is open."""
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
            # Windows accepts the logon and lists the session only later.
            self.bench.report(tile.permit, 0 if accepted else REFUSED)
            self.world.now += timedelta(seconds=20)
        if accepted:
            self.world.sign_in(account)
            self.ledger.by_hand.discard(account)
        # The agent cannot know of a logon that neither the logon screen nor Windows reports.
        is_told = ending != "unreported" or "sessions" in self.world.broken
        if is_told and self.bench.report(tile.permit, 0 if accepted else REFUSED) and not accepted:
            self.ledger.refused.add(self.bench.state.permits[tile.permit].grant)
        self.bench.agent.sessions_changed()

    def redeem_again(self) -> None:
        """Ask again for every password that was handed out."""
        for permit in list(self.ledger.handed):
            assert not self.bench.logon(lm.Redeem(permit=permit))[1]

    def _redeem(self, permit: str) -> bytearray | None:
        """Redeem a permit and check everything that could forbid it."""
        answer, secret = self.bench.logon(lm.Redeem(permit=permit))
        if not answer.done:
            return None
        grant = self.bench.state.grants[self.bench.state.permits[permit].grant]
        self.ledger.handed[permit] += 1
        self.ledger.by_grant[grant.id] += 1
        assert self.ledger.handed[permit] == 1
        assert grant.id not in self.ledger.over | self.ledger.refused
        assert grant.state is GrantState.ACTIVE
        now = self.bench.agent.core.now()
        assert grant.terms.not_before <= now.opens
        assert now.ends < grant.terms.not_after
        assert self.ledger.by_grant[grant.id] <= grant.terms.restarts + grant.terms.unlocks
        assert digest(secret) == self.ledger.entered[grant.request]
        return secret

    # --- the PC -------------------------------------------------------------------------------

    def go_down(self) -> None:
        """Restart the PC if a restart is scheduled; Windows signs in by itself if the restart asks for it."""
        if not self.world.scheduled:
            return
        signs_on = self.world.signs_on and any(s.account == ANNA for s in self.world.signed_in)
        self.bench.reboot()
        if signs_on:
            self.world.sign_in(ANNA, locked=True)
            self.ledger.by_hand.discard(ANNA)
            self.bench.agent.sessions_changed()

    def restart_by_others(self) -> None:
        """Restart the PC without a request of the agent."""
        self.bench.reboot()

    def crash(self) -> None:
        """Kill the agent and start it again."""
        self.bench.crash()

    def power_cut(self) -> None:
        """Cut the power of the PC."""
        self.bench.power_cut()

    def cut_soon(self, touches: int) -> None:
        """Plan a kill of the agent at one of the next touches."""
        self.world.cut_at = self.world.touches + touches

    def die_asking(self, password: str) -> None:
        """Plan a kill right after the next check of a password, perhaps of a changed one."""
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
        self.world.set_clock(self.world.now + timedelta(seconds=seconds))
        self.bench.agent.clock_changed()

    def break_port(self, port: str) -> None:
        """Let a port fail from now on."""
        self.world.broken.add(port)

    def break_disk(self, how: str) -> None:
        """Fill the disk or let it fail."""
        self.world.disk = how  # type: ignore[assignment]

    def repair(self) -> None:
        """Repair all ports and the disk."""
        self.world.broken.clear()
        self.world.disk = "well"
        self.bench.wake()

    def lag(self) -> None:
        """Delay the effects."""
        self.bench.effects_lag = True

    def catch_up(self) -> None:
        """Run the delayed effects."""
        self.bench.effects_lag = False
        self.bench.effects()

    def settle(self) -> None:
        """Repair everything and let the agent finish; check that nothing is half done."""
        self.world.power_on()
        self.bench.effects_lag = False
        self.repair()
        self.bench.agent.sessions_changed()
        # A session that is listed as locked counts as locked two minutes after its logon was noted.
        is_done = False
        for _ in range(2):
            self.world.now += timedelta(minutes=3)
            self.bench.wake()
            is_done = self.bench.effects()
        assert is_done or any(map(self._is_awaited, self.bench.state.permits.values()))
        self.check()
        assert verdict(self.bench.agent.core.journal).problem == ""
        self._all_erased()
        self._all_locked()

    # --- invariants ---------------------------------------------------------------------------

    def check(self) -> None:
        """Check the invariants of every moment."""
        if self.bench.agent.core.problem:
            # The agent refuses everything without a journal; only a fault may cause that.
            assert self.world.broken or self.world.disk != "well", self.bench.agent.core.problem
            return
        state = self.bench.state
        self.ledger.over.update(g.id for g in state.grants.values() if g.ended)
        assert self.bench.sealed() == {g.id for g in self._live() if g.terms.has_secret}
        assert all(count <= 2 for count in self.ledger.entries.values())
        assert not any(g.id in self.ledger.over for g in self._live())
        for grant in state.grants.values():
            assert grant.left.restarts >= 0
            assert grant.left.unlocks >= 0
        self._interval()
        self._disk_says_the_same()

    def _interval(self) -> None:
        """Check that the policy's interval lies between two restarts, unless the clock was set between them."""
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
        """Check that every ended grant is erased and that only live grants have a sealed record."""
        lent = [g for g in self.bench.state.grants.values() if g.terms.has_secret]
        ended, content = [g for g in lent if g.ended], self.bench.content()
        assert {g.state for g in ended} <= {GrantState.ERASED}
        assert not any(bytes.fromhex(g.tag) in content for g in ended)
        assert (MAGIC in content) == any(g.terms.has_secret for g in self._live())

    def _is_awaited(self, permit: Permit) -> bool:
        """Tell whether the desktop of a permit is to be locked and has not appeared, which has no time limit."""
        return permit.owes_lock and all(s.account.sid != permit.account.sid for s in self.world.signed_in)

    def _all_locked(self) -> None:
        """Check that each desktop of a permit is closed, and each unlock in time."""
        unlocked = set()
        for permit in self.bench.state.permits.values():
            if permit.logged_on_at is not None and permit.closing is None and not self._is_awaited(permit):
                assert not permit.must_lock
                assert permit.relock_at is not None
                grant = self.bench.state.grants[permit.grant]
                assert self.bench.agent.core.now().at < permit.relock_at <= grant.terms.not_after
                unlocked.add(permit.account)
        assert {s.account for s in self.world.open_desktops()} <= unlocked | self.ledger.by_hand

    # --- helpers ------------------------------------------------------------------------------

    def _live(self) -> list[Grant]:
        return [g for g in self.bench.state.grants.values() if g.state in LIVE_GRANTS]

    def _grant_of(self, session: str) -> Grant | None:
        state = self.bench.state
        found = [s.id for s in state.sessions.values() if s.name == session]
        return session_grant(state, found[-1]) if found else None

    def _request_in(self, session: str, states: frozenset[RequestState]) -> str | None:
        state = self.bench.state
        names = {s.id for s in state.sessions.values() if s.name == session}
        found = [r.id for r in state.requests.values() if r.session in names and r.state in states]
        return found[0] if found else None

    def _request_to(self, who: str) -> str | None:
        asked = {RequestState.PENDING, RequestState.SHOWN}
        requests = self.bench.state.requests.values()
        found = [r.id for r in requests if r.account == PEOPLE[who][0] and r.state in asked]
        return found[0] if found else None
