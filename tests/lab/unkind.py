# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes on a Windows as it is in the field, and the promises that hold in each of them.

Each desktop that a permit opened ends locked or disconnected, no password is handed out twice for one permit, no lock
is opened that was not meant, and each task ends with success or with its true error code.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lab.simulated.customer_script import Grant
from tests.lab.job import apply, end, request, start
from tests.lab.scenes import Played, Scene

if TYPE_CHECKING:
    from lab.computer import Event
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.scenes import Act

LENT = {"script": [Grant()]}
BEGIN = (start(), request())
APPLY = apply(timeout=90)
END = end()
TASKS = (*BEGIN, APPLY, END)


class Seen(NamedTuple):
    """How often permits were redeemed, locks were opened, and the PC was started."""

    redeemed: int = 1
    unlocked: int = 0
    boots: int = 2


USUAL = Seen()


@dataclass(frozen=True)
class UnkindScene(Scene):
    """A scene, and the expected counts of events on its PC."""

    seen: Seen = USUAL


def check_tasks(played: Played, name: str, scene: UnkindScene) -> None:
    """Check that each task ended as expected, and that the end of the session confirmed the erasure."""
    assert played.ends(name) == scene.ends, played.job.output
    assert played.job.result("end", name)["erasure"]["confirmed"]


def check_desktops(played: Played, name: str) -> None:
    """Check that no desktop of a PC is left open that was restarted, or unlocked by a permit (rule 9)."""
    computer = played.computers[name]
    computer.settle()
    if computer.events.count("boot") > 1 or computer.events.count("permit_redeemed"):
        assert [s for s in computer.on_loop(computer.windows.sessions.all) if s.is_open] == []


def check_permits(played: Played, name: str, scene: UnkindScene) -> None:
    """Check how often a password was handed out, and that no other lock was opened (rule 5)."""
    events = played.computers[name].events
    assert Seen(*(events.count(what) for what in ("permit_redeemed", "unlocked", "boot"))) == scene.seen


# --- acts


def at(name: str, act: Act) -> Act:
    """Return the act after which `act` is done once, as soon as the event of this name happens next."""

    def install(computer: SimulatedComputer) -> None:
        left = [act]

        def on_event(event: Event) -> None:
            if event.what == name and left:
                threading.Thread(target=_do, args=(left.pop(), computer), daemon=True).start()

        computer.events.subscribe(on_event)

    return install


def restarted_by_others(computer: SimulatedComputer) -> None:
    """Let Windows Update restart the PC."""
    computer.windows_update_restart()


def _do(act: Act, computer: SimulatedComputer) -> None:
    try:
        act(computer)
    except Exception as fault:  # noqa: BLE001 - the lab's own failure ends the test
        computer.events.fail(repr(fault))
