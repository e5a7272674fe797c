# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals on a healthy PC: each has its own error code and costs no restart of the grant.

A second operator of a PC is another host in the inventory with the same PC.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Deny, Grant, Ignore, Later, Report
from lab.simulated.pc_settings import OPERATOR, POLICY
from lab.wsman.faults import Drop, Faults
from latchkey_agent.protocol import control_requests as rq
from tests.lab.job import SESSION, apply, ctl, end, request, start, task
from tests.lab.kinds import WINE, chosen, patience, pc_name
from tests.lab.scenes import Fails, Played, Scene, each, played, when

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.computer import Event
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.scenes import Act

pytestmark = pytest.mark.timeout(240)

DAY = timedelta(days=1)
NEVER_AGAIN = {"policy": POLICY.replace("min_restart_interval = 0", "min_restart_interval = 3600")}
LENT = {"script": [Grant()]}
OPERATOR_NAME = rf"{pc_name()}\{OPERATOR}"
OTHER_OPERATOR = "dispatcher"
CROWD = 50
"""Sessions; the agent keeps 40."""
PATIENT = 200 if chosen() == WINE else 60
"""Seconds of a restart with a power cut in it."""
LONG_WARNING = 30
"""Seconds; the tested event is over long before."""


def clock(by: timedelta) -> Act:
    """Return the act that changes the PC's clock by this time."""
    return lambda computer: computer.set_clock(computer.on_loop(computer.windows.clock.now) + by)


def passes(time: timedelta) -> Act:
    """Return the act that lets this time pass."""
    return lambda computer: computer.let_pass(time)


def ask_often(computer: SimulatedComputer) -> None:
    """Let another session ask the customer."""
    computer.ask_agent(rq.SessionStart(session="INC-1", reason="Something else"))
    computer.ask_agent(rq.CredentialRequest(session="INC-1", restarts=1))


def only_operator(computer: SimulatedComputer) -> None:
    """Make the operator a member of "Latchkey Operators" only."""

    def change() -> None:
        record = computer.windows.accounts.find(OPERATOR)
        assert record is not None
        record.administrator, record.operator = False, True

    computer.on_loop(change)


def start_as_other(**options: Any) -> Act:
    """Return the act with which another operator's account starts the session."""
    return lambda computer: computer.ask_agent(
        rq.SessionStart(session=SESSION, reason="Monthly updates", **options), OTHER_OPERATOR
    )


def clock_an_hour_on(computer: SimulatedComputer) -> None:
    """Set the clock of a PC that is down an hour ahead; the agent gets the time at its start."""
    computer.windows.clock.set(computer.windows.clock.now() + timedelta(hours=1))


def disable(computer: SimulatedComputer) -> None:
    """Disable the customer's account."""
    computer.account.disabled = True


def rename(computer: SimulatedComputer) -> None:
    """Give the PC another name; it takes effect with the next restart."""
    computer.rename()


def sign_out_ben(computer: SimulatedComputer) -> None:
    """Sign the other user out."""
    [session] = [s for s in computer.windows.sessions.all() if s.account.user == "ben"]
    computer.on_loop(lambda: computer.windows.sessions.sign_out(session.id))


def sign_out(computer: SimulatedComputer) -> None:
    """Sign the customer out."""
    [session] = computer.windows.sessions.all()
    computer.on_loop(lambda: computer.windows.sessions.sign_out(session.id))


def while_down(change: Act) -> Act:
    """Return the act that makes a change during each later restart."""

    def act(computer: SimulatedComputer) -> None:
        def on_event(event: Event) -> None:
            if event.what == "down":
                change(computer)

        computer.events.subscribe(on_event)

    return act


def hide_tile(computer: SimulatedComputer) -> None:
    """Let the logon screen ignore the next permit."""
    computer.faults.hides_logon_tile = True


def push_out(computer: SimulatedComputer) -> None:
    """End the session and start so many newer ones that the agent forgets it, while the connection is down.

    The power fails first: otherwise a running call would get the session's end as its answer.
    """
    Faults(drop=Drop.UNPROCESSED, times=1_000_000).write(computer.listener_faults)
    computer.power_cut()
    computer.power_on()
    computer.wait_until_up()
    end_and_forget(computer)


def end_and_forget(computer: SimulatedComputer) -> None:
    """End the session, start so many newer ones that the agent forgets it, and restore the connection.

    The agent keeps a void restart until its account was seen after it.
    """
    computer.ask_agent(rq.SessionEnd(session=SESSION))
    if not computer.on_loop(computer.windows.sessions.all):
        computer.customer.sign_in()
    for number in range(CROWD):
        computer.ask_agent(rq.SessionStart(session=f"INC-{number}", reason="Something else"))
        computer.ask_agent(rq.SessionEnd(session=f"INC-{number}"))
    computer.ask_agent(rq.SessionStart(session=SESSION, reason="Something else"))
    computer.listener_faults.unlink()


def lose_answers(computer: SimulatedComputer) -> None:
    """Let each later command run on the PC, and lose its answer."""
    Faults(drop=Drop.UNANSWERED, operation="Receive", times=1_000_000).write(computer.listener_faults)


SCENES = {
    "no reason": Scene("A session needs a reason.", [Fails(start(reason=""), "reason_missing")]),
    "nothing lent": Scene("Apply is refused without a grant.", [start(), Fails(apply(), "no_grant"), end()]),
    "given back": Scene(
        "A grant that was given back cannot be used.",
        [start(), request(), task("credential_revoke"), Fails(apply(), "grant_revoked"), end()],
        LENT,
    ),
    "disabled": Scene(
        "A disabled account has its own error code, not the one of a wrong password.",
        [disable, start(), Fails(request(), "account_refused"), end()],
        LENT,
    ),
    "disabled during the restart": Scene(
        "A refused logon after the restart ends the grant; it is not tried again.",
        [
            *(start(), request(), while_down(disable)),
            *(Fails(apply(), "logon_refused"), Fails(apply(), "grant_rejected"), end()),
        ],
        LENT,
    ),
    "slow": Scene(
        "The logon takes longer than the task's time-out.",
        [start(), request(), Fails(apply(timeout=patience(25)), "apply_timeout")],
        {**LENT, "logon_seconds": patience(60.0)},
    ),
    "somebody else": Scene(
        "Another user is not signed out; after their sign-out the restart works, and the refusal cost nothing.",
        [
            *(start(), request(restarts=1), lambda computer: computer.sign_in_other("ben")),
            *(Fails(apply(), "others_signed_in"), sign_out_ben, apply(), end()),
        ],
        LENT,
    ),
    "signed out": Scene(
        "An unlock signs nobody in.",
        [start(), request(unlocks=1), sign_out, Fails(apply(action="unlock"), "not_signed_in"), end()],
        LENT,
    ),
    "long warning": Scene(
        "A warning that is longer than the task's time is refused: the PC would restart after it.",
        [start(), request(grace=600), Fails(apply(timeout=60), "too_late"), end()],
        LENT,
    ),
    "renamed": Scene(
        "A grant is bound to the PC's name: a pending new name refuses the restart.",
        [start(), request(), rename, Fails(apply(), "rename_pending"), end()],
        LENT,
    ),
    "too soon": Scene(
        "The policy's interval separates two restarts.",
        [start(), request(), apply(), Fails(apply(timeout=10), "restart_too_soon"), end()],
        {**LENT, **NEVER_AGAIN},
    ),
    "clock forward": Scene(
        "A request expires when the clock jumps past its time.",
        [start(), Fails(request(), "no_answer")],
        {"script": [Ignore()]},
    ),
    "clock forward, second": Scene(
        "The clock of that PC is set.", [when("request_shown"), clock(DAY)], on="clock forward"
    ),
    "clock back": Scene(
        "While the clock is behind no grant is used, and a correct clock allows restarts again.",
        [
            *(
                start(),
                request(),
                apply(step="a"),
                clock(-DAY),
                Fails(apply(step="b", timeout=8), "clock_behind"),
            ),
            *(clock(DAY), apply(step="b"), end()),
        ],
        LENT,
    ),
    "clock lost": Scene(
        "A permit lapses on a PC whose clock is an hour ahead after the restart.",
        [
            *(start(), request(), while_down(clock_an_hour_on)),
            *(Fails(apply(), "logon_did_not_happen"), end()),
        ],
        LENT,
    ),
    "asked again at once": Scene(
        "A no holds for the session; after a talk the same account still waits before it may ask again.",
        [
            *(start(), Fails(request(), "denied"), Fails(request(ask_again=True), "asked_too_soon")),
            *(passes(timedelta(seconds=61)), Fails(request(), "denied"), request(ask_again=True), end()),
        ],
        {"script": [Deny(), Grant()]},
    ),
    "no more today": Scene(
        "A customer who has had enough is asked again tomorrow only.",
        [
            *(start(), Fails(request(), "denied"), passes(timedelta(seconds=61))),
            *(Fails(request(ask_again=True), "not_today"), end(), passes(DAY), start(), request(), end()),
        ],
        {"script": [Deny(not_today=True), Grant()]},
    ),
    "reported": Scene(
        "A reported account asks nobody on the PC until an administrator lifts the block.",
        [
            *(start(), Fails(request(), "reported"), passes(timedelta(seconds=61))),
            *(Fails(request(), "reported"), Fails(request(ask_again=True), "asker_blocked")),
            *(ctl("unblock", OPERATOR_NAME), request(ask_again=True), end()),
        ],
        {"script": [Report(), Grant()]},
    ),
    "many questions": Scene(
        "An account has one open request to a customer at most.",
        [ask_often, start(), Fails(request(), "too_many_requests"), end()],
        {"script": [Ignore()]},
    ),
    "no administrator": Scene(
        "An account that may only ask and use does not erase everything.",
        [only_operator, start(), Fails(ctl("erase", "--all"), "administrators_only"), end()],
    ),
    "asked": Scene(
        "Another operator ends the session while the customer is asked.",
        [start(), Fails(request(), "request_withdrawn")],
        {"script": [Ignore()]},
    ),
    "asked, second": Scene("They end it.", [when("request_shown"), end()], on="asked"),
    "warned": Scene(
        "Another operator ends the session while the PC is about to restart.",
        [start(), request(grace=LONG_WARNING), Fails(apply(), "permit_cancelled")],
        LENT,
    ),
    "warned, second": Scene("They end it.", [when("restart_announced"), end()], on="warned"),
    "restarting": Scene(
        "One restart at a time.",
        [start(), request(grace=LONG_WARNING), apply(step="a", timeout=120), end()],
        LENT,
    ),
    "restarting, second": Scene(
        "Another job requests a restart at the same time.",
        [when("restart_announced"), Fails(apply(step="b", timeout=4), "restart_in_progress")],
        on="restarting",
    ),
    "forgotten question": Scene(
        "Many newer sessions come while the connection is lost: the request is gone.",
        [start(), Fails(request(timeout=300), "no_request"), end()],
        {"script": [Later(60, after=4.0)]},
    ),
    "forgotten question, second": Scene(
        "They come.", [when("clicked_later"), push_out], on="forgotten question"
    ),
    "forgotten permit": Scene(
        "Many newer sessions come during a restart: the permit is gone.",
        [start(), request(grace=4), hide_tile, Fails(apply(timeout=PATIENT), "no_permit"), end()],
        LENT,
    ),
    "forgotten permit, second": Scene("They come.", [when("up", 2), push_out], on="forgotten permit"),
    "forgotten call": Scene(
        "The answer to a call is lost, and many newer sessions come: its result is gone.",
        [start(), lose_answers, Fails(request(timeout=300), "call_forgotten"), end()],
        {"script": [Ignore()]},
    ),
    "forgotten call, second": Scene(
        "They come.", [when("request_shown"), end_and_forget], on="forgotten call"
    ),
    "another's": Scene(
        "A session is used by the account that started it, and by those that it named; everybody may end it.",
        [
            *(start_as_other(), Fails(start(), "not_owner"), Fails(request(), "not_owner"), end()),
            *(start_as_other(operators=(OPERATOR,)), start(), request(), apply(), end()),
        ],
        LENT,
    ),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play all scenes in one run."""
    with played(tmp_path_factory.mktemp("refusals"), SCENES) as all_played:
        yield all_played


@pytest.mark.parametrize("name", each(SCENES))
def test_each_task_ends_as_expected(refusals: Played, name: str) -> None:
    """Each task of the scene ends with its expected error code or succeeds."""
    assert refusals.ends(name) == SCENES[name].ends, refusals.job.output


@pytest.mark.parametrize(
    "name", ["disabled", "disabled during the restart", "given back", "clock lost", "clock back"]
)
def test_after_a_refusal_nothing_is_left(refusals: Played, name: str) -> None:
    """After a refusal the session ends with a confirmed erasure, and the customer's desktop is not left unlocked."""
    assert refusals.job.result("end", name)["erasure"]["confirmed"]
    events = refusals.computers[name].events
    assert events.count("locked") == events.count("permit_redeemed") - events.count("logon_refused")


def test_no_restart_happens_twice(refusals: Played) -> None:
    """Two operators cause one restart, and a cancelled or lost permit signs no user in."""
    counted = {name: refusals.computers[name].events.count("permit_redeemed") for name in SCENES}
    once = ("restarting", "too soon", "slow", "somebody else", "disabled during the restart", "another's")
    wanted = {**dict.fromkeys(once, 1), "clock back": 2}
    assert counted == {name: wanted.get(name.partition(",")[0], 0) for name in SCENES}
