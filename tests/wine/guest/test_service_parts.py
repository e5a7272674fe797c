# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's clock, event log, data folder and registration."""

from __future__ import annotations

import _winapi
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pywintypes
import win32evtlog
import win32timezone
import winerror

from latchkey_agent.cli import removal
from latchkey_agent.ports import PortError
from latchkey_agent.protocol.answers import ErrorView
from latchkey_agent.windows import eventlog, folders, names, operators, registration
from latchkey_agent.windows.ports import accounts, windows_clock
from latchkey_agent.windows.win32 import registry
from latchkey_agent.windows.win32.repeated_hour import RepeatedHour

from .conftest import refusing

RPC_S_SERVER_UNAVAILABLE = 1722
"""winerror.h. Windows' own error while the service of the event log does not run."""


def test_the_clock_is_right_in_the_repeated_hour() -> None:
    """Daylight saving time ends in Berlin, with Windows' own rules."""
    zone = RepeatedHour(win32timezone.TimeZoneInfo("W. Europe Standard Time"))
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).astimezone(zone)
    second = first.astimezone(UTC) + timedelta(hours=1)
    assert first.isoformat() == "2026-10-25T02:30:00+02:00"
    assert second.astimezone(zone).isoformat() == "2026-10-25T02:30:00+01:00"
    assert isinstance(windows_clock.WindowsClock().zone(), RepeatedHour)


def test_the_clock_returns_the_current_time_with_an_offset() -> None:
    """It is the same time as in UTC."""
    now = windows_clock.WindowsClock().now()
    assert now.utcoffset() is not None
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=2)


def test_an_entry_has_the_id_of_its_event() -> None:
    """The core logs an event with its number and its name. Other entries have the id of their level."""
    core, general = logging.getLogger("x"), logging.getLogger("y")
    event = core.makeRecord("x", logging.INFO, "f", 1, "event %d %s", (7, "GrantGiven"), None)
    other = general.makeRecord("y", logging.WARNING, "f", 1, "%s is late", ("it",), None)
    assert eventlog.event_id(event) == 130
    assert eventlog.event_id(other) == 2
    handler = eventlog.EventLogHandler()
    for record in (event, other):
        handler.emit(record)


class EventLogService:
    """Stands in for Windows' event log: `handle` is the handle that it takes, None while it is stopped."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.handle: int | None = 1
        self.entries: list[str] = []
        patch.setattr(win32evtlog, "RegisterEventSource", self._register)
        patch.setattr(win32evtlog, "ReportEvent", self._report)

    def _register(self, _server: None, _source: str) -> int:
        if self.handle is None:
            raise pywintypes.error(RPC_S_SERVER_UNAVAILABLE, "RegisterEventSource", "unavailable")
        return self.handle

    def _report(self, handle: int, *arguments: Any) -> None:
        if handle != self.handle:
            raise pywintypes.error(winerror.ERROR_INVALID_HANDLE, "ReportEvent", "invalid")
        self.entries += arguments[4]


def written(text: str) -> logging.LogRecord:
    """Return a log record of this text."""
    return logging.getLogger("x").makeRecord("x", logging.ERROR, "f", 1, "%s", (text,), None)


def test_a_stopped_event_log_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Service and installer start without the event log's service, and write to it once it runs, also after a stop.

    At the boot the service may come first, and some administrators disable the event log.
    """
    event_log = EventLogService(monkeypatch)
    event_log.handle = None
    handler = eventlog.EventLogHandler()
    for handle, text in ((None, "before"), (7, "first"), (7, "second"), (None, "stopped"), (8, "again")):
        event_log.handle = handle
        handler.emit(written(text))
    assert event_log.entries == ["first", "second", "again"]


def test_a_full_event_log_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that Windows refuses is lost, and the next one is tried."""
    event_log = EventLogService(monkeypatch)
    handler = eventlog.EventLogHandler()
    for code in (winerror.ERROR_LOG_FILE_FULL, winerror.ERROR_ACCESS_DENIED):
        monkeypatch.setattr(win32evtlog, "ReportEvent", refusing(code))
        handler.emit(written("lost"))
    monkeypatch.setattr(win32evtlog, "ReportEvent", event_log._report)
    handler.emit(written("kept"))
    assert event_log.entries == ["kept"]


def test_a_long_entry_keeps_its_beginning_and_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses a text of more than 31,839 characters; without a cut the whole entry would be lost."""
    event_log = EventLogService(monkeypatch)
    eventlog.EventLogHandler().emit(
        written("the agent cannot start\n" + "x" * 100_000 + "\nZeroDivisionError")
    )
    (entry,) = event_log.entries
    assert entry.startswith("the agent cannot start\n")
    assert entry.endswith("\nZeroDivisionError")
    assert "[...]" in entry
    assert len(entry) < 31_839 / 1.5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fe80::1%12 %% 100 %", "fe80::1% 12 %% 100 %"),
        ("%%1001", "%% 1001"),
        ("%SystemRoot%", "%SystemRoot%"),
        ("a\0b", "a\ufffdb"),
    ],
)
def test_an_entry_shows_its_own_text(text: str, shown: str) -> None:
    """The Event Viewer inserts something for `%1`, and a text ends at a null character ("ReportEventW", Microsoft)."""
    assert eventlog.entry_text(text) == shown


def test_the_data_folder_is_created_and_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second call accepts the existing folder."""
    folder = tmp_path / "data folder"
    folders.prepare(folder)
    assert folder.is_dir()
    (folder / "journal.db").write_bytes(b"x")
    monkeypatch.setattr(folders, "_owner", lambda _f: "S-1-5-32-544")
    monkeypatch.setattr(folders, "_restrict_access", lambda _f: None)
    folders.prepare(folder)
    folders.require_own(folder)


def junction(at: Path, target: Path) -> None:
    """Make a junction, which every user may do."""
    _winapi.CreateJunction(str(target), str(at))


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the system; each entry named "planted" in it belongs to another account."""
    folder = tmp_path / "data folder"
    folders.prepare(folder)
    monkeypatch.setattr(
        folders, "_owner", lambda path: "S-1-5-21-1-2-3-1013" if path.name == "planted" else "S-1-5-18"
    )
    monkeypatch.setattr(folders, "_restrict_access", lambda _f: None)
    return folder


@pytest.mark.parametrize("check", [folders.prepare, folders.require_own], ids=["prepare", "require_own"])
def test_a_planted_file_is_refused(systems: Path, check: Callable[[Path], None]) -> None:
    """The service does not start, nothing is installed or set up; the error names file and owner."""
    (systems / "planted").write_text("[policy]")
    with pytest.raises(PortError, match=r"planted belongs to S-1-5-21-1-2-3-1013, not to the system"):
        check(systems)


@pytest.mark.parametrize("check", [folders.prepare, folders.require_own], ids=["prepare", "require_own"])
def test_a_planted_hard_link_is_refused(systems: Path, tmp_path: Path, check: Callable[[Path], None]) -> None:
    """It would let the agent write to a file of somebody else."""
    (tmp_path / "precious.txt").write_text("precious")
    os.link(tmp_path / "precious.txt", systems / "journal.db")
    with pytest.raises(PortError, match=r"journal\.db leads to another place"):
        check(systems)


@pytest.mark.windows
def test_a_planted_junction_is_refused(systems: Path, tmp_path: Path) -> None:
    """It would lead the agent to files of somebody else."""
    junction(systems / "receipts", tmp_path)
    with pytest.raises(PortError, match="receipts leads to another place"):
        folders.prepare(systems)


def test_removal_leaves_the_other_name_of_a_hard_link_alone(systems: Path, tmp_path: Path) -> None:
    """The planted name goes; the file is not overwritten."""
    (tmp_path / "precious.txt").write_text("precious")
    os.link(tmp_path / "precious.txt", systems / "journal.db")
    removal.wipe(systems)
    assert not systems.exists()
    assert (tmp_path / "precious.txt").read_text() == "precious"


@pytest.mark.windows
def test_removal_follows_no_junction(systems: Path, tmp_path: Path) -> None:
    """The junction goes, and the files that it leads to stay."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("precious")
    for name in ("old", "receipts"):
        junction(systems / name, outside)
    removal.wipe(systems)
    assert not systems.exists()
    assert (outside / "precious.txt").read_text() == "precious"


@pytest.mark.windows
def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A junction is a link, also one that leads nowhere any more."""
    outside = tmp_path / "outside"
    outside.mkdir()
    junction(tmp_path / "data folder", outside)
    for _ in range(2):
        with pytest.raises(PortError, match="link or a file"):
            folders.prepare(tmp_path / "data folder")
        if outside.exists():
            outside.rmdir()


def test_set_up_refuses_a_folder_with_planted_entries(systems: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings are written there, and the answer names the entry."""
    (systems / "planted").write_text("x")
    monkeypatch.setattr(folders, "data_folder", lambda: systems)
    answer = operators.set_up(b'{"verb":"setup","settings":{}}')
    assert isinstance(answer.error, ErrorView)
    assert answer.error.code == "setup_failed"
    assert "planted belongs to" in answer.error.message
    assert [entry.name for entry in systems.iterdir()] == ["planted"]


def test_a_folder_of_another_account_is_refused(trap: Path, book: accounts.WindowsAccounts) -> None:
    """Every user may create folders in %ProgramData%. The test's own account owns this one."""
    me = book.find(os.environ["USERNAME"])
    assert me is not None
    with pytest.raises(PortError, match=f"belongs to {me.sid}, not to the system"):
        folders.prepare(trap)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """The file stays, so that the administrator can examine it."""
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(PortError, match="link or a file"):
        folders.prepare(file)
    assert file.read_text() == "x"


def test_command_line_of_the_service_is_quoted() -> None:
    r"""Without quotes Windows would first try C:\Program.exe."""
    assert registration.image_path() == (
        r'"C:\Program Files\Latchkey\pythonw.exe" -I -B -m latchkey_agent.windows.service'
    )


@pytest.mark.windows
def test_service_is_created_hardened_and_removed() -> None:
    """Privileges, restart after a failure and access list are set. Removal deletes the service's key."""
    registration.install()
    try:
        registration.harden()
    finally:
        registration.remove()
    assert not registry.exists(r"SYSTEM\CurrentControlSet\Services\LatchkeyAgent")


def test_service_is_created_quoted_and_removed() -> None:
    """The registry has the command line unchanged. Removal deletes the key of the event source."""
    key = r"SYSTEM\CurrentControlSet\Services\LatchkeyAgent"
    registration.install()
    try:
        assert registry.value(key, "ImagePath") == registration.image_path()
        assert registry.value(names.EVENT_SOURCE_KEY, "EventMessageFile") == names.EVENT_MESSAGE_FILE
    finally:
        registration.remove()
    assert not registry.exists(names.EVENT_SOURCE_KEY)
