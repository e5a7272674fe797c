# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions, restarts, programs in a session, and the permit event."""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import pywintypes
import win32con
import win32event
import win32security
import win32ts

from latchkey_agent.domain.model import Account
from latchkey_agent.ports import PortError, SignIn
from latchkey_agent.windows import names
from latchkey_agent.windows.ports import accounts, notifier, power, windows_sessions
from latchkey_agent.windows.win32 import api, launch, registry

from .conftest import refusing

ANNA = Account("S-1-5-21-0-0-0-1000", "anna", "PC", "local")
BERND = Account("S-1-5-21-1-2-3-1002", "bernd", "PC", "local")


@pytest.fixture(autouse=True)
def fresh_boot() -> None:
    """Clear the note that the agent has started a restart in this boot."""
    registry.boot_key().save(power.RESTART_BEGUN, "")


def sign_in(account: Account, session_id: int) -> SignIn:
    """Return a sign-in."""
    return SignIn(session_id, account, console=session_id == 1, active=True, locked=False)


def test_no_restart_starts_while_two_accounts_are_signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The restart would sign out an account that did not agree to it."""
    calls: list[object] = []
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *a: calls.append(a))
    sign_ins = [sign_in(ANNA, 1), sign_in(BERND, 2)]
    with pytest.raises(PortError, match=r"PC\\anna, PC\\bernd"):
        power.WindowsPower(lambda: sign_ins).prepare_restart()
    assert not calls


def test_one_account_under_two_names_is_one_account() -> None:
    """Windows could name it in one session and not in the other: the SID decides."""
    nameless = Account(ANNA.sid, ANNA.sid, "", "domain")
    power.WindowsPower(lambda: [sign_in(ANNA, 1), sign_in(nameless, 3)]).prepare_restart()


@pytest.mark.parametrize(("sign_on", "flags"), [(False, 0x7), (True, 0x2007)])
def test_a_restart_is_planned_and_announced(
    monkeypatch: pytest.MonkeyPatch, flags: int, *, sign_on: bool
) -> None:
    """The grace is rounded up to whole seconds; SHUTDOWN_ARSO asks for the sign-in. Two sessions are one account's."""
    calls: list[tuple[Any, ...]] = []

    def shut_down(*arguments: object) -> int:
        calls.append(arguments)
        return 0

    monkeypatch.setattr(power, "InitiateShutdownW", shut_down)
    sign_ins = [sign_in(ANNA, 1), sign_in(ANNA, 3)]
    windows_power = power.WindowsPower(lambda: sign_ins)
    windows_power.prepare_restart()
    windows_power.restart(message="Updates", grace=29.2, sign_on=sign_on)
    assert calls == [(None, "Updates", 30, flags, 0x80040001)]


def test_the_error_of_a_refused_restart_has_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has Windows' own text and code."""
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *_: 1115)
    with pytest.raises(PortError, match=r"restarting failed: .+ \(Windows error 1115\)"):
        power.WindowsPower(list).restart(message="", grace=0, sign_on=False)


def test_a_pending_restart_of_the_agent_itself_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a crash the agent tries again. Windows refuses, because the agent's own restart is pending."""
    answers = [1115, 0, 1190, 1115, 5]
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *_: answers.pop(0))
    windows_power = power.WindowsPower(list)
    with pytest.raises(PortError, match="1115"):
        windows_power.restart(message="", grace=0, sign_on=False)
    for _ in range(3):
        windows_power.restart(message="", grace=0, sign_on=False)
    with pytest.raises(PortError, match="error 5"):
        windows_power.restart(message="", grace=0, sign_on=False)


def session_with(flags: int) -> Any:
    """Return a stand-in for WTSQuerySessionInformationW that returns these session flags."""

    def query(_server: object, session_id: int, kind: int, out: Any, _size: object) -> int:
        assert kind == 25
        query.kept = info = api.SessionInfo(1, api.SessionDetails(session_id, 0, flags))  # type: ignore[attr-defined]
        out._obj.value = ctypes.addressof(info)
        return 1

    return query


@pytest.mark.parametrize(("flags", "locked"), [(0, True), (1, False), (-1, False)])
def test_only_the_flag_for_locked_counts_as_locked(
    monkeypatch: pytest.MonkeyPatch, flags: int, locked: bool  # noqa: FBT001
) -> None:  # fmt: skip
    """0 means locked. An unknown state does not count as locked."""
    monkeypatch.setattr(api, "WTSQuerySessionInformationW", session_with(flags))
    monkeypatch.setattr(api, "WTSFreeMemory", lambda _m: None)
    assert windows_sessions.is_locked(1) is locked


def test_a_failed_query_does_not_count_as_locked() -> None:
    """The query fails for every session of Wine."""
    assert not windows_sessions.is_locked(1)


class Enumerated:
    """A stand-in for sessions that Wine lacks: two users, a logon screen, session 0."""

    def __call__(self, _server: int) -> list[dict[str, object]]:
        """Return the list of WTSEnumerateSessions."""
        states = {0: 4, 1: 0, 2: 4, 3: 1}
        return [
            {"SessionId": number, "WinStationName": "", "State": state} for number, state in states.items()
        ]


@pytest.mark.parametrize("known", [True, False])
def test_sign_ins_are_listed_with_the_console_first(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, *, known: bool
) -> None:
    """Sessions without a user are left out. If the lookup of an account fails, it has the session's own names."""

    def token_of(session_id: int) -> int:
        if session_id in {0, 3}:
            raise pywintypes.error(1008, "WTSQueryUserToken", "no token")
        return session_id

    def by_sid(sid: str) -> Account:
        if known:
            return ANNA
        raise PortError(sid)

    monkeypatch.setattr(win32ts, "WTSEnumerateSessions", Enumerated())
    monkeypatch.setattr(win32ts, "WTSGetActiveConsoleSessionId", lambda: 2)
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", token_of)
    monkeypatch.setattr(win32ts, "WTSQuerySessionInformation", lambda _s, n, kind: f"{n}/{kind}")
    monkeypatch.setattr(win32security, "GetTokenInformation", lambda _t, _k: (win32security.SID(), 0))
    monkeypatch.setattr(win32security, "ConvertSidToStringSid", lambda _sid: ANNA.sid)
    monkeypatch.setattr(book, "by_sid", by_sid)
    found = windows_sessions.WindowsSessions(book).signed_in()
    assert [(s.session_id, s.console, s.active, s.locked) for s in found] == [
        (2, True, False, False),
        (1, False, True, False),
    ]
    assert {s.account.sid for s in found} == {ANNA.sid}
    assert (found[0].account == ANNA) is known


@pytest.fixture
def one_session(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Give the PC one session, in which Anna is signed in; return its entry in the list."""
    listed: dict[str, object] = {"SessionId": 1, "WinStationName": "", "State": 0}
    monkeypatch.setattr(win32ts, "WTSEnumerateSessions", lambda _server: [listed])
    monkeypatch.setattr(win32ts, "WTSGetActiveConsoleSessionId", lambda: 1)
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", lambda number: number)
    monkeypatch.setattr(win32security, "GetTokenInformation", lambda _t, _k: (win32security.SID(), 0))
    monkeypatch.setattr(win32security, "ConvertSidToStringSid", lambda _sid: ANNA.sid)
    return listed


@pytest.mark.parametrize("answer", [refusing(7022), refusing(1722), lambda *_: "", lambda *_: None])
@pytest.mark.usefixtures("one_session")
def test_a_session_whose_account_has_no_name_is_listed_by_its_sid(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, answer: Any
) -> None:
    """The account was deleted, or its domain is away. Its desktop, and every other one, must still be locked."""
    monkeypatch.setattr(win32ts, "WTSQuerySessionInformation", answer)
    monkeypatch.setattr(win32security, "LookupAccountSid", refusing(1332))
    [found] = windows_sessions.WindowsSessions(book).signed_in()
    assert found.account == Account(ANNA.sid, ANNA.sid, "", "domain")
    assert found.account.qualified == ANNA.sid
    assert (found.session_id, found.console, found.active) == (1, True, True)


@pytest.mark.parametrize("code", [2, 1008, 7022])
@pytest.mark.usefixtures("one_session")
def test_a_session_without_a_token_has_no_user(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, code: int
) -> None:
    """The session has no token, or it has just ended."""
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", refusing(code))
    assert windows_sessions.WindowsSessions(book).signed_in() == []


@pytest.mark.parametrize("code", [5, 87, 1314, 1722, 7024])
@pytest.mark.usefixtures("one_session")
def test_another_failure_of_the_token_query_is_an_error(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, code: int
) -> None:
    """Otherwise a restart could sign an unknown user out, or an open desktop would count as closed."""
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", refusing(code))
    with pytest.raises(PortError, match=rf"asking who is signed in to session 1 failed: .+ {code}\)"):
        windows_sessions.WindowsSessions(book).signed_in()


@pytest.mark.parametrize("code", [2, 5, 1008])
@pytest.mark.usefixtures("one_session")
def test_a_token_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, code: int
) -> None:
    """The session has a token, so it has a user."""
    monkeypatch.setattr(win32security, "GetTokenInformation", refusing(code))
    with pytest.raises(PortError, match="asking who is signed in to session 1 failed"):
        windows_sessions.WindowsSessions(book).signed_in()


def test_the_user_of_a_listener_is_not_queried(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, one_session: dict[str, object]
) -> None:
    """A listener never has a user, and Windows' answer to the query is not documented."""
    one_session["State"] = 6
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", refusing(87))
    assert windows_sessions.WindowsSessions(book).signed_in() == []


def test_a_session_is_locked_at_most_once_a_second(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts
) -> None:
    """The agent may call this often while it waits for the lock. Only one program starts."""
    started: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(windows_sessions, "in_session", lambda s, c: started.append((s, c)))
    sessions = windows_sessions.WindowsSessions(book)
    for _ in range(20):
        sessions.lock(1)
    sessions.lock(2)
    assert [s for s, _ in started] == [1, 2]
    assert started[0][1][0].lower() == r"c:\windows\system32\rundll32.exe"
    assert started[0][1][1] == "user32.dll,LockWorkStation"


def test_a_program_is_started_in_a_session_with_its_arguments() -> None:
    """It runs with the session's environment. The agent notices its end."""
    target = Path(r"C:\lab\launched.txt")
    target.unlink(missing_ok=True)
    code = f"import pathlib; pathlib.Path(r'{target}').write_text('here it is')"
    program = str(Path(sys.executable).with_name("pythonw.exe"))
    started = launch.in_session(1, [program, "-I", "-B", "-c", code])
    deadline = time.monotonic() + 20
    while started.running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert target.read_text() == "here it is"


class Companion:
    """A stand-in for a running companion; the test sets `running`."""

    running = True


def test_one_companion_runs_in_each_session_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts if it is missing or has ended, but not in other users' or disconnected sessions."""
    made: list[Companion] = []
    started: list[tuple[int, list[str]]] = []

    def start(session_id: int, command: list[str]) -> Companion:
        started.append((session_id, command))
        made.append(Companion())
        return made[-1]

    monkeypatch.setattr(notifier, "in_session", start)
    sign_ins = [sign_in(ANNA, 1), sign_in(BERND, 2), sign_in(ANNA, 3)._replace(active=False)]
    windows_notifier = notifier.WindowsNotifier(lambda: sign_ins)
    windows_notifier.summon_companion(ANNA)
    windows_notifier.summon_companion(ANNA)
    assert [s for s, _ in started] == [1]
    assert started[0][1][1:] == ["-I", "-B", "-m", "latchkey_agent.companion"]
    made[0].running = False
    windows_notifier.summon_companion(ANNA)
    assert [s for s, _ in started] == [1, 1]


def test_permit_event_is_set_from_the_announcement_until_it_is_retracted() -> None:
    """It stays set, so that a later logon screen sees it as well."""
    windows_notifier = notifier.WindowsNotifier(list)
    event = windows_notifier._permit

    def is_set() -> bool:
        return win32event.WaitForSingleObject(event, 0) == win32event.WAIT_OBJECT_0

    assert not is_set()
    windows_notifier.announce_permit()
    assert is_set()
    assert is_set()
    windows_notifier.retract_permit()
    assert not is_set()


def test_permit_event_is_for_localsystem_alone() -> None:
    """Wine's accounts are not LocalSystem, and Wine enforces the access lists of events."""
    windows_notifier = notifier.WindowsNotifier(list)
    with pytest.raises(pywintypes.error) as refusal:
        win32event.OpenEvent(win32con.SYNCHRONIZE, False, names.PERMIT_EVENT)  # noqa: FBT003
    assert refusal.value.winerror == 5
    windows_notifier.announce_permit()
