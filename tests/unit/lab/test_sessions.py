# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools

import pytest

from lab.simulated.session_model import Session, Sessions, changing
from latchkey_agent.domain.model import Account

ANNA = Account("S-1-5-21-1-1001", "anna", "PC-1")
BOB = Account("S-1-5-21-1-1002", "bob", "PC-1")


class Log:
    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []

    def __call__(self, change: str, session: Session) -> None:
        """Record a change."""
        self.changes.append((change, session.account.user))


@pytest.fixture
def log() -> Log:
    """The recorded changes, in order."""
    return Log()


@pytest.fixture
def sessions(log: Log) -> Sessions:
    """The sessions of a PC that has just booted."""
    return Sessions(log)


def test_signing_in_opens_an_unlocked_console_session(sessions: Sessions, log: Log) -> None:
    """A sign-in at the console makes an active, unlocked session there."""
    session = sessions.sign_in(ANNA)
    assert sessions.on_console() is session
    assert [s._asdict() for s in sessions.signed_in()] == [
        {"session_id": 1, "account": ANNA, "console": True, "active": True, "locked": False}
    ]
    assert log.changes == [("signed_in", "anna")]


def test_signing_in_again_unlocks(sessions: Sessions, log: Log) -> None:
    """The password at a locked screen unlocks the same session."""
    session = sessions.sign_in(ANNA)
    sessions.lock(session.id)
    assert sessions.sign_in(ANNA) is session
    assert log.changes[1:] == [("locked", "anna"), ("unlocked", "anna")]


def test_locking_twice_is_one_change(sessions: Sessions, log: Log) -> None:
    """Locking a locked session is not a change."""
    session = sessions.sign_in(ANNA)
    sessions.lock(session.id)
    sessions.lock(session.id)
    sessions.lock(99)
    assert log.changes.count(("locked", "anna")) == 1


def test_another_person_at_the_console_disconnects_the_first(sessions: Sessions, log: Log) -> None:
    """With fast user switching the first session continues without a screen."""
    first = sessions.sign_in(ANNA)
    second = sessions.sign_in(BOB)
    assert sessions.on_console() is second
    assert not first.active
    assert log.changes == [("signed_in", "anna"), ("disconnected", "anna"), ("signed_in", "bob")]


def test_a_remote_session_leaves_the_console_alone(sessions: Sessions) -> None:
    """Two people can be signed in at once; the console's session is listed first."""
    sessions.sign_in(BOB, console=False)
    sessions.sign_in(ANNA)
    assert [s.account.user for s in sessions.signed_in()] == ["anna", "bob"]


def test_a_disconnected_session_is_resumed(sessions: Sessions, log: Log) -> None:
    """Signing in again connects and unlocks the session that was disconnected."""
    session = sessions.sign_in(ANNA)
    sessions.disconnect(session.id)
    assert sessions.on_console() is None
    assert sessions.sign_in(ANNA) is session
    assert log.changes[2:] == [("connected", "anna"), ("unlocked", "anna")]


def test_signing_out_ends_the_session(sessions: Sessions) -> None:
    """A sign-out ends the session, and the next session has another number."""
    sessions.sign_out(sessions.sign_in(ANNA).id)
    assert sessions.signed_in() == []
    assert sessions.sign_in(ANNA).id == 2


def test_an_account_gets_the_session_of_its_logon_screen(sessions: Sessions) -> None:
    """The number of the logon screen is the session's afterwards; a sign-out leaves a new logon screen."""
    number = sessions.logon_screen
    session = sessions.sign_in(ANNA)
    assert (session.id, sessions.logon_screen) == (number, number)
    sessions.sign_out(session.id)
    assert sessions.logon_screen != number


def test_a_remote_desktop_takes_the_session_from_the_console(sessions: Sessions, log: Log) -> None:
    """The session keeps its number and is unlocked, and the console shows a logon screen in another session."""
    session = sessions.sign_in(ANNA)
    sessions.lock(session.id)
    assert sessions.sign_in(ANNA, console=False) is session
    assert (session.console, session.is_open) == (False, True)
    assert sessions.logon_screen != session.id
    assert log.changes[2:] == [("connected", "anna"), ("unlocked", "anna")]


def test_an_account_may_have_several_sessions(sessions: Sessions) -> None:
    """One more session has its own number, and the one on the console comes first."""
    first = sessions.sign_in(ANNA)
    again = sessions.sign_in_again(ANNA)
    assert [s.session_id for s in sessions.signed_in()] == [first.id, again.id]
    assert sessions.of(ANNA.sid) is first


@pytest.mark.parametrize("locked", [False, True])
def test_a_lock_is_lost_while_the_desktop_is_prepared(sessions: Sessions, *, locked: bool) -> None:
    """A first sign-in: the request to lock is lost, and the desktop opens all the same."""
    session = sessions.begin_sign_in(ANNA, locked=locked)
    sessions.lock(session.id)
    assert session.locked is locked
    sessions.end_sign_in(session.id)
    assert session.is_open
    sessions.lock(session.id)
    assert session.locked


def test_a_session_that_was_disconnected_while_prepared_stays_closed(sessions: Sessions) -> None:
    """Its desktop appears on no screen."""
    session = sessions.begin_sign_in(ANNA, locked=False)
    sessions.disconnect(session.id)
    sessions.end_sign_in(session.id)
    assert (session.active, session.locked) == (False, True)


def test_changing_numbers_are_given_once(log: Log) -> None:
    """They come in no order, and none twice."""
    numbers = list(itertools.islice(changing(), 500))
    assert len(set(numbers)) == 500
    assert numbers != sorted(numbers)
    assert Sessions(log, iter(numbers)).sign_in(ANNA).id == numbers[0]
