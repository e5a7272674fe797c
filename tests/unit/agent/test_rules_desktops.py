# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 9, the closing of a desktop alone: what counts as closed, and how long the agent looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from latchkey_agent.core.desktops import SIGN_IN_TIME, DesktopCloser, Target, seen_sessions
from latchkey_agent.domain import commands as c
from latchkey_agent.ports import PortError, SignIn
from latchkey_agent.storage.lock_duties import LockDuty
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA

LOOKS = 10
"""Half a second, looked at every 50 ms."""


class Closing:
    """A closer on a PC in memory, and how often it has waited."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.world = bench.world
        self.closer = DesktopCloser(bench.agent.core)
        self.waits = 0
        bench.agent.core.pause = self._pause  # type: ignore[method-assign]

    def _pause(self, seconds: float) -> None:
        assert seconds == 0.05
        self.waits += 1

    def target(self) -> Target:
        """Return a desktop of this moment."""
        return Target("p1", ANNA.sid, 1, since=self.world.now)

    def close(self, target: Target) -> tuple[str, int]:
        """Close; return how, or "open", and how often that waited."""
        self.waits = 0
        try:
            how: str = self.closer.close(target)
        except PortError:
            how = "open"
        return how, self.waits


@pytest.fixture
def closing(place: Path) -> Iterator[Closing]:
    """A PC whose policy lets the agent look ten times."""
    bench = Bench(place, policy="lock_within = 0.5")
    yield Closing(bench)
    bench.stop()


def test_rule_09_a_new_desktop_is_awaited_once_and_then_only_looked_for(closing: Closing) -> None:
    """Windows lists a session after it has accepted the logon; the effect is tried again meanwhile."""
    target = closing.target()
    assert closing.close(target) == ("open", LOOKS)
    assert closing.close(target) == ("open", 0)


def test_rule_09_an_open_desktop_is_locked_without_waiting(closing: Closing) -> None:
    """A lock that works is seen at once."""
    closing.world.sign_in(ANNA)
    assert closing.close(closing.target()) == ("locked", 0)
    assert closing.world.signed_in[0].locked


def test_rule_09_a_desktop_that_does_not_lock_is_awaited_each_time_and_disconnected(
    closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent looks for the policy's time before it disconnects, also at a later try."""
    sessions = closing.bench.agent.core.computer.sessions
    closing.world.sign_in(ANNA)
    monkeypatch.setattr(sessions, "lock", lambda session: None)
    with monkeypatch.context() as stuck:
        stuck.setattr(sessions, "disconnect", lambda session: None)
        assert closing.close(closing.target()) == ("open", 2 * LOOKS)
        assert closing.close(closing.target()) == ("open", 2 * LOOKS)
    assert closing.close(closing.target()) == ("disconnected", LOOKS)


def test_rule_09_a_desktop_is_gone_only_after_it_was_seen(closing: Closing) -> None:
    """One that was never seen may still open; after it is closed it has to be seen anew."""
    target = closing.target()
    assert closing.close(target)[0] == "open"
    closing.world.sign_in(ANNA, locked=True)
    assert closing.close(target)[0] == "open"
    closing.world.signed_in.clear()
    assert closing.close(target) == ("gone", 0)
    assert closing.close(target) == ("open", LOOKS)


def test_rule_09_a_session_that_stays_locked_counts_as_closed_after_the_time_of_a_sign_in(
    closing: Closing,
) -> None:
    """Not before: Windows lists the session of a logon as locked first. One that was open counts at once."""
    target = closing.target()
    closing.world.sign_in(ANNA, locked=True)
    closing.world.now += SIGN_IN_TIME / 2
    assert closing.close(target)[0] == "open"
    closing.world.now += SIGN_IN_TIME / 2
    assert closing.close(target)[0] == "locked"
    closing.world.signed_in.clear()
    closing.world.sign_in(ANNA)
    assert closing.close(closing.target())[0] == "locked"
    assert closing.close(closing.target())[0] == "open"


def test_rule_09_without_the_moment_of_the_logon_the_time_counts_from_the_first_look(
    closing: Closing,
) -> None:
    """A duty does not know when its logon was."""
    target = Target.of_duty(LockDuty("p1", ANNA.sid, "boot-1", 1))
    closing.world.sign_in(ANNA, locked=True)
    assert closing.close(target)[0] == "open"
    closing.world.now += SIGN_IN_TIME - timedelta(seconds=1)
    assert closing.close(target)[0] == "open"
    closing.world.now += timedelta(seconds=1)
    assert closing.close(target) == ("locked", 0)


def test_rule_09_a_desktop_that_closes_while_it_cannot_be_locked_is_not_disconnected(
    closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer signs out at the moment of the failed lock."""
    sessions = closing.bench.agent.core.computer.sessions

    def leaves(_: int) -> None:
        closing.world.signed_in.clear()
        closing.world.read("lock")

    closing.world.sign_in(ANNA)
    closing.world.broken.add("lock")
    monkeypatch.setattr(sessions, "lock", leaves)
    assert closing.close(closing.target()) == ("gone", 0)


@pytest.mark.parametrize(
    ("left", "how"),
    [
        ([], "gone"),
        ([SignIn(1, ANNA, console=True, active=False, locked=False)], "disconnected"),
        ([SignIn(1, ANNA, console=True, active=False, locked=True)], "disconnected"),
    ],
)
def test_rule_09_a_disconnected_desktop_is_reported_as_what_it_is(
    closing: Closing, monkeypatch: pytest.MonkeyPatch, left: list[SignIn], how: str
) -> None:
    """Windows also locks a session that it disconnects, and the customer may sign out meanwhile."""
    sessions = closing.bench.agent.core.computer.sessions
    closing.world.sign_in(ANNA)
    closing.world.lock_works = False
    monkeypatch.setattr(sessions, "disconnect", lambda _: setattr(closing.world, "signed_in", left))
    assert closing.close(closing.target())[0] == how


def test_rule_09_the_fault_says_whether_a_desktop_may_still_open_or_is_open(closing: Closing) -> None:
    """Both are tried again."""
    with pytest.raises(PortError, match=r"^the desktop has not opened yet$"):
        closing.closer.close(closing.target())
    closing.world.sign_in(ANNA)
    closing.world.lock_works = closing.world.disconnect_works = False
    with pytest.raises(PortError, match=r"^the session could be neither locked nor disconnected$"):
        closing.closer.close(closing.target())


def test_rule_09_the_session_of_a_remote_logon_screen_is_the_logons(closing: Closing) -> None:
    """It is not on the PC's screen, and known by its number."""
    closing.world.signed_in = [SignIn(7, ANNA, console=False, active=True, locked=False)]
    assert closing.close(closing.target()._replace(windows_session=7)) == ("locked", 0)


def test_rule_09_the_agent_looks_once_at_least(place: Path) -> None:
    """A policy of less than half of 50 ms does not stop it from looking."""
    bench = Bench(place, policy="lock_within = 0.01")
    closing = Closing(bench)
    assert closing.close(closing.target()) == ("open", 1)
    bench.stop()


def test_rule_09_another_session_of_the_account_is_not_the_logons(closing: Closing) -> None:
    """The account's other desktop is locked, too, but says nothing about the logon's own."""
    closing.world.signed_in.append(SignIn(7, ANNA, console=False, active=True, locked=False))
    assert closing.close(closing.target())[0] == "open"
    assert closing.world.signed_in[0].locked


def test_rule_09_a_desktop_is_known_from_its_permit_and_from_its_duty(
    bench: Bench, canary: bytearray
) -> None:
    """A duty outside of the journal does not know the moment of the logon."""
    bench.at_logon_screen(canary)
    bench.redeem()
    (permit,) = bench.state.permits.values()
    target = Target.of_permit(replace(permit, logged_on_at=bench.world.now))
    assert target == Target(permit.id, ANNA.sid, 1, since=bench.world.now)
    duty = LockDuty("p1", ANNA.sid, "boot-1", 3)
    assert Target.of_duty(duty) == Target("p1", ANNA.sid, 3, since=None)


def test_rule_09_a_session_that_is_not_connected_is_not_open_and_not_yet_closed(closing: Closing) -> None:
    """Windows may still connect it to the logon: it counts as closed after the time of a sign-in."""
    target = closing.target()
    closing.world.signed_in = [SignIn(1, ANNA, console=True, active=False, locked=False)]
    assert closing.close(target)[0] == "open"
    closing.world.now += SIGN_IN_TIME
    assert closing.close(target) == ("disconnected", 0)


@pytest.mark.parametrize(
    ("active", "locked", "is_open"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_rule_09_a_desktop_is_open_while_it_is_connected_and_not_locked(
    bench: Bench, *, active: bool, locked: bool, is_open: bool
) -> None:
    """Either alone does not open it."""
    bench.world.signed_in = [SignIn(1, ANNA, console=True, active=active, locked=locked)]
    assert seen_sessions(bench.agent.core) == (c.SeenSession(ANNA.sid, 1, console=True, is_open=is_open),)
