# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clock, event log, data folder and registration of the service."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import win32timezone

from latchkey_agent.ports import PortError
from latchkey_agent.windows import eventlog, folders, names, registration
from latchkey_agent.windows.ports import accounts, clock
from latchkey_agent.windows.win32 import registry
from latchkey_agent.windows.win32.repeated_hour import RepeatedHour


def test_clock_knows_the_hour_that_comes_twice() -> None:
    """The clock distinguishes the repeated hour at the end of daylight saving time in Berlin."""
    zone = RepeatedHour(win32timezone.TimeZoneInfo("W. Europe Standard Time"))
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).astimezone(zone)
    second = first.astimezone(UTC) + timedelta(hours=1)
    assert first.isoformat() == "2026-10-25T02:30:00+02:00"
    assert second.astimezone(zone).isoformat() == "2026-10-25T02:30:00+01:00"
    assert isinstance(clock.WindowsClock().zone(), RepeatedHour)


def test_clock_shows_the_present_with_an_offset() -> None:
    """The clock's time has an offset and equals UTC's."""
    now = clock.WindowsClock().now()
    assert now.utcoffset() is not None
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=2)


def test_an_entry_has_the_id_of_its_event() -> None:
    """An entry of the event log has the id of the journal's event."""
    core, general = logging.getLogger("x"), logging.getLogger("y")
    entry = core.makeRecord("x", logging.INFO, "f", 1, "event %d %s", (7, "GrantGiven"), None)
    other = general.makeRecord("y", logging.WARNING, "f", 1, "%s is late", ("it",), None)
    assert eventlog.event_id(entry) == 130
    assert eventlog.event_id(other) == 2
    handler = eventlog.EventLogHandler()
    for record in (entry, other):
        handler.emit(record)


def test_data_folder_is_made_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing data folder is made, and found at the next start."""
    folder = tmp_path / "data folder"
    folders.prepare(folder)
    assert folder.is_dir()
    monkeypatch.setattr(folders, "_owner", lambda _f: "S-1-5-32-544")
    monkeypatch.setattr(folders, "_close_to_others", lambda _f: None)
    folders.prepare(folder)


def test_a_folder_of_another_account_is_a_trap(trap: Path, book: accounts.WindowsAccounts) -> None:
    """A data folder of another account is refused: every user may make folders in %ProgramData%."""
    me = book.find(os.environ["USERNAME"])
    assert me is not None
    with pytest.raises(PortError, match=f"belongs to {me.sid}, not to the system"):
        folders.prepare(trap)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    """A file in place of the data folder is refused and not deleted."""
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(PortError, match="link or a file"):
        folders.prepare(file)
    assert file.read_text() == "x"


def test_command_line_of_the_service_is_quoted() -> None:
    r"""The command line is quoted: otherwise Windows would try C:\Program.exe."""
    assert registration.image_path() == (
        r'"C:\Program Files\Latchkey\pythonw.exe" -I -B -m latchkey_agent.windows.service'
    )


@pytest.mark.windows
def test_service_is_created_hardened_and_removed() -> None:
    """A new service has its privileges, restart on failure and access list; its removal leaves nothing."""
    registration.install()
    try:
        registration.harden()
    finally:
        registration.remove()
    assert not registry.exists(r"SYSTEM\CurrentControlSet\Services\LatchkeyAgent")


def test_service_is_created_quoted_and_removed() -> None:
    """The registry has the service's quoted command line, and no key after the removal."""
    key = r"SYSTEM\CurrentControlSet\Services\LatchkeyAgent"
    registration.install()
    try:
        assert registry.value(key, "ImagePath") == registration.image_path()
        assert registry.value(names.EVENT_SOURCE_KEY, "EventMessageFile") == names.EVENT_MESSAGE_FILE
    finally:
        registration.remove()
    assert not registry.exists(names.EVENT_SOURCE_KEY)
