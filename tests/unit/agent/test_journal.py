# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal alone: its hash chain, its anchor, and the faults of disk and SQLite."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from latchkey_agent.domain import effects as fx
from latchkey_agent.domain import events as e
from latchkey_agent.storage import journal as module
from latchkey_agent.storage.disk_reserve import SIZE, Reserve
from latchkey_agent.storage.journal import (
    Change,
    Head,
    Journal,
    JournalDamagedError,
    JournalNewerError,
    JournalUnavailableError,
    LeftOver,
    StoredReceipt,
    Verdict,
)
from tests.unit.agent.bench import in_one_go, searched, verdict
from tests.unit.agent.world import ANNA, START, World, anchors

EVENTS = [e.BootSeen(at=START, boot_id=f"boot-{number}") for number in range(5)]
EFFECT = fx.SummonCompanion(account=ANNA)


@pytest.fixture
def world() -> World:
    """A PC that keeps the anchor."""
    return World()


@pytest.fixture
def journal(place: Path, world: World) -> Iterator[Journal]:
    """A loaded, empty journal."""
    made = opened(place, world)
    yield made
    made.close()


def opened(place: Path, world: World) -> Journal:
    """Open and load a journal."""
    made = Journal(place / "journal.db", *anchors(world))
    list(made.load())
    return made


def damage(place: Path, statement: str, *values: int) -> None:
    """Change the database behind the agent's back."""
    with closing(sqlite3.connect(place / "journal.db", isolation_level=None)) as other:
        other.execute(statement, values)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),  # FULL
        ("secure_delete", 1),
        ("trusted_schema", 0),
        ("temp_store", 2),  # MEMORY
        ("busy_timeout", 1000),
    ],
)
def test_sqlite_keeps_what_the_journal_promises(journal: Journal, pragma: str, value: object) -> None:
    """A commit is on the disk, a deleted record is overwritten, nothing is put into a temporary file."""
    assert journal._db.execute(f"PRAGMA {pragma}").fetchone()[0] == value


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("secure_delete", 1),
        ("trusted_schema", 0),
        ("temp_store", 2),
    ],
)
def test_the_journal_does_not_rely_on_what_sqlite_was_built_with(
    place: Path, world: World, monkeypatch: pytest.MonkeyPatch, pragma: str, value: object
) -> None:
    """A connection that promises less at first promises the same once the journal is open."""
    connect = module.connect

    def weaker(path: Path) -> sqlite3.Connection:
        database = connect(path)
        for statement in ("journal_mode=DELETE", "synchronous=OFF", "secure_delete=OFF", "temp_store=FILE"):
            database.execute(f"PRAGMA {statement}")
        database.execute("PRAGMA trusted_schema=ON")
        return database

    monkeypatch.setattr(module, "connect", weaker)
    with closing(opened(place, world)) as journal:
        assert journal._db.execute(f"PRAGMA {pragma}").fetchone()[0] == value


def test_a_database_that_cannot_be_used_is_closed_again(
    place: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows sets no file aside that a program has open."""
    (place / "journal.db").write_bytes(b"Dear diary, " * 100)
    connect, made = module.connect, list[sqlite3.Connection]()

    def remembered(path: Path) -> sqlite3.Connection:
        made.append(connect(path))
        return made[-1]

    monkeypatch.setattr(module, "connect", remembered)
    with pytest.raises(JournalDamagedError):
        Journal(place / "journal.db", *anchors(world))
    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        made[0].execute("SELECT 1")


def test_a_reopened_journal_returns_its_content(journal: Journal, place: Path, world: World) -> None:
    """A reopened journal returns its events in order, its unfinished effects, keys and sealed records."""
    journal.commit(Change(EVENTS, [EFFECT, EFFECT], ("g", b"sealed")))
    journal.keep_key("receipts", b"key")
    journal.close()
    again = Journal(place / "journal.db", *anchors(world))
    assert list(again.load()) == EVENTS
    [(first, effect), (second, _)] = again.pending()
    assert effect == EFFECT
    again.done([first, second])
    assert again.pending() == []
    assert (again.sealed("g"), again.sealed("other"), again.sealed_grants()) == (b"sealed", None, ["g"])
    assert (again.key("receipts"), again.key("other")) == (b"key", None)
    again.commit(Change(erased=["g"]))
    assert again.sealed_grants() == []
    again.close()


def test_the_chain_is_what_its_documentation_says(journal: Journal, place: Path) -> None:
    """A reader written from the documentation alone computes the same hashes."""
    journal.commit(Change(EVENTS))
    before = bytes(32)
    with closing(sqlite3.connect(place / "journal.db")) as other:
        for seq, body, digest in other.execute("SELECT seq, body, hash FROM events ORDER BY seq"):
            place_ = int(seq).to_bytes(8, "big")
            before = hashlib.sha256(b"latchkey event 1\x00" + before + place_ + body).digest()
            assert before == digest
    assert journal.head == Head(5, before)


def test_a_change_is_atomic(journal: Journal) -> None:
    """A sealed record that exists already rolls back the events of the same change."""
    journal.commit(Change(EVENTS[:1], sealed=("g", b"sealed")))
    with pytest.raises(JournalDamagedError):
        journal.commit(Change(EVENTS[1:], [EFFECT], ("g", b"sealed")))
    assert journal.head.seq == 1
    assert journal.pending() == []
    assert verdict(journal).problem == ""


def test_only_an_event_moves_the_anchor(journal: Journal, world: World) -> None:
    """An erasure without an event does not move the anchor."""
    journal.commit(Change(EVENTS))
    touches = world.touches
    journal.commit(Change(erased=["g"]))
    assert world.touches == touches


def test_a_journal_that_matches_its_anchors_writes_neither(
    journal: Journal, place: Path, world: World
) -> None:
    """Neither its start nor its catching up moves an anchor that is not behind."""
    journal.commit(Change(EVENTS))
    touches = world.touches
    with closing(opened(place, world)) as again:
        again.catch_up()
    journal.catch_up()
    assert world.touches == touches


@pytest.mark.parametrize("broken", ["anchor", "boot_anchor"])
def test_an_anchor_that_could_not_be_moved_is_moved_later(
    journal: Journal, world: World, broken: str
) -> None:
    """The events are written all the same; each anchor is moved once it works again, and only once."""
    world.broken.add(broken)
    journal.commit(Change(EVENTS))
    assert journal.head.seq == len(EVENTS)
    journal.catch_up()
    world.broken.clear()
    assert verdict(journal).problem == "its end is not the one that was written last"
    journal.catch_up()
    assert verdict(journal) == Verdict(journal.head, "")
    touches = world.touches
    journal.catch_up()
    assert world.touches == touches


@pytest.mark.parametrize(
    ("anchor", "problem"),
    [
        (None, "its anchor is missing"),
        (b"nonsense", "its anchor cannot be read"),
        (b"-1 " + b"0" * 64, "its anchor cannot be read"),
        (b"6 " + b"0" * 64, "it ends at event 5, though 6 were written"),
        (b"5 " + b"0" * 64, "event 5 is not the one that was written"),
        (b"0 " + b"1" * 64, "event 0 is not the one that was written"),
    ],
)
def test_an_anchor_that_does_not_match_is_damage(
    journal: Journal, place: Path, world: World, anchor: bytes | None, problem: str
) -> None:
    """A journal whose anchor does not match is neither loaded nor verified."""
    journal.commit(Change(EVENTS))
    world.anchor = anchor
    assert verdict(journal).problem != ""
    again = Journal(place / "journal.db", *anchors(world))
    with pytest.raises(JournalDamagedError, match=problem):
        list(again.load())
    again.close()


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"nonsense", "its anchor cannot be read"),
        (b"6 " + b"0" * 64, "it ends at event 5, though 6 were written"),
        (b"4 " + b"0" * 64, "event 4 is not the one that was written"),
    ],
)
def test_a_head_in_memory_that_does_not_match_is_damage(
    journal: Journal, place: Path, world: World, head: bytes, problem: str
) -> None:
    """Within a boot the journal must also continue the head that Windows has in memory."""
    journal.commit(Change(EVENTS))
    world.boot_anchors[world.boot] = head
    assert verdict(journal).problem != ""
    again = Journal(place / "journal.db", *anchors(world))
    with pytest.raises(JournalDamagedError, match=problem):
        list(again.load())
    again.close()


def test_a_chain_that_is_rewritten_whole_with_its_anchors_is_noticed(
    journal: Journal, place: Path, world: World
) -> None:
    """The running agent compares the chain with the head in its own memory, which no file holds."""
    journal.commit(Change(events=EVENTS[:2]))
    assert verdict(journal).problem == ""
    before, head = bytes(32), Head(0, bytes(32))
    with closing(sqlite3.connect(place / "journal.db", isolation_level=None)) as other:
        other.execute("DELETE FROM events")
        for seq, event in enumerate(EVENTS[3:5], 1):
            body = msgspec.json.encode(event)
            before = module.link(before, seq, body)
            other.execute("INSERT INTO events VALUES (?, ?, ?)", (seq, body, before))
            head = Head(seq, before)
    for anchor in anchors(world):
        anchor.save(module.anchored(head))
    assert "not the one that was written last" in verdict(journal).problem


def test_a_new_boot_begins_with_the_head_of_the_anchor(journal: Journal, place: Path, world: World) -> None:
    """In a new boot there is no head in memory; from the start on there is one again."""
    journal.commit(Change(EVENTS))
    world.reboot()
    again = opened(place, world)
    assert world.boot_anchors[world.boot] == world.anchor
    assert verdict(again).problem == ""
    again.close()


def test_an_anchor_that_is_behind_catches_up(journal: Journal, place: Path, world: World) -> None:
    """The next start moves an anchor that a crash left behind."""
    journal.commit(Change(EVENTS[:3]))
    behind = world.anchor
    journal.commit(Change(EVENTS[3:]))
    world.anchor = behind
    again = opened(place, world)
    assert verdict(again).problem == ""
    again.close()


def test_a_journal_that_is_gone_is_damage(journal: Journal, place: Path, world: World) -> None:
    """A new database does not take the place of the one that the anchors know."""
    journal.commit(Change(EVENTS))
    kept = world.anchor
    journal.close()
    (place / "journal.db").unlink()
    for _ in range(2):
        again = Journal(place / "journal.db", *anchors(world))
        with (
            closing(again),
            pytest.raises(JournalDamagedError, match="it ends at event 0, though 5 were written"),
        ):
            list(again.load())
    assert world.anchor == kept


@pytest.mark.parametrize(("events", "pauses"), [(0, 0), (499, 0), (500, 1), (1000, 2)])
def test_a_journal_is_verified_in_portions_of_500_events(journal: Journal, events: int, pauses: int) -> None:
    """A revocation waits for one portion at most; every event is counted."""
    journal.commit(Change(EVENTS[:1] * events))
    steps = journal.verify()
    for _ in range(pauses):
        next(steps)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value == Verdict(journal.head, "")
    assert journal.head.seq == events


def test_the_verdict_on_a_damaged_journal_names_its_last_intact_event(journal: Journal, place: Path) -> None:
    """The events before the damage are unchanged."""
    journal.commit(Change(EVENTS[:3]))
    intact = journal.head
    journal.commit(Change(EVENTS[3:]))
    damage(place, "UPDATE events SET body = x'7b7d' WHERE seq = 4")
    assert verdict(journal) == Verdict(intact, "event 4 is missing or was changed")


def test_the_verdict_on_an_end_that_does_not_match_names_the_end(journal: Journal, world: World) -> None:
    """The chain itself is intact."""
    journal.commit(Change(EVENTS))
    world.anchor = b"4 " + b"0" * 64
    assert verdict(journal).head == journal.head


@pytest.mark.parametrize("seq", [-(2**63), -1, 0])
def test_a_row_before_the_first_event_is_damage(
    journal: Journal, place: Path, world: World, seq: int
) -> None:
    """However small its number is, it is found at the start and when the journal is verified."""
    journal.commit(Change(EVENTS))
    damage(place, "INSERT INTO events VALUES (?, x'7b7d', zeroblob(32))", seq)
    assert verdict(journal).problem == "event 1 is missing or was changed"
    again = Journal(place / "journal.db", *anchors(world))
    with closing(again), pytest.raises(JournalDamagedError, match="event 1 is missing"):
        list(again.load())


@pytest.mark.parametrize(
    ("table", "read", "problem"),
    [
        ("effects", Journal.pending, "its effects cannot be read"),
        ("sealed", Journal.sealed_grants, "its sealed records cannot be listed"),
        ("sealed", lambda journal: journal.sealed("g"), "it cannot be read"),
        ("keys", lambda journal: journal.key("receipts"), "it cannot be read"),
        ("keys", lambda journal: journal.keep_key("receipts", b"key"), "it cannot be written"),
        ("effects", lambda journal: journal.done([1]), "it cannot be written"),
    ],
)
def test_a_table_that_is_missing_is_damage(
    journal: Journal, place: Path, table: str, read: Callable[[Journal], object], problem: str
) -> None:
    """The error says what could not be done and what SQLite has said."""
    damage(place, f"DROP TABLE {table}")
    with pytest.raises(JournalDamagedError, match=rf"^{problem} \(no such table: {table}\)$"):
        read(journal)


def test_pages_that_are_overwritten_are_damage(journal: Journal, place: Path, world: World) -> None:
    """SQLite calls the database malformed."""
    journal.commit(Change(EVENTS * 100))
    journal.close()
    file = place / "journal.db"
    content = file.read_bytes()
    file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with (
        closing(Journal(file, *anchors(world))) as again,
        pytest.raises(JournalDamagedError, match="malformed"),
    ):
        list(again.load())


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE events SET body = CAST('{}' AS BLOB) WHERE seq = 2", "event 2 is missing or was changed"),
        ("DELETE FROM events WHERE seq = 2", "event 2 is missing or was changed"),
        ("UPDATE events SET seq = 9 WHERE seq = 5", "event 5 is missing or was changed"),
        ("DROP TABLE events", "it cannot be read to its end"),
        (
            'UPDATE effects SET body = CAST(\'{"effect":"format"}\' AS BLOB)',
            "of no kind that this agent knows",
        ),
    ],
)
def test_a_database_that_was_changed_is_damage(
    journal: Journal, place: Path, world: World, statement: str, problem: str
) -> None:
    """The error names the first event that does not fit, or the effect of an unknown kind."""
    journal.commit(Change(EVENTS, [EFFECT]))
    journal.close()
    damage(place, statement)
    again = Journal(place / "journal.db", *anchors(world))
    with pytest.raises(JournalDamagedError, match=problem):
        _ = list(again.load()), again.pending()
    again.close()


def test_an_event_of_an_unknown_kind_is_no_damage(journal: Journal, place: Path, world: World) -> None:
    """An unknown event with a matching hash comes from a newer agent."""
    body = b'{"event":"moon_landing","at":"2026-11-23T18:00:00Z"}'
    digest = module.link(bytes(32), 1, body)
    journal.close()
    with closing(sqlite3.connect(place / "journal.db", isolation_level=None)) as other:
        other.execute("INSERT INTO events VALUES (1, ?, ?)", (body, digest))
    again = Journal(place / "journal.db", *anchors(world))
    with pytest.raises(JournalNewerError, match="event 1 is of no kind that this agent knows"):
        list(again.load())
    again.close()


def as_first_version(journal: Journal, place: Path) -> None:
    """Leave a closed journal of version 1, which had no table of receipts."""
    journal.commit(Change(EVENTS))
    journal.keep_reserve()
    journal.close()
    damage(place, "DROP TABLE receipts")
    damage(place, "PRAGMA user_version = 1")


def test_a_journal_of_the_first_version_gets_a_table_of_receipts(
    journal: Journal, place: Path, world: World
) -> None:
    """A journal of version 1 keeps its events and gets the table; a receipt in it comes back as it was stored."""
    as_first_version(journal, place)
    receipt = StoredReceipt("R-1", b"{}", "signed", "ssh-ed25519 AAAA")
    with closing(Journal(place / "journal.db", *anchors(world))) as again:
        assert list(again.load()) == EVENTS
        assert (again.stored_receipts(), again.last_receipt(), again.receipt("R-1")) == ([], None, None)
        again.store_receipt(receipt)
    with closing(opened(place, world)) as last:
        assert (last.stored_receipts(), last.last_receipt(), last.receipt("R-1")) == (["R-1"], b"{}", receipt)
        assert (last.receipts_after(0), last.receipts_after(1)) == ([(1, receipt)], [])
        with pytest.raises(JournalDamagedError):
            last.store_receipt(receipt)


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR])
def test_a_change_of_version_on_a_full_disk_uses_the_reserve(
    journal: Journal, place: Path, world: World, monkeypatch: pytest.MonkeyPatch, code: int, *, begun: bool
) -> None:
    """A full disk gives up its reserve for the new table, and a failing disk changes nothing."""
    as_first_version(journal, place)
    reserve = place / "journal.db-reserve"

    class Failing(sqlite3.Connection):
        def executescript(self, script: str) -> sqlite3.Cursor:
            """Fail while the reserve is there."""
            if not reserve.exists():
                return super().executescript(script)
            if begun:
                self.execute("BEGIN")
            fault = sqlite3.OperationalError("no space")
            fault.sqlite_errorcode = code
            raise fault

    def connect(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, factory=Failing)

    monkeypatch.setattr(module, "connect", connect)
    if code == sqlite3.SQLITE_IOERR:
        with pytest.raises(JournalUnavailableError, match="no space"):
            opened(place, world)
        assert reserve.exists()
    else:
        with closing(opened(place, world)) as again:
            assert (again.head.seq, again.stored_receipts(), again.has_reserve) == (len(EVENTS), [], False)


def test_a_newer_database_is_not_touched(journal: Journal, place: Path, world: World) -> None:
    """The agent names the newer version and leaves the file unchanged."""
    journal.close()
    damage(place, "PRAGMA user_version = 3")
    before = (place / "journal.db").read_bytes()
    with pytest.raises(JournalNewerError, match="its version is 3, this agent knows 2"):
        Journal(place / "journal.db", *anchors(world))
    assert (place / "journal.db").read_bytes() == before


def test_a_file_that_is_no_database_is_damage(place: Path, world: World) -> None:
    """A file that is not a database counts as a damaged journal."""
    (place / "journal.db").write_bytes(b"Dear diary, " * 100)
    with pytest.raises(JournalDamagedError, match="is not a database of this agent"):
        Journal(place / "journal.db", *anchors(world))


def test_a_folder_that_cannot_be_written_is_not_damage(place: Path, world: World) -> None:
    """A missing folder makes the journal unavailable, not damaged."""
    with pytest.raises(JournalUnavailableError):
        Journal(place / "missing" / "journal.db", *anchors(world))


def test_a_path_through_a_file_is_not_damage(place: Path, world: World) -> None:
    """An impossible path makes the journal unavailable, not damaged."""
    (place / "file").write_bytes(b"")
    with pytest.raises(JournalUnavailableError) as caught:
        Journal(place / "file" / ("x" * 300), *anchors(world))
    assert not caught.value.is_full


def fill(journal: Journal) -> None:
    """Write until SQLite has no room left."""
    for _ in range(1000):
        journal.commit(Change(EVENTS))


def test_a_full_database_refuses_and_changes_nothing(journal: Journal) -> None:
    """SQLITE_FULL keeps every earlier event and nothing of the failed change."""
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(JournalUnavailableError) as caught:
        fill(journal)
    assert caught.value.is_full
    assert journal.head.seq % len(EVENTS) == 0
    assert verdict(journal).problem == ""
    journal._db.execute("PRAGMA max_page_count=100000")
    journal.commit(Change(EVENTS))
    assert verdict(journal).problem == ""


def fail_in(journal: Journal, statement: str) -> None:
    """Raise inside a transaction, after a statement."""
    with journal._transaction():
        journal._db.execute(statement)
        raise RuntimeError


def test_a_fault_in_a_transaction_rolls_back(journal: Journal) -> None:
    """A fault inside a transaction rolls it back, so the next change succeeds."""
    with pytest.raises(RuntimeError):
        fail_in(journal, "DELETE FROM events")
    journal.commit(Change(EVENTS))
    assert verdict(journal).problem == ""


def test_a_transaction_that_sqlite_rolled_back_stays_ended(journal: Journal) -> None:
    """A transaction that SQLite has rolled back itself needs no second rollback."""
    with pytest.raises(RuntimeError):
        fail_in(journal, "ROLLBACK")
    journal.commit(Change(EVENTS))


def test_a_locked_database_refuses_after_the_timeout(journal: Journal, place: Path) -> None:
    """A locked database refuses the change after the timeout and takes it once the lock is gone."""
    journal._db.execute("PRAGMA busy_timeout=1")
    with closing(sqlite3.connect(place / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalUnavailableError):
            journal.commit(Change(EVENTS))
        assert journal.empty_log() is None
        assert journal._db.execute("PRAGMA busy_timeout").fetchone()[0] == module.BUSY_TIMEOUT
    journal.commit(Change(EVENTS))
    assert journal.empty_log()


def log_of(journal: Journal) -> Path:
    """Return the write-ahead log's file."""
    return journal.path.with_name(journal.path.name + "-wal")


def test_an_emptied_log_has_no_bytes(journal: Journal) -> None:
    """It says how many bytes it has overwritten; nothing is left to overwrite the second time."""
    journal.commit(Change(EVENTS))
    size = log_of(journal).stat().st_size
    assert journal.empty_log() == size > 0
    assert log_of(journal).stat().st_size == 0
    assert journal.empty_log() == 0
    assert log_of(journal).stat().st_size == 0


def test_a_log_that_a_reader_uses_is_not_overwritten(journal: Journal, place: Path) -> None:
    """Even if all of it stands in the database already, the reader reads on undisturbed."""
    journal.commit(Change(EVENTS, sealed=("g", b"record")))
    log = log_of(journal).read_bytes()
    with closing(sqlite3.connect(place / "journal.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM events").fetchone() == (len(EVENTS),)
        assert journal.empty_log() is None
        assert log_of(journal).read_bytes() == log
        assert reader.execute("SELECT record FROM sealed").fetchone() == (b"record",)
    assert journal.empty_log()


def test_nobody_writes_while_the_log_is_overwritten(
    journal: Journal, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program would write its change into the bytes that are overwritten."""
    overwrite = module._overwrite

    def meanwhile(file: Path) -> int:
        other = sqlite3.connect(place / "journal.db", timeout=0, isolation_level=None)
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("INSERT INTO keys VALUES ('other', x'01')")
        return overwrite(file)

    monkeypatch.setattr(module, "_overwrite", meanwhile)
    journal.commit(Change(EVENTS))
    assert journal.empty_log()


def test_a_log_that_cannot_be_emptied_after_it_was_overwritten_is_tried_again(
    journal: Journal, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program has taken the lock in between."""
    overwrite = Journal._overwrite_log
    with closing(sqlite3.connect(place / "journal.db", isolation_level=None)) as other:

        def then_lock(journal: Journal, version: int) -> int | None:
            size = overwrite(journal, version)
            other.execute("BEGIN IMMEDIATE")
            return size

        journal.commit(Change(EVENTS))
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "_overwrite_log", then_lock)
            assert journal.empty_log() is None
    assert journal.empty_log() is not None
    assert verdict(journal).problem == ""


def test_emptying_the_log_waits_for_nobody(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revocation must not wait for another program; a change does wait for it."""
    waits: list[int] = []
    overwrite = Journal._overwrite_log

    def watched(journal: Journal, version: int) -> int | None:
        waits.append(journal._db.execute("PRAGMA busy_timeout").fetchone()[0])
        return overwrite(journal, version)

    monkeypatch.setattr(Journal, "_overwrite_log", watched)
    journal.commit(Change(EVENTS))
    assert journal.empty_log()
    waits.append(journal._db.execute("PRAGMA busy_timeout").fetchone()[0])
    assert waits == [0, 1000]


def test_a_log_that_was_not_overwritten_is_not_emptied(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blocks that SQLite gives up would keep a sealed record."""
    journal.commit(Change(EVENTS))
    log = log_of(journal).read_bytes()
    monkeypatch.setattr(Journal, "_overwrite_log", lambda *_: None)
    assert journal.empty_log() is None
    assert log_of(journal).read_bytes() == log


def test_a_log_that_cannot_be_overwritten_is_not_emptied(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the disk leaves the log as it is, and the journal can be written and the log emptied later."""

    def fails(_: Path) -> int:
        raise OSError(5, "Input/output error")

    journal.commit(Change(EVENTS))
    with monkeypatch.context() as patch:
        patch.setattr(module, "_overwrite", fails)
        assert journal.empty_log() is None
    assert any(log_of(journal).read_bytes())
    journal.commit(Change(EVENTS))
    assert journal.empty_log()


def test_a_log_is_overwritten_before_sqlite_deletes_it(
    journal: Journal, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sealed record does not stand in blocks that the disk takes for free."""
    journal.commit(Change(EVENTS, sealed=("g", b"record" * 100)))
    log, flushed = log_of(journal), list[bytes]()
    before = log.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: flushed.append(log.read_bytes()))
    journal.close()
    assert flushed == [bytes(32) + before[32:], bytes(len(before))]
    assert not log.exists()


def test_a_long_log_is_overwritten_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written in blocks, and keeps its size."""
    log, flushed = place / "log", list[bytes]()
    monkeypatch.setattr(os, "fsync", lambda _: flushed.append(log.read_bytes()))
    for size in (0, 7, 32, 32 + 65_536, 200_000):
        log.write_bytes(b"x" * size)
        flushed.clear()
        assert module._overwrite(log) == size
        assert flushed == [bytes(min(32, size)).ljust(size, b"x"), bytes(size)]


def test_a_closed_journal_has_no_file_open(journal: Journal) -> None:
    """The files that were read back are closed before SQLite deletes the log."""
    journal.commit(Change(EVENTS))
    searched(journal, b"tag")
    journal.commit(Change(EVENTS))
    assert open_files(journal.path.parent)
    journal.close()
    assert not open_files(journal.path.parent)
    assert [file.name for file in module.files(journal.path)] == ["journal.db"]


def open_files(folder: Path) -> list[str]:
    """Return the files in a folder that this process has open."""
    opened = [str(file.resolve()) for file in Path("/proc/self/fd").iterdir()]
    return [file for file in opened if file.startswith(f"{folder}/")]


def test_a_closed_journal_is_unavailable(journal: Journal) -> None:
    """A closed journal is unavailable, not damaged."""
    journal.close()
    with pytest.raises(JournalUnavailableError):
        journal.sealed_grants()
    assert journal.empty_log() is None


def test_the_seal_tag_is_found_until_its_record_is_erased(journal: Journal, place: Path) -> None:
    """The seal tag is in the log at first, and in no file after the erasure."""
    tag = bytes(range(200, 216))
    journal.commit(Change(sealed=("g", b"x" * 1000 + tag)))
    assert sum(file.found for file in searched(journal, tag)) > 0
    for file in searched(journal, tag):
        assert (place / file.name).read_bytes().count(tag) == file.found
        assert (place / file.name).stat().st_size == file.size
    journal.commit(Change(erased=["g"]))
    assert journal.empty_log()
    assert [file.found for file in searched(journal, tag)] == [0, 0, 0]
    assert [file.name for file in searched(journal, tag)] == [
        "journal.db",
        "journal.db-wal",
        "journal.db-shm",
    ]


@pytest.mark.parametrize("portion", [1, 7, 16, 17, 1000])
def test_the_seal_tag_is_found_across_the_portions_of_the_search(
    journal: Journal, place: Path, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    """The search reads a portion at a time, however large the journal is, and ends with each file's end."""
    tag = bytes(range(200, 216))
    journal.commit(Change(EVENTS, sealed=("g", b"x" * 1000 + tag)))
    monkeypatch.setattr(module, "_SEARCHED", portion)
    read, sizes = Journal._read, set[int]()

    def noted(self: Journal, file: Path, start: int) -> bytes:
        block = read(self, file, start)
        sizes.add(len(block))
        return block

    monkeypatch.setattr(Journal, "_read", noted)
    files = searched(journal, tag)
    assert max(sizes) == portion
    assert sum(file.found for file in files) > 0
    for file in files:
        assert (place / file.name).read_bytes().count(tag) == file.found
        assert (place / file.name).stat().st_size == file.size


def test_a_journal_that_is_closed_during_a_search_is_a_problem_of_the_search(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing counts as searched that was not read to its end."""
    journal.commit(Change(EVENTS))
    monkeypatch.setattr(module, "_SEARCHED", 100)
    steps = journal.search(b"tag")
    next(steps)
    journal.close()
    assert in_one_go(steps) == [
        LeftOver("journal.db", 0, 0, "it cannot be read back (the journal was closed)")
    ]


def test_an_unreadable_file_is_a_problem_of_the_search(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unreadable file is listed with the reason instead of counting as erased."""

    def fails(*_: object, **_named: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fails)
    reason = "it cannot be read back (Input/output error)"
    names = ["journal.db", "journal.db-wal", "journal.db-shm"]
    assert searched(journal, b"tag") == [LeftOver(name, 0, 0, reason) for name in names]


def test_a_file_that_is_not_there_is_left_out_of_the_search(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal may have no log at the moment."""
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert searched(journal, b"tag") == []


def test_a_folder_that_cannot_be_looked_at_is_a_failing_disk(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk refuses to say whether there is a journal: no new one is begun."""

    def refuses(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuses)
    with pytest.raises(JournalUnavailableError, match="Permission denied"):
        Journal(place / "journal.db", *anchors(World()))


# --- the reserve -----------------------------------------------------------------------------------


def test_the_reserve_is_real_space(place: Path) -> None:
    """The reserve takes real blocks of the disk and does not compress."""
    reserve = Reserve(place / "reserve")
    reserve.keep()
    assert (place / "reserve").stat().st_blocks * 512 >= SIZE
    assert len(set((place / "reserve").read_bytes())) == 256
    reserve.keep()
    assert reserve.give_up()
    assert not reserve.give_up()


def test_a_missing_reserve_is_no_fault(place: Path) -> None:
    """A reserve that cannot be written raises no error."""
    reserve = Reserve(place / "missing" / "reserve")
    reserve.keep()
    assert not reserve.give_up()


def test_a_part_of_a_reserve_is_made_whole_or_given_up(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up meanwhile leaves no part, which would pass for the reserve and take the last space."""
    file = place / "reserve"
    file.write_bytes(b"part")
    Reserve(file).keep()
    assert file.stat().st_size == SIZE

    def fills_up(path: Path, content: bytes) -> int:
        with path.open("wb") as part:
            part.write(content[:100])
        raise OSError(28, "No space left on device")

    file.unlink()
    monkeypatch.setattr(Path, "write_bytes", fills_up)
    Reserve(file).keep()
    assert not file.exists()


@pytest.mark.parametrize("change", [Change(EVENTS, erased=["g"]), Change(EVENTS, revokes=True)])
def test_only_a_revocation_or_an_erasure_uses_the_reserve(
    journal: Journal, place: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    """On a full disk an event is refused; revoking and erasing succeed by giving up the reserve."""
    journal.keep_reserve()
    reserve, write = place / "journal.db-reserve", journal._write

    def full(change: Change) -> Head:
        if reserve.exists():
            raise JournalUnavailableError("it cannot be written (database or disk is full)", is_full=True)
        return write(change)

    monkeypatch.setattr(journal, "_write", full)
    with pytest.raises(JournalUnavailableError):
        journal.commit(Change(EVENTS))
    assert reserve.exists()
    journal.commit(change)
    assert not reserve.exists()
    assert journal.head.seq == len(EVENTS)


@pytest.mark.parametrize(
    ("is_full", "change", "is_given_up"),
    [
        (True, Change(EVENTS, erased=["g"]), True),
        (True, Change(EVENTS, revokes=True), True),
        (True, Change(EVENTS, erased=["g"], revokes=True), True),
        (True, Change(EVENTS), False),
        (False, Change(EVENTS, erased=["g"]), False),
        (False, Change(EVENTS, revokes=True), False),
        (False, Change(EVENTS), False),
    ],
)
def test_the_reserve_is_given_up_on_a_full_disk_to_a_revocation_or_an_erasure(
    journal: Journal,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_full: bool,
    change: Change,
    is_given_up: bool,
) -> None:
    """The change is tried once more then, and in no other case."""
    journal.keep_reserve()
    tried: list[Change] = []

    def fails(change: Change) -> Head:
        tried.append(change)
        raise JournalUnavailableError("it cannot be written", is_full=is_full)

    monkeypatch.setattr(journal, "_write", fails)
    with pytest.raises(JournalUnavailableError):
        journal.commit(change)
    assert tried == [change] * (2 if is_given_up else 1)
    assert (place / "journal.db-reserve").exists() is not is_given_up


def test_a_counter_is_noted_with_its_change(journal: Journal) -> None:
    """A journal knows no value at first, a PC without a counter has none, and a change may note one."""
    assert journal.count() is None
    journal.commit(Change(EVENTS[:1], counter=7))
    assert journal.count() == 7
    assert journal.key("counter") == b"7"
    journal.commit(Change(EVENTS[1:]))
    assert journal.count() == 7
    journal.note_count(8)
    assert journal.count() == 8
    journal.note_count(None)
    assert journal.count() is None
    journal.note_count(0)
    assert journal.count() == 0
