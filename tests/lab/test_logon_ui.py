# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on PCs whose LogonUI has other habits, and other programs' providers beside Latchkey's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.simulated.customer_script import Grant
from lab.simulated.logon_habits import Habits
from tests.lab.job import apply, end, request, start
from tests.lab.kinds import ON_WINE

if TYPE_CHECKING:
    from tests.lab.conftest import LabPC

LAPSES = {"timeout": 20}
"""Enough for the task to see that its permit has lapsed: a permit ends up to 10 s before the task's time does."""


@pytest.mark.also_on_wine
def test_a_rival_that_logs_on_first_costs_no_permit(lab_pc: LabPC) -> None:
    """Another program's tile goes first and is refused; after that each permit signs in once.

    The PC restarts, and its locked desktop is unlocked: a locked PC asks as one at which nobody has signed in.
    """
    operator, computer = lab_pc(script=[Grant()], logon_ui=Habits(rival="logs_on"))

    job = operator.run(
        start(), request(restarts=1, unlocks=1), apply(), apply(action="unlock"), end()
    ).succeed()

    restarted, unlocked = job.results("apply")
    assert restarted["signed_in"]["locked_at"]
    assert (unlocked["changed"], unlocked["left"]) == (True, {"restarts": 0, "unlocks": 0})
    assert computer.events.count("rival_refused") >= 1
    assert computer.events.count("permit_redeemed") == 2
    assert computer.events.count("logon_refused") == 0


@ON_WINE
def test_an_older_logon_ui_unlocks(lab_pc: LabPC) -> None:
    """CPUS_UNLOCK_WORKSTATION, the same provider all the time, nothing selected, Advise first."""
    older = Habits(combined=False, renews=False, selects=False, advises_first=True)
    operator, computer = lab_pc(script=[Grant()], logon_ui=older)

    job = operator.run(
        start(), request(restarts=1, unlocks=1), apply(), apply(action="unlock"), end()
    ).succeed()

    assert [done["changed"] for done in job.results("apply")] == [True, True]
    assert computer.events.count("permit_redeemed") == 2


@pytest.mark.also_on_wine
@pytest.mark.parametrize(
    "habits", [Habits(filtered=True), Habits(users_hidden=True)], ids=["filtered", "hidden"]
)
def test_a_provider_that_is_not_shown_is_told_as_the_reason(lab_pc: LabPC, habits: Habits) -> None:
    """A filter of another program, or an empty user array: the unlock's permit lapses unused, and nothing opens."""
    operator, computer = lab_pc(script=[Grant()], logon_ui=habits)
    operator.run(start(), request(restarts=0, unlocks=1)).succeed()
    computer.customer.lock()

    lapsed = operator.run(apply(action="unlock", **LAPSES), end()).fail().result("apply")

    assert lapsed["error_code"] == "logon_did_not_happen"
    assert lapsed["msg"].startswith("The PC is up, but its logon screen did not use the permit in time.")
    assert "filter" in lapsed["hint"]
    assert computer.events.count("permit_redeemed") == 0
    assert computer.events.count("unlocked") == 0
