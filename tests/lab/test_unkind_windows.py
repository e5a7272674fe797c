# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows' sign-ins as they are in the field: slow desktops, sign-ins by itself, outdated passwords, several sessions.

Each setting of the lab has its source (`pc_settings.Settings`).
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.canary import make
from tests.lab import kinds
from tests.lab.job import apply, request, start
from tests.lab.scenes import Fails, Played, each, played
from tests.lab.unkind import (
    APPLY,
    BEGIN,
    END,
    LENT,
    TASKS,
    Seen,
    UnkindScene,
    at,
    check_desktops,
    check_permits,
    check_tasks,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.scenes import Act

pytestmark = pytest.mark.timeout(300)

MINUTE = timedelta(minutes=1)


def controller(*, away: bool) -> Act:
    """Return the act that takes the domain's controller away, or brings it back."""
    return lambda computer: setattr(computer.windows.accounts, "domain_reachable", not away)


def change_elsewhere(computer: SimulatedComputer) -> None:
    """Change the customer's password on another PC of the domain."""
    computer.on_loop(lambda: computer.account.change_elsewhere(make()))


def withhold(computer: SimulatedComputer) -> None:
    """Let Windows accept a logon, and its desktop not appear."""
    computer.faults.withholds_desktop = True


def minutes_later(computer: SimulatedComputer) -> None:
    """Let three minutes pass once the agent knows of the logon, and then let the desktop appear."""
    until = time.monotonic() + 60
    while "PermitLoggedOn" not in computer.log and time.monotonic() < until:
        time.sleep(0.05)
    computer.let_pass(3 * MINUTE)
    # The task may see the use finished by now. The desktop has not appeared.
    time.sleep(2.0)
    computer.faults.withholds_desktop = False


# The logon screen of a Wine PC has Wine's own session number, 1, so the agent would have to see the session once on the
# console before a remote desktop takes it.
NUMBERS = "changing" if kinds.chosen() == kinds.SIMULATED else "counted"


def remote_desktop(computer: SimulatedComputer) -> None:
    """Let the customer come by remote desktop; it takes the session from the console."""
    computer.connect_remotely()


def second_session(computer: SimulatedComputer) -> None:
    """Start one more session of the customer's account."""
    computer.sign_in_again()


def lock(computer: SimulatedComputer) -> None:
    """Let the customer lock the screen and leave."""
    computer.customer.lock()
    computer.settle()


SLOW = {**LENT, "desktop_seconds": 2.0}
DOMAIN = {**LENT, "domain": "CONTOSO"}
OUTDATED = (controller(away=True), change_elsewhere, *BEGIN)
AT_THE_TILE = {**LENT, "auto_logon_at": "tile_shown", "notice_seconds": 2.0}
SCENES = {
    # --- a slow desktop
    "slow desktop, not listed": UnkindScene("A desktop of seconds is awaited and locked.", TASKS, SLOW),
    "slow desktop, listed as locked": UnkindScene(
        "A session that is listed as locked is locked once its desktop opens, which is no lock of the customer's.",
        TASKS,
        {**SLOW, "desktop_listed": "locked"},
        seen=Seen(unlocked=1),
    ),
    "slow desktop, listed as open": UnkindScene(
        "The lock that is lost is asked for again.", TASKS, {**SLOW, "desktop_listed": "open"}
    ),
    "very slow desktop, listed as open": UnkindScene(
        "A lock that stays lost ends in a disconnected session.",
        TASKS,
        {**SLOW, "desktop_listed": "open", "desktop_seconds": 30.0},
    ),
    "desktop of minutes, not listed": UnkindScene(
        "The desktop of a first sign-in is locked, however late it appears.",
        [*BEGIN, withhold, at("permit_redeemed", minutes_later), APPLY, END],
        LENT,
    ),
    "desktop of minutes, listed as locked": UnkindScene(
        "A session that stays locked for minutes is locked all the same once its desktop opens.",
        [*BEGIN, withhold, at("permit_redeemed", minutes_later), APPLY, END],
        {**LENT, "desktop_listed": "locked"},
        seen=Seen(unlocked=1),
    ),
    # --- Windows signs in by itself
    "AutoAdminLogon before the agent": UnkindScene(
        "The desktop that Windows opened is locked, and no permit is redeemed.",
        TASKS,
        {**LENT, "auto_logon": "admin"},
        seen=Seen(0),
    ),
    "AutoAdminLogon at the tile": UnkindScene(
        "The permit is void as soon as Windows has signed in, told or not.",
        TASKS,
        {**AT_THE_TILE, "auto_logon": "admin"},
        seen=Seen(0),
    ),
    "ARSO before the agent": UnkindScene(
        "ARSO has locked already.", TASKS, {**LENT, "auto_logon": "arso"}, seen=Seen(0)
    ),
    "ARSO at the tile": UnkindScene(
        "A permit for a restart does not open the lock of a desktop that is there by then, told or not.",
        TASKS,
        {**AT_THE_TILE, "auto_logon": "arso"},
        seen=Seen(0),
    ),
    # --- an outdated password
    "controller away": UnkindScene(
        "Windows signs in with the password that it has cached, and the desktop is locked.",
        [*OUTDATED, APPLY, END],
        DOMAIN,
    ),
    "controller back at the boot": UnkindScene(
        "The controller refuses the outdated password once, and it is never tried again.",
        [
            *(*OUTDATED, at("down", controller(away=False)), Fails(APPLY, "logon_refused")),
            *(Fails(APPLY, "grant_rejected"), END),
        ],
        DOMAIN,
    ),
    "controller back before the restart": UnkindScene(
        "The check before the restart finds the outdated password: nothing restarts.",
        [*OUTDATED, controller(away=False), *(Fails(APPLY, "grant_rejected"),) * 2, END],
        DOMAIN,
        seen=Seen(0, boots=1),
    ),
    # --- sessions
    "other session numbers": UnkindScene(
        "The numbers of sessions say nothing from one boot to the next.",
        [*BEGIN, apply(step="a", timeout=90), apply(step="b", timeout=90), END],
        {**LENT, "session_numbers": "changing", "notice_seconds": 0.5},
        seen=Seen(2, boots=3),
    ),
    "remote desktop before the lock": UnkindScene(
        "A remote desktop takes the session of the logon before it is locked: it is locked there.",
        [*BEGIN, at("signed_in", remote_desktop), APPLY, END],
        {**LENT, "lock_seconds": 1.0, "session_numbers": NUMBERS},
    ),
    "remote desktop takes an unlocked desktop": UnkindScene(
        "The desktop that an unlock opened is locked at the end, although it is not on the console any more.",
        [
            start(),
            request(restarts=0, unlocks=1),
            lock,
            apply(action="unlock", timeout=90),
            remote_desktop,
            END,
        ],
        {**LENT, "session_numbers": "changing"},
        seen=Seen(unlocked=1, boots=1),
    ),
    "several sessions": UnkindScene(
        "Each open desktop of the account is locked, the one of the logon included.",
        [*BEGIN, second_session, at("signed_in", second_session), APPLY, END],
        {**LENT, "lock_seconds": 1.0},
    ),
}


@pytest.fixture(scope="module")
def unkind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play all scenes in one run."""
    with played(tmp_path_factory.mktemp("unkind"), SCENES) as all_played:
        yield all_played


@pytest.mark.parametrize("name", each(SCENES))
def test_each_task_ends_with_the_truth(unkind: Played, name: str) -> None:
    """Each task succeeds or fails with its own error code, and the end of the session confirms the erasure."""
    check_tasks(unkind, name, SCENES[name])


@pytest.mark.parametrize("name", SCENES)
def test_no_desktop_stays_open(unkind: Played, name: str) -> None:
    """Rule 9: a desktop that a permit or Windows itself opened ends locked or disconnected."""
    check_desktops(unkind, name)


@pytest.mark.parametrize("name", SCENES)
def test_no_password_is_handed_out_twice_and_no_lock_opened(unkind: Played, name: str) -> None:
    """Rule 5: each permit is redeemed once at most, and none opens a lock that it was not asked to open."""
    check_permits(unkind, name, SCENES[name])


@pytest.mark.parametrize(
    ("name", "tries"),
    [("controller away", 0), ("controller back at the boot", 1), ("controller back before the restart", 1)],
)
def test_an_outdated_password_is_refused_once(unkind: Played, name: str, tries: int) -> None:
    """Rule 6: the controller counts one wrong try at most, although the password is applied twice."""
    assert len(unkind.computers[name].account.wrong_tries) == tries


def test_a_lost_lock_is_told_as_a_disconnection(unkind: Played) -> None:
    """The result reports a desktop that could not be locked in time as disconnected, and any other as locked."""
    for name, disconnected in (
        ("slow desktop, listed as open", False),
        ("very slow desktop, listed as open", True),
    ):
        signed_in = unkind.job.result("apply", name)["signed_in"]
        assert (signed_in["disconnected"], signed_in["locked_at"] is None) == (disconnected, disconnected)
