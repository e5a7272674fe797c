# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: events, the effects still to run, and the sealed records.

One SQLite database is the only store. An event's hash covers the hash before
it, so nothing in the middle can change or go missing unnoticed; the last hash
is kept outside as well (`ports.Anchor`), so the end cannot be cut off. A
database that does not match is not used: `JournalDamagedError` says why, and
what it had sealed is overwritten.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from .domain.effects import AnyEffect
from .domain.events import AnyEvent
from .ports import Anchor
from .vault import scrub

SCHEMA_VERSION = 1
_PREFIX = b"latchkey event 1\x00"
_GENESIS = bytes(32)
_SCHEMA = """
CREATE TABLE events (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE effects (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL) STRICT;
CREATE TABLE sealed (grant_id TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT;
CREATE TABLE keys (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
"""


class JournalDamagedError(Exception):
    """The journal is not what this agent wrote. Nothing in it can be relied on."""


class JournalWriteError(Exception):
    """The disk did not take it; nothing was changed."""


class Head(NamedTuple):
    """The end of the chain: how many events there are, and the last one's hash."""

    seq: int
    hash: bytes


class Verdict(NamedTuple):
    """What reading the whole chain has shown; `problem` is empty if all is well."""

    head: Head
    problem: str


class LeftOver(NamedTuple):
    """A file that was searched for a record's mark, and how often it was there."""

    name: str
    size: int
    found: int


class Change(NamedTuple):
    """What one transaction writes."""

    events: Sequence[AnyEvent] = ()
    effects: Sequence[AnyEffect] = ()
    sealed: tuple[str, bytes] | None = None
    erased: Sequence[str] = ()


class Journal:
    """Opens the database at `path`, or makes it.

    Raises:
        JournalDamagedError: it is not what the anchor says, or no database.
        JournalWriteError: the disk did not take a new one.
    """

    def __init__(self, path: Path, anchor: Anchor) -> None:
        self.path = path
        self._anchor = anchor
        self.head = Head(0, _GENESIS)
        self._events = msgspec.json.Decoder(AnyEvent)
        self._effects = msgspec.json.Decoder(AnyEffect)
        try:
            self._db = self._open()
        except sqlite3.DatabaseError as fault:
            msg = f"{path.name} is not a database of this agent ({fault})"
            raise JournalDamagedError(msg) from None

    def _open(self) -> sqlite3.Connection:
        fresh = not self.path.exists()
        if fresh and self._anchor.load() is None:
            # Before the first event: a crash between the two leaves an empty journal that matches.
            self._anchor.save(_anchored(self.head))
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "trusted_schema=OFF"):
            db.execute(f"PRAGMA {pragma}")
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            msg = f"it was written by a newer agent (version {version}, this one knows {SCHEMA_VERSION})"
            raise JournalDamagedError(msg)
        if version == 0:
            db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")

    def load(self) -> Iterator[AnyEvent]:
        """Yield every event in order, checking the chain; afterwards `head` stands.

        Raises:
            JournalDamagedError: an event is missing, changed or unreadable.
        """
        anchored = _unanchor(self._anchor.load())
        head = Head(0, _GENESIS)
        if anchored.seq == 0:
            _match(head, anchored)
        for head, body in self._chain():
            if head.seq == anchored.seq:
                _match(head, anchored)
            yield self._decode(head, body)
        if head.seq < anchored.seq:
            msg = f"it ends at event {head.seq}, though {anchored.seq} were written"
            raise JournalDamagedError(msg)
        self.head = head

    def _chain(self) -> Iterator[tuple[Head, bytes]]:
        """Yield each event's place and bytes once its hash is checked."""
        seq, before = 0, _GENESIS
        try:
            for number, body, digest in self._db.execute("SELECT seq, body, hash FROM events ORDER BY seq"):
                seq += 1
                if number != seq or digest != link(before, seq, body):
                    msg = f"event {seq} is missing or was changed"
                    raise JournalDamagedError(msg)
                before = digest
                yield Head(seq, digest), body
        except sqlite3.DatabaseError as fault:
            msg = f"it cannot be read after event {seq} ({fault})"
            raise JournalDamagedError(msg) from None

    def _decode(self, head: Head, body: bytes) -> AnyEvent:
        try:
            event: AnyEvent = self._events.decode(body)
        except msgspec.DecodeError as fault:
            msg = f"event {head.seq} is of no kind that this agent knows ({fault})"
            raise JournalDamagedError(msg) from None
        return event

    def verify(self) -> Verdict:
        """Read the whole chain from the disk and compare its end with the anchor."""
        head = Head(0, _GENESIS)
        try:
            for place, _ in self._chain():
                head = place
        except JournalDamagedError as damage:
            return Verdict(head, str(damage))
        anchored = _unanchor(self._anchor.load())
        problem = "" if head == anchored == self.head else "its end is not the one that was written last"
        return Verdict(head, problem)

    def commit(self, change: Change) -> None:
        """Write one change, all of it or nothing; then move the anchor.

        Raises:
            JournalWriteError: nothing was changed.
        """
        head = self.head
        with self._transaction():
            for event in change.events:
                body = msgspec.json.encode(event)
                head = Head(head.seq + 1, link(head.hash, head.seq + 1, body))
                self._db.execute("INSERT INTO events VALUES (?, ?, ?)", (head.seq, body, head.hash))
            bodies = ((msgspec.json.encode(effect),) for effect in change.effects)
            self._db.executemany("INSERT INTO effects (body) VALUES (?)", bodies)
            if change.sealed is not None:
                self._db.execute("INSERT INTO sealed VALUES (?, ?)", change.sealed)
            self._db.executemany(
                "DELETE FROM sealed WHERE grant_id = ?", ((grant,) for grant in change.erased)
            )
        self.head = head
        if change.events:
            self._anchor.save(_anchored(head))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except (sqlite3.Error, OSError) as fault:
            raise JournalWriteError(str(fault)) from None

    def pending(self) -> list[tuple[int, AnyEffect]]:
        """Return the effects that have not been done yet, oldest first."""
        rows = self._db.execute("SELECT id, body FROM effects ORDER BY id").fetchall()
        return [(number, self._effects.decode(body)) for number, body in rows]

    def done(self, effect: int) -> None:
        """Forget an effect that has been done."""
        with self._transaction():
            self._db.execute("DELETE FROM effects WHERE id = ?", (effect,))

    def sealed(self, grant: str) -> bytes | None:
        """Return a grant's sealed record, None if there is none."""
        row = self._db.execute("SELECT record FROM sealed WHERE grant_id = ?", (grant,)).fetchone()
        return None if row is None else bytes(row[0])

    def sealed_grants(self) -> list[str]:
        """Return the ids of all grants that something is sealed for."""
        return [row[0] for row in self._db.execute("SELECT grant_id FROM sealed")]

    def key(self, name: str) -> bytes | None:
        """Return a protected key, None if there is none."""
        row = self._db.execute("SELECT body FROM keys WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep_key(self, name: str, body: bytes) -> None:
        """Keep a protected key, in place of an older one."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?)", (name, body))

    def truncate_log(self) -> bool:
        """Write the write-ahead log into the database and empty it; tell if it is empty."""
        try:
            busy, left, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            return False
        return bool(busy == 0 and left == 0)

    def search(self, mark: bytes) -> list[LeftOver]:
        """Read the journal's files back from the disk and count a mark in each."""
        return [LeftOver(p.name, p.stat().st_size, p.read_bytes().count(mark)) for p in files(self.path)]

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def files(path: Path) -> list[Path]:
    """Return the database's files that exist: itself, write-ahead log, shared memory."""
    return [
        p
        for p in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"))
        if p.exists()
    ]


def scrub_files(path: Path) -> int:
    """Overwrite all sealed records in the files of a damaged journal; return how many."""
    total = 0
    for file in files(path):
        content = bytearray(file.read_bytes())
        if (found := scrub(content)) > 0:
            with file.open("r+b") as stream:
                stream.write(content)
                stream.flush()
            total += found
    return total


def link(before: bytes, seq: int, body: bytes) -> bytes:
    """Return the hash of an event: it covers its place and the hash before it."""
    return hashlib.sha256(_PREFIX + before + seq.to_bytes(8, "big") + body).digest()


def _anchored(head: Head) -> bytes:
    return f"{head.seq} {head.hash.hex()}".encode()


def _unanchor(kept: bytes | None) -> Head:
    if kept is None:
        msg = "its anchor is missing"
        raise JournalDamagedError(msg)
    try:
        seq, digest = kept.decode().split(" ")
        return Head(int(seq), bytes.fromhex(digest))
    except ValueError:
        msg = "its anchor cannot be read"
        raise JournalDamagedError(msg) from None


def _match(head: Head, anchored: Head) -> None:
    if head != anchored:
        msg = f"event {head.seq} is not the one that was written"
        raise JournalDamagedError(msg)
