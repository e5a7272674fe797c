# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 8 on the disk: the key slot and the write-ahead log are overwritten in place before they are given up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from latchkey_agent.domain.transitions import GrantState
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.storage import journal as journal_module
from latchkey_agent.storage import key_slots
from latchkey_agent.storage.journal import Change, Journal, JournalUnavailableError
from latchkey_agent.storage.vault import VaultError, tag_of
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import PowerCut

RESTART = rq.CredentialApply(session="CHG-1", action="restart")
END = rq.SessionEnd(session="CHG-1")
SIZE = key_slots.SIZE
Act = Callable[[Bench], object]
Fault = Callable[[pytest.MonkeyPatch], object]


def slots(bench: Bench) -> Path:
    """Return the file of the key slots."""
    return bench.folder / key_slots.NAME


def tags_in_slots(bench: Bench) -> set[str]:
    """Return the tags of all slots that hold anything."""
    content = slots(bench).read_bytes()
    places = (number * key_slots.SLOT_BYTES for number in range(key_slots.COUNT))
    every = [content[at : at + key_slots.SLOT_BYTES] for at in places]
    return {slot[:16].hex() for slot in every if any(slot)}


def live_tags(bench: Bench) -> set[str]:
    """Return the seal tags of all live grants."""
    return {grant.tag for grant in bench.state.grants.values() if not grant.ended}


# --- the key slot ------------------------------------------------------------------------------


def test_rule_08_erasing_destroys_a_key_that_is_overwritten_in_place(bench: Bench, canary: bytearray) -> None:
    """A sealed record that was copied before the end opens before it and never after it."""
    grant_id = bench.lend(canary)
    grant, core = bench.state.grants[grant_id], bench.agent.core
    copied = core.journal.sealed(grant_id)
    assert copied is not None
    before = slots(bench).stat()
    assert core.vault.open(copied, grant_id, core._associated_data(grant_id, grant)) == canary
    bench.revoke()
    after = slots(bench).stat()
    assert (after.st_ino, after.st_size, after.st_blocks) == (before.st_ino, SIZE, before.st_blocks)
    assert tags_in_slots(bench) == set()
    with pytest.raises(VaultError, match="the erasable half of its key is gone"):
        core.vault.open(copied, grant_id, core._associated_data(grant_id, grant))
    erasure = bench.state.grants[grant_id].erasure
    assert erasure is not None
    assert ("key slot overwritten", True, "read back as zeros") in erasure.checks


def test_rule_08_a_slot_is_overwritten_with_random_bytes_and_then_with_zeros(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot's own bytes are written twice at their own place, each time flushed."""
    bench.lend(canary)
    written: list[tuple[int, bytes]] = []
    write = key_slots._write

    def watched(file: Any, block: Any, number: int) -> None:
        written.append((number, bytes(block)))
        write(file, block, number)

    monkeypatch.setattr(key_slots, "_write", watched)
    bench.revoke()
    assert [number for number, _ in written] == [0, 0]
    assert any(written[0][1])
    assert not any(written[1][1])


def test_rule_08_the_key_slot_is_on_the_disk_before_the_record(place: Path, canary: bytearray) -> None:
    """A power cut at any touch of granting leaves no live grant without its slot, and no slot without a grant."""
    for cut in cuts(place, lambda bench: bench.shown_request(canary), lambda bench: _allow(bench, canary)):
        assert tags_in_slots(cut.bench) == live_tags(cut.bench)


def _allow(bench: Bench, canary: bytearray) -> None:
    bench.allow(next(iter(bench.state.requests)), canary)


@pytest.mark.parametrize("end", [Bench.revoke, lambda bench: bench.ask(END)], ids=["revoked", "ended"])
def test_rule_08_a_power_cut_at_any_touch_of_the_end_leaves_no_slot(
    place: Path, canary: bytearray, end: Act
) -> None:
    """After the next start a slot holds a half exactly as long as its grant lives."""
    for cut in cuts(place, lambda bench: bench.lend(canary), end):
        cut.bench.effects()
        assert tags_in_slots(cut.bench) == live_tags(cut.bench)


def test_rule_08_a_grant_that_is_not_journalled_leaves_no_slot(bench: Bench, canary: bytearray) -> None:
    """If the transaction of a grant fails, its slot is overwritten at once."""
    request = bench.shown_request(canary)
    put = bench.agent.core.slots.put

    def then_full(tag: bytes, half: bytearray) -> None:
        put(tag, half)
        assert tags_in_slots(bench) == {tag.hex()}
        bench.world.disk = "full"

    bench.agent.core.slots.put = then_full  # type: ignore[method-assign]
    answer = bench.allow(request, canary)
    assert answer.error is not None
    assert answer.error.code == "storage_failed"
    assert tags_in_slots(bench) == set()


def test_rule_08_a_slot_that_cannot_be_overwritten_is_reported_and_tried_again(
    bench: Bench, canary: bytearray
) -> None:
    """The failed check names the reason; the erasure is confirmed once the disk works."""
    grant = bench.lend(canary)
    bench.world.broken.add("disk")
    bench.revoke()
    assert bench.state.grants[grant].state is GrantState.ERASE_FAILED
    erasure = bench.state.grants[grant].erasure
    assert erasure is not None
    [check] = [check for check in erasure.checks if not check[1]]
    assert check[0] == "key slot overwritten"
    assert "keys.slots cannot be read or written" in check[2]
    bench.world.broken.clear()
    assert bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert tags_in_slots(bench) == set()


def test_rule_08_a_slot_that_reads_back_otherwise_is_not_confirmed(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that loses writes is not believed."""
    grant = bench.lend(canary)
    with monkeypatch.context() as patch:
        patch.setattr(key_slots, "_write", lambda *_: None)
        bench.revoke()
    assert bench.state.grants[grant].state is GrantState.ERASE_FAILED


def test_rule_08_an_end_overwrites_its_own_slot_only(bench: Bench, canary: bytearray) -> None:
    """The grant of another session keeps its slot and can be used."""
    bench.lend(canary, session="CHG-1")
    bench.lend(canary, session="CHG-2")
    bench.ask(END)
    assert tags_in_slots(bench) == live_tags(bench)
    assert len(live_tags(bench)) == 1
    assert bench.restart("CHG-2")


def test_rule_08_a_damaged_journal_overwrites_all_key_slots(bench: Bench, canary: bytearray) -> None:
    """No copy of a sealed record opens after the journal was found damaged."""
    bench.lend(canary)
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()
    assert bench.code(RESTART) == "journal_damaged"
    assert slots(bench).read_bytes() == bytes(SIZE)


def test_rule_08_key_slots_of_a_damaged_journal_that_cannot_be_overwritten(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent says so, also to `erase --all`, tries again, and then calls the journal damaged."""
    bench.lend(canary)
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    with monkeypatch.context() as patch:
        patch.setattr(key_slots, "_write_whole", _refuses)
        bench.crash()
        error = bench.error(RESTART)
        assert error.code == "storage_failed"
        assert "cannot be overwritten" in error.message
        assert bench.code(rq.EraseAll()) == "storage_failed"
    bench.wake()
    assert bench.code(RESTART) == "journal_damaged"
    assert bench.ask(rq.EraseAll()).outcome == "done"


def _refuses(*_: object) -> None:
    raise OSError(5, "Input/output error")


def test_rule_07_revoking_needs_no_space_for_the_key_slot(bench: Bench, canary: bytearray) -> None:
    """On a full disk the slot is overwritten in the blocks that it has already."""
    grant = bench.lend(canary)
    blocks = slots(bench).stat().st_blocks
    assert blocks * 512 >= SIZE
    bench.world.disk = "full"
    assert bench.customer(cm.GrantRevoke()).done
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert slots(bench).stat().st_blocks == blocks


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda file: file.write_bytes(b""),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "longer": lambda file: file.write_bytes(file.read_bytes() + b"x"),
    "zeros": lambda file: file.write_bytes(bytes(SIZE)),
    "noise": lambda file: file.write_bytes(b"\xa5" * SIZE),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("when", ["running", "stopped"])
def test_rule_08_without_its_key_slot_no_record_opens(
    bench: Bench, canary: bytearray, damage: Callable[[Path], object], when: str
) -> None:
    """A missing or damaged file of key slots rejects the grant, and the next grant works."""
    bench.lend(canary)
    if when == "running":
        damage(slots(bench))
    else:
        bench.stop()
        damage(slots(bench))
        bench.start()
    assert bench.code(RESTART) == "grant_rejected"
    [grant] = bench.state.grants.values()
    assert grant.rejection == "record_unreadable"
    if damage is DAMAGES["noise"] and when == "running":
        bench.crash()
    bench.lend(canary, session="CHG-2")
    assert bench.restart("CHG-2")


@pytest.mark.parametrize("damage", [DAMAGES["cut off"], DAMAGES["missing"]], ids=["cut off", "missing"])
def test_rule_08_an_end_with_a_damaged_slot_file_leaves_no_half(
    bench: Bench, canary: bytearray, damage: Callable[[Path], object]
) -> None:
    """A damaged file is overwritten as a whole; a missing one holds nothing."""
    bench.lend(canary)
    damage(slots(bench))
    bench.revoke()
    assert not slots(bench).exists() or not any(slots(bench).read_bytes())


LOST = ("key slot overwritten", False, "its file was missing or damaged")


@pytest.mark.parametrize("damage", [DAMAGES["cut off"], DAMAGES["missing"]], ids=["cut off", "missing"])
@pytest.mark.parametrize("when", ["running", "stopped", "stopped before the check", "made anew"])
def test_rule_08_a_lost_key_slot_is_not_confirmed(
    bench: Bench, canary: bytearray, damage: Callable[[Path], object], when: str
) -> None:
    """The customer and the receipt are told so once; no further try could confirm it, so new grants go on."""
    grant = bench.lend(canary)
    if when == "stopped before the check":
        bench.effects_lag = True
        bench.revoke()
        bench.effects_lag = False
    if when.startswith("stopped"):
        bench.stop()
    damage(slots(bench))
    if when == "made anew":
        bench.lend(canary, session="CHG-2")
    if when.startswith("stopped"):
        bench.start()
    bench.revoke()
    assert bench.effects()
    erasure = bench.state.grants[grant].erasure
    assert erasure is not None
    assert [check for check in erasure.checks if not check[1]] == [LOST]
    assert not erasure.confirmed
    assert ("erase_failed", "lost") in {(n.kind, n.detail) for n in bench.state.notices.values()}
    bench.crash()
    assert bench.effects()
    assert bench.state.grants[grant].erasure == erasure
    assert bench.result(rq.EraseAll(check=True))["erasure"] == []
    bench.lend(canary, session="CHG-3")
    assert bench.restart("CHG-3")


def lost_for_good(bench: Bench, grant: str) -> bool:
    """Run the effects; tell whether the only failed check of the grant's erasure is the lost slot, also later on."""
    found = []
    for _ in range(2):
        bench.effects()
        erasure = bench.state.grants[grant].erasure
        assert erasure is not None
        found.append([check for check in erasure.checks if not check[1]] == [LOST] and not erasure.confirmed)
        bench.crash()
    return all(found)


def _lose(bench: Bench, canary: bytearray, damage: Callable[[Path], object]) -> None:
    bench.lend(canary)
    bench.stop()
    damage(slots(bench))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_rule_08_a_lost_key_slot_stays_lost_after_a_power_cut_at_any_touch_of_the_start(
    place: Path, canary: bytearray, damage: Callable[[Path], object]
) -> None:
    """The file that the start makes anew is not the one of the half, whatever the next start knows of it."""
    rejections = set()
    for cut in cuts(place, lambda bench: _lose(bench, canary, damage), Bench.start):
        [grant] = cut.bench.state.grants
        assert lost_for_good(cut.bench, grant)
        rejections.add(cut.bench.state.grants[grant].rejection)
    assert rejections == {"record_unreadable"}


@pytest.mark.parametrize("write", range(5))
def test_rule_08_a_power_cut_while_the_slots_are_made_anew_confirms_nothing(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    """A file that was made in part is made once more; the half that was lost stays lost."""
    _lose(bench, canary, DAMAGES["cut off"])
    contents: list[bytes] = []

    def cut_at(file: Any, content: bytes) -> None:
        contents.append(content)
        file.seek(0)
        if len(contents) > write:
            file.write(content[: SIZE // 2])
            raise PowerCut
        file.write(content)

    with monkeypatch.context() as patch:
        patch.setattr(key_slots, "_write_whole", cut_at)
        with pytest.raises(PowerCut):
            bench.start()
    bench.kill()
    bench.start()
    [grant] = bench.state.grants
    assert lost_for_good(bench, grant)
    bench.lend(canary, session="CHG-2")
    assert bench.restart("CHG-2")


@pytest.mark.parametrize("life", [Bench.crash, Bench.reboot], ids=["crash", "restart"])
def test_rule_08_slots_that_another_grant_made_anew_confirm_nothing_after_the_next_start(
    bench: Bench, canary: bytearray, life: Act
) -> None:
    """The file is whole again because of a later grant, whose erasure is confirmed; the earlier one's is not."""
    grant = bench.lend(canary)
    slots(bench).unlink()
    later = bench.lend(canary, session="CHG-2")
    life(bench)
    assert lost_for_good(bench, grant)
    bench.revoke()
    assert bench.state.grants[later].state is GrantState.ERASED


def test_rule_08_slots_that_another_erasure_found_missing_confirm_nothing_later(
    bench: Bench, canary: bytearray
) -> None:
    """A grant that was given after the loss does not vouch for one that ended before it and was not checked yet."""
    grant = bench.lend(canary)
    bench.effects_lag = True
    bench.revoke()
    slots(bench).unlink()
    bench.effects_lag = False
    bench.crash()
    bench.crash()
    assert lost_for_good(bench, grant)


def test_rule_08_a_restored_journal_does_not_make_a_slot_that_was_overwritten_a_lost_one(
    bench: Bench, canary: bytearray
) -> None:
    """The file of key slots was in place all the time, so a slot that is not there was overwritten."""
    grant = bench.lend(canary)
    bench.kill()
    copy, anchor = bench.journal.read_bytes(), bench.world.anchor
    log = bench.folder / "journal.db-wal"
    kept = log.read_bytes()
    bench.start()
    bench.revoke()
    bench.lend(canary, session="CHG-2")
    bench.stop()
    bench.journal.write_bytes(copy)
    log.write_bytes(kept)
    bench.world.anchor = anchor
    bench.world.reboot()
    bench.start()
    assert bench.state.grants[grant].rejection == "record_unreadable"
    assert bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED


def test_rule_08_a_slot_that_is_lost_after_a_failed_check_is_told(bench: Bench, canary: bytearray) -> None:
    """A disk that did not work is tried again; the file that is missing then ends the tries."""
    grant = bench.lend(canary)
    bench.world.broken.add("disk")
    bench.revoke()
    bench.world.broken.clear()
    slots(bench).unlink()
    assert bench.effects()
    erasure = bench.state.grants[grant].erasure
    assert erasure is not None
    assert LOST in erasure.checks


def test_rule_08_an_erasure_that_a_crash_interrupted_is_confirmed(bench: Bench, canary: bytearray) -> None:
    """The slot was overwritten before the crash: the tag's own file without it is enough."""
    grant = bench.lend(canary)
    bench.effects_lag = True
    bench.revoke()
    assert bench.agent.core.slots.overwrite(bytes.fromhex(bench.state.grants[grant].tag)) == ""
    bench.crash()
    bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED


def test_a_full_disk_makes_no_key_slots_and_does_not_stop_the_start(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without space for the slots no grant can be given, and everything else works."""
    bench.stop()
    slots(bench).unlink()
    monkeypatch.setattr(key_slots, "_write_whole", _refuses)
    bench.start()
    assert not slots(bench).exists()
    request = bench.shown_request(canary)
    answer = bench.allow(request, canary)
    assert answer.error is not None
    assert answer.error.code == "storage_failed"
    monkeypatch.undo()
    assert bench.allow(request, canary).done


def test_no_more_grants_than_key_slots(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says that all slots are in use."""
    bench.lend(canary, session="CHG-1")
    bench.start_session("CHG-2")
    request = bench.request("CHG-2")
    bench.show(request)
    monkeypatch.setattr(key_slots, "COUNT", 1)
    answer = bench.allow(request, canary)
    assert answer.error is not None
    assert "all 1 slots of keys.slots are in use" in answer.error.message


@pytest.mark.parametrize("broken", ["_read", "_write"])
def test_a_slot_that_is_cut_short_is_a_fault_of_the_disk(
    bench: Bench, canary: bytearray, broken: str
) -> None:
    """A read or write of less than a slot refuses the grant, and nothing is half used."""
    request = bench.shown_request(canary)
    call = {"_read": "readinto", "_write": "write"}[broken]
    disk = bench.agent.core.computer.disk
    opened = disk.open_unbuffered

    def short(path: Path) -> Any:
        file = opened(path)
        setattr(file, call, lambda _: 1)
        return file

    disk.open_unbuffered = short  # type: ignore[method-assign]
    answer = bench.allow(request, canary)
    assert answer.error is not None
    assert answer.error.code == "storage_failed"
    disk.open_unbuffered = opened  # type: ignore[method-assign]
    assert bench.allow(request, canary).done


# --- checks that cannot be made -----------------------------------------------------------------


def _no_reading_of(name: str) -> Fault:
    read = Journal._read

    def refuses(journal: Journal, file: Path, start: int) -> bytes:
        if file.name == name:
            raise OSError(13, "Permission denied")
        return read(journal, file, start)

    return lambda patch: patch.setattr(Journal, "_read", refuses)


def _no_deleting(patch: pytest.MonkeyPatch) -> None:
    commit = Journal.commit

    def refuses(journal: Journal, change: Change) -> None:
        if change.erased and not change.events:
            raise JournalUnavailableError("it cannot be written")
        commit(journal, change)

    patch.setattr(Journal, "commit", refuses)


def _no_looking(patch: pytest.MonkeyPatch) -> None:
    def refuses(_journal: Journal, _grant: str) -> bytes | None:
        raise JournalUnavailableError("it cannot be read")

    patch.setattr(Journal, "sealed", refuses)


UNREADABLE = "it cannot be read back (Permission denied)"
UNCHECKED: dict[str, tuple[Fault, tuple[str, bool, str]]] = {
    name: (_no_reading_of(name), (f"{name} read back", False, UNREADABLE))
    for name in ("journal.db", "journal.db-wal", "journal.db-shm")
} | {
    "the record": (_no_looking, ("sealed record deleted", False, "it cannot be read")),
    "deleting": (_no_deleting, ("sealed record deleted", False, "it cannot be written")),
}


@pytest.mark.parametrize(("fault", "failed"), UNCHECKED.values(), ids=UNCHECKED)
def test_rule_08_an_erasure_that_cannot_be_checked_is_seen_retried_and_blocks(
    bench: Bench,
    canary: bytearray,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    failed: tuple[str, bool, str],
) -> None:
    """A file that the disk does not show is a failed check, not a missing one; the other checks are made."""
    grant = bench.lend(canary)
    record = bench.agent.core.journal.sealed(grant)
    bench.effects_lag = True
    bench.revoke()
    bench.effects_lag = False
    bench.database.execute("INSERT INTO sealed VALUES (?, ?)", (grant, record))
    with monkeypatch.context() as patch:
        fault(patch)
        assert not bench.effects()
        erasure = bench.state.grants[grant].erasure
        assert erasure is not None
        assert failed in erasure.checks
        assert len(erasure.checks) == 6
        assert tags_in_slots(bench) == set()
        status = bench.result(rq.Info())["agent"]
        assert (status["ready"], grant in status["problem"]) == (False, True)
        assert "erase_failed" in {notice.kind for notice in bench.state.notices.values()}
        error = bench.error(rq.CredentialRequest(session="CHG-1", restarts=6))
        assert (error.code, failed[2] in error.message) == ("erasure_unconfirmed", True)
    assert bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.result(rq.Info())["agent"]["ready"]


def test_rule_08_an_erasure_whose_check_cannot_be_journalled_counts_as_unconfirmed_after_a_minute(
    bench: Bench, canary: bytearray
) -> None:
    """A dead disk keeps no failed check; that the check is missing is enough to report it and to block."""
    grant = bench.lend(canary)
    bench.effects_lag = True
    bench.revoke()
    assert bench.result(rq.Info())["agent"]["ready"]
    bench.world.disk = "dead"
    assert not bench.effects()
    assert bench.state.grants[grant].erasure is None
    bench.world.now += timedelta(minutes=1)
    status = bench.result(rq.Info())["agent"]
    assert (status["ready"], grant in status["problem"]) == (False, True)
    error = bench.error(rq.CredentialRequest(session="CHG-1", restarts=6))
    assert (error.code, "erasure: not checked yet" in error.message) == ("erasure_unconfirmed", True)
    bench.world.disk = "well"
    assert bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.result(rq.Info())["agent"]["ready"]


# --- the write-ahead log -----------------------------------------------------------------------


def at_truncation(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return a list that gets the log's content each time just before SQLite truncates it."""
    seen: list[bytes] = []
    checkpoint = Journal._checkpoint

    def watched(journal: Journal, mode: Any) -> bool:
        if mode == "TRUNCATE":
            seen.append(journal.path.with_name("journal.db-wal").read_bytes())
        return checkpoint(journal, mode)

    monkeypatch.setattr(Journal, "_checkpoint", watched)
    return seen


ENDS: dict[str, Act] = {
    "revoked": Bench.revoke,
    "ended": lambda bench: bench.ask(END),
    "stopped": Bench.stop,
    "killed and started": Bench.crash,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_rule_08_the_write_ahead_log_is_overwritten_before_it_is_truncated(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch, end: Act
) -> None:
    """The blocks that SQLite gives up held the sealed record, and hold only zeros by then."""
    grant = bench.lend(canary)
    record, log = bench.agent.core.journal.sealed(grant), bench.folder / "journal.db-wal"
    assert record is not None
    assert tag_of(record) in log.read_bytes()
    seen = at_truncation(monkeypatch)
    end(bench)
    assert seen
    assert len(seen[0]) > len(record)
    assert not any(map(any, seen))
    if end is Bench.stop:
        bench.start()


@pytest.mark.parametrize("overwritten", [0, 32, 4096])
def test_rule_08_a_power_cut_while_the_log_is_overwritten_loses_nothing(
    bench: Bench, canary: bytearray, overwritten: int
) -> None:
    """Wherever the overwriting stops, the next start finds the whole journal in the database."""
    bench.lend(canary)
    assert bench.agent.core.journal._checkpoint("RESTART")
    bench.kill()
    log = bench.folder / "journal.db-wal"
    content = log.read_bytes()
    log.write_bytes(bytes(overwritten) + content[overwritten:])
    bench.start()
    assert bench.result(rq.JournalVerify())["intact"]
    assert bench.restart()


def test_reading_back_leaves_sqlites_locks_alone(bench: Bench, canary: bytearray) -> None:
    """Another program that opens and closes the journal does not take itself for the last and delete the log."""
    bench.lend(canary)
    bench.revoke()
    code = (
        "import sqlite3 as s, sys; d = s.connect(sys.argv[1]); d.execute('SELECT 1 FROM events'); d.close()"
    )
    subprocess.run([sys.executable, "-c", code, str(bench.journal)], check=True)
    assert (bench.folder / "journal.db-wal").exists()
    bench.start_session("CHG-2")
    bench.crash()
    assert not bench.agent.core.problem


def test_rule_08_the_head_of_the_log_is_overwritten_first(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite writes an old part of a log over newer pages if it finds the head and not the rest."""
    bench.lend(canary)
    log = bench.folder / "journal.db-wal"
    before, seen = log.read_bytes(), []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(log.read_bytes()))
    journal_module._overwrite(log)
    assert seen == [bytes(32) + before[32:], bytes(len(before))]


def test_rule_08_a_log_that_another_program_writes_to_is_not_overwritten(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another program committed after the checkpoint is not lost; the erasure is tried again."""
    grant = bench.lend(canary)
    checkpoint = Journal._checkpoint

    def then_write(journal: Journal, mode: Any) -> bool:
        done = checkpoint(journal, mode)
        with bench.other_program() as other:
            other.execute("INSERT OR REPLACE INTO keys VALUES ('other', x'01')")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "_checkpoint", then_write)
        bench.revoke()
        assert bench.state.grants[grant].state is GrantState.ERASE_FAILED
    assert bench.agent.core.journal.key("other") == b"\x01"
    assert bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.agent.core.journal.key("other") == b"\x01"
