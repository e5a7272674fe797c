# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions, restarts, and the programs that the service starts in a session."""

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
    """Resets the agent's record of restarts in this boot."""
    registry.boot_key().save(power.BEGUN, "")


def someone(account: Account, session_id: int) -> SignIn:
    """Return a sign-in of an account."""
    return SignIn(session_id, account, console=session_id == 1, active=True, locked=False)


def test_a_restart_does_not_sign_another_account_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two signed-in accounts the agent does not even ask Windows to restart."""
    asked: list[object] = []
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *a: asked.append(a))
    here = [someone(ANNA, 1), someone(BERND, 2)]
    with pytest.raises(PortError, match=r"PC\\anna, PC\\bernd"):
        power.WindowsPower(lambda: here).restart(message="", grace=0)
    assert not asked


def test_restart_is_planned_announced_and_takes_only_the_one_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart is planned, announced and rounded up to whole seconds; two sessions of one account are allowed."""
    asked: list[tuple[Any, ...]] = []

    def shut_down(*arguments: object) -> int:
        asked.append(arguments)
        return 0

    monkeypatch.setattr(power, "InitiateShutdownW", shut_down)
    here = [someone(ANNA, 1), someone(ANNA, 3)]
    power.WindowsPower(lambda: here).restart(message="Updates", grace=29.2)
    assert asked == [(None, "Updates", 30, 0x7, 0x80040001)]


def test_a_refused_restart_has_windows_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of a refused restart has Windows' text and number."""
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *_: 1115)
    with pytest.raises(PortError, match=r"restarting failed: .+ \(Windows error 1115\)"):
        power.WindowsPower(list).restart(message="", grace=0)


def test_a_repeated_restart_of_the_agent_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart that the agent repeats after a crash succeeds if its first one is already scheduled."""
    answers = [1115, 0, 1190, 1115, 5]
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *_: answers.pop(0))
    here = power.WindowsPower(list)
    with pytest.raises(PortError, match="1115"):
        here.restart(message="", grace=0)
    for _ in range(3):
        here.restart(message="", grace=0)
    with pytest.raises(PortError, match="error 5"):
        here.restart(message="", grace=0)


def session_flags(flags: int) -> Any:
    """Return a replacement for WTSQuerySessionInformationW that returns these session flags."""

    def query(_server: object, session_id: int, kind: int, out: Any, _size: object) -> int:
        assert kind == 25
        session_flags.kept = info = api.SessionInfo(1, api.SessionDetails(session_id, 0, flags))  # type: ignore[attr-defined]
        out._obj.value = ctypes.addressof(info)
        return 1

    return query


@pytest.mark.parametrize(("flags", "locked"), [(0, True), (1, False), (-1, False)])
def test_locked_is_only_what_windows_calls_locked(
    monkeypatch: pytest.MonkeyPatch, flags: int, locked: bool  # noqa: FBT001
) -> None:  # fmt: skip
    """Only the flag 0 counts as locked; an unknown state does not."""
    monkeypatch.setattr(api, "WTSQuerySessionInformationW", session_flags(flags))
    monkeypatch.setattr(api, "WTSFreeMemory", lambda _m: None)
    assert windows_sessions.is_locked(1) is locked


def test_a_session_in_an_unknown_state_does_not_count_as_locked() -> None:
    """A session without flags, as on Wine, does not count as locked."""
    assert not windows_sessions.is_locked(1)


class Enumerated:
    """Replaces the list of sessions, which Wine lacks: two people, a logon screen, session 0."""

    def __call__(self, _server: int) -> list[dict[str, object]]:
        """Return what WTSEnumerateSessions would."""
        states = {0: 4, 1: 0, 2: 4, 3: 1}
        return [
            {"SessionId": number, "WinStationName": "", "State": state} for number, state in states.items()
        ]


@pytest.mark.parametrize("known", [True, False])
def test_signed_in_accounts_are_listed_with_the_console_first(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, *, known: bool
) -> None:
    """The list has no empty sessions; an account without a lookup result has the session's own names."""

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
    """A PC with one session, Anna's; returns its entry in the list."""
    listed: dict[str, object] = {"SessionId": 1, "WinStationName": "", "State": 0}
    monkeypatch.setattr(win32ts, "WTSEnumerateSessions", lambda _server: [listed])
    monkeypatch.setattr(win32ts, "WTSGetActiveConsoleSessionId", lambda: 1)
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", lambda number: number)
    monkeypatch.setattr(win32security, "GetTokenInformation", lambda _t, _k: (win32security.SID(), 0))
    monkeypatch.setattr(win32security, "ConvertSidToStringSid", lambda _sid: ANNA.sid)
    return listed


@pytest.mark.parametrize("code", [2, 1008, 7022])
@pytest.mark.usefixtures("one_session")
def test_a_session_without_a_token_is_empty(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, code: int
) -> None:
    """A session without a token, or one that has just ended, is empty."""
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", refusing(code))
    assert windows_sessions.WindowsSessions(book).signed_in() == []


@pytest.mark.parametrize("code", [5, 87, 1314, 1722, 7024])
@pytest.mark.usefixtures("one_session")
def test_a_failed_query_of_a_session_is_an_error(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, code: int
) -> None:
    """A failed query is an error: an empty result could sign a user out or hide an unlocked desktop."""
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", refusing(code))
    with pytest.raises(PortError, match=rf"asking who is signed in to session 1 failed: .+ {code}\)"):
        windows_sessions.WindowsSessions(book).signed_in()


@pytest.mark.parametrize("code", [2, 5, 1008])
@pytest.mark.usefixtures("one_session")
def test_an_unreadable_token_is_an_error(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, code: int
) -> None:
    """An unreadable token is an error, because a user is signed in."""
    monkeypatch.setattr(win32security, "GetTokenInformation", refusing(code))
    with pytest.raises(PortError, match="asking who is signed in to session 1 failed"):
        windows_sessions.WindowsSessions(book).signed_in()


def test_listening_sessions_are_not_queried(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts, one_session: dict[str, object]
) -> None:
    """A listening session is not queried: it has no user, and Windows' answer is not documented."""
    one_session["State"] = 6
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", refusing(87))
    assert windows_sessions.WindowsSessions(book).signed_in() == []


def test_a_lock_starts_at_most_once_a_second(
    monkeypatch: pytest.MonkeyPatch, book: accounts.WindowsAccounts
) -> None:
    """Frequent calls of lock start at most one program a second."""
    started: list[tuple[int, list[str]]] = []
    monkeypatch.setattr(windows_sessions, "in_session", lambda s, c: started.append((s, c)))
    here = windows_sessions.WindowsSessions(book)
    for _ in range(20):
        here.lock(1)
    here.lock(2)
    assert [s for s, _ in started] == [1, 2]
    assert started[0][1][0].lower() == r"c:\windows\system32\rundll32.exe"
    assert started[0][1][1] == "user32.dll,LockWorkStation"


def test_a_program_is_started_in_a_session_with_its_arguments() -> None:
    """A program starts in a session with its arguments and environment, and its end is noticed."""
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
    """A companion that runs until the test ends it."""

    running = True


def test_one_companion_runs_in_each_session_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """A companion starts in each session of the account without one, but not in others' or disconnected sessions."""
    made: list[Companion] = []
    started: list[tuple[int, list[str]]] = []

    def start(session_id: int, command: list[str]) -> Companion:
        started.append((session_id, command))
        made.append(Companion())
        return made[-1]

    monkeypatch.setattr(notifier, "in_session", start)
    here = [someone(ANNA, 1), someone(BERND, 2), someone(ANNA, 3)._replace(active=False)]
    summoner = notifier.WindowsNotifier(lambda: here)
    summoner.summon_companion(ANNA)
    summoner.summon_companion(ANNA)
    assert [s for s, _ in started] == [1]
    assert started[0][1][1:] == ["-I", "-B", "-m", "latchkey_agent.companion"]
    made[0].running = False
    summoner.summon_companion(ANNA)
    assert [s for s, _ in started] == [1, 1]


def test_permit_event_is_set_from_the_announcement_until_it_is_retracted() -> None:
    """The event stays set until the permit is retracted, so that a late logon screen sees it."""
    summoner = notifier.WindowsNotifier(list)
    seen = summoner._permit

    def is_set() -> bool:
        return win32event.WaitForSingleObject(seen, 0) == win32event.WAIT_OBJECT_0

    assert not is_set()
    summoner.announce_permit()
    assert is_set()
    assert is_set()
    summoner.retract_permit()
    assert not is_set()


def test_permit_event_is_for_localsystem_alone() -> None:
    """Another account than LocalSystem cannot open the event."""
    summoner = notifier.WindowsNotifier(list)
    with pytest.raises(pywintypes.error) as refusal:
        win32event.OpenEvent(win32con.SYNCHRONIZE, False, names.PERMIT_EVENT)  # noqa: FBT003
    assert refusal.value.winerror == 5
    summoner.announce_permit()
