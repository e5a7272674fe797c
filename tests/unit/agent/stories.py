# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stories that transcripts are written of: each command, event, effect, answer and refusal is in one of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from lab.simulated.windows_model import READY
from latchkey_agent.domain import LogonRefusal
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.ports import SignIn
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import fields
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import NO_INTERVAL
from tests.unit.agent.transcript import Transcript
from tests.unit.agent.world import ANNA, BEN, LOGON, OPERATOR, OTHER, SECOND_OPERATOR, START, member

Secret = bytes | bytearray
WRONG_PASSWORD = (0xC000006D, 0xC000006A)
NO_LOGON_SERVER = (0xC000005E, 0)
MINUTE = timedelta(minutes=1)
NOT_OPERATOR = Peer(BEN, 2, operator=False, system=False)


class Story(NamedTuple):
    """A story, and the policy of its PC."""

    play: Callable[[Transcript, Secret], None]
    policy: str = NO_INTERVAL


STORIES: dict[str, Story] = {}


def story(policy: str = NO_INTERVAL) -> Callable[[Callable[[Transcript, Secret], None]], Any]:
    """Register a story under its function's name."""

    def register(play: Callable[[Transcript, Secret], None]) -> Callable[[Transcript, Secret], None]:
        STORIES[play.__name__] = Story(play, policy)
        return play

    return register


SETTINGS = """min_restart_interval = 0.0
lock_within = 0.05
[organization]
name = "Contoso"
phone = "+49 30 1234"
"""


def _begin(pc: Transcript, password: Secret, **terms: Any) -> str:
    """Start a session, ask and show the request, as `whole_night` tells; return it."""
    with pc.untold():
        pc.world.set_password(ANNA, password)
        pc.start_session()
        request = pc.request(**terms)
        pc.show(request)
        pc.everything()
    return request


def _lend(pc: Transcript, password: Secret, **terms: Any) -> str:
    """Let anna lend her sign-in, as `whole_night` tells; return the grant."""
    with pc.untold():
        pc.allow(_begin(pc, password, **terms), password)
        pc.everything()
    return next(reversed(pc.state.grants))


def _log_on(pc: Transcript, *, locked: bool = False) -> None:
    """Redeem a permit, let Windows sign anna in, and report it."""
    permit, _ = pc.redeem()
    pc.world.sign_in(ANNA, locked=locked)
    pc.report(permit)
    pc.see_sessions()


def _pass(pc: Transcript, time: timedelta) -> None:
    pc.world.now += time
    pc.wake()
    pc.effects()


def _apply(pc: Transcript, action: Any = "restart", peer: Peer = OPERATOR, **options: Any) -> None:
    pc.ask(rq.CredentialApply(session="CHG-1", action=action, **options), peer)


def _wait(pc: Transcript) -> None:
    """Ask for the state of the newest use."""
    pc.ask(rq.ApplyWait(session="CHG-1", permit=next(reversed(pc.state.permits))))


def _lock(pc: Transcript) -> None:
    pc.world.signed_in = [s._replace(locked=True) for s in pc.world.signed_in]
    pc.see_sessions()


# --- the whole night ----------------------------------------------------------------------------


@story(SETTINGS)
def whole_night(pc: Transcript, password: Secret) -> None:  # noqa: PLR0915 - one story, step by step
    """A session with two restarts and an unlock, from its start to its end."""
    pc.world.set_password(ANNA, password)
    pc.world.sign_in(ANNA)
    asked = fields.Requester(name="Olga", organization="Contoso", role="Desktop support")
    start = rq.SessionStart(
        session="CHG-1", reason="Monthly updates", ticket="CHG-1", requester=asked, ends="23:00"
    )
    pc.ask(rq.SessionStart(session="CHG-1"))
    pc.ask(rq.SessionStart(session="CHG-1", reason="x", check=True, operators=("ben",)))
    pc.ask(start)
    pc.ask(start)
    terms = {
        "restarts": 2,
        "unlocks": 1,
        "foreign_restarts": True,
        "not_after": "22:30",
        "relock_after": 300.0,
    }
    ask = rq.CredentialRequest(session="CHG-1", answer_within=1800.0, grace=20.0, **terms)  # type: ignore[arg-type]
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=1, check=True))
    request = pc.result(ask)["request"]["id"]
    pc.ask(ask)
    pc.customer(cm.CustomerWatch())
    pc.customer(cm.RequestBlocked(request=request, reason="locked"))
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    pc.show(request)
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    pc.allow(request, b"not it")
    pc.customer(cm.CustomerWatch())
    pc.world.now += MINUTE
    pc.allow(request, password)
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    pc.ask(ask)
    pc.everything()
    pc.ask(rq.Checkpoint(session="CHG-1", step="one"))
    pc.ask(rq.Checkpoint(session="CHG-1", step="one", state="started", check=True))
    pc.ask(rq.Checkpoint(session="CHG-1", step="one", state="started"))
    _apply(pc, step="one", check=True)
    pc.world.now += MINUTE
    _apply(pc, step="one", message="Updates", within=600.0)
    _apply(pc, step="one")
    _wait(pc)
    pc.everything()
    pc.world.now += MINUTE
    pc.reboot()
    _wait(pc)
    pc.logon(lm.Peek())
    permit, _ = pc.redeem()
    _wait(pc)
    pc.everything()
    pc.world.now += timedelta(seconds=10)
    pc.report(permit)
    _wait(pc)
    pc.everything()
    pc.world.sign_in(ANNA)
    pc.see_sessions()
    _wait(pc)
    pc.everything()
    pc.ask(rq.Checkpoint(session="CHG-1", step="one", state="done"))
    _apply(pc, step="one")
    pc.world.now += MINUTE
    _apply(pc, "unlock", step="look")
    _wait(pc)
    permit, _ = pc.redeem()
    _wait(pc)
    pc.report(permit)
    pc.world.sign_in(ANNA)
    pc.see_sessions()
    _wait(pc)
    pc.everything()
    _apply(pc, "unlock", step="look")
    _pass(pc, timedelta(seconds=300))
    _wait(pc)
    pc.everything()
    notices = [notice.notice for notice in pc.customer(cm.CustomerWatch()).snapshot.notices]  # type: ignore[union-attr]
    pc.customer(cm.NoticesClosed(notices=notices[:2]))
    _apply(pc, step="two")
    pc.reboot()
    _log_on(pc)
    pc.everything()
    pc.ask(rq.Checkpoint(session="CHG-1", step="one", state="absent"))
    pc.ask(rq.SessionEnd(session="CHG-1", check=True))
    pc.ask(rq.SessionEnd(session="CHG-1"))
    pc.ask(rq.SessionEnd(session="CHG-1"))
    pc.ask(rq.Receipt(request=request))
    pc.ask(rq.Info(receipts=True, session="CHG-1"))
    pc.ask(rq.ReceiptList())
    pc.ask(rq.JournalVerify())
    pc.everything()


@story(SETTINGS)
def two_operators(pc: Transcript, password: Secret) -> None:
    """A person asks in the afternoon, and a second account works at night; a third one may not."""
    pc.world.set_password(ANNA, password)
    pc.world.sign_in(ANNA)
    opened = rq.SessionStart(session="CHG-1", reason="Updates", operators=("ben",))
    pc.ask(opened)
    pc.ask(opened, SECOND_OPERATOR)
    by_ben = Peer(BEN, 0, operator=True, system=False)
    pc.ask(rq.SessionStart(session="CHG-1"), by_ben)
    pc.ask(rq.SessionStart(session="CHG-1", reason="Another"), by_ben)
    pc.ask(rq.SessionStart(session="CHG-1", ticket="T-1"), by_ben)
    pc.ask(rq.SessionStart(session="CHG-1", operators=("anna",)), by_ben)
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=1), SECOND_OPERATOR)
    request = pc.request(restarts=1, unlocks=1)
    pc.customer(cm.CustomerWatch())
    pc.show(request)
    pc.allow(request, password)
    _apply(pc, peer=SECOND_OPERATOR)
    pc.ask(rq.Checkpoint(session="CHG-1", step="one", state="started"), SECOND_OPERATOR)
    _apply(pc, peer=by_ben)
    pc.reboot()
    _log_on(pc)
    pc.ask(rq.CredentialRevoke(session="CHG-1", check=True), SECOND_OPERATOR)
    pc.ask(rq.CredentialRevoke(session="CHG-1"), SECOND_OPERATOR)
    pc.ask(rq.CredentialRevoke(session="CHG-1"), SECOND_OPERATOR)
    _apply(pc, peer=by_ben)
    pc.everything()
    pc.ask(rq.SessionEnd(session="CHG-1"), SECOND_OPERATOR)
    pc.everything()


# --- the customer's answers ---------------------------------------------------------------------


@story()
def declined(pc: Transcript, password: Secret) -> None:
    """The customer says no, reports the next request, and does not want to be asked today."""
    request = _begin(pc, password)
    pc.customer(cm.RequestDecline(request=request, why="Not now, please"))
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    pc.everything()
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=2))
    _pass(pc, timedelta(minutes=30))
    request = pc.request()
    pc.show(request)
    pc.ask(rq.CredentialRequest(session="CHG-1", account="ben", restarts=1))
    pc.customer(cm.RequestDecline(request=request, report=True))
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=2))
    pc.ask(rq.AskerUnblock(account="PC-07\\admin"), SECOND_OPERATOR)
    pc.ask(rq.AskerUnblock(account="PC-07\\ADMIN"))
    pc.ask(rq.AskerUnblock(account="PC-07\\nobody"))
    _pass(pc, timedelta(hours=1))
    request = pc.request()
    pc.show(request)
    pc.customer(cm.RequestDecline(request=request, not_today=True))
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=2))
    pc.everything()


@story()
def later(pc: Transcript, password: Secret) -> None:
    """The customer answers later, is asked again, and does not answer in time."""
    request = _begin(pc, password, answer_within=3600.0)
    pc.customer(cm.RequestLater(request=request, seconds=600.0))
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=3))
    pc.everything()
    _pass(pc, timedelta(minutes=10))
    pc.everything()
    pc.show(request)
    _pass(pc, timedelta(minutes=50))
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    pc.everything()


@story()
def reminded_and_away(pc: Transcript, password: Secret) -> None:
    """The customer does not answer, is reminded, and then names the day of their return; they are back earlier."""
    request = _begin(pc, password, answer_within=7200.0)
    _pass(pc, timedelta(minutes=90))
    pc.everything()
    pc.customer(cm.RequestDecline(request=request, days_away=32))
    pc.customer(cm.RequestDecline(request=request, why="Not before Monday, 30 November", days_away=7))
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=2, ask_again=True))
    pc.ask(rq.Receipt(request=request))
    pc.ask(rq.AskerUnblock(account="PC-07\\anna"))
    _pass(pc, timedelta(minutes=2))
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=2, ask_again=True))
    pc.everything()


@story()
def withdrawn(pc: Transcript, password: Secret) -> None:
    """Requests are withdrawn, replaced by a wider one, and ended with their session."""
    request = _begin(pc, password)
    pc.ask(rq.RequestWithdraw(session="CHG-1", request=request, check=True))
    pc.ask(rq.RequestWithdraw(session="CHG-1", request=request))
    pc.ask(rq.RequestWithdraw(session="CHG-1", request=request))
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    _pass(pc, timedelta(hours=1))
    pc.request()
    request = pc.request(restarts=3)
    pc.show(request)
    pc.everything()
    pc.ask(rq.SessionEnd(session="CHG-1"))
    pc.everything()


@story()
def entries(pc: Transcript, password: Secret) -> None:
    """Entries that Windows refuses, for another account, blank, and after Windows failed."""
    request = _begin(pc, password)
    pc.customer(cm.RequestAllow(request=request, entered="PC-07\\ben"), password)
    pc.allow(request, b"")
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    _pass(pc, timedelta(hours=1))
    request = pc.request()
    pc.show(request)
    pc.world.broken.add("accounts")
    pc.allow(request, password)
    pc.world.broken.clear()
    pc.customer(cm.CustomerWatch())
    pc.world.answers.append(LogonRefusal.NO_LOGON_SERVERS)
    pc.allow(request, password)
    pc.everything()
    _pass(pc, timedelta(hours=2))
    request = pc.request()
    pc.show(request)
    pc.world.answers.append(LogonRefusal.LOCKED_OUT)
    pc.allow(request, password)
    pc.ask(rq.RequestWait(session="CHG-1", request=request))
    pc.customer(cm.RequestShown(request=request, text_sha256="1" * 64))
    pc.customer(cm.RequestDecline(request=request), peer=OTHER)
    pc.customer(cm.GrantRevoke(grant="nothing"))
    pc.everything()


@story()
def crash_in_an_entry(pc: Transcript, password: Secret) -> None:
    """The agent dies while Windows checks an entry; the entry counts, and the next one is the last."""
    request = _begin(pc, password)
    pc.world.dies_after = "accounts"
    try:
        pc.allow(request, b"not it")
    except BaseException:  # noqa: BLE001 - the power cut
        pc.tell("the power is cut")
    pc.crash()
    pc.everything()
    pc.allow(request, b"not it")
    pc.everything()


@story()
def paused(pc: Transcript, password: Secret) -> None:
    """The customer pauses a grant during a restart's warning, resumes it, and revokes it at last."""
    grant = _lend(pc, password, restarts=3, unlocks=1)
    _apply(pc)
    pc.customer(cm.GrantPause(grant=grant))
    pc.customer(cm.GrantPause(grant=grant))
    pc.everything()
    _wait(pc)
    _apply(pc)
    pc.world.scheduled = False
    pc.customer(cm.GrantPause(grant=grant, pause=False))
    _apply(pc, step="one")
    pc.reboot()
    permit, _ = pc.redeem()
    pc.revoke()
    pc.world.sign_in(ANNA)
    pc.report(permit)
    pc.see_sessions()
    _wait(pc)
    _apply(pc)
    pc.everything()
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=1))


@story()
def replaced(pc: Transcript, password: Secret) -> None:
    """A wider grant replaces the one before it."""
    _lend(pc, password, restarts=1)
    _pass(pc, MINUTE)
    request = pc.request(restarts=4, unlocks=2)
    pc.show(request)
    pc.allow(request, password)
    pc.everything()


# --- uses ---------------------------------------------------------------------------------------


@story()
def revoked_desktop(pc: Transcript, password: Secret) -> None:
    """A desktop that an unlock holds open is closed when the customer revokes."""
    _lend(pc, password, restarts=0, unlocks=2)
    _lock(pc)
    _apply(pc, "unlock", step="one", within=60.0)
    _log_on(pc)
    pc.everything()
    pc.world.lock_works = False
    pc.revoke()
    _wait(pc)
    pc.everything()


@story()
def unlock_bounds(pc: Transcript, password: Secret) -> None:  # noqa: PLR0915 - as above
    """Unlocks: already open, given up, opened by hand, with the account signed out, all used."""
    _lend(pc, password, restarts=0, unlocks=2)
    _apply(pc, "restart")
    _apply(pc, "unlock")
    _lock(pc)
    _apply(pc, "unlock", within=60.0)
    pc.world.sign_in(ANNA)
    pc.see_sessions()
    _wait(pc)
    _lock(pc)
    _apply(pc, "unlock")
    pc.reboot()
    _wait(pc)
    with pc.untold():
        pc.world.sign_in(ANNA)
        _pass(pc, timedelta(hours=1))
        request = pc.request(restarts=0, unlocks=3)
        pc.show(request)
        pc.allow(request, password)
    _lock(pc)
    _apply(pc, "unlock", within=60.0)
    _pass(pc, timedelta(seconds=61))
    _wait(pc)
    pc.world.signed_in = []
    pc.see_sessions()
    _apply(pc, "unlock")
    pc.world.sign_in(ANNA, locked=True)
    _apply(pc, "unlock")
    pc.world.signed_in = []
    pc.see_sessions()
    _wait(pc)
    pc.world.sign_in(ANNA, locked=True)
    _apply(pc, "unlock")
    pc.crash()
    _wait(pc)
    _apply(pc, "unlock")
    _log_on(pc)
    _wait(pc)
    _apply(pc, "unlock")
    pc.everything()


@story()
def others_signed_in(pc: Transcript, password: Secret) -> None:
    """A restart is refused while others are signed in."""
    _lend(pc, password)
    pc.world.sign_in(BEN, session_id=2, locked=True)
    _apply(pc)
    pc.ask(rq.Info(forecast=True))
    pc.world.signed_in = [SignIn(3, ANNA, console=False, active=True, locked=False)]
    pc.ask(rq.Info(forecast=True, account="anna"))


@story("min_restart_interval = 60.0\nlock_within = 0.05\nmax_restarts = 3\nmax_unlocks = 2")
def restart_bounds(pc: Transcript, password: Secret) -> None:
    """Restarts: refused by Windows, too soon, one under way, lapsed, used up; and terms outside of the policy."""
    pc.world.set_password(ANNA, password)
    pc.start_session()
    for terms in ({}, {"restarts": 4}, {"unlocks": 3}, {"restarts": 1, "relock_after": 3601.0}):
        pc.ask(rq.CredentialRequest(session="CHG-1", **terms))
    request = pc.request(restarts=2)
    pc.show(request)
    pc.allow(request, password)
    pc.world.refuses_restart = "Windows is installing updates"
    _apply(pc, step="one")
    _wait(pc)
    pc.world.refuses_restart = ""
    _apply(pc, step="one", within=120.0)
    _apply(pc, step="two")
    _wait(pc)
    _pass(pc, timedelta(seconds=121))
    _wait(pc)
    pc.world.scheduled = False
    _pass(pc, timedelta(seconds=60))
    _apply(pc, step="one", within=600.0)
    pc.reboot()
    pc.world.now += timedelta(seconds=30)
    _log_on(pc)
    _apply(pc, step="two")
    pc.everything()


@story()
def logon_refused(pc: Transcript, password: Secret) -> None:
    """The logon screen reports a refusal that passes, and one that is final."""
    _lend(pc, password, restarts=3)
    _apply(pc, step="one")
    pc.reboot()
    permit, _ = pc.redeem()
    pc.report(permit, *NO_LOGON_SERVER)
    _wait(pc)
    pc.everything()
    _apply(pc, step="one")
    pc.reboot()
    permit, _ = pc.redeem()
    pc.logon(lm.Redeem(permit=permit))
    pc.report(permit, *WRONG_PASSWORD)
    _wait(pc)
    _apply(pc)
    pc.everything()


@story()
def password_changed(pc: Transcript, password: Secret) -> None:
    """Before a use Windows is asked: no server, a locked account, then a changed password."""
    _lend(pc, password)
    for answer in (LogonRefusal.NO_LOGON_SERVERS, LogonRefusal.LOCKED_OUT):
        pc.world.answers.append(answer)
        _apply(pc)
        pc.everything()
    _pass(pc, timedelta(hours=1))
    request = pc.request(restarts=3)
    pc.show(request)
    pc.allow(request, password)
    pc.world.set_password(ANNA, b"x\x00")
    _apply(pc)
    _apply(pc)
    pc.everything()


@story()
def crash_in_a_trial(pc: Transcript, password: Secret) -> None:
    """The agent dies while Windows checks a sealed password: the grant ends."""
    _lend(pc, password)
    pc.world.dies_after = "accounts"
    try:
        _apply(pc)
    except BaseException:  # noqa: BLE001 - the power cut
        pc.tell("the power is cut")
    pc.crash()
    _apply(pc)
    pc.everything()


@story()
def interrupted(pc: Transcript, password: Secret) -> None:
    """The power goes between redeeming and report, twice: one further try, then the grant ends."""
    _lend(pc, password, restarts=3)
    for step in ("one", "two"):
        _apply(pc, step=step)
        pc.reboot()
        pc.redeem()
        pc.power_cut()
        _wait(pc)
        pc.everything()
    _apply(pc)


@story()
def unreported(pc: Transcript, password: Secret) -> None:
    """A logon without a report: Windows lists the desktop; a late one is closed at once, too."""
    _lend(pc, password, restarts=3)
    _apply(pc, step="one")
    pc.reboot()
    pc.redeem()
    pc.world.sign_in(ANNA)
    pc.see_sessions()
    _wait(pc)
    _apply(pc, step="two", within=60.0)
    pc.reboot()
    permit, _ = pc.redeem()
    _pass(pc, timedelta(minutes=20))
    _wait(pc)
    pc.world.sign_in(ANNA)
    pc.see_sessions()
    pc.report(permit)
    _wait(pc)
    pc.everything()


@story()
def signed_in_by_hand(pc: Transcript, password: Secret) -> None:
    """The customer signs in after a restart; Windows does so by itself after the next, and after a void one."""
    _lend(pc, password, restarts=3)
    _apply(pc, step="one")
    pc.reboot()
    pc.world.sign_in(ANNA)
    pc.see_sessions()
    _wait(pc)
    pc.see_sessions()
    pc.world.facts = READY._replace(auto_logon=True)
    _apply(pc, step="two")
    pc.reboot()
    pc.world.sign_in(ANNA)
    pc.see_sessions()
    _wait(pc)
    _apply(pc, step="three", within=60.0)
    _pass(pc, timedelta(minutes=2))
    pc.reboot()
    _wait(pc)
    pc.world.sign_in(ANNA)
    pc.see_sessions()
    pc.everything()


@story()
def last_use(pc: Transcript, password: Secret) -> None:
    """The last use ends the grant: signed in by hand, lapsed, paused, refused for now, interrupted."""
    for number in range(5):
        with pc.untold():
            pc.world.now += timedelta(hours=1)
            pc.wake()
            pc.lend(password, session=f"S-{number}", restarts=1)
        pc.ask(rq.CredentialApply(session=f"S-{number}", action="restart", within=120.0))
        if number == 2:
            pc.customer(cm.GrantPause(grant=next(reversed(pc.state.grants))))
        pc.reboot()
        if number == 0:
            pc.world.sign_in(ANNA)
            pc.see_sessions()
        elif number == 1:
            _pass(pc, timedelta(minutes=3))
        elif number == 3:
            permit, _ = pc.redeem()
            pc.report(permit, *NO_LOGON_SERVER)
            pc.report(permit)
        elif number == 4:
            pc.redeem()
            pc.power_cut()
        pc.ask(rq.CredentialApply(session=f"S-{number}", action="restart"))
    pc.everything()


# --- restarts by others -------------------------------------------------------------------------


@story()
def restart_by_others(pc: Transcript, password: Secret) -> None:
    """Restarts by others: covered, declined for each reason, signed in by hand, lapsed, used up."""
    grant = _lend(pc, password, restarts=2, foreign_restarts=True)
    pc.reboot()
    pc.everything()
    _log_on(pc)
    pc.everything()
    pc.reboot()
    pc.world.sign_in(ANNA)
    pc.see_sessions()
    pc.customer(cm.GrantPause(grant=grant))
    pc.reboot()
    pc.customer(cm.GrantPause(grant=grant, pause=False))
    pc.reboot()
    _pass(pc, timedelta(minutes=16))
    pc.everything()
    pc.reboot()
    pc.everything()


@story()
def restart_by_others_left_out(pc: Transcript, password: Secret) -> None:
    """Nobody is signed in after a restart by others that is not agreed, too early, or by a wrong clock."""
    _lend(pc, password, restarts=1)
    pc.reboot()
    pc.world.sign_in(ANNA)
    pc.ask(rq.SessionStart(session="CHG-2", reason="More"), SECOND_OPERATOR)
    asked = rq.CredentialRequest(
        session="CHG-2", account="anna", restarts=1, foreign_restarts=True, not_before="21:00"
    )
    request = pc.ask(asked, SECOND_OPERATOR).result["request"]["id"]  # type: ignore[index]
    pc.show(request)
    pc.allow(request, password)
    pc.reboot()
    pc.everything()
    pc.world.set_clock(pc.world.now - timedelta(hours=1))
    pc.power_cut()
    pc.everything()
    _apply(pc)
    pc.world.set_clock(START + timedelta(hours=4))
    pc.power_cut()
    pc.everything()


@story()
def two_customers(pc: Transcript, password: Secret) -> None:
    """Two people lend their sign-ins; after a restart by others one of them is signed in."""
    _lend(pc, password, restarts=1, foreign_restarts=True)
    pc.world.set_password(BEN, password)
    asked = rq.CredentialRequest(session="CHG-1", account="ben", restarts=1, foreign_restarts=True)
    request = pc.result(asked)["request"]["id"]
    pc.customer(cm.RequestShown(request=request, text_sha256="0" * 64), peer=OTHER)
    pc.customer(cm.RequestAllow(request=request, entered="ben"), password, OTHER)
    pc.reboot()
    pc.everything()
    pc.customer(cm.CustomerWatch(), peer=OTHER)
    pc.customer(cm.GrantRevoke(), peer=OTHER)
    pc.everything()


# --- time ---------------------------------------------------------------------------------------


@story()
def window_of_time(pc: Transcript, password: Secret) -> None:
    """A grant is used too early, in its time, and after its end; the session ends by its time."""
    _lend(pc, password, restarts=3, not_before="20:00", not_after="21:00")
    _apply(pc)
    _pass(pc, timedelta(hours=2))
    _apply(pc, step="one", within=3600.0)
    pc.everything()
    pc.reboot()
    _pass(pc, timedelta(hours=1))
    _wait(pc)
    _apply(pc)
    pc.everything()
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=1, not_after="20:00"))
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=1, answer_by="20:00"))
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=1, not_before="nonsense"))
    _pass(pc, timedelta(hours=24))
    _apply(pc)
    pc.everything()


@story()
def clock_is_set(pc: Transcript, password: Secret) -> None:
    """The PC's clock is set back and forward while a grant lives."""
    _lend(pc, password, restarts=2, not_before="20:00")
    pc.world.set_clock(pc.world.now + timedelta(hours=3))
    pc.agent.clock_changed()
    pc.effects()
    _apply(pc)
    pc.world.set_clock(pc.world.now - timedelta(hours=4))
    pc.agent.clock_changed()
    pc.effects()
    _apply(pc)
    pc.everything()
    pc.ask(rq.SessionStart(session="CHG-2", reason="More", ends="19:00"))


# --- faults -------------------------------------------------------------------------------------


@story()
def record_is_gone(pc: Transcript, password: Secret) -> None:
    """A sealed record that is lost, and one whose key is lost, end their grants."""
    _lend(pc, password, restarts=2)
    pc.database.execute("DELETE FROM sealed")
    pc.crash()
    pc.everything()
    _pass(pc, timedelta(hours=1))
    request = pc.request(restarts=2)
    pc.show(request)
    pc.allow(request, password)
    pc.world.machine_key = bytes(32)
    _apply(pc)
    pc.everything()


@story()
def key_is_gone(pc: Transcript, password: Secret) -> None:
    """The erasable half of a key is gone at the agent's start: its grant ends."""
    _lend(pc, password, restarts=2)
    pc.agent.core.slots.keep(set())
    pc.crash()
    pc.everything()


@story()
def erasure_fails(pc: Transcript, password: Secret) -> None:
    """An erasure that cannot be confirmed is told, blocks new grants, and is confirmed later."""
    _lend(pc, password, restarts=2)
    with pc.read_by_others():
        pc.revoke()
        pc.everything()
        pc.ask(rq.CredentialRequest(session="CHG-1", restarts=1))
        pc.ask(rq.SessionEnd(session="CHG-1"))
        pc.effects()
    _pass(pc, MINUTE)
    pc.everything()


@story()
def erased_by_administrator(pc: Transcript, password: Secret) -> None:
    """An administrator erases everything, also a desktop that an unlock holds open; an operator may not."""
    _lend(pc, password, restarts=0, unlocks=2)
    _lock(pc)
    _apply(pc, "unlock")
    _log_on(pc)
    pc.ask(rq.EraseAll(), SECOND_OPERATOR)
    pc.ask(rq.EraseAll(check=True))
    pc.ask(rq.EraseAll())
    pc.everything()


@story()
def other_device_key(pc: Transcript, _password: Secret) -> None:
    """An administrator replaces the device key between two receipts; a caller knows a head that the journal lacks."""
    pc.world.sign_in(ANNA)
    pc.ask(rq.SessionStart(session="CHG-1", reason="Updates"))
    first = pc.request()
    pc.ask(rq.RequestWithdraw(session="CHG-1", request=first))
    pc.ask(rq.DeviceKeyReplace(), SECOND_OPERATOR)
    pc.ask(rq.DeviceKeyReplace(check=True))
    pc.ask(rq.DeviceKeyReplace())
    pc.ask(rq.DeviceKey())
    second = pc.request()
    pc.ask(rq.RequestWithdraw(session="CHG-1", request=second))
    pc.ask(rq.Receipt(request=first))
    pc.ask(rq.Receipt(request=second))
    pc.ask(
        rq.SessionStart(session="CHG-2", reason="Updates", seen=fields.SeenHead(position=3, hash="0" * 64))
    )
    pc.everything()


@story()
def damaged_journal(pc: Transcript, password: Secret) -> None:
    """A damaged journal refuses everything until an administrator begins a new one."""
    _lend(pc, password)
    pc.ask(rq.JournalReset())
    pc.kill()
    content = bytearray(pc.journal.read_bytes())
    at = content.find(b"session_started")
    content[at : at + 7] = b"SESSION"
    pc.journal.write_bytes(content)
    pc.start()
    pc.ask(rq.Info())
    pc.ask(rq.SessionStart(session="CHG-2", reason="x"))
    pc.customer(cm.CustomerWatch())
    pc.customer(cm.GrantRevoke())
    pc.logon(lm.Peek())
    pc.ask(rq.JournalReset(), SECOND_OPERATOR)
    pc.ask(rq.JournalReset(check=True))
    pc.ask(rq.EraseAll())
    pc.ask(rq.JournalReset())
    pc.ask(rq.JournalVerify())
    pc.everything()


@story()
def called_again(pc: Transcript, password: Secret) -> None:  # noqa: PLR0915 - as above
    """Each verb is sent again with its key: nothing happens twice."""
    pc.world.set_password(ANNA, password)
    pc.world.sign_in(ANNA)
    start = rq.SessionStart(session="CHG-1", reason="Updates", idempotency_key="k1")
    pc.ask(start)
    pc.ask(start)
    ask = rq.CredentialRequest(session="CHG-1", restarts=2, idempotency_key="k2")
    request = pc.result(ask)["request"]["id"]
    pc.ask(ask)
    pc.show(request)
    pc.allow(request, password)
    step = rq.Checkpoint(session="CHG-1", step="one", state="started", idempotency_key="k3")
    pc.ask(step)
    pc.ask(step)
    use = rq.CredentialApply(session="CHG-1", action="restart", idempotency_key="k4")
    pc.ask(use)
    pc.ask(use)
    pc.ask(rq.CredentialApply(session="CHG-1", action="restart", idempotency_key="k5"))
    pc.reboot()
    _log_on(pc)
    pc.ask(use)
    end = rq.CredentialRevoke(session="CHG-1", idempotency_key="k6")
    pc.ask(end)
    pc.ask(end)
    withdraw = rq.RequestWithdraw(session="CHG-1", request=request, idempotency_key="k7")
    pc.ask(withdraw)
    pc.ask(withdraw)
    close = rq.SessionEnd(session="CHG-1", idempotency_key="k8")
    pc.ask(close)
    pc.ask(start)
    pc.ask(close)
    pc.everything()


@story()
def unknown_and_forbidden(pc: Transcript, password: Secret) -> None:
    """Names and ids that are not known, people who may not ask, and messages that say nothing."""
    pc.world.set_password(ANNA, password)
    for request in (
        rq.SessionEnd(session="CHG-1"),
        rq.CredentialRequest(session="CHG-1", restarts=1),
        rq.RequestWait(session="CHG-1", request="r"),
        rq.RequestWithdraw(session="CHG-1", request="r"),
        rq.CredentialApply(session="CHG-1", action="restart"),
        rq.ApplyWait(session="CHG-1", permit="p"),
        rq.CredentialRevoke(session="CHG-1"),
        rq.Checkpoint(session="CHG-1", step="one"),
        rq.Receipt(request="r"),
        rq.Info(session="CHG-1", account="nobody", forecast=True),
        rq.SessionStart(session="CHG-1", reason="x", operators=("nobody",)),
        rq.SessionStart(session="CHG-1", reason="x", ends="2020-01-01T00:00:00+00:00"),
        rq.SessionStart(session="CHG-1", reason="x", protocol=99),
    ):
        pc.ask(request)
        pc.ask(request, NOT_OPERATOR)
    pc.ask(rq.SessionStart(session="CHG-1", reason="x"))
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=1))
    _apply(pc)
    pc.ask(rq.Info(forecast=True))
    pc.ask(rq.ReceiptList(after="r"))
    pc.logon(lm.Redeem(permit="p"))
    pc.logon(lm.ReportResult(permit="p", status=1))
    pc.logon(lm.Peek(), OPERATOR)
    pc.customer(cm.CustomerWatch(), peer=LOGON)
    pc.ask(rq.Info(), Peer(None, 0, operator=True, system=False))


@story(
    "min_restart_interval = 0.0\nlock_within = 0.05\nrequire_ticket = true\nallow_foreign_restarts = false"
)
def strict_policy(pc: Transcript, password: Secret) -> None:
    """A policy that requires a ticket and covers no restart by others."""
    pc.world.set_password(ANNA, password)
    pc.world.sign_in(ANNA)
    pc.ask(rq.SessionStart(session="CHG-1", reason="x"))
    pc.start_session()
    pc.ask(rq.CredentialRequest(session="CHG-1", restarts=1, foreign_restarts=True))
    request = pc.request(restarts=1)
    pc.show(request)
    pc.allow(request, password)
    pc.reboot()
    pc.everything()
    pc.settings.write_text("[policy]\nnonsense = 1\n")
    _apply(pc)
    pc.logon(lm.Peek())
    pc.everything()


@story()
def too_many_requests(pc: Transcript, password: Secret) -> None:
    """A customer has three open requests of three accounts at most."""
    pc.world.set_password(ANNA, password)
    pc.world.sign_in(ANNA)
    for number in range(4):
        asker = member(number)
        pc.ask(rq.SessionStart(session=f"S-{number}", reason="x"), asker)
        pc.ask(rq.CredentialRequest(session=f"S-{number}", restarts=1), asker)
    pc.everything()
