# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every state of every machine meets every input: through the agent, with the tables as the judge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from latchkey_agent.domain import LogonRefusal
from latchkey_agent.domain import commands as c
from latchkey_agent.domain.model import Erasure
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.transitions import (
    GRANT,
    LIVE_GRANTS,
    PERMIT,
    REQUEST,
    SESSION,
    GrantState,
    IllegalTransitionError,
    PermitState,
    RequestState,
    SessionState,
    inputs,
    step,
)
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import START

PASSWORD = "canary".encode("utf-16-le")
Build = Callable[[Bench], object]
Input = Callable[[Bench], c.AnyCommand | timedelta]
"""A command, or the time that has to pass."""


class Machine(NamedTuple):
    """One machine: its table, what gives its inputs, how to get into its states, and what changes nothing.

    `done_already`: inputs that are answered with done, and change nothing, where
    the table does not list them: who says them again is not told off.
    """

    table: dict[Any, Any]
    inputs: dict[str, Input]
    states: dict[StrEnum, Build]
    now: Callable[[Bench], StrEnum]
    done_already: set[tuple[StrEnum, str]]


# --- session ---------------------------------------------------------------------------------


def session_ended(bench: Bench) -> None:
    """Open the session and end it."""
    bench.open()
    bench.ask(rq.SessionEnd(session="CHG-1"))


def session_over(bench: Bench) -> None:
    """Let the session run out."""
    bench.open()
    bench.world.now = START + timedelta(days=1)
    bench.wake()


SESSION_MACHINE = Machine(
    SESSION,
    {"end": lambda _: c.EndSession(name="CHG-1"), "expire": lambda _: timedelta(days=1)},
    {
        SessionState.STARTED: Bench.open,
        SessionState.ENDED: session_ended,
        SessionState.EXPIRED: session_over,
    },
    lambda bench: next(iter(bench.state.sessions.values())).state,
    {(state, "end") for state in (SessionState.ENDED, SessionState.EXPIRED)},
)

# --- request ---------------------------------------------------------------------------------


def asked(bench: Bench) -> str:
    """Return the request."""
    return next(iter(bench.state.requests))


def pending(bench: Bench) -> None:
    """Ask, with an hour to answer."""
    bench.open()
    bench.request(answer_within=3600.0)


def shown(bench: Bench) -> None:
    """Show it."""
    pending(bench)
    bench.show(asked(bench))


def answered(answer: Callable[[str], cm.CustomerRequest]) -> Build:
    """Show it, and let the customer answer so."""

    def build(bench: Bench) -> None:
        shown(bench)
        assert bench.customer(answer(asked(bench))).done

    return build


def withdrawn(bench: Bench) -> None:
    """Take it back."""
    shown(bench)
    bench.ask(rq.RequestWithdraw(session="CHG-1", request=asked(bench)))


def expired(bench: Bench) -> None:
    """Let its time run out."""
    shown(bench)
    bench.world.now += timedelta(hours=1)
    bench.wake()


REQUEST_MACHINE = Machine(
    REQUEST,
    {
        "show": lambda bench: c.ShowRequest(request=asked(bench), text_sha256="0" * 64),
        "grant": lambda bench: c.GiveGrant(request=asked(bench), grant="g", tag="00"),
        "deny": lambda bench: c.DenyRequest(request=asked(bench), why=""),
        "postpone": lambda bench: c.PostponeRequest(
            request=asked(bench), until=bench.world.now + timedelta(minutes=10)
        ),
        "ask_again": lambda _: timedelta(minutes=15),
        "withdraw": lambda bench: c.WithdrawRequest(request=asked(bench)),
        "expire": lambda _: timedelta(hours=1),
    },
    {
        RequestState.PENDING: pending,
        RequestState.SHOWN: shown,
        RequestState.LATER: answered(lambda request: cm.RequestLater(request=request, seconds=900.0)),
        RequestState.GRANTED: lambda bench: bench.lend(PASSWORD),
        RequestState.DENIED: answered(lambda request: cm.RequestDecline(request=request)),
        RequestState.WITHDRAWN: withdrawn,
        RequestState.EXPIRED: expired,
    },
    lambda bench: next(iter(bench.state.requests.values())).state,
    {
        (state, "withdraw")
        for state in (RequestState.GRANTED, RequestState.DENIED, RequestState.WITHDRAWN, RequestState.EXPIRED)
    },
)

# --- grant -----------------------------------------------------------------------------------


def lent(bench: Bench) -> str:
    """Return the grant."""
    return next(iter(bench.state.grants))


def active(bench: Bench) -> None:
    """Lend one restart until 20:00."""
    bench.lend(PASSWORD, restarts=1, not_after="20:00")


def paused(bench: Bench) -> None:
    """Hold the grant back."""
    active(bench)
    bench.customer(cm.GrantPause(grant=lent(bench)))


def ended(how: str) -> Build:
    """End the grant, and read nothing back yet."""

    def build(bench: Bench) -> None:
        active(bench)
        bench.agent.core.execute(c.EndGrant(grant=lent(bench), how=how))  # type: ignore[arg-type]

    return build


def erased(bench: Bench) -> None:
    """Revoke it and read back."""
    active(bench)
    bench.revoke()


def erase_failed(bench: Bench) -> None:
    """Revoke it while somebody holds the log."""
    active(bench)
    with bench.read_by_others():
        bench.revoke()


ENDINGS = ("revoke", "replace", "use_up", "expire", "reject", "end_session")
OVER = {how: GRANT[GrantState.ACTIVE, how] for how in ENDINGS}


def erasure(*, confirmed: bool) -> Input:
    """Give the finding of a read-back."""
    found = Erasure(START, confirmed, (("read back", confirmed, str(confirmed)),))
    return lambda bench: c.RecordErasure(grant=lent(bench), erasure=found)


def end(how: str) -> Input:
    """Give an ending."""
    return lambda bench: c.EndGrant(grant=lent(bench), how=how)  # type: ignore[arg-type]


GRANT_MACHINE = Machine(
    GRANT,
    {
        "pause": lambda bench: c.PauseGrant(grant=lent(bench), pause=True),
        "resume": lambda bench: c.PauseGrant(grant=lent(bench), pause=False),
        **{how: end(how) for how in ENDINGS},
        "erased": erasure(confirmed=True),
        "erase_failed": erasure(confirmed=False),
    },
    {
        GrantState.ACTIVE: active,
        GrantState.PAUSED: paused,
        **{over: ended(how) for how, over in OVER.items()},
        GrantState.ERASED: erased,
        GrantState.ERASE_FAILED: erase_failed,
    },
    lambda bench: next(iter(bench.state.grants.values())).state,
    {(state, how) for state in GrantState if state not in LIVE_GRANTS for how in ENDINGS}
    | {(GrantState.ERASED, "erased"), (GrantState.ERASED, "erase_failed")},
)

# --- permit ----------------------------------------------------------------------------------


def written(bench: Bench) -> str:
    """Return the permit."""
    return next(iter(bench.state.permits))


def issued(bench: Bench) -> None:
    """Bring the PC to its logon screen with a permit."""
    bench.waiting(PASSWORD)


def redeemed(bench: Bench) -> None:
    """Redeem it."""
    issued(bench)
    bench.redeem()


def logged_on(bench: Bench) -> None:
    """Sign in with it."""
    issued(bench)
    bench.sign_in_with_permit()


def interrupted(bench: Bench) -> None:
    """Redeem it, and give the logon up for lost."""
    redeemed(bench)
    bench.world.now += timedelta(hours=1)
    bench.wake()


def lapsed(bench: Bench) -> None:
    """Let its time run out."""
    issued(bench)
    bench.world.now += timedelta(hours=1)
    bench.wake()


def cancelled(bench: Bench) -> None:
    """Let the PC refuse to restart."""
    bench.lend(PASSWORD)
    bench.world.refuses_restart = "somebody else is signed in"
    bench.restart()


PERMIT_MACHINE = Machine(
    PERMIT,
    {
        "redeem": lambda bench: c.RedeemPermit(permit=written(bench), boot_id=bench.world.boot),
        "log_on": lambda bench: c.ReportLogon(permit=written(bench)),
        "refuse": lambda bench: c.ReportLogon(
            permit=written(bench), rejection="password_refused", detail="wrong_password"
        ),
        "cancel": lambda bench: c.CancelPermit(permit=written(bench), detail="no"),
        "lapse": lambda _: timedelta(hours=1),
    },
    {
        PermitState.ISSUED: issued,
        PermitState.REDEEMED: redeemed,
        PermitState.LOGGED_ON: logged_on,
        PermitState.REFUSED: interrupted,
        PermitState.CANCELLED: cancelled,
        PermitState.LAPSED: lapsed,
    },
    lambda bench: next(iter(bench.state.permits.values())).state,
    {(state, "cancel") for state in PermitState}
    | {
        (PermitState.LOGGED_ON, "log_on"),
        # The permit stays as it is; the grant ends (rule 6).
        (PermitState.LOGGED_ON, "refuse"),
        (PermitState.REFUSED, "refuse"),
    },
)

MACHINES = {
    "session": SESSION_MACHINE,
    "request": REQUEST_MACHINE,
    "grant": GRANT_MACHINE,
    "permit": PERMIT_MACHINE,
}
CASES = [
    pytest.param(machine, state, given, id=f"{name}-{state}-{given}")
    for name, machine in MACHINES.items()
    for state in type(next(iter(machine.states)))
    for given in machine.inputs
]


@pytest.mark.parametrize(("machine", "state", "given"), CASES)
def test_every_state_meets_every_input(place: Path, machine: Machine, state: StrEnum, given: str) -> None:
    """What the table lists goes where it says; all else changes nothing, and is journalled if it was refused."""
    bench = Bench(place)
    machine.states[state](bench)
    assert machine.now(bench) is state
    refused = bench.events().count("command_refused")
    act = machine.inputs[given](bench)
    outcome = apply(bench, act)
    if (state, given) == (PermitState.REDEEMED, "lapse"):
        # What time does to a redeemed permit is another input: its logon is given up.
        given = "refuse"
    listed = machine.table.get((state, given))
    if listed is not None:
        assert (machine.now(bench), outcome) == (listed, "done")
    else:
        assert machine.now(bench) is state
        is_quiet = isinstance(act, timedelta) or (state, given) in machine.done_already
        assert outcome == ("done" if is_quiet else "refused")
        if outcome == "refused" and not isinstance(act, c.RecordErasure):
            assert bench.events().count("command_refused") == refused + 1
    bench.stop()


def apply(bench: Bench, act: c.AnyCommand | timedelta) -> str:
    """Let time pass, or execute a command; tell whether it was refused."""
    if isinstance(act, timedelta):
        bench.world.now += act
        bench.wake()
        return "done"
    try:
        bench.agent.core.execute(act, actor="somebody", sealed=b"sealed")
    except Refused:
        return "refused"
    return "done"


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_step_agrees_with_the_table(machine: Machine) -> None:
    """Alone, too: listed goes on, anything else raises and names what is allowed."""
    for state in type(next(iter(machine.states))):
        for given in (*machine.inputs, "nonsense"):
            if (state, given) in machine.table:
                assert step(machine.table, state, given) is machine.table[state, given]
                continue
            with pytest.raises(IllegalTransitionError) as caught:
                step(machine.table, state, given)
            assert caught.value.allowed == inputs(machine.table, state)
            assert str(caught.value).startswith(f"cannot {given} in state {state}")


def test_the_inputs_are_all_there_are() -> None:
    """No input of a table is left out above."""
    for machine in MACHINES.values():
        assert {given for _, given in machine.table} == set(machine.inputs)
        assert set(machine.states) == set(type(next(iter(machine.states))))


def test_every_way_out_of_a_grant_leads_to_erased() -> None:
    """Nothing that has ended comes back to life, and each end can be followed to erased."""
    over = set(GrantState) - LIVE_GRANTS
    assert all(after in over for (before, _), after in GRANT.items() if before in over)
    for state in over - {GrantState.ERASED}:
        assert GRANT[state, "erased"] is GrantState.ERASED


def test_a_logon_that_windows_refused_is_not_reported_as_done(bench: Bench) -> None:
    """The table lets a lost logon be reported late; one that Windows refused stays refused."""
    permit = bench.waiting(PASSWORD)
    bench.redeem()
    bench.world.answers = [LogonRefusal.WRONG_PASSWORD]
    bench.report(permit, 0xC000006D)
    assert not bench.report(permit)
    assert bench.state.permits[permit].state is PermitState.REFUSED
