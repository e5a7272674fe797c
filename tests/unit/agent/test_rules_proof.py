# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules 10, 11 and 12 of the design, at the agent's pipes: notices, the journal, the logon screen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from latchkey_agent.core.desktops import Target
from latchkey_agent.domain import GrantState, sessions
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import events as e
from latchkey_agent.domain.evolve import evolve
from latchkey_agent.domain.model import Closing
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage import journal
from latchkey_agent.storage.vault import MAGIC
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import ANNA, CUSTOMER, LOGON, OPERATOR, OTHER, START, PowerCut

RESTART = rq.CredentialApply(session="CHG-1", action="restart")
END = rq.SessionEnd(session="CHG-1")
Act = Callable[[Bench], object]


# --- 10: the customer is notified --------------------------------------------------------------


def kinds(bench: Bench) -> list[str]:
    """Return the kinds of the customer's notices, in order."""
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [notice.kind for notice in snapshot.notices]


def test_rule_10_at_the_grant_at_each_use_and_at_the_end(bench: Bench, canary: bytearray) -> None:
    """The customer gets a notice for the grant, each use, each lock and the end, in this order."""
    bench.lend(canary)
    assert kinds(bench) == ["granted"]
    bench.restart()
    bench.reboot()
    bench.sign_in_with_permit()
    assert kinds(bench) == ["granted", "used", "locked"]
    bench.ask(END)
    assert kinds(bench) == ["granted", "used", "locked", "ended", "erased"]


def test_rule_10_what_happened_while_away_is_told_until_it_is_closed(bench: Bench, canary: bytearray) -> None:
    """A notice survives restarts and crashes until the customer closes it, and never comes back."""
    bench.lend(canary)
    bench.ask(END)
    bench.power_cut()
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    away = [notice for notice in snapshot.notices if notice.while_away]
    assert [notice.kind for notice in away] == ["ended", "erased"]
    assert bench.customer(cm.NoticesClosed(notices=[notice.notice for notice in snapshot.notices])).done
    bench.crash()
    assert kinds(bench) == []


def test_rule_10_the_customers_own_revocation_is_not_an_absence(bench: Bench, canary: bytearray) -> None:
    """The customer's own revocation does not count as an event during their absence."""
    bench.lend(canary)
    bench.revoke()
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert [(notice.kind, notice.while_away) for notice in snapshot.notices] == [
        ("granted", False),
        ("ended", False),
        ("erased", False),
    ]


def test_rule_10_every_kind_of_notice_can_be_closed(bench: Bench, canary: bytearray) -> None:
    """The customer can also close the notice of an unconfirmed erasure."""
    bench.lend(canary)
    with bench.read_by_others():
        bench.revoke()
    assert "erase_failed" in kinds(bench)
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert bench.customer(cm.NoticesClosed(notices=[notice.notice for notice in snapshot.notices])).done
    assert kinds(bench) == []


def test_rule_10_a_failed_logon_gives_a_notice(bench: Bench, canary: bytearray) -> None:
    """A failed use gives the customer a notice too."""
    bench.lend(canary)
    bench.restart()
    bench.reboot()
    permit, _ = bench.redeem()
    bench.report(permit, 0xC000006D)
    assert kinds(bench) == ["granted", "failed", "ended", "erased"]


def told(bench: Bench) -> list[tuple[str, str]]:
    """Return kind and detail of the customer's notices, in order."""
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [(notice.kind, notice.detail) for notice in snapshot.notices]


def use(bench: Bench) -> dict[str, Any]:
    """Return the last use in the customer's newest receipt."""
    document = bench.customer(cm.OwnReceipts()).receipts[0].document
    found: dict[str, Any] = document["uses"][-1]
    return found


def unlocked(bench: Bench, password: bytearray, **terms: Any) -> None:
    """Unlock the customer's desktop for the operator."""
    bench.lend(password, restarts=0, unlocks=1, **terms)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    bench.sign_in_with_permit()


def test_rule_10_a_lock_after_an_unlock_is_not_told_as_a_sign_in(bench: Bench, canary: bytearray) -> None:
    """The notice says from when the screen was unlocked for IT."""
    unlocked(bench, canary, relock_after=3600.0)
    since = bench.world.now
    bench.world.now += timedelta(seconds=3601)
    bench.wake()
    bench.effects()
    assert ("locked", "unlocked") in told(bench)
    [notice] = [n for n in bench.state.notices.values() if n.kind == "locked"]
    assert notice.since == since


def test_rule_10_an_unlocked_screen_that_a_restart_ends_is_told_so(bench: Bench, canary: bytearray) -> None:
    """Nobody locked it."""
    unlocked(bench, canary)
    bench.power_cut()
    assert ("locked", "unlocked_gone") in told(bench)


@pytest.mark.parametrize(("later", "detail"), [("locked", "late"), ("power cut", "gone")])
def test_rule_10_a_late_lock_is_not_told_as_one_at_once(
    bench: Bench, canary: bytearray, later: str, detail: str
) -> None:
    """A desktop that could not be closed is told with its time, or with its end."""
    bench.at_logon_screen(canary)
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.sign_in_with_permit()
    bench.world.now += timedelta(hours=3)
    if later == "power cut":
        bench.power_cut()
    else:
        bench.world.lock_works = True
        bench.effects()
    assert ("locked", detail) in told(bench)


@pytest.mark.parametrize(
    ("seconds", "how", "detail"),
    [
        (10, "locked", "locked"),
        (11, "locked", "late"),
        (10, "disconnected", "disconnected"),
        (59, "disconnected", "late_disconnected"),
    ],
)
def test_rule_10_a_lock_counts_as_prompt_for_ten_seconds(
    bench: Bench, canary: bytearray, seconds: int, how: Closing, detail: str
) -> None:
    """After more seconds the notice says how long the desktop was open. A disconnected one is not told as locked."""
    bench.at_logon_screen(canary)
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.sign_in_with_permit()
    permit = next(iter(bench.state.permits))
    bench.world.now += timedelta(seconds=seconds)
    bench.agent.core.execute(c.CloseDesktop(permit=permit, how=how))
    assert ("locked", detail) in told(bench)


@pytest.mark.parametrize("how", ["gone", "disconnected"])
def test_rule_10_a_desktop_that_was_not_locked_is_not_told_as_locked(
    bench: Bench, canary: bytearray, how: Closing
) -> None:
    """Also where the logon had no known result."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    bench.world.now += timedelta(minutes=30)
    bench.wake()
    bench.agent.core.execute(c.CloseDesktop(permit=permit, how=how))
    assert ("locked", f"unknown_{how}") in told(bench)


def test_rule_10_a_sign_in_after_a_restart_by_others_is_not_told_as_a_restart_by_it(
    bench: Bench, canary: bytearray
) -> None:
    """Windows, another program or a power cut restarted the PC."""
    bench.lend(canary, restarts=2, foreign_restarts=True)
    bench.reboot()
    bench.sign_in_with_permit()
    assert ("used", "by_others") in told(bench)


def test_rule_10_a_sign_in_by_windows_itself_is_told(bench: Bench, canary: bytearray) -> None:
    """The notice and the receipt say that Windows signed in, and how long the desktop was open."""
    bench.world.facts = bench.world.facts._replace(auto_logon=True)
    bench.at_logon_screen(canary)
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.world.sign_in(ANNA)
    since = bench.world.now
    bench.agent.sessions_changed()
    bench.effects()
    assert "by Windows itself" in bench.customer(cm.OwnReceipts()).receipts[0].text
    bench.world.now += timedelta(minutes=30)
    bench.world.lock_works = True
    bench.effects()
    assert ("locked", "by_itself") in told(bench)
    told_use = use(bench)
    assert told_use["signed_in_by_windows_at"] == since.isoformat(timespec="seconds")
    assert (told_use["closing"], told_use["desktop_open_seconds"]) == ("locked", 1800.0)
    # The agent may have looked late.
    assert told_use["desktop_open_bound"] == "at_least"
    assert "locked, open for at least 1800 s" in bench.customer(cm.OwnReceipts()).receipts[0].text


def test_rule_10_the_open_time_counts_from_the_moment_at_which_the_password_left(
    bench: Bench, canary: bytearray
) -> None:
    """A service that died right after that does not know when the desktop opened, and claims no lock at once."""
    bench.at_logon_screen(canary)
    bench.redeem()
    redeemed_at = bench.world.now
    bench.kill()
    bench.world.sign_in(ANNA)
    bench.world.now += timedelta(minutes=9)
    bench.start()
    bench.agent.sessions_changed()
    bench.effects()
    assert ("locked", "late") in told(bench)
    told_use = use(bench)
    assert told_use["redeemed_at"] == redeemed_at.isoformat(timespec="seconds")
    assert (told_use["desktop_open_seconds"], told_use["desktop_open_bound"]) == (540.0, "at_most")
    assert "locked, open for at most 540 s" in bench.customer(cm.OwnReceipts()).receipts[0].text
    (operators_use,) = bench.result(rq.Info(session="CHG-1"))["grants"][0]["uses"]
    assert operators_use["desktop_open_seconds"] == 540.0


def test_rule_10_a_lock_that_the_disk_could_not_note_is_told_with_its_own_time(
    bench: Bench, canary: bytearray
) -> None:
    """The desktop is locked at once without the journal, which notes that two hours later."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.effects_lag = True
    bench.world.sign_in(ANNA)
    bench.report(permit)
    bench.world.disk = "dead"
    bench.effects()
    bench.wake()
    assert not bench.world.open_desktops()
    locked_at = bench.world.now
    bench.world.now += timedelta(hours=2)
    bench.world.disk = "well"
    bench.wake()
    bench.effects()
    assert ("locked", "locked") in told(bench)
    told_use = use(bench)
    assert told_use["closed_at"] == locked_at.isoformat(timespec="seconds")
    assert told_use["desktop_open_seconds"] == 0.0


def test_rule_10_a_lock_by_the_effect_that_the_disk_could_not_note_is_told_with_its_own_time(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails after the lock is only the note in the journal."""
    bench.at_logon_screen(canary)
    close = bench.agent.effects.desktops.close

    def close_and_lose_the_disk(target: Target) -> Closing:
        how = close(target)
        bench.world.disk = "dead"
        return how

    monkeypatch.setattr(bench.agent.effects.desktops, "close", close_and_lose_the_disk)
    bench.sign_in_with_permit()
    locked_at = bench.world.now
    bench.world.now += timedelta(hours=2)
    bench.world.disk = "well"
    bench.effects()
    assert use(bench)["closed_at"] == locked_at.isoformat(timespec="seconds")


def test_rule_10_a_restart_after_which_the_permit_lapses_is_told(bench: Bench, canary: bytearray) -> None:
    """The logon screen did not redeem the permit. The customer reads about the restart, and then about the end."""
    bench.lend(canary, restarts=1)
    bench.restart()
    bench.reboot()
    bench.world.now += timedelta(minutes=20)
    bench.wake()
    assert told(bench)[1:3] == [("restarted", ""), ("ended", "used_up")]


def test_rule_10_a_restart_before_a_sign_in_by_hand_is_told(bench: Bench, canary: bytearray) -> None:
    """The permit is void; the restart has happened all the same."""
    bench.at_logon_screen(canary)
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    assert told(bench)[1] == ("restarted", "signed_in")


def test_rule_10_a_restart_whose_permit_is_cancelled_at_the_logon_screen_is_told(
    bench: Bench, canary: bytearray
) -> None:
    """The operator gives the grant back after the boot and before the sign-in."""
    bench.at_logon_screen(canary)
    bench.result(rq.CredentialRevoke(session="CHG-1"))
    assert ("restarted", "") in told(bench)


def test_rule_10_a_restart_that_goes_on_after_its_permit_is_void_is_told(
    bench: Bench, canary: bytearray
) -> None:
    """The operator gives the grant back during the warning. Each boot tells it once."""
    bench.lend(canary)
    bench.restart()
    bench.result(rq.CredentialRevoke(session="CHG-1"))
    assert "restarted" not in kinds(bench)
    bench.reboot()
    bench.reboot()
    assert [detail for kind, detail in told(bench) if kind == "restarted"] == ["begun"]


def test_rule_10_a_restart_that_windows_refused_is_not_told(bench: Bench, canary: bytearray) -> None:
    """Nothing happened, and a later boot has nothing to do with it."""
    bench.lend(canary)
    bench.world.refuses_restart = "no"
    bench.restart()
    bench.reboot()
    assert "restarted" not in kinds(bench)


def test_rule_10_a_refusal_that_is_noted_after_the_boot_is_not_told_as_a_restart(
    bench: Bench, canary: bytearray
) -> None:
    """Windows refused the restart, and the PC was restarted by others before the agent noted that."""
    permit = bench.at_logon_screen(canary)
    bench.agent.core.execute(c.CancelPermit(permit=permit, detail="no"))
    assert "restarted" not in kinds(bench)


def test_rule_10_two_customers_are_told_about_one_boot(bench: Bench, canary: bytearray) -> None:
    """Two notices of one event are two notices."""
    bench.lend(canary)
    permit = bench.restart()
    bench.result(rq.CredentialRevoke(session="CHG-1"))
    twice = {number: replace(bench.state.permits[permit], id=number) for number in ("1", "2")}
    after = evolve(replace(bench.state, permits=twice), e.BootSeen(at=bench.world.now, boot_id="next"))
    assert [n.detail for n in after.notices.values() if n.kind == "restarted"] == ["begun", "begun"]


@pytest.mark.parametrize(("by_hand", "expected"), [(False, ["by_others"]), (True, [])])
def test_rule_10_a_restart_by_others_that_used_up_a_use_is_told(
    bench: Bench, canary: bytearray, *, by_hand: bool, expected: list[str]
) -> None:
    """A sign-in by hand gives the use back, and the customer knows of it."""
    bench.lend(canary, restarts=2, foreign_restarts=True)
    bench.reboot()
    if by_hand:
        bench.world.sign_in(ANNA)
        bench.agent.sessions_changed()
    bench.world.now += timedelta(hours=13)
    bench.wake()
    assert [detail for kind, detail in told(bench) if kind == "restarted"] == expected


def test_rule_10_a_logon_without_result_is_told_as_not_known(bench: Bench, canary: bytearray) -> None:
    """The desktop may be open: nothing says that nobody was signed in."""
    bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.broken.add("sessions")
    bench.world.sign_in(ANNA)
    bench.world.now += timedelta(minutes=30)
    bench.wake()
    assert ("failed", "interrupted") in told(bench)
    assert "result not known" in bench.customer(cm.OwnReceipts()).receipts[0].text
    assert use(bench)["why"] == "interrupted"


def test_rule_10_a_desktop_that_was_closed_without_a_known_logon_is_told_so(
    bench: Bench, canary: bytearray
) -> None:
    """A lock alone does not prove that the customer was signed in."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    bench.world.now += timedelta(minutes=30)
    bench.wake()
    bench.agent.core.execute(c.CloseDesktop(permit=permit, how="locked"))
    assert ("locked", "unknown") in told(bench)


def test_rule_10_a_rejection_says_why(bench: Bench, canary: bytearray) -> None:
    """Windows refused nothing: the agent stopped while Windows checked the password."""
    bench.lend(canary)
    bench.world.dies_after = "accounts"
    with suppress(PowerCut):
        bench.restart()
    bench.crash()
    assert ("ended", "rejected_agent_stopped") in told(bench)


def test_rule_10_a_missing_record_is_told_so(bench: Bench, canary: bytearray) -> None:
    """Windows was not asked at all."""
    bench.lend(canary)
    with bench.other_program() as other:
        other.execute("DELETE FROM sealed")
    bench.crash()
    assert ("ended", "rejected_record_missing") in told(bench)


def test_rule_10_a_use_that_was_given_back_is_not_counted(bench: Bench, canary: bytearray) -> None:
    """The menu counts what has left the agreed number."""
    bench.lend(canary, restarts=2)
    bench.world.refuses_restart = "no"
    for _ in range(3):
        bench.restart()
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert (snapshot.lent[0].used, snapshot.lent[0].left.restarts) == (0, 2)


def test_rule_10_the_receipt_names_the_text_that_was_shown_last(bench: Bench, canary: bytearray) -> None:
    """After a wrong password the window has another text; the same text is journalled once."""
    request = bench.shown_request(canary)
    bench.allow(request, canary + b"x\x00")
    for _ in range(2):
        assert bench.customer(cm.RequestShown(request=request, text_sha256="1" * 64)).done
    assert bench.state.requests[request].text_sha256 == "1" * 64
    assert bench.events().count("request_shown") == 2


def own_receipt(bench: Bench) -> tuple[dict[str, Any], list[str]]:
    """Return the customer's only receipt: its document and the lines of its text."""
    (receipt,) = bench.customer(cm.OwnReceipts()).receipts
    return receipt.document, receipt.text.splitlines()


def test_rule_10_a_receipt_is_closed_only_when_nothing_can_follow(bench: Bench, canary: bytearray) -> None:
    """The last use has ended the grant and erased the password; its desktop is still open."""
    bench.lend(canary, restarts=0, unlocks=1, relock_after=60.0)
    bench.open_desktop()
    document, lines = own_receipt(bench)
    assert document["erasure"]["confirmed"]
    assert not document["closed"]
    assert lines[1] == f"As of {document['as_of']}; NOT CLOSED, more may follow"
    bench.world.now += timedelta(seconds=60)
    bench.wake()
    bench.effects()
    document, lines = own_receipt(bench)
    assert document["closed"]
    assert lines[1] == f"As of {document['as_of']}; closed"


def test_rule_10_a_receipt_says_up_to_when_it_is_complete(bench: Bench, canary: bytearray) -> None:
    """An early receipt does not pass for the last one: a signed moment is in each."""
    bench.lend(canary)
    first, _ = own_receipt(bench)
    bench.world.now += timedelta(hours=1)
    second, _ = own_receipt(bench)
    assert not first["closed"]
    assert first["as_of"] == START.isoformat(timespec="seconds")
    assert second == first | {"as_of": (START + timedelta(hours=1)).isoformat(timespec="seconds")}


def test_rule_10_a_receipt_is_not_closed_while_windows_may_still_sign_in(
    bench: Bench, canary: bytearray
) -> None:
    """After a restart whose permit is void the account's first session is noted in the receipt."""
    bench.lend(canary, restarts=1)
    bench.restart()
    bench.revoke()
    # The warning may go on, and the PC restart after it.
    assert not own_receipt(bench)[0]["closed"]
    bench.reboot()
    assert not own_receipt(bench)[0]["closed"]
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    assert own_receipt(bench)[0]["closed"]


def test_rule_10_another_account_cannot_read_or_close_notices(bench: Bench, canary: bytearray) -> None:
    """Another account can neither read nor close the customer's notices."""
    bench.lend(canary)
    mine = next(iter(bench.state.notices))
    theirs = bench.customer(cm.CustomerWatch(), peer=OTHER).snapshot
    assert theirs is not None
    assert (theirs.notices, theirs.lent, theirs.asked) == ([], [], [])
    assert bench.customer(cm.NoticesClosed(notices=[mine]), peer=OTHER).done
    assert kinds(bench) == ["granted"]


def test_rule_10_each_step_summons_the_companion(bench: Bench, canary: bytearray) -> None:
    """The request, the grant and the end each summon the customer's companion."""
    for act in (lambda: bench.lend(canary), lambda: bench.ask(END)):
        before = len(bench.world.summoned)
        act()
        assert len(bench.world.summoned) > before
        assert set(bench.world.summoned) == {"anna"}


# --- 11: the journal ---------------------------------------------------------------------------

DAMAGE = {
    "an event changed": "UPDATE events SET body = CAST(replace(body, 'CHG', 'GHC') AS BLOB) WHERE seq = 3",
    "an event missing": "DELETE FROM events WHERE seq = 3",
    "the last event missing": "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
    "everything missing": "DELETE FROM events",
    "two events exchanged": "UPDATE events SET seq = CASE seq WHEN 3 THEN -1 ELSE seq END",
    "a hash changed": "UPDATE events SET hash = zeroblob(32) WHERE seq = 3",
}


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE)
def test_rule_11_nothing_changes_unnoticed(bench: Bench, canary: bytearray, statement: str) -> None:
    """`journal verify` reports each change at once.

    The next start refuses every use and overwrites the sealed records.
    """
    bench.lend(canary)
    assert bench.result(rq.JournalVerify())["intact"]
    bench.database.execute(statement)
    assert not bench.result(rq.JournalVerify())["intact"]
    bench.crash()
    assert bench.code(rq.JournalVerify()) == "journal_damaged"
    assert bench.code(RESTART) == "journal_damaged"
    assert bench.code(rq.SessionStart(session="CHG-2", reason="Updates")) == "journal_damaged"
    assert bench.seal_tags() == 0


@pytest.fixture
def newer(bench: Bench, canary: bytearray) -> Bench:
    """An agent that finds the journal of a newer agent, with a live grant in it."""
    bench.lend(canary)
    bench.set_journal_version(journal.SCHEMA_VERSION + 1)
    return bench


def test_an_older_agent_keeps_a_newer_agents_journal(newer: Bench) -> None:
    """An older agent changes nothing, so the newer one can use the grant again."""
    assert newer.code(RESTART) == "journal_newer"
    assert newer.code(rq.JournalVerify()) == "journal_newer"
    assert newer.customer_code(cm.CustomerWatch()) == "journal_newer"
    assert newer.result(rq.JournalReset(check=True))["intact"] is False
    assert newer.seal_tags() == 1
    newer.set_journal_version(journal.SCHEMA_VERSION)
    assert newer.restart()


def test_a_reset_gives_up_a_newer_agents_journal(newer: Bench) -> None:
    """A reset starts a new journal and leaves no sealed record in the old file."""
    aside = newer.result(rq.JournalReset())["problem"].removeprefix("kept as ")
    assert MAGIC not in newer.journal.with_name(aside).read_bytes()
    assert newer.result(rq.SessionStart(session="CHG-2", reason="Updates"))


def test_removing_an_older_agent_erases_the_records_of_a_newer_one(newer: Bench) -> None:
    """Erasing everything overwrites the records of a newer agent too."""
    assert newer.result(rq.EraseAll())["erasure"] == []
    assert newer.seal_tags() == 0
    assert newer.code(RESTART) == "journal_damaged"


def test_rule_11_an_event_that_was_changed_with_its_hash_is_noticed(bench: Bench, canary: bytearray) -> None:
    """A forged event with a matching hash breaks the hash of the next event."""
    bench.lend(canary)
    hashes = dict(bench.database.execute("SELECT seq, hash FROM events"))
    body = bench.database.execute("SELECT body FROM events WHERE seq = 3").fetchone()[0]
    forged = body.replace(b"CHG-1", b"CHG-2")
    digest = journal.link(hashes[2], 3, forged)
    bench.database.execute("UPDATE events SET body = ?, hash = ? WHERE seq = 3", (forged, digest))
    verdict = bench.result(rq.JournalVerify())
    assert verdict["problem"] == "event 4 is missing or was changed"
    bench.crash()
    assert bench.code(RESTART) == "journal_damaged"


def test_rule_07_a_revocation_does_not_wait_for_the_journal_to_be_read(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is read in portions; between two of them a grant is revoked and erased."""
    grant = bench.lend(canary)
    monkeypatch.setattr(journal, "_PORTION", 3)
    core = bench.agent.core
    done: list[bool] = []

    def meanwhile(_seconds: float) -> None:
        if not done:
            other = threading.Thread(target=lambda: done.append(bench.revoke()))
            other.start()
            other.join(10)

    monkeypatch.setattr(core, "pause", meanwhile)
    assert bench.result(rq.JournalVerify())["intact"]
    assert done == [True]
    assert bench.state.grants[grant].state is GrantState.ERASED


@pytest.mark.parametrize("portion", [1, 2, 3, 500])
def test_rule_11_each_portion_of_the_journal_is_checked(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    """Wherever a portion ends, a changed event is found, and so is a row before the first one."""
    bench.lend(canary)
    monkeypatch.setattr(journal, "_PORTION", portion)
    assert bench.result(rq.JournalVerify())["intact"]
    bench.database.execute("INSERT INTO events VALUES (-5, x'00', x'00')")
    assert not bench.result(rq.JournalVerify())["intact"]
    bench.database.execute("DELETE FROM events WHERE seq = -5")
    bench.database.execute("UPDATE events SET hash = zeroblob(32) WHERE seq = 4")
    assert not bench.result(rq.JournalVerify())["intact"]


def test_a_session_has_a_most_of_checkpoints(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused; a known one can still change, and removing one makes room."""
    monkeypatch.setattr(sessions, "MOST_CHECKPOINTS", 2)
    bench.start_session()
    for step in ("one", "two", "one"):
        bench.result(rq.Checkpoint(session="CHG-1", step=step, state="done"))
    third = rq.Checkpoint(session="CHG-1", step="three", state="done")
    assert bench.code(third) == "policy_refuses"
    bench.result(rq.Checkpoint(session="CHG-1", step="one", state="started"))
    bench.result(rq.Checkpoint(session="CHG-1", step="one", state="absent"))
    bench.result(third)


def test_rule_11_an_older_copy_is_not_taken_for_the_journal(bench: Bench, canary: bytearray) -> None:
    """A copy of the journal from before the revocation does not restore the grant."""
    bench.lend(canary)
    bench.stop()
    copy = bench.journal.read_bytes()
    bench.start()
    bench.revoke()
    bench.stop()
    bench.journal.write_bytes(copy)
    bench.start()
    assert bench.code(RESTART) == "journal_damaged"
    assert bench.seal_tags() == 0


def test_rule_11_a_crash_before_the_anchor_moved_is_no_damage(place: Path) -> None:
    """A power cut at any touch of a command leaves an intact journal."""
    for cut in cuts(place, lambda bench: bench.start_session(), lambda bench: bench.request()):
        assert cut.bench.result(rq.JournalVerify())["intact"]


def test_rule_11_a_failing_anchor_loses_no_event(bench: Bench) -> None:
    """A written event counts even if the anchor fails; the anchor catches up later."""
    bench.start_session()
    bench.world.broken.add("anchor")
    bench.ask(rq.Checkpoint(session="CHG-1", step="one", state="done"))
    assert bench.code(rq.JournalVerify()) == "agent_failed"
    bench.world.broken.clear()
    assert not bench.result(rq.JournalVerify())["intact"]
    bench.wake()
    assert bench.result(rq.JournalVerify())["intact"]
    before = bench.state
    bench.crash()
    assert bench.state.sessions == before.sessions


def test_rule_11_a_new_journal_names_the_damaged_one(bench: Bench, canary: bytearray) -> None:
    """The first event of the new journal names the file with the damaged one."""
    bench.lend(canary)
    bench.database.execute(DAMAGE["an event missing"])
    bench.crash()
    kept = bench.result(rq.JournalReset())["problem"].removeprefix("kept as ")
    assert (bench.folder / kept).exists()
    first = bench.database.execute("SELECT body FROM events WHERE seq = 1").fetchone()[0]
    assert kept.encode() in first
    assert bench.result(rq.JournalVerify())["intact"]
    bench.start_session()


def test_rule_11_an_intact_journal_is_not_set_aside(bench: Bench) -> None:
    """A reset of an intact journal is refused."""
    bench.start_session()
    assert bench.code(rq.JournalReset()) == "out_of_order"
    assert bench.code(rq.JournalReset(check=True)) == "out_of_order"


def test_rule_11_a_disk_that_fails_is_not_called_damage(bench: Bench, canary: bytearray) -> None:
    """An unreadable disk leaves the journal as it is, and the grant is usable once the disk works."""
    grant = bench.lend(canary)
    bench.kill()
    bench.world.disk = "dead"
    bench.start()
    assert bench.code(RESTART) == "storage_failed"
    bench.world.disk = "well"
    bench.wake()
    assert bench.sealed() == {grant}
    assert bench.restart()


# --- 12: the logon screen ----------------------------------------------------------------------

ANY = [lm.Peek(), lm.Redeem(permit="t"), lm.ReportResult(permit="t", status=0)]


@pytest.mark.parametrize("request_", ANY, ids=["peek", "redeem", "report"])
def test_rule_12_without_a_permit_there_is_nothing(
    bench: Bench, canary: bytearray, request_: lm.LogonRequest
) -> None:
    """A grant without a permit gives the logon screen nothing."""
    bench.lend(canary)
    assert bench.logon(request_) == (lm.LogonAnswer(done=False), bytearray())


@pytest.mark.parametrize("request_", ANY, ids=["peek", "redeem", "report"])
def test_rule_12_a_damaged_journal_answers_nothing(
    bench: Bench, canary: bytearray, request_: lm.LogonRequest
) -> None:
    """A damaged journal never gives a permit to the logon screen."""
    bench.lend(canary)
    bench.restart()
    bench.reboot()
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()
    assert bench.logon(request_) == (lm.LogonAnswer(done=False), bytearray())


@pytest.mark.parametrize("broken", ["boot_id", "unprotect"])
def test_rule_12_a_fault_of_the_pc_answers_nothing(bench: Bench, canary: bytearray, broken: str) -> None:
    """The logon screen gets an empty answer whichever port fails."""
    bench.lend(canary)
    permit = bench.restart()
    bench.reboot()
    bench.world.broken.add(broken)
    assert bench.logon(lm.Redeem(permit=permit)) == (lm.LogonAnswer(done=False), bytearray())


@pytest.mark.parametrize("peer", [OPERATOR, CUSTOMER], ids=["operator", "customer"])
def test_rule_12_only_the_logon_screen_is_answered(bench: Bench, canary: bytearray, peer: object) -> None:
    """Neither an administrator nor the customer gets a permit from the logon pipe."""
    bench.lend(canary)
    permit = bench.restart()
    bench.reboot()
    assert bench.logon(lm.Redeem(permit=permit), peer) == (lm.LogonAnswer(done=False), bytearray())  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x01\x09\x00", b'{"verb":"peek"}', b"\xff" * 100_000])
def test_rule_12_an_invalid_message_gets_an_empty_answer(bench: Bench, body: bytes) -> None:
    """An invalid message gets the same empty answer."""
    reply = bench.agent.logon(body, LOGON)
    assert codec.decode_logon_answer(reply.body) == lm.LogonAnswer(done=False)
    assert (reply.secret, reply.permit_waits) == (bytearray(), False)


def test_rule_12_an_unlock_permit_is_not_for_another_boot(bench: Bench, canary: bytearray) -> None:
    """An unlock permit is void after a restart."""
    bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(next(iter(bench.state.grants.values())).account, locked=True)
    bench.unlock()
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done


def test_rule_12_a_restart_permit_is_not_for_its_own_boot(bench: Bench, canary: bytearray) -> None:
    """A restart permit signs nobody in before the restart."""
    bench.lend(canary)
    bench.restart()
    assert not bench.logon(lm.Peek())[0].done
