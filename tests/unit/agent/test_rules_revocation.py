# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules 7 and 8 of the design, at the agent's pipes: revocation and erasure."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from latchkey_agent.agent import FIRST_RETRY
from latchkey_agent.domain import LogonRefusal
from latchkey_agent.domain.model import Account
from latchkey_agent.domain.transitions import GrantState, RequestState
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage.disk_reserve import SIZE, Reserve
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import ANNA, BEN, LOGON, OPERATOR, OTHER, START

RESTART = rq.CredentialApply(session="CHG-1", action="restart")
END = rq.SessionEnd(session="CHG-1")
NAMELESS = Peer(None, 1, operator=False, system=False, sid=ANNA.sid)
Act = Callable[[Bench], object]


# --- 7: revocation wins ------------------------------------------------------------------------


def test_rule_07_one_click_revokes_everything(bench: Bench, canary: bytearray) -> None:
    """One click without a password revokes and erases all grants of the account."""
    bench.lend(canary, session="CHG-1")
    bench.lend(canary, session="CHG-2")
    bench.revoke()
    assert {g.ended for g in bench.state.grants.values()} == {GrantState.REVOKED}
    assert bench.seal_tags() == 0


def test_rule_07_a_revoked_grant_is_never_used_again(bench: Bench, canary: bytearray) -> None:
    """A revoked grant stays refused, also after a crash, a restart or a power cut."""
    grant = bench.lend(canary)
    bench.revoke()
    for life in ("stay", "crash", "reboot", "power_cut"):
        getattr(bench, life, lambda: None)()
        assert bench.code(RESTART) == "grant_revoked"
        assert bench.state.grants[grant].ended is GrantState.REVOKED


def test_rule_07_revoked_before_the_restart(bench: Bench, canary: bytearray) -> None:
    """A revocation before the restart effect cancels the restart."""
    bench.lend(canary)
    bench.agent.control(b'{"verb":"credential_apply","session":"CHG-1","action":"restart"}', OPERATOR)
    bench.revoke()
    assert bench.world.restarts == []


def test_rule_07_revoked_while_the_pc_restarts(bench: Bench, canary: bytearray) -> None:
    """A revocation during the restart leaves the logon screen without a permit, and the use says why."""
    bench.lend(canary)
    permit = bench.restart()
    bench.revoke()
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done
    assert not bench.logon(lm.Redeem(permit=permit))[0].done
    use = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))["use"]
    assert use["error"]["code"] == "grant_revoked"


def test_rule_07_revoked_between_peek_and_redeem(bench: Bench, canary: bytearray) -> None:
    """The permit returns no password if the grant is revoked after the tile appeared."""
    bench.lend(canary)
    bench.restart()
    bench.reboot()
    permit, _ = bench.logon(lm.Peek())
    bench.revoke()
    answer, secret = bench.logon(lm.Redeem(permit=permit.permit))
    assert (answer.done, secret) == (False, bytearray())


def test_rule_07_revoked_while_windows_is_asked(bench: Bench, canary: bytearray) -> None:
    """A revocation during the check of the password wins over the use."""
    bench.lend(canary)
    accounts = bench.agent.core.computer.accounts
    check = accounts.check

    def revoking(account: Account, password: bytearray) -> LogonRefusal | None:
        bench.revoke()
        return check(account, password)

    accounts.check = revoking  # type: ignore[method-assign]
    assert bench.code(RESTART) == "grant_revoked"
    assert bench.world.restarts == []
    assert bench.seal_tags() == 0


def test_rule_07_no_revocation_waits_for_an_answer_of_windows(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core's lock is free while Windows lists sessions or finds an account: it may ask a domain controller.

    "LookupAccountSidW" and "LogonUserW", Microsoft Learn: both may ask a domain controller.
    """
    core, free = bench.agent.core, dict[str, set[bool]]()

    def watched(port: object, name: str) -> None:
        ask = getattr(port, name)

        def asked(*arguments: object) -> object:
            other = threading.Thread(target=lambda: free.setdefault(name, set()).add(_is_free(core.lock)))
            other.start()
            other.join()
            return ask(*arguments)

        monkeypatch.setattr(port, name, asked)

    watched(core.computer.sessions, "signed_in")
    for name in ("find", "check", "facts", "auto_logon"):
        watched(core.computer.accounts, name)
    bench.lend(canary, restarts=1, unlocks=1)
    bench.open_desktop()
    bench.world.now += timedelta(hours=1)
    bench.wake()
    bench.result(rq.Info(forecast=True))
    bench.restart()
    bench.agent.sessions_changed()
    assert free == {key: {True} for key in ("signed_in", "find", "check", "facts", "auto_logon")}


def _is_free(lock: threading.RLock) -> bool:
    """Tell whether a lock is free for another thread."""
    if is_free := lock.acquire(blocking=False):
        lock.release()
    return is_free


def test_rule_07_a_kill_at_any_touch_of_the_click_leaves_old_or_new(place: Path, canary: bytearray) -> None:
    """A power cut at any touch of a revocation leaves the grant active or erased, never between."""
    seen = set()
    for cut in cuts(place, lambda bench: bench.lend(canary), Bench.revoke):
        cut.bench.effects()
        [grant] = cut.bench.state.grants.values()
        seen.add(grant.state)
        if grant.state is GrantState.ACTIVE:
            assert cut.bench.sealed() == {grant.id}
            assert not cut.survived
        else:
            assert grant.state is GrantState.ERASED
            assert cut.bench.seal_tags() == 0
    assert seen == {GrantState.ACTIVE, GrantState.ERASED}


def test_rule_07_works_on_a_full_disk(bench: Bench, canary: bytearray) -> None:
    """A revocation may use the disk reserve, and no other change may."""
    grant = bench.lend(canary)
    bench.world.disk = "full"
    assert bench.code(rq.Checkpoint(session="CHG-1", step="one", state="done")) == "storage_failed"
    assert bench.customer(cm.GrantRevoke()).done
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.seal_tags() == 0


@pytest.mark.parametrize(
    "revocation", [cm.GrantRevoke(), rq.CredentialRevoke(session="CHG-1"), rq.EraseAll()]
)
def test_rule_07_works_on_a_full_disk_while_something_else_is_due(
    bench: Bench, canary: bytearray, revocation: cm.GrantRevoke | rq.CredentialRevoke | rq.EraseAll
) -> None:
    """A revocation on a full disk succeeds although another event is due; that event is journalled later."""
    grant = bench.lend(canary)
    bench.start_session("CHG-2")
    request = bench.request("CHG-2", answer_within=60.0)
    bench.world.disk = "full"
    bench.world.now += timedelta(seconds=120)
    if isinstance(revocation, cm.GrantRevoke):
        assert bench.customer(revocation).done
    else:
        bench.result(revocation)
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.seal_tags() == 0
    bench.world.disk = "well"
    bench.effects()
    assert bench.result(rq.Info(session="CHG-2"))["requests"][0]["state"] == "expired"
    assert bench.state.requests[request].state.value == "expired"


def test_rule_07_the_reserve_is_filled_again(bench: Bench, canary: bytearray) -> None:
    """The reserve is filled again once the disk has room, so the next revocation works too."""
    for _ in range(2):
        bench.lend(canary)
        bench.world.disk = "full"
        assert bench.customer(cm.GrantRevoke()).done
        bench.world.disk = "well"
        bench.effects()


def test_rule_07_a_dead_disk_is_an_error(bench: Bench, canary: bytearray) -> None:
    """A revocation that cannot be journalled is answered with an error."""
    bench.lend(canary)
    bench.world.disk = "dead"
    assert bench.customer_code(cm.GrantRevoke()) == "storage_failed"


def test_rule_07_takes_no_more_clicks_than_granting(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revoking takes one message without a secret; granting takes two messages and a password."""
    customer = bench.agent.customer
    sent: list[tuple[str, int]] = []

    def noted(body: bytes, secret: bytearray, peer: Peer) -> bytes:
        sent.append((msgspec.json.decode(body)["verb"], len(secret)))
        return customer(body, secret, peer)

    monkeypatch.setattr(bench.agent, "customer", noted)
    grant = bench.lend(canary)
    assert sent == [("request_shown", 0), ("request_allow", len(canary))]
    sent.clear()
    assert bench.revoke()
    assert bench.state.grants[grant].revoked_by == "customer"
    assert sent == [("grant_revoke", 0)]


def test_rule_07_only_the_account_itself_revokes(bench: Bench, canary: bytearray) -> None:
    """Another account cannot revoke or pause the grant."""
    grant = bench.lend(canary)
    bench.world.sign_in(BEN, session_id=2)
    assert bench.customer(cm.GrantRevoke(), peer=OTHER).done
    assert bench.customer_code(cm.GrantRevoke(grant=grant), peer=OTHER) == "no_grant"
    assert bench.customer_code(cm.GrantPause(grant=grant), peer=OTHER) == "no_grant"
    assert bench.state.grants[grant].state is GrantState.ACTIVE


def test_rule_07_an_unknown_grant_cannot_be_revoked(bench: Bench) -> None:
    """Revoking a grant that does not exist is refused."""
    assert bench.customer_code(cm.GrantRevoke(grant="none")) == "no_grant"


# --- 8: erasing --------------------------------------------------------------------------------

ENDS: dict[str, Act] = {
    "session ended": lambda bench: bench.ask(END),
    "revoked by the operator": lambda bench: bench.ask(rq.CredentialRevoke(session="CHG-1")),
    "revoked by the customer": Bench.revoke,
    "uninstalled": lambda bench: bench.ask(rq.EraseAll()),
    "grant expired": lambda bench: at(bench, START + timedelta(hours=2)),
    "session expired": lambda bench: at(bench, START + timedelta(hours=24)),
}


def at(bench: Bench, moment: object) -> None:
    """Set the clock to a moment and let the clock's thread notice it."""
    bench.world.now = moment  # type: ignore[assignment]
    bench.wake()
    bench.effects()


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_rule_08_every_end_erases(bench: Bench, canary: bytearray, end: Act) -> None:
    """Each kind of end removes the sealed record from all files, the write-ahead log included."""
    grant = bench.lend(canary, not_after="20:00" if end is ENDS["grant expired"] else None)
    assert bench.seal_tags() >= 1
    end(bench)
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.seal_tags() == 0


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_rule_08_a_kill_right_after_the_end_leaves_nothing(bench: Bench, canary: bytearray, end: Act) -> None:
    """The next start erases the record if the agent dies before any effect runs."""
    grant = bench.lend(canary, not_after="20:00" if end is ENDS["grant expired"] else None)
    run, bench.agent.effects.run = bench.agent.effects.run, lambda: True  # type: ignore[method-assign]
    end(bench)
    assert bench.state.grants[grant].ended
    bench.agent.effects.run = run  # type: ignore[method-assign]
    bench.crash()
    assert bench.seal_tags() == 0


@pytest.mark.parametrize("how", ["lapses", "is overtaken by a restart"])
def test_rule_08_the_last_use_erases_even_if_it_fails(bench: Bench, canary: bytearray, how: str) -> None:
    """The last agreed use erases the record even if its permit is never redeemed."""
    grant = bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock(within=60.0)
    if how == "lapses":
        at(bench, START + timedelta(seconds=60))
    else:
        bench.reboot()
        bench.effects()
    assert bench.state.grants[grant].ended is GrantState.USED_UP
    assert bench.seal_tags() == 0


def test_rule_07_an_unlock_that_is_paused_is_not_counted(bench: Bench, canary: bytearray) -> None:
    """Pausing the last unlock before the logon screen uses it keeps the grant until the customer goes on."""
    grant = bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    assert bench.customer(cm.GrantPause(grant=grant)).done
    assert not bench.logon(lm.Peek())[0].done
    assert bench.customer(cm.GrantPause(grant=grant, pause=False)).done
    bench.unlock()
    bench.sign_in_with_permit()
    assert bench.state.grants[grant].ended is GrantState.USED_UP


def test_rule_07_a_restart_that_is_paused_signs_nobody_in_and_counts(bench: Bench, canary: bytearray) -> None:
    """Windows restarts all the same: the use is counted, and its permit stays void after the customer goes on."""
    grant = bench.lend(canary, restarts=2)
    bench.restart()
    assert bench.customer(cm.GrantPause(grant=grant)).done
    bench.reboot()
    assert bench.customer(cm.GrantPause(grant=grant, pause=False)).done
    assert not bench.logon(lm.Peek())[0].done
    assert bench.state.grants[grant].left.restarts == 1


def test_rule_07_a_pause_closes_the_desktop_of_a_last_use(bench: Bench, canary: bytearray) -> None:
    """The grant is used up, so nothing is left to pause, and its desktop is open: a pause locks it."""
    grant = bench.lend(canary, restarts=0, unlocks=1)
    bench.open_desktop()
    assert bench.world.open_desktops() != []
    assert bench.customer(cm.GrantPause(grant=grant)).done
    bench.effects()
    assert bench.world.open_desktops() == []


@pytest.mark.parametrize("disk", ["full", "dead"])
def test_rule_07_a_pause_closes_the_desktop_though_something_else_is_due(
    bench: Bench, canary: bytearray, disk: Literal["full", "dead"]
) -> None:
    """The agent notes its time every few minutes; that the disk does not take it must not stop a pause."""
    grant = bench.lend(canary, restarts=0, unlocks=2, relock_after=3600.0)
    bench.open_desktop()
    bench.world.disk = disk
    bench.world.now += timedelta(seconds=400)
    bench.customer(cm.GrantPause(grant=grant))
    bench.wake()
    bench.agent.sessions_changed()
    assert bench.world.open_desktops() == []


@pytest.mark.parametrize("disk", ["full", "dead"])
def test_rule_09_a_failing_disk_locks_a_desktop_once(
    bench: Bench, canary: bytearray, disk: Literal["full", "dead"]
) -> None:
    """The agreed time ends while nothing can be journalled: a desktop that is then opened by hand stays open."""
    bench.lend(canary, restarts=0, unlocks=1, relock_after=600.0)
    bench.open_desktop()
    bench.world.disk = disk
    bench.world.now += timedelta(seconds=601)
    bench.wake()
    bench.agent.sessions_changed()
    assert bench.world.open_desktops() == []
    for _ in range(3):
        bench.world.sign_in(ANNA)
        bench.agent.sessions_changed()
        bench.wake()
        bench.effects()
        assert bench.world.open_desktops() != []


def test_rule_09_an_effect_locks_a_desktop_once(bench: Bench, canary: bytearray) -> None:
    """The lock after a restart cannot be journalled: the effect is tried again, and the desktop is not locked again."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    bench.world.sign_in(ANNA)
    bench.effects_lag = True
    bench.report(permit)
    bench.effects_lag = False
    bench.world.disk = "full"
    for expected in (0, 1, 1):
        bench.effects()
        assert len(bench.world.open_desktops()) == expected
        bench.world.sign_in(ANNA)
    bench.world.disk = "well"
    bench.effects()
    assert bench.state.permits[permit].closing == "locked"


def test_rule_07_an_unlocked_desktop_resumes_no_grant(bench: Bench, canary: bytearray) -> None:
    """Another person may sit at a desktop that an unlock holds open: a paused grant of the account stays paused."""
    bench.lend(canary, restarts=0, unlocks=1)
    other = bench.lend(canary, session="CHG-2", restarts=1)
    assert bench.customer(cm.GrantPause(grant=other)).done
    bench.open_desktop()
    assert bench.customer_code(cm.GrantPause(grant=other, pause=False)) == "out_of_order"
    bench.world.now += timedelta(seconds=601)
    bench.wake()
    bench.effects()
    assert bench.customer(cm.GrantPause(grant=other, pause=False)).done


@pytest.mark.parametrize("action", ["unlock", "restart"])
def test_rule_07_a_desktop_that_is_about_to_be_locked_resumes_no_grant(
    bench: Bench, canary: bytearray, action: str
) -> None:
    """A permit's desktop is to be locked at once, and Windows is slow: until it is closed, the grant stays paused."""
    own = bench.lend(canary, unlocks=1)
    other = bench.lend(canary, session="CHG-2")
    if action == "unlock":
        bench.world.sign_in(ANNA, locked=True)
        bench.unlock()
    else:
        bench.restart()
        bench.reboot()
    permit, _ = bench.redeem()
    paused = own if action == "unlock" else other
    assert bench.customer(cm.GrantPause(grant=paused)).done
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.world.sign_in(ANNA)
    bench.report(permit)
    assert bench.world.open_desktops()
    assert bench.customer_code(cm.GrantPause(grant=paused, pause=False)) == "out_of_order"
    bench.world.lock_works = True
    assert bench.effects()
    assert bench.customer(cm.GrantPause(grant=paused, pause=False)).done


def test_rule_08_the_start_erases_an_expired_grant(bench: Bench, canary: bytearray) -> None:
    """The start erases a grant that expired while the PC was off."""
    grant = bench.lend(canary)
    bench.stop()
    bench.world.now += timedelta(days=3)
    bench.start()
    assert bench.state.grants[grant].ended is GrantState.EXPIRED
    assert bench.sealed() == set()
    assert bench.seal_tags() == 0


def test_rule_08_erasing_one_grant_leaves_the_others(bench: Bench, canary: bytearray) -> None:
    """Ending one session leaves the grant of another session usable."""
    bench.lend(canary, session="CHG-1")
    other = bench.lend(canary, session="CHG-2")
    bench.ask(END)
    assert bench.sealed() == {other}
    assert bench.restart("CHG-2")


def test_rule_08_what_cannot_be_confirmed_is_seen_retried_and_blocks(bench: Bench, canary: bytearray) -> None:
    """An unconfirmed erasure shows in the status and the notices, blocks new grants and is retried."""
    grant = bench.lend(canary)
    request = bench.request(restarts=5)
    bench.show(request)
    with bench.read_by_others():
        bench.customer(cm.GrantRevoke())
        assert bench.state.grants[grant].state is GrantState.ERASE_FAILED
        status = bench.result(rq.Info())["agent"]
        assert (status["ready"], grant in status["problem"]) == (False, True)
        snapshot = bench.customer(cm.CustomerWatch()).snapshot
        assert snapshot is not None
        assert "erase_failed" in {notice.kind for notice in snapshot.notices}
        assert bench.code(rq.CredentialRequest(session="CHG-1", restarts=6)) == "erasure_unconfirmed"
        answer = bench.allow(request, canary)
        assert answer.error is not None
        assert answer.error.code == "erasure_unconfirmed"
    assert bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.result(rq.Info())["agent"]["ready"]


def test_rule_08_a_failed_erasure_is_journalled_once(bench: Bench, canary: bytearray) -> None:
    """Repeated attempts with the same finding add no event to the journal."""
    bench.lend(canary)
    with bench.read_by_others():
        bench.customer(cm.GrantRevoke())
        version = bench.state.version
        for _ in range(20):
            assert not bench.effects()
        assert bench.state.version == version


def test_rule_08_a_record_that_comes_back_is_erased(bench: Bench, canary: bytearray) -> None:
    """The start deletes a sealed record that belongs to no live grant."""
    grant = bench.lend(canary)
    record = bench.agent.core.journal.sealed(grant)
    bench.revoke()
    bench.database.execute("INSERT INTO sealed VALUES (?, ?)", (grant, record))
    bench.crash()
    assert bench.seal_tags() == 0


def test_rule_08_a_record_that_comes_back_before_the_check_is_erased(bench: Bench, canary: bytearray) -> None:
    """The erasure deletes a record that came back before it reads the files."""
    grant = bench.lend(canary)
    record = bench.agent.core.journal.sealed(grant)
    bench.effects_lag = True
    bench.revoke()
    bench.database.execute("INSERT INTO sealed VALUES (?, ?)", (grant, record))
    assert bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.seal_tags() == 0


def test_rule_08_a_grant_without_its_record_ends(bench: Bench, canary: bytearray) -> None:
    """The start rejects a grant whose sealed record is missing."""
    grant = bench.lend(canary)
    bench.database.execute("DELETE FROM sealed")
    bench.crash()
    assert bench.state.grants[grant].ended is GrantState.REJECTED


@pytest.mark.parametrize("life", ["crash", "power_cut"])
def test_rule_08_a_record_that_cannot_be_opened_any_more_is_erased(
    bench: Bench, canary: bytearray, life: str
) -> None:
    """A record whose machine key is lost gives no password and is erased."""
    bench.lend(canary)
    bench.restart()
    getattr(bench, life)()
    bench.world.reboot()
    bench.crash()
    bench.world.machine_key = bytes(32)
    permit, _ = bench.logon(lm.Peek())
    assert not bench.logon(lm.Redeem(permit=permit.permit))[0].done
    bench.effects()
    assert bench.code(RESTART) == "grant_rejected"
    assert bench.seal_tags() == 0


# --- 7: what revoking reaches ------------------------------------------------------------------


def test_rule_07_an_account_without_a_name_revokes(bench: Bench, canary: bytearray) -> None:
    """The customer is known by the SID: a domain that does not answer keeps nobody from revoking."""
    bench.lend(canary)
    assert bench.customer(cm.GrantRevoke(), peer=NAMELESS).done
    assert {g.ended for g in bench.state.grants.values()} == {GrantState.REVOKED}


@pytest.mark.parametrize("peer", [LOGON, NAMELESS._replace(sid="")], ids=["LocalSystem", "no SID"])
def test_rule_07_the_customer_pipe_answers_no_peer_without_a_sid(bench: Bench, peer: Peer) -> None:
    """Neither LocalSystem nor a peer without a SID is a customer."""
    assert bench.customer_code(cm.CustomerWatch(), peer=peer) == "not_permitted"


def test_rule_07_revoking_closes_the_desktop_of_a_used_up_grant(bench: Bench, canary: bytearray) -> None:
    """The grant is shown as lent while its desktop is open, and revoking everything closes that."""
    grant = bench.lend(canary, restarts=0, unlocks=1, relock_after=3600.0)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    permit, _ = bench.redeem()
    bench.world.sign_in(ANNA)
    bench.report(permit)
    assert bench.state.grants[grant].ended is GrantState.USED_UP
    assert lent(bench) == [grant]
    assert bench.revoke()
    assert bench.world.open_desktops() == []
    assert lent(bench) == []


def lent(bench: Bench) -> list[str]:
    """Return the grants that the customer's menu shows."""
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [item.grant for item in snapshot.lent]


def test_rule_07_revoking_everything_beats_an_entry_under_check(bench: Bench, canary: bytearray) -> None:
    """No grant begins after the customer revoked everything, though Windows accepts the password then."""
    bench.lend(canary)
    bench.start_session("CHG-2")
    request = bench.request("CHG-2")
    bench.show(request)
    inside, go_on = bench.slow_check()
    answers: list[cm.CustomerAnswer] = []
    allowing = threading.Thread(target=lambda: answers.append(bench.allow(request, canary)))
    allowing.start()
    assert inside.wait(10)
    assert bench.revoke()
    go_on.set()
    allowing.join(10)
    assert [answer.done for answer in answers] == [False]
    assert bench.state.requests[request].state is RequestState.DENIED
    assert bench.sealed() == set()


# --- 7: an open desktop on a disk that refuses -------------------------------------------------

REVOCATIONS: dict[str, cm.GrantRevoke | rq.ControlRequest] = {
    "revoked by the customer": cm.GrantRevoke(),
    "revoked by the operator": rq.CredentialRevoke(session="CHG-1"),
    "session ended": END,
    "uninstalled": rq.EraseAll(),
}


def opened(bench: Bench, canary: bytearray) -> str:
    """Let the last use of a grant open the desktop for an hour; return the grant's id."""
    grant = bench.lend(canary, restarts=0, unlocks=1, relock_after=3600.0)
    bench.open_desktop()
    assert bench.state.grants[grant].ended is GrantState.USED_UP
    assert bench.world.open_desktops()
    return grant


def said_no(bench: Bench, revocation: cm.GrantRevoke | rq.ControlRequest) -> str:
    """Revoke; return the error code, empty if it was done."""
    if isinstance(revocation, cm.GrantRevoke):
        answer = bench.customer(revocation)
        return answer.error.code if answer.error else ""
    return "" if (asked := bench.ask(revocation)).outcome == "done" else asked.error.code  # type: ignore[union-attr]


@pytest.mark.parametrize("revocation", REVOCATIONS.values(), ids=REVOCATIONS)
def test_rule_07_a_full_disk_keeps_no_desktop_open(
    bench: Bench, canary: bytearray, revocation: cm.GrantRevoke | rq.ControlRequest
) -> None:
    """Revoking may use the disk reserve also if nothing is left to erase, and the reserve is filled again."""
    opened(bench, canary)
    bench.world.disk = "full"
    assert said_no(bench, revocation) == ""
    assert bench.world.open_desktops() == []
    bench.world.disk = "well"
    assert bench.effects()
    assert bench.world.reserve.stat().st_size == SIZE


@pytest.mark.parametrize("disk", ["dead", "full"])
@pytest.mark.parametrize("revocation", REVOCATIONS.values(), ids=REVOCATIONS)
def test_rule_07_a_revocation_that_cannot_be_journalled_closes_the_desktop_all_the_same(
    bench: Bench,
    canary: bytearray,
    monkeypatch: pytest.MonkeyPatch,
    revocation: cm.GrantRevoke | rq.ControlRequest,
    disk: Literal["dead", "full"],
) -> None:
    """The answer is an error, and the desktop is closed at once; whoever opens it by hand then keeps it."""
    opened(bench, canary)
    bench.world.disk = disk
    with monkeypatch.context() as patch:
        # A reserve that cannot be deleted, either.
        patch.setattr(Reserve, "give_up", lambda _: False)
        assert said_no(bench, revocation) == "storage_failed"
        bench.wake()
        assert bench.world.open_desktops() == []
        bench.world.sign_in(ANNA)
        assert said_no(bench, revocation) == "storage_failed"
        for _ in range(2):
            bench.wake()
            bench.agent.sessions_changed()
        assert bench.world.open_desktops()
    bench.world.disk = "well"
    assert said_no(bench, revocation) == ""
    assert bench.effects()
    assert bench.agent.core.duties.is_empty
    assert bench.agent._until_next() != FIRST_RETRY


def test_rule_07_a_desktop_that_cannot_be_closed_at_once_is_tried_again(
    bench: Bench, canary: bytearray
) -> None:
    """Neither the journal nor the lock works at first; the desktop is closed as soon as the lock works."""
    opened(bench, canary)
    bench.world.disk = "dead"
    bench.world.lock_works = bench.world.disconnect_works = False
    assert not bench.revoke()
    bench.wake()
    assert bench.world.open_desktops()
    assert bench.agent._until_next() == FIRST_RETRY
    bench.world.lock_works = True
    bench.wake()
    assert bench.world.open_desktops() == []


def test_rule_09_a_pause_that_cannot_be_journalled_closes_the_desktop(
    bench: Bench, canary: bytearray
) -> None:
    """The customer is told that the pause failed, and nobody finds the desktop open."""
    grant = bench.lend(canary, restarts=0, unlocks=2, relock_after=3600.0)
    bench.open_desktop()
    bench.world.disk = "dead"
    assert bench.customer_code(cm.GrantPause(grant=grant)) == "storage_failed"
    bench.wake()
    assert bench.world.open_desktops() == []
