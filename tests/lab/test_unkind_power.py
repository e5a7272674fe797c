# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power and clock of a Windows as it is in the field: fast startup, wrong clocks, second restarts, sleep.

Each setting of the lab has its source (`pc_settings.Settings`, `computer.Faults`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.lab.job import apply, request, start
from tests.lab.maintenance import program, what
from tests.lab.scenes import Fails, Played, each, played, when
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

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def second_restart(name: str) -> Act:
    """Return the act that lets Windows Update restart the PC once more at the event of this name."""
    return lambda computer: setattr(computer.faults, "restarts_at", name)


def sleep(time: timedelta) -> Act:
    """Return the act that lets the PC sleep for this time, after which Windows does not lock."""
    return lambda computer: computer.sleep(time, 2.0, lock=False)


def off_and_on(computer: SimulatedComputer) -> None:
    """Shut the PC down and switch it on again."""
    computer.shut_down()
    computer.power_on()
    computer.wait_until_up()


SCENES = {
    "fast startup": UnkindScene(
        "Switched off and on is no restart: the permit waits in vain, and the next restart signs in.",
        [
            *(start(), request(grace=30), at("restart_announced", off_and_on)),
            *(Fails(apply(timeout=45), "pc_did_not_restart"), when("up", 2), APPLY, END),
        ],
        {**LENT, "fast_startup": True},
    ),
    "clock behind at boot": UnkindScene(
        "The permit waits until Windows Time has set the clock right.",
        TASKS,
        {**LENT, "clock_error": -HOUR, "clock_right_after": 3.0},
    ),
    "clock ahead at boot": UnkindScene(
        "A permit that seems to be over is not used, nor the grant while the clock is behind the latest time seen.",
        [
            *(*BEGIN, Fails(APPLY, "logon_did_not_happen")),
            *(when("clock_set"), Fails(apply(timeout=8), "clock_behind"), END),
        ],
        {**LENT, "clock_error": HOUR, "clock_right_after": 3.0},
        seen=Seen(0),
    ),
    "second restart before the logon": UnkindScene(
        "The password is out and the logon does not happen: no second try without a further use.",
        [
            *(*BEGIN, second_restart("permit_redeemed")),
            *(Fails(APPLY, "logon_interrupted"), when("up", 3), APPLY, END),
        ],
        {**LENT, "logon_seconds": 5.0},
        seen=Seen(2, boots=4),
    ),
    "second restart before the lock": UnkindScene(
        "The second restart ends the desktop: nobody is signed in after it.",
        [*BEGIN, second_restart("signed_in"), APPLY, when("up", 3), END],
        {**LENT, "lock_seconds": 4.0},
        seen=Seen(1, boots=3),
    ),
    "second restart, covered": UnkindScene(
        "A grant that covers restarts by others signs in after the second one, too.",
        [
            *(start(), request(foreign_restarts=True), second_restart("signed_in")),
            *(APPLY, when("locked"), END),
        ],
        {**LENT, "lock_seconds": 4.0},
        seen=Seen(2, boots=3),
    ),
    "asleep in a step": UnkindScene(
        "The PC sleeps an hour while a step runs; the step and the restart after it succeed.",
        [
            *(*BEGIN, at("updates_begun", lambda computer: computer.sleep(HOUR, 3.0))),
            *(program("updates", "install"), APPLY, END),
        ],
        {**LENT, "updates_seconds": 1.0},
    ),
    "asleep before the logon": UnkindScene(
        "The PC sleeps a minute between redeeming and logon: the desktop is locked after it.",
        [*BEGIN, at("permit_redeemed", sleep(MINUTE)), APPLY, END],
        {**LENT, "logon_seconds": 4.0},
    ),
    "long asleep before the logon": UnkindScene(
        "The logon is given up when the PC wakes, happens after all, and the desktop is locked all the same.",
        [
            *BEGIN,
            at("permit_redeemed", sleep(10 * MINUTE)),
            Fails(APPLY, "logon_interrupted"),
            when("locked"),
            END,
        ],
        {**LENT, "logon_seconds": 15.0},
    ),
    "asleep before the lock": UnkindScene(
        "The PC sleeps between logon and lock: the desktop is locked after it.",
        [*BEGIN, at("signed_in", sleep(10 * MINUTE)), APPLY, END],
        {**LENT, "lock_seconds": 2.0},
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


def test_a_permit_waits_for_a_right_clock(unkind: Played) -> None:
    """While the clock is behind, the logon screen gets nothing."""
    seen = what(unkind.computers["clock behind at boot"], "clock_set", "tile_shown", "permit_redeemed")
    assert seen == ["clock_set", "tile_shown", "permit_redeemed"]
