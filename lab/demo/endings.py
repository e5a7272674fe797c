# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endings that the demo can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.demo import promises as p
from lab.simulated.customer_script import Deny, Grant, Revoke

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.simulated.customer_script import Step


@dataclass(frozen=True)
class Ending:
    """One way for the main job to go.

    `cut_power_at`: the power is cut at the first event of this name; somebody
    switches the PC on again. `boots`: how often the PC boots, the first time included.
    `returns`: the customer comes back at the end.
    """

    title: str
    script: tuple[Step, ...]
    promises: tuple[Callable[[p.Story], p.Verdict], ...]
    boots: int
    cut_power_at: str = ""
    returns: bool = True


_WELL = (
    p.ended_with(0),
    p.code_on_both_sides,
    p.each_step_once,
    p.no_more_restarts,
    p.locked_at_once,
    p.nobody_saw_it,
    p.erased,
    p.journal_intact,
    p.receipt_signed,
    p.customer_was_told,
)

ENDINGS: dict[str, Ending] = {
    "grant": Ending(
        "The customer allows it: three steps, two restarts, and everything is given back.",
        (Grant(after=0.5),),
        _WELL,
        boots=3,
    ),
    "deny": Ending(
        "The customer declines: nothing happens.",
        (Deny("Still working", after=0.5),),
        (
            p.ended_with(2),
            p.code_on_both_sides,
            p.no_means_no,
            p.nothing_sealed,
            p.nobody_saw_it,
            p.journal_intact,
            p.receipt_signed,
        ),
        boots=1,
        returns=False,
    ),
    "revoke": Ending(
        "The customer takes it back while the PC is about to restart: nobody is signed in.",
        (Grant(after=0.5), Revoke(when="restart_announced", after=0.3)),
        (
            p.ended_with(2),
            p.code_on_both_sides,
            p.revoked_wins,
            p.nobody_saw_it,
            p.erased,
            p.journal_intact,
            p.receipt_signed,
        ),
        boots=2,
    ),
    "power-cut": Ending(
        "The power goes in the middle of a restart: the same job goes on.",
        (Grant(after=0.5),),
        (p.survived_power_cut, *_WELL),
        boots=3,
        cut_power_at="down",
    ),
}
