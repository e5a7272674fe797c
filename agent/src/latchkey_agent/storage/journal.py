# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: events, effects that have not run yet, and sealed records.

One SQLite database is the only store. An event's hash covers the hash before
it, so a change in the middle is noticed; the last hash is also kept outside
(`ports.Anchor`), so a cut end is noticed. A database that does not match is
not used: `JournalDamagedError` gives the reason, and its sealed records are
overwritten. A database that a newer agent wrote (`JournalNewerError`), or that the
disk cannot read (`JournalUnavailableError`), is left as it is.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from latchkey_agent.domain import AnyEffect, AnyEvent
from latchkey_agent.ports import Anchor, PortError

from .disk_reserve import Reserve

log = logging.getLogger(__name__)
SCHEMA_VERSION = 2
"""Version of the tables and the event kinds. Raise it with each change: older agents then refuse the journal."""
BUSY_TIMEOUT = 1000
"""Milliseconds to wait for another program that has the database open."""
_COUNT = "counter"
_LOG_HEAD = 32
"""Bytes ("WAL Header", file format of SQLite)."""
_BLOCK = 65_536
_PORTION = 500
"""The events that are read in one step."""
_SEARCHED = 4 * 1024 * 1024
"""The bytes that `search` reads in one step."""
_RECEIPT_PORTION = 20
"""The receipts that are read in one step; one may have some hundred kilobytes."""
_PREFIX = b"latchkey event 1\x00"
_GENESIS = bytes(32)
_RECEIPTS = """
CREATE TABLE receipts (
    number INTEGER PRIMARY KEY, request TEXT NOT NULL UNIQUE, body BLOB NOT NULL, signature TEXT NOT NULL,
    public_key TEXT NOT NULL
) STRICT;
"""
_SCHEMA = f"""
CREATE TABLE events (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE TABLE effects (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL) STRICT;
CREATE TABLE sealed (grant_id TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT;
CREATE TABLE keys (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
{_RECEIPTS}
"""
_MIGRATIONS = {0: _SCHEMA, 1: _RECEIPTS}
"""The statements that bring a database of this version to the present one. A new one has version 0."""
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "trusted_schema=OFF",
    # Keep a statement's rollback data in memory: it could hold a sealed record.
    "temp_store=MEMORY",
)
_DAMAGE = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT}
)
"""Result codes of SQLite that mean a damaged file; other codes mean the disk or another program."""
_ANCHOR = re.compile(rb"(\d{1,18}) ([0-9a-f]{64})")


class JournalDamagedError(Exception):
    """The journal is not the one that the agent wrote; its content cannot be relied on."""


class JournalNewerError(Exception):
    """A newer agent wrote the journal. This agent does not understand all of it."""


class JournalUnavailableError(Exception):
    """The disk refused to read or write the journal; nothing was changed."""

    def __init__(self, reason: str, *, is_full: bool = False) -> None:
        super().__init__(reason)
        self.is_full = is_full


class Head(NamedTuple):
    """The end of the chain: the number of events, and the hash of the last one."""

    seq: int
    hash: bytes


BEGINNING = Head(0, _GENESIS)


class Verdict(NamedTuple):
    """The result of reading the whole chain; `problem` is empty for an intact one."""

    head: Head
    problem: str


class LeftOver(NamedTuple):
    """A file that was searched for a seal tag, its size, and the number of finds.

    `problem`: the reason why it could not be searched, empty if it was.
    """

    name: str
    size: int
    found: int
    problem: str = ""


class StoredReceipt(NamedTuple):
    """A receipt as it was signed. `body`: the signed bytes; `public_key`: a line of OpenSSH."""

    request: str
    body: bytes
    signature: str
    public_key: str


class Change(NamedTuple):
    """The content of one transaction; `counter` is the value that the PC's counter has afterwards.

    `revokes`: it must be possible on a full disk, as what erases must.
    """

    events: Sequence[AnyEvent] = ()
    effects: Sequence[AnyEffect] = ()
    sealed: tuple[str, bytes] | None = None
    erased: Sequence[str] = ()
    counter: int | None = None
    revokes: bool = False


def connect(path: Path) -> sqlite3.Connection:
    """Open the database for the threads of this process; they use it in turn."""
    wait = BUSY_TIMEOUT / 1000
    return sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)


class Journal:
    """The journal in the database at `path`, which is made if it is missing.

    Args:
        path: the database.
        anchor: keeps the head from one boot to the next.
        boot_anchor: keeps the head within this boot, out of the reach of every copy of the disk.

    Raises:
        JournalDamagedError: it does not match the anchor, or is no database.
        JournalNewerError: a newer agent wrote it.
        JournalUnavailableError: the disk refused to read or write it.
        PortError: the anchor cannot be read.
    """

    def __init__(self, path: Path, anchor: Anchor, boot_anchor: Anchor) -> None:
        self.path = path
        self._anchor = anchor
        self._boot_anchor = boot_anchor
        self._reserve = Reserve(path.with_name(path.name + "-reserve"))
        self.head = BEGINNING
        self._is_behind = False
        self._handles: dict[Path, FileIO] = {}
        self._events = msgspec.json.Decoder(AnyEvent)
        self._effects = msgspec.json.Decoder(AnyEffect)
        with _disk(f"{path.name} is not a database of this agent"):
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        fresh = not self.path.exists()
        if fresh and self._anchor.load() is None:
            # Save the anchor before the first event: a crash in between leaves an empty journal that matches.
            self._anchor.save(anchored(self.head))
        db = connect(self.path)
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        version: int = db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            msg = f"its version is {version}, this agent knows {SCHEMA_VERSION}"
            raise JournalNewerError(msg)
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        if version in _MIGRATIONS:
            self._migrate(db, version)

    def _migrate(self, db: sqlite3.Connection, version: int) -> None:
        """Bring the database to the present version, in one transaction; a full disk gives up its reserve for that.

        A live grant must be revocable right after an upgrade, also on a full disk (rule 7).
        """
        statements = f"BEGIN; {_MIGRATIONS[version]} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
        try:
            db.executescript(statements)
        except sqlite3.OperationalError as fault:
            is_full = fault.sqlite_errorcode == sqlite3.SQLITE_FULL
            if db.in_transaction:
                db.execute("ROLLBACK")
            if not (is_full and self._reserve.give_up()):
                raise
            db.executescript(statements)

    def load(self) -> Iterator[AnyEvent]:
        """Yield every event in order and check the chain; `head` is set afterwards.

        Raises:
            JournalDamagedError: an event is missing or was changed.
            JournalNewerError: an event is of a kind that this agent does not know.
            JournalUnavailableError: the disk does not give it.
            PortError: the anchor cannot be read.
        """
        kept = self._kept()
        head = BEGINNING
        _match(head, kept)
        for head, body in self._chain():
            _match(head, kept)
            yield self._decode(head, body)
        if head.seq < (written := max(kept).seq):
            msg = f"it ends at event {head.seq}, though {written} were written"
            raise JournalDamagedError(msg)
        self.head = head
        if kept != [head, head]:
            self._save_anchor()

    def _kept(self) -> list[Head]:
        """Return the heads that are kept outside: the anchor's, and this boot's if there is one already."""
        in_boot = self._boot_anchor.load()
        return [_unanchor(self._anchor.load()), *([] if in_boot is None else [_unanchor(in_boot)])]

    def _chain(self, after: Head = BEGINNING, most: int = -1) -> Iterator[tuple[Head, bytes]]:
        """Yield the place and bytes of each event behind a place once its hash is checked; at most so many, -1: all."""
        seq, before = after
        query = "SELECT seq, body, hash FROM events WHERE seq >= ? ORDER BY seq LIMIT ?"
        # The first portion also finds a row before the first event.
        first = seq + 1 if seq else -(2**63)
        with _disk("it cannot be read to its end"):
            for number, body, digest in self._db.execute(query, (first, most)):
                seq += 1
                if number != seq or digest != link(before, seq, body):
                    msg = f"event {seq} is missing or was changed"
                    raise JournalDamagedError(msg)
                before = digest
                yield Head(seq, digest), body

    def _decode(self, head: Head, body: bytes) -> AnyEvent:
        try:
            event: AnyEvent = self._events.decode(body)
        except msgspec.DecodeError as fault:
            # The hash fits, so an agent wrote this event.
            msg = f"event {head.seq} is of no kind that this agent knows ({fault})"
            raise JournalNewerError(msg) from None
        return event

    def mark(self, seq: int) -> bytes | None:
        """Return the hash of an event, None where there is none.

        Raises:
            JournalUnavailableError: the disk does not give it.
        """
        with _disk("it cannot be read"):
            row = self._db.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else bytes(row[0])

    def read(self, after: Head) -> list[tuple[Head, AnyEvent]]:
        """Return the events after a place of this journal, a portion of them at most.

        Raises:
            JournalDamagedError: one is missing or was changed.
            JournalNewerError: one is of no kind that this agent knows.
            JournalUnavailableError: the disk does not give them.
        """
        return [(place, self._decode(place, body)) for place, body in self._chain(after, _PORTION)]

    def verify(self) -> Generator[None, None, Verdict]:
        """Read the whole chain from the disk and compare its end with the anchor; yield after each portion.

        The journal may be written and its log emptied between two steps.

        Raises:
            JournalUnavailableError: the disk does not give it.
            PortError: the anchor cannot be read.
        """
        head, is_whole = BEGINNING, False
        try:
            while not is_whole:
                before = head
                for place, _ in self._chain(before, _PORTION):
                    head = place
                if not (is_whole := head.seq < before.seq + _PORTION):
                    yield
            kept = self._kept()
        except JournalDamagedError as damage:
            return Verdict(head, str(damage))
        problem = (
            "" if [head, head, head] == [self.head, *kept] else "its end is not the one that was written last"
        )
        return Verdict(head, problem)

    def commit(self, change: Change) -> None:
        """Write one change atomically; then move the anchor.

        What revokes or erases may use the space that is kept in reserve for it.

        Raises:
            JournalUnavailableError: nothing was changed.
        """
        try:
            head = self._write(change)
        except JournalUnavailableError as fault:
            if not (fault.is_full and (change.revokes or change.erased) and self._reserve.give_up()):
                raise
            head = self._write(change)
        self.head = head
        if change.events:
            self._save_anchor()

    def _write(self, change: Change) -> Head:
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
            if change.counter is not None:
                self._put_key(_COUNT, b"%d" % change.counter)
            self._db.executemany(
                "DELETE FROM sealed WHERE grant_id = ?", ((grant,) for grant in change.erased)
            )
        return head

    def catch_up(self) -> None:
        """Move the anchor if it is behind."""
        if self._is_behind:
            self._save_anchor()

    def _save_anchor(self) -> None:
        """Move the anchor. If that fails the anchor is behind, which `verify` reports: the events are written."""
        try:
            self._anchor.save(anchored(self.head))
            self._boot_anchor.save(anchored(self.head))
        except PortError as fault:
            log.warning("the journal's anchor stays behind for now: %s", fault)
            self._is_behind = True
        else:
            self._is_behind = False

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _disk("it cannot be written"):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def pending(self) -> list[tuple[int, AnyEffect]]:
        """Return the effects that have not run yet, oldest first.

        Raises:
            JournalDamagedError: one is of no kind that this agent knows.
            JournalUnavailableError: the disk does not give them.
        """
        with _disk("its effects cannot be read"):
            rows = self._db.execute("SELECT id, body FROM effects ORDER BY id").fetchall()
        try:
            return [(number, self._effects.decode(body)) for number, body in rows]
        except msgspec.DecodeError as fault:
            msg = f"an effect is of no kind that this agent knows ({fault})"
            raise JournalDamagedError(msg) from None

    def done(self, effects: Sequence[int]) -> None:
        """Delete effects that have run."""
        with self._transaction():
            self._db.executemany("DELETE FROM effects WHERE id = ?", ((number,) for number in effects))

    def sealed(self, grant: str) -> bytes | None:
        """Return a grant's sealed record, None if there is none."""
        return self._blob("SELECT record FROM sealed WHERE grant_id = ?", grant)

    def sealed_grants(self) -> list[str]:
        """Return the ids of all grants that have a sealed record."""
        with _disk("its sealed records cannot be listed"):
            return [row[0] for row in self._db.execute("SELECT grant_id FROM sealed")]

    def key(self, name: str) -> bytes | None:
        """Return a protected key, None if there is none."""
        return self._blob("SELECT body FROM keys WHERE name = ?", name)

    def forget_key(self, name: str) -> None:
        """Delete a key; SQLite overwrites it."""
        with self._transaction():
            self._db.execute("DELETE FROM keys WHERE name = ?", (name,))

    def stored_receipts(self) -> list[str]:
        """Return the requests whose receipts are stored, in the order in which they were stored."""
        with _disk("its receipts cannot be listed"):
            return [row[0] for row in self._db.execute("SELECT request FROM receipts ORDER BY number")]

    def last_receipt(self) -> bytes | None:
        """Return the signed bytes of the receipt that was stored last, None if there is none."""
        with _disk("its receipts cannot be read"):
            row = self._db.execute("SELECT body FROM receipts ORDER BY number DESC LIMIT 1").fetchone()
        return None if row is None else bytes(row[0])

    def receipt(self, request: str) -> StoredReceipt | None:
        """Return the stored receipt of a request, None if there is none."""
        query = "SELECT request, body, signature, public_key FROM receipts WHERE request = ?"
        with _disk("its receipts cannot be read"):
            row = self._db.execute(query, (request,)).fetchone()
        return None if row is None else StoredReceipt(row[0], bytes(row[1]), row[2], row[3])

    def receipts_after(self, number: int) -> list[tuple[int, StoredReceipt]]:
        """Return the stored receipts with higher numbers, a portion of them at most."""
        query = (
            "SELECT number, request, body, signature, public_key FROM receipts WHERE number > ? "
            "ORDER BY number LIMIT ?"
        )
        with _disk("its receipts cannot be read"):
            rows = self._db.execute(query, (number, _RECEIPT_PORTION)).fetchall()
        return [(row[0], StoredReceipt(row[1], bytes(row[2]), row[3], row[4])) for row in rows]

    def store_receipt(self, receipt: StoredReceipt) -> None:
        """Store a receipt as it was signed, behind all others.

        Raises:
            JournalUnavailableError: nothing was stored.
        """
        with self._transaction():
            insert = "INSERT INTO receipts (request, body, signature, public_key) VALUES (?, ?, ?, ?)"
            self._db.execute(insert, receipt)

    def _blob(self, query: str, key: str) -> bytes | None:
        with _disk("it cannot be read"):
            row = self._db.execute(query, (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep_key(self, name: str, body: bytes) -> None:
        """Keep a protected key, in place of an older one."""
        with self._transaction():
            self._put_key(name, body)

    def _put_key(self, name: str, body: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?)", (name, body))

    def count(self) -> int | None:
        """Return the value of the PC's counter that goes with this journal, None if none was noted."""
        kept = self.key(_COUNT)
        return int(kept) if kept else None

    def note_count(self, count: int | None) -> None:
        """Note the value of the PC's counter, None for a PC without one."""
        self.keep_key(_COUNT, b"" if count is None else b"%d" % count)

    def empty_log(self) -> int | None:
        """Write the write-ahead log into the database, overwrite its file with zeros, then truncate it.

        Does not wait for other readers: the caller tries again, and a revocation must not wait meanwhile.

        Returns:
            The number of bytes that were overwritten; None if the log could not be overwritten and emptied.
        """
        try:
            with self._without_waiting():
                version = self._data_version()
                overwritten = self._overwrite_log(version) if self._checkpoint("RESTART") else None
                emptied = overwritten is not None and self._checkpoint("TRUNCATE")
        except (sqlite3.Error, OSError):
            return None
        return overwritten if emptied else None

    @contextmanager
    def _without_waiting(self) -> Iterator[None]:
        self._db.execute("PRAGMA busy_timeout=0")
        try:
            yield
        finally:
            self._db.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")

    def _checkpoint(self, mode: Literal["RESTART", "TRUNCATE"]) -> bool:
        """Copy the log into the database; tell whether all of it was copied and no reader needs the log.

        "Write-Ahead Logging", section 2.2 of the documentation of SQLite: from then on every reader
        uses the database file alone, and the next writer begins the log anew.
        """
        busy, frames, copied = self._db.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return bool(busy == 0 and frames == copied)

    def _data_version(self) -> int:
        """Return a number that another connection's commit changes ("PRAGMA data_version")."""
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _overwrite_log(self, version: int) -> int | None:
        """Overwrite the log's file after a complete checkpoint; None if another program has written meanwhile.

        The write lock keeps other writers out.
        """
        self._db.execute("BEGIN IMMEDIATE")
        try:
            is_copied = self._data_version() == version
            return _overwrite(self.path.with_name(self.path.name + "-wal")) if is_copied else None
        finally:
            self._db.execute("ROLLBACK")

    @property
    def has_reserve(self) -> bool:
        """Whether the disk reserve for revoking is there: without it, only what must be written is."""
        return self._reserve.exists()

    def keep_reserve(self) -> None:
        """Make the disk reserve for revoking, if it is missing and the disk has space."""
        self._reserve.keep()

    def search(self, tag: bytes) -> Generator[None, None, list[LeftOver]]:
        """Read the journal's files back from the disk and count a seal tag in each; yield after each portion.

        One may be unreadable. The journal may be written between two steps: what is erased does not come back.
        """
        searched: list[LeftOver] = []
        for file in _names(self.path):
            try:
                if file.exists():
                    searched.append((yield from self._searched(file, tag)))
            except OSError as fault:
                searched.append(LeftOver(file.name, 0, 0, f"it cannot be read back ({fault.strerror})"))
        return searched

    def _searched(self, file: Path, tag: bytes) -> Generator[None, None, LeftOver]:
        """Return the finds in a file; yield after each whole portion."""
        size = found = 0
        before = b""
        while block := self._read(file, size):
            size += len(block)
            found += (before + block).count(tag)
            # A tag may begin in one portion and end in the next.
            before = (before + block)[-len(tag) + 1 :]
            if len(block) == _SEARCHED:
                yield
        return LeftOver(file.name, size, found)

    def _read(self, file: Path, start: int) -> bytes:
        """Return a portion of a file of the database; empty behind its end.

        The file stays open until the database closes: on Linux, closing any handle ends SQLite's locks on
        the file ("How To Corrupt An SQLite Database File", 2.2), and another program could delete the log.
        """
        if file not in self._handles:
            self._handles[file] = file.open("rb", buffering=0)
        if (handle := self._handles[file]).closed:
            raise OSError(errno.EBADF, "the journal was closed")
        handle.seek(start)
        return handle.read(_SEARCHED)

    def close(self) -> None:
        """Close the database. SQLite then deletes the write-ahead log, so it is overwritten before."""
        try:
            self.empty_log()
        finally:
            # Windows deletes no open file, and SQLite deletes the log.
            for handle in self._handles.values():
                handle.close()
            self._db.close()


def _overwrite(file: Path) -> int:
    """Overwrite a write-ahead log with zeros, on the disk when this returns; return its size in bytes.

    The head goes first: after a power cut SQLite then finds no log, and no part of an old one
    that it would write over newer pages.
    """
    size = file.stat().st_size
    with file.open("r+b", buffering=0) as stream:
        for start, end in ((0, min(size, _LOG_HEAD)), (_LOG_HEAD, size)):
            for at in range(start, end, _BLOCK):
                stream.write(bytes(min(_BLOCK, end - at)))
            os.fsync(stream.fileno())
    return size


def files(path: Path) -> list[Path]:
    """Return the database's files that exist: itself, write-ahead log, shared memory."""
    return [file for file in _names(path) if file.exists()]


def _names(path: Path) -> list[Path]:
    return [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]


@contextmanager
def _disk(what: str) -> Iterator[None]:
    """Turn SQLite's errors into damage or a failing disk."""
    try:
        yield
    except sqlite3.Error as fault:
        code = getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
        if code in _DAMAGE:
            msg = f"{what} ({fault})"
            raise JournalDamagedError(msg) from None
        raise JournalUnavailableError(f"{what} ({fault})", is_full=code == sqlite3.SQLITE_FULL) from None
    except OSError as fault:
        raise JournalUnavailableError(f"{what} ({fault.strerror})") from None


def link(before: bytes, seq: int, body: bytes) -> bytes:
    """Return the hash of an event: it covers its place and the hash before it."""
    return hashlib.sha256(_PREFIX + before + seq.to_bytes(8, "big") + body).digest()


def anchored(head: Head) -> bytes:
    """Return the bytes of a head for the anchor."""
    return f"{head.seq} {head.hash.hex()}".encode()


def _unanchor(kept: bytes | None) -> Head:
    if kept is None:
        msg = "its anchor is missing"
        raise JournalDamagedError(msg)
    if (found := _ANCHOR.fullmatch(kept)) is None:
        msg = "its anchor cannot be read"
        raise JournalDamagedError(msg)
    return Head(int(found[1]), bytes.fromhex(found[2].decode()))


def _match(head: Head, kept: list[Head]) -> None:
    if any(head.seq == one.seq and head != one for one in kept):
        msg = f"event {head.seq} is not the one that was written"
        raise JournalDamagedError(msg)
