# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stops a job although PC and agent are well: each is told by its own code, and costs nothing that was lent.

Where two operators are at one PC, the second one is a host of its own in the inventory, which reaches the same PC.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from lab.simulated.customer_script import Grant, Ignore, Later
from lab.simulated.pc_settings import POLICY
from lab.wsman.faults import Drop, Faults
from latchkey_agent.protocol import control_requests as rq
from tests.lab.job import SESSION, apply, end, request, start, task
from tests.lab.scenes import Fails, Played, Scene, each, played

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.computer import Event
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.scenes import Act

pytestmark = pytest.mark.timeout(240)

DAY = timedelta(days=1)
NEVER_AGAIN = {"policy": POLICY.replace("min_restart_interval = 0", "min_restart_interval = 3600")}
LENT = {"script": [Grant()]}
LONG_WARNING = 30
"""Seconds; what is tested is over long before."""


def when(what: str, count: int = 1) -> Act:
    """Return the act that waits until this has happened so often."""
    return lambda computer: computer.events.wait_for(what, count, 60)


def clock(by: timedelta) -> Act:
    """Return the act that sets the PC's clock by so much."""
    return lambda computer: computer.set_clock(computer.on_loop(computer.windows.clock.now) + by)


def clock_an_hour_on(computer: SimulatedComputer) -> None:
    """Let the clock be an hour fast; for a PC that is down, and told at its start."""
    computer.windows.clock.set(computer.windows.clock.now() + timedelta(hours=1))


def disable(computer: SimulatedComputer) -> None:
    """Let an administrator disable the customer's account."""
    computer.account.disabled = True


def rename(computer: SimulatedComputer) -> None:
    """Give the PC another name, which it gets with the next restart."""
    computer.rename()


def sign_out_ben(computer: SimulatedComputer) -> None:
    """Let the other person sign out."""
    [session] = [s for s in computer.windows.sessions.all() if s.account.user == "ben"]
    computer.on_loop(lambda: computer.windows.sessions.sign_out(session.id))


def while_down(change: Act) -> Act:
    """Return the act that lets something happen in the middle of each restart that follows."""

    def act(computer: SimulatedComputer) -> None:
        def told(event: Event) -> None:
            if event.what == "down":
                change(computer)

        computer.events.subscribe(told)

    return act


def hide_tile(computer: SimulatedComputer) -> None:
    """Let the logon screen not use the next permit."""
    computer.faults.hides_logon_tile = True


def replace_session(computer: SimulatedComputer) -> None:
    """End the session and open another of its name, while the first operator's connection is down.

    The power fails before: a call that is under way would hear how the session ended.
    """
    Faults(drop=Drop.UNPROCESSED, times=1_000_000).write(computer.listener_faults)
    computer.power_cut()
    computer.power_on()
    computer.wait_until_up()
    computer.ask_agent(rq.SessionEnd(session=SESSION))
    computer.ask_agent(rq.SessionStart(session=SESSION, reason="Something else"))
    computer.listener_faults.unlink()


SCENES = {
    "no reason": Scene("A session needs a reason.", [Fails(start(reason=""), "reason_missing")]),
    "nothing lent": Scene("What nobody lent cannot be used.", [start(), Fails(apply(), "no_grant"), end()]),
    "given back": Scene(
        "What was given back is gone.",
        [start(), request(), task("credential_revoke"), Fails(apply(), "grant_revoked"), end()],
        LENT,
    ),
    "disabled": Scene(
        "Windows does not let the account in: told as that, and not as a wrong password.",
        [disable, start(), Fails(request(), "account_refused"), end()],
        LENT,
    ),
    "disabled on the way": Scene(
        "Windows refuses the logon after the restart: the grant is gone, and not tried again.",
        [
            *(start(), request(), while_down(disable)),
            *(Fails(apply(), "logon_refused"), Fails(apply(), "grant_rejected"), end()),
        ],
        LENT,
    ),
    "slow": Scene(
        "Windows takes longer over the logon than the task may last.",
        [start(), request(), Fails(apply(timeout=25), "apply_timeout")],
        {**LENT, "logon_seconds": 60.0},
    ),
    "somebody else": Scene(
        "Who was not asked is not signed out; once they have gone the restart is done, and was not used up before.",
        [
            *(start(), request(restarts=1), lambda computer: computer.sign_in_other("ben")),
            *(Fails(apply(), "others_signed_in"), sign_out_ben, apply(), end()),
        ],
        LENT,
    ),
    "renamed": Scene(
        "What was lent is for the PC's name: it does not restart into another one.",
        [start(), request(), rename, Fails(apply(), "rename_pending"), end()],
        LENT,
    ),
    "too soon": Scene(
        "Between two restarts lies the policy's time.",
        [start(), request(), apply(), Fails(apply(timeout=10), "restart_too_soon"), end()],
        {**LENT, **NEVER_AGAIN},
    ),
    "clock forward": Scene(
        "A clock that jumps past the time for an answer is no answer.",
        [start(), Fails(request(), "no_answer")],
        {"script": [Ignore()]},
    ),
    "clock forward, second": Scene(
        "Its clock is set.", [when("request_shown"), clock(DAY)], on="clock forward"
    ),
    "clock back": Scene(
        "A clock that is set back does not lengthen what was lent, and keeps nobody from restarting when it is right.",
        [
            *(start(), request(), apply(step="a"), clock(-DAY), Fails(apply(step="b"), "too_early")),
            *(clock(DAY), apply(step="b"), end()),
        ],
        LENT,
    ),
    "clock lost": Scene(
        "A PC that comes back an hour late by its clock finds that its permit's time is over.",
        [
            *(start(), request(), while_down(clock_an_hour_on)),
            *(Fails(apply(), "logon_did_not_happen"), end()),
        ],
        LENT,
    ),
    "asked": Scene(
        "Another operator ends the session while the customer is asked.",
        [start(), Fails(request(), "request_withdrawn")],
        {"script": [Ignore()]},
    ),
    "asked, second": Scene("They end it.", [when("request_shown"), end()], on="asked"),
    "warned": Scene(
        "Another operator ends the session while the PC is about to restart.",
        [start(), request(), Fails(apply(grace=LONG_WARNING), "permit_cancelled")],
        LENT,
    ),
    "warned, second": Scene("They end it.", [when("restart_announced"), end()], on="warned"),
    "restarting": Scene(
        "One restart at a time.",
        [start(), request(), apply(grace=15, step="a"), end()],
        LENT,
    ),
    "restarting, second": Scene(
        "Another job wants one of its own.",
        [when("restart_announced"), Fails(apply(step="b", timeout=4), "restart_in_progress")],
        on="restarting",
    ),
    "forgotten question": Scene(
        "The session makes way for another of its name while the connection is lost: the question is gone.",
        [start(), Fails(request(timeout=300), "no_request"), end()],
        {"script": [Later(60, after=4.0)]},
    ),
    "forgotten question, second": Scene(
        "They replace it.", [when("clicked_later"), replace_session], on="forgotten question"
    ),
    "forgotten permit": Scene(
        "The same in the middle of a restart: the permit is gone.",
        [start(), request(), hide_tile, Fails(apply(grace=4), "no_permit"), end()],
        LENT,
    ),
    "forgotten permit, second": Scene(
        "They replace it.", [when("up", 2), replace_session], on="forgotten permit"
    ),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Let all of it happen in one run."""
    with played(tmp_path_factory.mktemp("refusals"), SCENES) as all_played:
        yield all_played


@pytest.mark.parametrize("name", each(SCENES))
def test_a_refusal_comes_to_this(refusals: Played, name: str) -> None:
    """Each task ends as the scene says: with its code, or well."""
    assert refusals.ends(name) == SCENES[name].ends, refusals.job.output


@pytest.mark.parametrize(
    "name", ["disabled", "disabled on the way", "given back", "clock lost", "clock back"]
)
def test_after_a_refusal_nothing_is_left(refusals: Played, name: str) -> None:
    """The session ends with a confirmed erasure, and the customer's desktop is not left open."""
    assert refusals.job.result("end", name)["erasure"]["confirmed"]
    events = refusals.computers[name].events
    assert events.count("locked") == events.count("permit_redeemed") - events.count("logon_refused")


def test_each_restart_is_one(refusals: Played) -> None:
    """Two operators, one restart; a permit that was cancelled or forgotten signs nobody in."""
    counted = {name: refusals.computers[name].events.count("permit_redeemed") for name in SCENES}
    once = ("restarting", "too soon", "slow", "somebody else", "disabled on the way")
    wanted = {**dict.fromkeys(once, 1), "clock back": 2}
    assert counted == {name: wanted.get(name.partition(",")[0], 0) for name in SCENES}
