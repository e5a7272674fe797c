# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One PC of the lab to play with: its computer, its screen, and its customer's password."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.packaging.announcing import announced_to
from agent.packaging.system_tools import SCREEN, VNC, missing
from lab.computer import LabError
from lab.demo.computers import KINDS
from lab.simulated.connections import CONNECTIONS
from lab.simulated.offered_update import Update
from lab.simulated.programs import windows_scripts
from lab.tryout import play_password
from lab.tryout.choice import WINE
from latchkey_agent.protocol.frames import wipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from lab.tryout.choice import Choice
    from lab.wine.display import Display

CUSTOMERS = ("anna", "ben", "carla", "dilan", "eva", "finn")
UPDATES = (Update("Cumulative update", "5031001"), Update(".NET update", "5031002", ("Update Rollups",)))
"""Offered by Windows Update to ansible.windows.win_updates."""
RESTART_SECONDS = 3.0
"""Long enough that a person sees the PC go down and come back."""


@dataclass
class LabPC:
    """A PC that stays up. `name` is its name for the operator, `password` its customer's (UTF-16LE)."""

    name: str
    kind: str
    computer: SimulatedComputer
    display: Display | None
    inventory: dict[str, Any]
    password: bytearray = field(repr=False)

    @property
    def customer(self) -> str:
        """The customer's account."""
        return self.computer.account.account.qualified


def require(choice: Choice) -> None:
    """Look for all that the chosen PCs need.

    Raises:
        LabError: this computer lacks something; the text has the command that installs it.
    """
    found = [KINDS[choice.kind].lacks(), missing(SCREEN, VNC) if choice.kind == WINE else None]
    if lacking := "; ".join(sentence for sentence in found if sentence):
        msg = f"The lab cannot run: {lacking}"
        raise LabError(msg)


@contextmanager
def running(
    choice: Choice, folder: Path, say: Callable[[str], None], is_over: Callable[[], bool] = lambda: False
) -> Iterator[list[LabPC]]:
    """Run the chosen PCs in a folder.

    Args:
        choice: the choice.
        folder: the folder of their disks.
        say: gets a line for each PC.
        is_over: tells whether the player wants no more PCs.

    Raises:
        LabError: one did not come up, or the player wants no more.
        WorkError: the package of a Wine PC could not be made.
    """
    with ExitStack() as stack:
        pcs = []
        for number in range(1, choice.pcs + 1):
            if is_over():
                msg = "interrupted"
                raise LabError(msg)
            name = f"pc{number}"
            say(f"{name} starts")
            with announced_to(say):
                pcs.append(stack.enter_context(_running(name, number, choice, folder / name)))
            say(f"{name} is up: {pcs[-1].computer.name}, {pcs[-1].customer} is signed in")
        yield pcs


@contextmanager
def _running(name: str, number: int, choice: Choice, folder: Path) -> Iterator[LabPC]:
    password = play_password.make()
    listener = CONNECTIONS[choice.connection].listener
    settings: dict[str, Any] = {
        "user": CUSTOMERS[(number - 1) % len(CUSTOMERS)],
        "password": password,
        "listeners": (listener,),
        "restart_seconds": RESTART_SECONDS,
        # ansible.windows: win_ping, win_reboot, win_updates.
        "programs": windows_scripts.PROGRAMS,
        "stand_ins": windows_scripts.STAND_INS,
        "updates": UPDATES,
    }
    with ExitStack() as stack:
        stack.callback(wipe, password)
        display = _display(stack, folder) if choice.kind == WINE else None
        if display is None:
            settings["name"] = f"PC-{number}"
        else:
            settings["display"] = display
        computer = stack.enter_context(KINDS[choice.kind].run(folder, **settings))
        variables = computer.inventory(choice.connection)
        yield LabPC(name, choice.kind, computer, display, variables, password)


def _display(stack: ExitStack, folder: Path) -> Display:
    from lab.wine.display import Display  # noqa: PLC0415 - needs what the simulated PC does without

    return stack.enter_context(Display(folder / "screen"))


def find(pcs: list[LabPC], name: str) -> LabPC:
    """Return the PC with a name.

    Raises:
        LabError: there is none; the text names those that there are.
    """
    found = next((pc for pc in pcs if pc.name == name), None)
    if found is None:
        msg = f"There is no PC {name!r}. The lab has: {', '.join(pc.name for pc in pcs)}"
        raise LabError(msg)
    return found
