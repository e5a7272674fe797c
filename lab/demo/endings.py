# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endings of the demo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.demo import promises as p
from lab.simulated.customer_script import Deny, Grant, Revoke

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.demo.story import Story
    from lab.simulated.customer_script import Step


@dataclass(frozen=True)
class Ending:
    """One ending of the main job.

    `cut_power_at`: the power is cut at the first event of this name, and then
    switched on again. `boots`: how often the PC boots, including the first time.
    `returns`: the customer comes back at the end. `signed`: the operator signs the
    request, and keeps a half of the grant's key.
    """

    title: str
    script: tuple[Step, ...]
    promises: tuple[Callable[[Story], p.Verdict], ...]
    boots: int
    cut_power_at: str = ""
    returns: bool = True
    signed: bool = True


_SIGNED = (p.signature_checked, p.both_parties)
_WELL = (
    p.succeeded,
    p.code_on_both_sides,
    *_SIGNED,
    p.each_step_once,
    p.no_more_restarts,
    p.locked_at_once,
    p.password_stayed_secret,
    p.erased,
    p.journal_intact,
    p.receipt_signed,
    p.customer_was_notified,
)

ENDINGS: dict[str, Ending] = {
    "grant": Ending(
        "The customer allows it: three steps, two restarts, and the password is erased.",
        (Grant(after=0.5),),
        _WELL,
        boots=3,
    ),
    "deny": Ending(
        "The customer declines: nothing happens.",
        (Deny("Still working", after=0.5),),
        (
            p.reason_given,
            p.code_on_both_sides,
            p.signature_checked,
            p.no_means_no,
            p.nothing_sealed,
            p.password_stayed_secret,
            p.journal_intact,
            p.receipt_signed,
        ),
        boots=1,
        returns=False,
    ),
    "revoke": Ending(
        "The customer revokes the grant just before a restart: no user is signed in.",
        (Grant(after=0.5), Revoke(when="restart_announced", after=0.3)),
        (
            p.reason_given,
            p.code_on_both_sides,
            p.signature_checked,
            p.revoked_wins,
            p.password_stayed_secret,
            p.erased,
            p.journal_intact,
            p.receipt_signed,
        ),
        boots=2,
    ),
    "power-cut": Ending(
        "The power fails during a restart: the same job continues.",
        (Grant(after=0.5),),
        (p.survived_power_cut, *_WELL),
        boots=3,
        cut_power_at="down",
    ),
    "unsigned": Ending(
        "No key and no signature: the PC says that nobody has checked the name, and opens the password alone.",
        (Grant(after=0.5),),
        (p.name_unchecked, *(promise for promise in _WELL if promise not in _SIGNED)),
        boots=3,
        signed=False,
    ),
}
