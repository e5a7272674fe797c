# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every state of every machine meets every input; the transition tables say the expected result."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from latchkey_agent.domain import Actor, Decision, LogonRefusal
from latchkey_agent.domain import commands as c
from latchkey_agent.domain.decision import end_grant
from latchkey_agent.domain.events import (
    GrantEnded,
    GrantEnding,
    PermitSignedOn,
    RequestClosed,
    RequestReminded,
)
from latchkey_agent.domain.model import Erasure
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.transitions import (
    ASKED_REQUESTS,
    GRANT,
    LIVE_GRANTS,
    OPEN_PERMITS,
    OPEN_REQUESTS,
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
from tools.setup import ROOT

PASSWORD = "canary".encode("utf-16-le")
Build = Callable[[Bench], object]
Act = c.AnyCommand | Decision | timedelta
"""A command, a decision of a rule, or the time to let pass."""
Input = Callable[[Bench], Act]


class Machine(NamedTuple):
    """One machine: its table, its inputs, a way into each state, and its inputs that change nothing.

    `done_already`: inputs that the table does not list, and that are answered with
    done without a change because they repeat what has happened.
    """

    table: dict[Any, Any]
    inputs: dict[str, Input]
    states: dict[StrEnum, Build]
    now: Callable[[Bench], StrEnum]
    done_already: set[tuple[StrEnum, str]]


# --- session ---------------------------------------------------------------------------------


def session_ended(bench: Bench) -> None:
    """Start the session and end it."""
    bench.start_session()
    bench.ask(rq.SessionEnd(session="CHG-1"))


def session_over(bench: Bench) -> None:
    """Let the session expire."""
    bench.start_session()
    bench.world.now = START + timedelta(days=1)
    bench.wake()


SESSION_MACHINE = Machine(
    SESSION,
    {"end": lambda _: c.EndSession(name="CHG-1"), "expire": lambda _: timedelta(days=1)},
    {
        SessionState.STARTED: Bench.start_session,
        SessionState.ENDED: session_ended,
        SessionState.EXPIRED: session_over,
    },
    lambda bench: next(iter(bench.state.sessions.values())).state,
    {(state, "end") for state in (SessionState.ENDED, SessionState.EXPIRED)},
)

# --- request ---------------------------------------------------------------------------------


def request_id(bench: Bench) -> str:
    """Return the request's id."""
    return next(iter(bench.state.requests))


def pending(bench: Bench) -> None:
    """Send a request that can be answered within an hour."""
    bench.start_session()
    bench.request(answer_within=3600.0)


def shown(bench: Bench) -> None:
    """Show the request."""
    pending(bench)
    bench.show(request_id(bench))


def answered(answer: Callable[[str], cm.CustomerRequest]) -> Build:
    """Return how to show the request and give this answer."""

    def build(bench: Bench) -> None:
        shown(bench)
        assert bench.customer(answer(request_id(bench))).done

    return build


def withdrawn(bench: Bench) -> None:
    """Withdraw the shown request."""
    shown(bench)
    bench.ask(rq.RequestWithdraw(session="CHG-1", request=request_id(bench)))


def expired(bench: Bench) -> None:
    """Let the shown request expire."""
    shown(bench)
    bench.world.now += timedelta(hours=1)
    bench.wake()


REQUEST_MACHINE = Machine(
    REQUEST,
    {
        "show": lambda bench: c.ShowRequest(request=request_id(bench), text_sha256="0" * 64),
        "grant": lambda bench: c.GiveGrant(request=request_id(bench), grant="g", tag="00"),
        "deny": lambda bench: c.DenyRequest(request=request_id(bench), why=""),
        "postpone": lambda bench: c.PostponeRequest(
            request=request_id(bench), until=bench.world.now + timedelta(minutes=10)
        ),
        "ask_again": lambda _: timedelta(minutes=15),
        "remind": lambda bench: Decision(
            (RequestReminded(at=bench.agent.core.now().at, request=request_id(bench)),)
        ),
        "withdraw": lambda bench: c.WithdrawRequest(request=request_id(bench)),
        "expire": lambda _: timedelta(hours=1),
        "decline": lambda bench: Decision(
            (RequestClosed(at=bench.agent.core.now().at, request=request_id(bench), how="decline"),)
        ),
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


def grant_id(bench: Bench) -> str:
    """Return the grant's id."""
    return next(iter(bench.state.grants))


def active(bench: Bench) -> None:
    """Grant one restart until 20:00."""
    bench.lend(PASSWORD, restarts=1, not_after="20:00")


def paused(bench: Bench) -> None:
    """Pause the grant."""
    active(bench)
    bench.customer(cm.GrantPause(grant=grant_id(bench)))


def ending(bench: Bench, how: GrantEnding) -> Act:
    """Return the command that ends the grant this way, or the decision where a rule of another command ends it."""
    if how == "revoke":
        return c.RevokeGrants(grants=(grant_id(bench),), revoked_by="customer")
    if how == "reject":
        return c.RejectGrant(grant=grant_id(bench), rejection="password_refused")
    grant = bench.state.grants[grant_id(bench)]
    return end_grant(bench.state, grant, GrantEnded(at=bench.world.now, grant=grant.id, how=how))


def ended(how: GrantEnding) -> Build:
    """Return how to end the grant this way without running the erasure."""

    def build(bench: Bench) -> None:
        active(bench)
        bench.effects_lag = True
        assert apply(bench, ending(bench, how)) == "done"

    return build


def erased(bench: Bench) -> None:
    """Revoke the grant and confirm its erasure."""
    active(bench)
    bench.revoke()


def erase_failed(bench: Bench) -> None:
    """Revoke the grant while another program holds the log."""
    active(bench)
    with bench.read_by_others():
        bench.revoke()


ENDINGS: tuple[GrantEnding, ...] = ("revoke", "replace", "use_up", "expire", "reject", "end_session")
OVER = {how: GRANT[GrantState.ACTIVE, how] for how in ENDINGS}


def erasure(*, confirmed: bool) -> Input:
    """Return the input that records the result of an erasure."""
    found = Erasure(START, confirmed, (("read back", confirmed, str(confirmed)),))
    return lambda bench: c.RecordErasure(grant=grant_id(bench), erasure=found)


def end(how: GrantEnding) -> Input:
    """Return the input that ends the grant this way."""
    return lambda bench: ending(bench, how)


GRANT_MACHINE = Machine(
    GRANT,
    {
        "pause": lambda bench: c.PauseGrant(grant=grant_id(bench), pause=True),
        "resume": lambda bench: c.PauseGrant(grant=grant_id(bench), pause=False),
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
    {(state, how) for state in GrantState if state not in LIVE_GRANTS for how in ("revoke", "reject")}
    | {(GrantState.ERASED, "erased"), (GrantState.ERASED, "erase_failed")},
)

# --- permit ----------------------------------------------------------------------------------


def permit_id(bench: Bench) -> str:
    """Return the permit's id."""
    return next(iter(bench.state.permits))


def issued(bench: Bench) -> None:
    """Bring the PC to its logon screen with a permit."""
    bench.at_logon_screen(PASSWORD)


def redeemed(bench: Bench) -> None:
    """Redeem the permit."""
    issued(bench)
    bench.redeem()


def logged_on(bench: Bench) -> None:
    """Sign in with the permit."""
    issued(bench)
    bench.sign_in_with_permit()


def interrupted(bench: Bench) -> None:
    """Redeem the permit and let the time for its logon run out."""
    redeemed(bench)
    bench.world.now += timedelta(hours=1)
    bench.wake()


def lapsed(bench: Bench) -> None:
    """Let the permit expire."""
    issued(bench)
    bench.world.now += timedelta(hours=1)
    bench.wake()


def cancelled(bench: Bench) -> None:
    """Let Windows refuse the restart."""
    bench.lend(PASSWORD)
    bench.world.refuses_restart = "somebody else is signed in"
    bench.restart()


PERMIT_MACHINE = Machine(
    PERMIT,
    {
        "redeem": lambda bench: c.RedeemPermit(permit=permit_id(bench), boot_id=bench.world.boot),
        "log_on": lambda bench: c.ReportLogon(permit=permit_id(bench)),
        "refuse": lambda bench: c.ReportLogon(
            permit=permit_id(bench), rejection="password_refused", detail="wrong_password"
        ),
        "sign_on": lambda bench: Decision((PermitSignedOn(at=bench.world.now, permit=permit_id(bench)),)),
        "cancel": lambda bench: c.CancelPermit(permit=permit_id(bench), detail="no"),
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
    """A listed input leads to its state; any other input changes nothing, and a refusal is journalled."""
    bench = Bench(place)
    machine.states[state](bench)
    assert machine.now(bench) is state
    refused = bench.events().count("command_refused")
    act = machine.inputs[given](bench)
    outcome = apply(bench, act)
    if (state, given) == (PermitState.REDEEMED, "lapse"):
        # Time gives up the logon of a redeemed permit, which is the input `refuse`.
        given = "refuse"
    listed = machine.table.get((state, given))
    if listed is not None:
        assert (machine.now(bench), outcome) == (listed, "done")
    else:
        assert machine.now(bench) is state
        is_quiet = isinstance(act, timedelta) or (state, given) in machine.done_already
        assert outcome == ("done" if is_quiet else "refused")
        if outcome == "refused" and not isinstance(act, c.RecordErasure | Decision):
            assert bench.events().count("command_refused") == refused + 1
    bench.stop()


def apply(bench: Bench, act: Act) -> str:
    """Let time pass, execute a command or journal a decision; return the outcome."""
    if isinstance(act, timedelta):
        bench.world.now += act
        bench.wake()
        return "done"
    try:
        if isinstance(act, Decision):
            with bench.agent.core.lock:
                bench.agent.core._commit(act)
        else:
            bench.agent.core.execute(act, actor=Actor("somebody", "S-1"), sealed=b"sealed")
    except Refused:
        return "refused"
    return "done"


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_step_agrees_with_the_table(machine: Machine) -> None:
    """`step` returns the listed state, or raises an error that names the allowed inputs."""
    for state in type(next(iter(machine.states))):
        for given in (*machine.inputs, "nonsense"):
            if (state, given) in machine.table:
                assert step(machine.table, state, given) is machine.table[state, given]
                continue
            with pytest.raises(IllegalTransitionError) as caught:
                step(machine.table, state, given)
            assert caught.value.allowed == inputs(machine.table, state)
            assert str(caught.value).startswith(f"cannot {given} in state {state}")


ROW = re.compile(r"\| `(\w+)` \| `(\w+)` \| `(\w+)` \|")


@pytest.mark.parametrize(("name", "machine"), MACHINES.items(), ids=MACHINES)
def test_the_tables_are_the_documented_ones(name: str, machine: Machine) -> None:
    """No transition is added, lost or changed without its line in docs/states.md."""
    page = (ROOT / "docs/states.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {name.capitalize()}\n")[2].partition("\n## ")[0]
    documented = {(state, given): after for state, given, after in ROW.findall(section)}
    assert documented == machine.table


def test_the_groups_of_states_are_those_from_which_a_way_leads_on() -> None:
    """A request is open until it is answered, a grant lives until it ends, a permit is open until its logon."""
    assert {state for state, given in GRANT if given == "revoke"} == LIVE_GRANTS
    assert {state for state, given in REQUEST if given == "withdraw"} == OPEN_REQUESTS
    assert OPEN_REQUESTS - {RequestState.LATER} == ASKED_REQUESTS
    assert {PermitState.ISSUED, PermitState.REDEEMED} == OPEN_PERMITS


def test_a_refused_input_is_named_with_the_allowed_ones() -> None:
    """A final state allows none."""
    with pytest.raises(IllegalTransitionError) as caught:
        step(PERMIT, PermitState.REDEEMED, "cancel")
    assert str(caught.value) == "cannot cancel in state redeemed; allowed are: log_on, refuse"
    assert (caught.value.state, caught.value.given) == (PermitState.REDEEMED, "cancel")
    with pytest.raises(IllegalTransitionError, match=r"^cannot end in state ended; allowed are: none$"):
        step(SESSION, SessionState.ENDED, "end")


def test_the_machines_cover_the_tables() -> None:
    """The machines above cover every input and every state of the tables."""
    for machine in MACHINES.values():
        assert {given for _, given in machine.table} == set(machine.inputs)
        assert set(machine.states) == set(type(next(iter(machine.states))))


def test_every_way_out_of_a_grant_leads_to_erased() -> None:
    """An ended grant never becomes live again, and every end leads to erased."""
    over = set(GrantState) - LIVE_GRANTS
    assert all(after in over for (before, _), after in GRANT.items() if before in over)
    for state in over - {GrantState.ERASED}:
        assert GRANT[state, "erased"] is GrantState.ERASED


def test_a_logon_that_windows_refused_is_not_reported_as_done(bench: Bench) -> None:
    """A late report of success does not change a logon that Windows refused."""
    permit = bench.at_logon_screen(PASSWORD)
    bench.redeem()
    bench.world.answers = [LogonRefusal.WRONG_PASSWORD]
    bench.report(permit, 0xC000006D)
    assert not bench.report(permit)
    assert bench.state.permits[permit].state is PermitState.REFUSED
