# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key slots and write-ahead log on Windows' own files; the lists of files that backups leave out."""

from __future__ import annotations

import fnmatch
import os
import winreg
from pathlib import Path

import pytest

from latchkey_agent.core.journal_lifecycle import JOURNAL_NAME
from latchkey_agent.ports import PortError
from latchkey_agent.storage import device_key, key_slots
from latchkey_agent.storage.journal import Change, Journal, LeftOver, files
from latchkey_agent.storage.key_slots import KeySlots
from latchkey_agent.windows import installation, names
from latchkey_agent.windows.ports.disk import WindowsDisk

TAG = bytes(range(200, 216))
HALF = bytearray(range(1, 33))


class Memory:
    """An anchor in memory."""

    head: bytes | None = None

    def load(self) -> bytes | None:
        """Return the head."""
        return self.head

    def save(self, head: bytes) -> None:
        """Keep the head."""
        self.head = head


def test_a_key_slot_is_written_read_and_overwritten_past_the_cache(tmp_path: Path) -> None:
    """Windows accepts the blocks' places, sizes and memory; other programs see what is on the disk."""
    slots = KeySlots(tmp_path / key_slots.NAME, WindowsDisk(), os.urandom)
    slots.keep([])
    slots.put(TAG, HALF)
    assert slots.half(TAG) == HALF
    assert slots.path.read_bytes().startswith(TAG + HALF)
    slots.keep([TAG])
    assert slots.half(TAG) == HALF
    assert slots.overwrite(TAG) == ""
    assert slots.half(TAG) is None
    assert not any(slots.path.read_bytes()[: key_slots.COUNT * key_slots.SLOT_BYTES])
    slots.put(TAG, HALF)
    slots.keep([])
    assert slots.half(TAG) is None


def test_a_missing_file_is_an_error_of_the_port(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(PortError, match=r"opening keys\.slots failed: .+2\)"):
        WindowsDisk().open_unbuffered(tmp_path / key_slots.NAME)


def searched(journal: Journal) -> list[LeftOver]:
    """Search the journal's files to the end."""
    steps = journal.search(TAG)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            left: list[LeftOver] = end.value
            return left


def test_the_log_is_overwritten_while_sqlite_has_it_open(tmp_path: Path) -> None:
    """SQLite lets the agent write to the log, and no file holds the record afterwards."""
    journal = Journal(tmp_path / JOURNAL_NAME, Memory(), Memory())
    list(journal.load())
    journal.commit(Change(sealed=("g", b"x" * 1000 + TAG)))
    journal.commit(Change(erased=["g"]))
    size = files(journal.path)[1].stat().st_size
    assert journal.empty_log() == size > 1000
    assert [file.found for file in searched(journal)] == [0, 0, 0]
    journal.close()


def listed(name: str) -> list[str] | None:
    """Return the agent's files in one of Windows' lists."""
    path, rights = rf"{names.BACKUP_KEY}\{name}", winreg.KEY_READ | winreg.KEY_WRITE
    with winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, path, access=rights) as key:
        try:
            files_: list[str] = winreg.QueryValueEx(key, names.BACKUP_VALUE)[0]
        except FileNotFoundError:
            return None
    return files_


def test_rule_08_journal_and_keys_are_kept_out_of_backups_and_shadow_copies(tmp_path: Path) -> None:
    """Both lists name every file that can hold a sealed record or a key, and no other; removing undoes it."""
    if any(listed(name) is not None for name in names.BACKUP_LISTS):
        pytest.skip("the agent is installed here")
    installation.exclude_from_backups(tmp_path)
    try:
        for name in names.BACKUP_LISTS:
            assert listed(name) == [str(tmp_path / pattern) for pattern in names.KEPT_FROM_BACKUPS]
    finally:
        installation._include_in_backups()
    assert [listed(name) for name in names.BACKUP_LISTS] == [None, None]
    installation._include_in_backups()


@pytest.mark.parametrize("name", [
    JOURNAL_NAME, JOURNAL_NAME + "-wal", JOURNAL_NAME + "-shm", JOURNAL_NAME + "-reserve",
    "journal.damaged-20261123-180000-0.db", key_slots.NAME, device_key.NAME, "device.new",
])  # fmt: skip
def test_each_file_with_a_secret_is_in_the_list(name: str) -> None:
    """The patterns fit the names that the agent uses."""
    assert any(fnmatch.fnmatch(name, pattern) for pattern in names.KEPT_FROM_BACKUPS)
