# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports on Windows, with the functions of Windows that Wine really has."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
import time
import winreg
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pywintypes
import win32con
import win32event
import win32net

from latchkey_agent.domain import events
from latchkey_agent.domain.model import Account
from latchkey_agent.ports import LogonFacts, LogonRefusal, PortError, SignIn
from latchkey_agent.protocol import frames
from latchkey_agent.windows import (
    accounts,
    anchor,
    api,
    clock,
    compose,
    desk,
    dpapi,
    eventlog,
    folders,
    forecast,
    launch,
    logon_sessions,
    names,
    power,
    registration,
    registry,
    sessions,
)

CANARY = "Kanarienvogel 9!".encode("utf-16-le")
ANNA = Account("S-1-5-21-0-0-0-1000", "anna", "PC", "local")
BERND = Account("S-1-5-21-1-2-3-1002", "bernd", "PC", "local")


def no_facts(_account: Account | None) -> LogonFacts:
    """Stand for a forecast that nobody asks for here."""
    return LogonFacts()


@pytest.fixture
def book() -> accounts.WindowsAccounts:
    """The accounts of this PC."""
    return accounts.WindowsAccounts(compose.device_name(), no_facts)


class Asked:
    """Stands for LogonUserW: keeps what it was given, and refuses with a code."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.given: list[tuple[str, str | None, bytes]] = []

    def __call__(self, user: str, domain: str | None, password: int, kind: int, *_: object) -> int:
        """Answer as LogonUserW does."""
        text = ctypes.wstring_at(password)
        assert kind == 2
        self.given.append((user, domain, text.encode("utf-16-le")))
        ctypes.set_last_error(self.code)
        return int(not self.code)


@pytest.fixture
def wiped(monkeypatch: pytest.MonkeyPatch) -> list[bytearray]:
    """Every buffer that the check of a password has overwritten."""
    seen: list[bytearray] = []

    def wipe(buffer: bytearray) -> None:
        frames.wipe(buffer)
        seen.append(buffer)

    monkeypatch.setattr(accounts, "wipe", wipe)
    return seen


# --- accounts


@pytest.mark.parametrize(("code", "refusal"), accounts.REFUSALS.items())
def test_every_documented_refusal_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, code: int, refusal: LogonRefusal
) -> None:
    """Each system error code of a refused logon is one refusal."""
    monkeypatch.setattr(api, "LogonUserW", Asked(code))
    assert book.check(ANNA, bytearray(CANARY)) is refusal


def test_refusals_that_windows_never_documented_are_other(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts
) -> None:
    """An unknown code is a refusal, too."""
    monkeypatch.setattr(api, "LogonUserW", Asked(31))
    assert book.check(ANNA, bytearray(CANARY)) is LogonRefusal.OTHER


def test_table_and_the_ports_refusals_are_the_same() -> None:
    """No refusal of the port is out of Windows' reach, but those that need no code."""
    without_code = {LogonRefusal.BLANK_PASSWORD, LogonRefusal.LOOKS_LIKE_PIN, LogonRefusal.OTHER}
    assert set(accounts.REFUSALS.values()) == set(LogonRefusal) - without_code


def test_password_reaches_windows_whole_and_is_overwritten(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, wiped: list[bytearray]
) -> None:
    """Windows sees the password with its final zero; the copy made for it is zeros afterwards."""
    asked = Asked(0)
    monkeypatch.setattr(api, "LogonUserW", asked)
    assert book.check(ANNA, bytearray(CANARY)) is None
    assert asked.given == [("anna", "PC", CANARY)]
    assert wiped == [bytearray(len(CANARY) + 2)]


def test_real_logonuserw_takes_the_buffer(book: accounts.WindowsAccounts, wiped: list[bytearray]) -> None:
    """The call itself works; whether Windows accepts is for Windows to show (Wine always does)."""
    book.check(ANNA, bytearray(CANARY))
    assert wiped == [bytearray(len(CANARY) + 2)]


def test_principal_name_goes_without_a_domain(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts
) -> None:
    """LogonUserW wants no domain beside a user principal name."""
    asked = Asked(0)
    monkeypatch.setattr(api, "LogonUserW", asked)
    book.check(Account("S-1-5-21-9-9-9-1", "anna@example.com", "EXAMPLE", "domain"), bytearray(CANARY))
    book.check(
        Account("S-1-5-21-9-9-9-2", "anna@example.com", "MicrosoftAccount", "microsoft"), bytearray(CANARY)
    )
    assert [given[:2] for given in asked.given] == [
        ("anna@example.com", None),
        ("anna@example.com", "MicrosoftAccount"),
    ]


@pytest.mark.parametrize(
    ("entry", "refusal"),
    [
        (b"", LogonRefusal.BLANK_PASSWORD),
        ("ab\0cd".encode("utf-16-le"), LogonRefusal.WRONG_PASSWORD),
        (b"odd", LogonRefusal.WRONG_PASSWORD),
    ],
)
def test_what_can_be_no_password_is_refused_without_a_try(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, entry: bytes, refusal: LogonRefusal
) -> None:
    """Such an entry costs none of the tries before a lockout."""
    asked = Asked(0)
    monkeypatch.setattr(api, "LogonUserW", asked)
    assert book.check(ANNA, bytearray(entry)) is refusal
    assert not asked.given


@pytest.mark.parametrize(
    ("entry", "has_pin", "refusal"),
    [
        ("123456", True, LogonRefusal.LOOKS_LIKE_PIN),
        ("123456", False, LogonRefusal.WRONG_PASSWORD),
        ("geheim1", True, LogonRefusal.WRONG_PASSWORD),
    ],
)
def test_refused_digits_are_a_pin_only_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
    book: accounts.WindowsAccounts,
    entry: str,
    has_pin: bool,  # noqa: FBT001
    refusal: LogonRefusal,
) -> None:
    """The PIN's provider has a key for each account that set up a PIN."""
    monkeypatch.setattr(api, "LogonUserW", Asked(1326))
    path = rf"{accounts.NGC}\{ANNA.sid}"
    if has_pin:
        winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, path).Close()
    try:
        assert book.check(ANNA, bytearray(entry.encode("utf-16-le"))) is refusal
    finally:
        if has_pin:
            winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, path)


def test_an_account_is_found_by_every_way_to_write_it(book: accounts.WindowsAccounts) -> None:
    """The bare name, the PC's name, a dot, and the SID mean the same."""
    me = os.environ["USERNAME"]
    found = [book.find(name) for name in (me, rf"{compose.device_name()}\{me}", rf".\{me}")]
    assert found[0] is not None
    assert found == [book.by_sid(found[0].sid)] * 3


@pytest.mark.parametrize("name", ["nobody-of-this-name", "Administrators", "Everyone", ""])
def test_what_is_no_account_of_a_person_is_not_found(book: accounts.WindowsAccounts, name: str) -> None:
    """Neither an unknown name nor a group can sign in."""
    assert book.find(name) is None


def test_an_unknown_sid_is_an_error_that_names_it(book: accounts.WindowsAccounts) -> None:
    """The text says which SID."""
    with pytest.raises(PortError, match="S-1-5-21-1-2-3-4567"):
        book.by_sid("S-1-5-21-1-2-3-4567")


# --- keys


def test_dpapi_opens_what_it_sealed_and_only_with_the_same_entropy() -> None:
    """Another entropy, a changed or a cut blob is refused."""
    keys = dpapi.SystemKeys()
    blob = keys.protect(bytearray(CANARY), b"grant 1")
    assert CANARY not in blob
    assert keys.unprotect(blob, b"grant 1") == bytearray(CANARY)
    changed = blob[:-8] + bytes(8)
    for other, entropy in ((blob, b"grant 2"), (blob, b""), (changed, b"grant 1"), (blob[:20], b"grant 1")):
        with pytest.raises(PortError, match="DPAPI"):
            keys.unprotect(other, entropy)


def test_dpapi_leaves_the_callers_buffer_to_the_caller() -> None:
    """The caller overwrites it, and may: nothing holds it any more."""
    secret = bytearray(CANARY)
    dpapi.SystemKeys().protect(secret, b"x")
    secret.extend(b"resizable again")
    assert secret.startswith(CANARY)


# --- registry: boot id, anchor, pending restart


def test_boot_id_is_the_same_all_through_a_boot_in_a_volatile_key() -> None:
    """Every process of one boot reads the same."""
    first = power.WindowsPower(list).boot_id()
    code = "from latchkey_agent.windows.power import WindowsPower as P; print(P(list).boot_id())"
    told = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == first
    assert len(bytes.fromhex(first)) == 16


def test_anchor_keeps_what_was_saved_last() -> None:
    """Another process reads it, too."""
    kept = anchor.RegistryAnchor()
    for head in (b"1 aa", b"2 bb"):
        kept.save(head)
        assert anchor.RegistryAnchor().load() == head


def test_anchor_that_somebody_changed_is_refused() -> None:
    """A text is not what the agent writes."""
    registry.agents_key().save("JournalHead", "1 aa")
    with pytest.raises(PortError, match="somebody changed it"):
        anchor.RegistryAnchor().load()
    anchor.RegistryAnchor().save(b"3 cc")


@pytest.fixture
def hklm() -> Iterator[Any]:
    """Returns a function that sets a value for the test's time; an empty name makes the key alone."""
    made: list[tuple[str, str]] = []

    def put(key: str, name: str = "", data: Any = None, kind: int = winreg.REG_SZ) -> None:
        with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
            if name:
                winreg.SetValueEx(opened, name, 0, kind, data)
        made.append((key, name))

    yield put
    for key, name in reversed(made):
        if name:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, access=winreg.KEY_WRITE) as opened:
                winreg.DeleteValue(opened, name)
        else:
            winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, key)


def test_nothing_pending_means_no_reason() -> None:
    """A fresh PC waits for no restart."""
    assert power.WindowsPower(list).pending_reasons() == []


def test_each_reason_for_a_restart_is_named(hklm: Any) -> None:
    """Windows keeps them in five places."""
    hklm(rf"{power._CBS}\RebootPending")
    hklm(rf"{power._UPDATE}\RebootRequired")
    hklm(power._SESSION_MANAGER, "PendingFileRenameOperations", [r"\??\C:\old"], winreg.REG_MULTI_SZ)
    hklm(rf"{power._NAMES}\ComputerName", "ComputerName", "RENAMED")
    hklm(power._NETLOGON, "JoinDomain", "1")
    assert power.WindowsPower(list).pending_reasons() == list(power._REASONS)


# --- restart


def someone(account: Account, session_id: int) -> SignIn:
    """Somebody who is signed in."""
    return SignIn(session_id, account, console=session_id == 1, active=True, locked=False)


def test_nobody_is_signed_out_who_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two accounts signed in, Windows is not even asked to restart."""
    asked: list[object] = []
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *a: asked.append(a))
    here = [someone(ANNA, 1), someone(BERND, 2)]
    with pytest.raises(PortError, match=r"PC\\anna, PC\\bernd"):
        power.WindowsPower(lambda: here).restart(message="", grace=0)
    assert not asked


def test_restart_is_planned_announced_and_takes_only_the_one_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grace is whole seconds, never less than was asked; two sessions of one account are one."""
    asked: list[tuple[Any, ...]] = []

    def shut_down(*arguments: object) -> int:
        asked.append(arguments)
        return 0

    monkeypatch.setattr(power, "InitiateShutdownW", shut_down)
    here = [someone(ANNA, 1), someone(ANNA, 3)]
    power.WindowsPower(lambda: here).restart(message="Updates", grace=29.2)
    assert asked == [(None, "Updates", 30, 0x7, 0x80040001)]


def test_refused_restart_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows' own text and number are in the error."""
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *_: 1115)
    with pytest.raises(PortError, match=r"restarting failed: .+ \(Windows error 1115\)"):
        power.WindowsPower(list).restart(message="", grace=0)


# --- sessions


def told(flags: int) -> Any:
    """Return a stand-in for WTSQuerySessionInformationW that tells these session flags."""

    def query(_server: object, session_id: int, kind: int, out: Any, _size: object) -> int:
        assert kind == 25
        told.kept = info = api.SessionInfo(1, api.SessionDetails(session_id, 0, flags))  # type: ignore[attr-defined]
        out._obj.value = ctypes.addressof(info)
        return 1

    return query


@pytest.mark.parametrize(("flags", "locked"), [(0, True), (1, False), (-1, False)])
def test_locked_is_only_what_windows_calls_locked(
    monkeypatch: pytest.MonkeyPatch, flags: int, locked: bool  # noqa: FBT001
) -> None:  # fmt: skip
    """0 is locked; an unknown state does not count as locked."""
    monkeypatch.setattr(api, "WTSQuerySessionInformationW", told(flags))
    monkeypatch.setattr(api, "WTSFreeMemory", lambda _m: None)
    assert sessions._locked(1) is locked


def test_a_session_is_asked_to_lock_once_a_second_at_most(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts
) -> None:
    """Whoever waits for the lock may ask often; Windows starts one program."""
    started: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(sessions, "in_session", lambda s, c: started.append((s, c)))
    here = sessions.WindowsSessions(book)
    for _ in range(20):
        here.lock(1)
    here.lock(2)
    assert [s for s, _ in started] == [1, 2]
    assert started[0][1][0].lower() == r"c:\windows\system32\rundll32.exe"
    assert started[0][1][1] == "user32.dll,LockWorkStation"


def test_a_program_is_started_in_a_session_with_its_arguments() -> None:
    """It runs with the session's environment, and its end is seen."""
    target = Path(r"C:\lab\launched.txt")
    target.unlink(missing_ok=True)
    code = f"import pathlib; pathlib.Path(r'{target}').write_text('here it is')"
    program = str(Path(sys.executable).with_name("pythonw.exe"))
    started = launch.in_session(1, [program, "-I", "-B", "-c", code])
    deadline = time.monotonic() + 20
    while started.running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert target.read_text() == "here it is"


# --- desk


class Companion:
    """A companion that runs until it is told otherwise."""

    running = True


def test_one_companion_runs_in_each_session_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started where it is missing, again when it ended, and never in another's or a disconnected session."""
    made: list[Companion] = []
    started: list[tuple[int, list[str]]] = []

    def start(session_id: int, command: list[str]) -> Companion:
        started.append((session_id, command))
        made.append(Companion())
        return made[-1]

    monkeypatch.setattr(desk, "in_session", start)
    here = [someone(ANNA, 1), someone(BERND, 2), someone(ANNA, 3)._replace(active=False)]
    table = desk.WindowsDesk(lambda: here)
    table.summon_companion(ANNA)
    table.summon_companion(ANNA)
    assert [s for s, _ in started] == [1]
    assert started[0][1][1:] == ["-I", "-B", "-m", "latchkey_agent.companion"]
    made[0].running = False
    table.summon_companion(ANNA)
    assert [s for s, _ in started] == [1, 1]


def test_ticket_event_is_set_from_the_announcement_until_it_is_retracted() -> None:
    """It stays set, so that a logon screen that comes late sees it, too."""
    table = desk.WindowsDesk(list)
    seen = table._ticket

    def is_set() -> bool:
        return win32event.WaitForSingleObject(seen, 0) == win32event.WAIT_OBJECT_0

    assert not is_set()
    table.announce_ticket()
    assert is_set()
    assert is_set()
    table.retract_ticket()
    assert not is_set()


def test_ticket_event_is_for_localsystem_alone() -> None:
    """Wine's accounts are not LocalSystem, and it does enforce the access lists of events."""
    table = desk.WindowsDesk(list)
    with pytest.raises(pywintypes.error) as refusal:
        win32event.OpenEvent(win32con.SYNCHRONIZE, False, names.TICKET_EVENT)  # noqa: FBT003
    assert refusal.value.winerror == 5
    table.announce_ticket()


# --- forecast


@pytest.fixture
def provider(hklm: Any) -> None:
    """Our credential provider is registered."""
    hklm(rf"{forecast._PROVIDERS}\{forecast.PROVIDER}")


def test_a_pc_without_the_provider_signs_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not registered is as bad as excluded."""
    assert forecast.facts(None).provider_excluded


@pytest.mark.usefixtures("provider")
def test_nothing_stands_in_the_way_of_a_plain_pc() -> None:
    """What is not found is not claimed."""
    assert forecast.facts(None) == LogonFacts()


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("fact", "key", "name", "data", "kind"),
    [
        ("logon_banner", forecast._POLICIES, "LegalNoticeText", "Nur mit Erlaubnis", winreg.REG_SZ),
        ("logon_banner", forecast._WINLOGON, "LegalNoticeCaption", "Hinweis", winreg.REG_SZ),
        ("passwordless_only", forecast._PASSWORDLESS, "DevicePasswordLessBuildVersion", 2, winreg.REG_DWORD),
        ("passwordless_only", forecast._AUTHENTICATION, "EnablePasswordlessExperience", 1, winreg.REG_DWORD),
        ("provider_excluded", forecast._POLICIES, "ExcludedCredentialProviders",
         "{60B78E88-EAD8-445C-9CFD-0B87F74EA6CD}," + forecast.PROVIDER.upper(), winreg.REG_SZ),
        ("provider_excluded", rf"{forecast._PROVIDERS}\{forecast.PROVIDER}", "Disabled", 1, winreg.REG_DWORD),
        ("provider_excluded", forecast._OWN_POLICY, "DisableCredentialProvider", 1, winreg.REG_DWORD),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_found_and_nothing_else(
    hklm: Any, fact: str, key: str, name: str, data: object, kind: int
) -> None:  # fmt: skip
    """Each policy shows as its one fact."""
    hklm(key, name, data, kind)
    assert forecast.facts(None)._asdict() == {**LogonFacts()._asdict(), fact: True}


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(("data", "found"), [("", False), ("  ", False), ("x", True)])
def test_an_empty_banner_is_none(hklm: Any, data: str, found: bool) -> None:  # noqa: FBT001
    """Windows shows no banner without a text."""
    hklm(forecast._POLICIES, "LegalNoticeCaption", data)
    assert forecast.facts(None).logon_banner is found


def test_online_accounts_are_told_apart() -> None:
    """A Microsoft and an Entra account are; a domain's is not."""
    kinds = {"local": False, "domain": False, "microsoft": True, "entra": True}
    found = {
        kind: forecast.facts(Account("S-1-5-21-7-7-7-1", "x", "Y", kind)).microsoft_or_entra  # type: ignore[arg-type]
        for kind in kinds
    }
    assert found == kinds


def test_age_of_a_password_tells_when_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the domain's longest age of 42 days and an age of 40, two days are left."""
    monkeypatch.setattr(win32net, "NetUserModalsGet", lambda *_: {"max_passwd_age": 42 * 86400})
    found = forecast._by_age({"flags": 0, "password_age": 40 * 86400})
    assert found is not None
    assert abs(found - datetime.now(UTC) - timedelta(days=2)) < timedelta(seconds=5)


def test_moments_that_mean_never_are_none() -> None:
    """0 and the largest FILETIME are no moments; others count 100 ns since 1601."""
    assert logon_sessions.moment(0) is None
    assert logon_sessions.moment(logon_sessions.NEVER) is None
    assert logon_sessions.moment(116444736000000000) == datetime(1970, 1, 1, tzinfo=UTC)


# --- clock, event log, folder, registration


def test_clock_shows_the_present_with_an_offset() -> None:
    """It is the same moment as UTC's."""
    now = clock.WindowsClock().now()
    assert now.utcoffset() is not None
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=2)


def test_every_event_of_the_journal_has_an_id_of_its_own_below_1000() -> None:
    """EventCreate.exe has messages for 1 to 1000."""
    kinds = {
        cls.__name__
        for cls in vars(events).values()
        if isinstance(cls, type) and issubclass(cls, msgspec.Struct) and cls.__struct_config__.tag
    }
    assert set(eventlog.EVENT_IDS) == kinds - {"Event"}
    ids = [*eventlog.EVENT_IDS.values(), *eventlog.GENERAL_IDS.values()]
    assert len(set(ids)) == len(ids)
    assert all(0 < i <= 1000 for i in ids)


def test_an_entry_has_the_id_of_the_event_that_it_tells_of() -> None:
    """The core logs an event with its number and its name."""
    core, general = logging.getLogger("x"), logging.getLogger("y")
    told = core.makeRecord("x", logging.INFO, "f", 1, "event %d %s", (7, "GrantGiven"), None)
    other = general.makeRecord("y", logging.WARNING, "f", 1, "%s is late", ("it",), None)
    assert eventlog.event_id(told) == 130
    assert eventlog.event_id(other) == 2
    handler = eventlog.EventLogHandler()
    for record in (told, other):
        handler.emit(record)


def test_data_folder_is_made_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made where it is missing."""
    folder = tmp_path / "data folder"
    folders.prepare(folder)
    assert folder.is_dir()
    monkeypatch.setattr(folders, "_owner", lambda _f: "S-1-5-32-544")
    monkeypatch.setattr(folders, "_close_to_others", lambda _f: None)
    folders.prepare(folder)


def test_a_folder_of_another_account_is_a_trap(tmp_path: Path, book: accounts.WindowsAccounts) -> None:
    """Every user may make folders in %ProgramData%; this one is the test's own account's."""
    me = book.find(os.environ["USERNAME"])
    assert me is not None
    with pytest.raises(PortError, match=f"belongs to {me.sid}, not to the system"):
        folders.prepare(tmp_path)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    """It is not deleted: somebody may want to know whose it is."""
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(PortError, match="link or a file"):
        folders.prepare(file)
    assert file.read_text() == "x"


def test_command_line_of_the_service_is_quoted() -> None:
    r"""Without quotes Windows would try C:\Program.exe."""
    assert registration.image_path() == (
        r'"C:\Program Files\Latchkey\pythonw.exe" -I -B -m latchkey_agent.windows.service'
    )


@pytest.mark.windows
def test_service_is_created_hardened_and_removed() -> None:
    """Privileges, restart on failure and the access list are set; nothing is left afterwards."""
    registration.install()
    try:
        registration.harden()
    finally:
        registration.remove()
    assert not registry.exists(r"SYSTEM\CurrentControlSet\Services\LatchkeyAgent")
