# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call does what follows on a step that is done: the restart, or the next step. Each part is durable by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from latchkey_agent.protocol import control_requests as rq
from tests.unit.agent.world import OPERATOR, START

if TYPE_CHECKING:
    from tests.unit.agent.bench import Bench

STEP = "Windows updates"
NEXT = "Accounting software"
CALL = "7e9ccf8a-2a9b-4a53-8be2-c83d55cbe92c"


def settle(**options: Any) -> rq.CredentialApply:
    """Return the call of a step that has come to its end."""
    return rq.CredentialApply(session="CHG-1", action="restart", step=STEP, done=True, **options)


def mark(bench: Bench) -> str | None:
    """Return the state of the step's checkpoint."""
    [session] = bench.state.sessions.values()
    found = session.checkpoints.get(STEP)
    return found.state if found else None


def test_the_step_is_done_by_a_record_before_the_restart(bench: Bench, canary: bytearray) -> None:
    """The journal has the checkpoint first, as an event of its own, and then the permit."""
    bench.lend(canary)
    answer = bench.ask(settle())
    kinds = bench.events()
    assert answer.changed
    assert kinds.index("checkpoint_set") < kinds.index("permit_issued")
    assert bench.world.restarts != []


def test_a_refused_restart_leaves_the_step_done(bench: Bench, canary: bytearray) -> None:
    """For a term, the window or the PC's new name alike: the work is done, and is not to be done again."""
    bench.lend(canary, not_before=(START + timedelta(hours=2)).isoformat())
    assert bench.code(settle()) == "too_early"
    assert (mark(bench), bench.world.restarts) == ("done", [])


@pytest.mark.parametrize(
    ("begins", "ends", "limit", "code"),
    [(1, 2, 0, "window_not_open"), (-1, 1, 3601, "window_too_short"), (-1, 1, 3600, None)],
)
def test_the_restart_fits_into_the_window(
    bench: Bench, canary: bytearray, begins: int, ends: int, limit: float, code: str | None
) -> None:
    """The step's own duration does not count: it is over. A step that does not fit is done, too."""
    bench.lend(canary)
    hours = {
        name: (START + timedelta(hours=hour)).isoformat()
        for name, hour in (("not_before", begins), ("not_after", ends))
    }
    answer = bench.ask(settle(limit=limit, **hours))
    assert (answer.error.code if answer.error else None) == code
    assert mark(bench) == "done"
    assert len(bench.world.restarts) == (code is None)


def test_no_restart_is_due_without_a_reason(bench: Bench, canary: bytearray) -> None:
    """Nothing is used, and the grant keeps its restarts; with a reason the same call restarts."""
    bench.lend(canary, restarts=2)
    answer = bench.ask(settle(when_pending=True))
    assert (answer.changed, mark(bench), bench.world.restarts) == (True, "done", [])
    assert isinstance(answer.result, dict)
    assert (answer.result["finished"], answer.result.get("use")) == (True, None)
    assert answer.result["left"] == {"restarts": 2, "unlocks": 0}
    bench.world.pending = ["Windows Update"]
    assert bench.ask(settle(when_pending=True)).changed
    assert len(bench.world.restarts) == 1


def test_a_call_that_is_sent_again_does_not_restart_for_a_later_reason(
    bench: Bench, canary: bytearray
) -> None:
    """Its first answer was lost: the second is the same, and also counts the checkpoint as its change (rule 13)."""
    bench.lend(canary)
    call = settle(when_pending=True, idempotency_key=CALL)
    first = bench.ask(call)
    bench.world.pending = ["Windows Update"]
    bench.crash()
    assert bench.ask(call) == first
    assert (first.changed, bench.world.restarts) == (True, [])


def test_a_call_that_is_sent_again_restarts_once(bench: Bench, canary: bytearray) -> None:
    """Also where no reason for a restart is left after the first one."""
    bench.lend(canary, restarts=2)
    bench.world.pending = ["Windows Update"]
    call = settle(when_pending=True, idempotency_key=CALL)
    first = bench.result(call)
    bench.world.pending = []
    bench.reboot()
    assert bench.result(call)["use"]["permit"] == first["use"]["permit"]
    assert len(bench.world.restarts) == 1


def test_check_mode_sets_nothing(bench: Bench, canary: bytearray) -> None:
    """It tells that the call would change something."""
    bench.lend(canary)
    assert bench.ask(settle(when_pending=True, check=True)).changed
    assert (mark(bench), bench.world.restarts) == (None, [])


def test_a_checkpoint_needs_its_name(bench: Bench, canary: bytearray) -> None:
    """A call without a step sets none."""
    bench.lend(canary)
    body = b'{"verb": "credential_apply", "session": "CHG-1", "action": "restart", "done": true}'
    answer = bench.agent.control(body, OPERATOR)
    assert b"bad_message" in answer
    assert b"`done` needs `step`" in answer


def test_without_a_grant_nothing_is_left(bench: Bench) -> None:
    """A step may need no restart in a session that has lent nothing."""
    bench.start_session()
    assert bench.result(settle(when_pending=True))["left"] == {"restarts": 0, "unlocks": 0}


def go_on(**options: Any) -> rq.Checkpoint:
    """Return the call of a step that is done, after which the next one begins."""
    return rq.Checkpoint(session="CHG-1", step=STEP, state="done", then=NEXT, **options)


def marks(bench: Bench) -> dict[str, str]:
    """Return the state of each checkpoint."""
    [session] = bench.state.sessions.values()
    return {step: checkpoint.state for step, checkpoint in session.checkpoints.items()}


def test_the_next_step_begins_with_the_call_that_ends_the_one_before(bench: Bench) -> None:
    """The journal has both as events of their own; in check mode it has none."""
    bench.start_session()
    assert bench.result(go_on(check=True))["begun"] == NEXT
    assert marks(bench) == {}
    assert bench.result(go_on())["begun"] == NEXT
    assert marks(bench) == {STEP: "done", NEXT: "started"}
    assert bench.events().count("checkpoint_set") == 2


def test_a_next_step_that_may_not_begin_leaves_the_one_before_done(bench: Bench) -> None:
    """The window is the next step's: the one before it has ended, and its call is not refused."""
    bench.start_session()
    hours: dict[str, Any] = {
        "not_before": START.isoformat(),
        "not_after": (START + timedelta(hours=1)).isoformat(),
    }
    answer = bench.ask(go_on(limit=3601, **hours))
    assert isinstance(answer.result, dict)
    assert (answer.changed, answer.result.get("begun", "")) == (True, "")
    assert marks(bench) == {STEP: "done"}
    refused = rq.Checkpoint(session="CHG-1", step=NEXT, state="started", limit=3601, **hours)
    assert bench.code(refused) == "window_too_short"
    assert bench.result(go_on(limit=3600, **hours))["begun"] == NEXT


def test_a_step_does_not_begin_again_where_its_call_is_sent_again(bench: Bench) -> None:
    """Its time counts from the first call, whose answer was lost."""
    bench.start_session()
    call = go_on(idempotency_key=CALL)
    first = bench.ask(call)
    bench.world.now += timedelta(minutes=5)
    bench.crash()
    again = bench.ask(call)
    assert (first.changed, again.changed) == (True, True)
    assert isinstance(first.result, dict)
    assert isinstance(again.result, dict)
    assert again.result["checkpoints"] == first.result["checkpoints"]
    assert again.result["begun"] == NEXT


def test_only_a_step_that_is_done_has_a_next_one(bench: Bench) -> None:
    """The agent refuses the words, and sets nothing."""
    bench.start_session()
    body = b'{"verb": "checkpoint", "session": "CHG-1", "step": "a", "state": "started", "then": "b"}'
    assert b"`then` needs the state `done`" in bench.agent.control(body, OPERATOR)
    assert marks(bench) == {}
