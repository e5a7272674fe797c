# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules: a restart without a grant asks nobody, signs nobody in, and takes nobody's desktop away unasked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from latchkey_agent.core.effect_runner import EffectRunner
from latchkey_agent.domain import Refused
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import effects as fx
from latchkey_agent.domain.evolve import AT_ONCE, KEPT_SESSIONS
from latchkey_agent.protocol import control_requests as rq
from tests.unit.agent.bench import NO_INTERVAL, Bench
from tests.unit.agent.world import ANNA, SECOND_OPERATOR

ALLOWED = f"{NO_INTERVAL}\nallow_unasked_restarts = true"
PLAIN = rq.CredentialApply(session="CHG-1", action="restart", means="none", step="Updates", grace=120.0)
Act = Callable[[Bench], object]


def begin(bench: Bench) -> None:
    """Start a session on a PC at which nobody is signed in."""
    bench.start_session()
    bench.world.signed_in = []


def order(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Order a restart without a grant; return the answer."""
    fields = {name: getattr(PLAIN, name) for name in ("session", "action", "means", "step", "grace")}
    return bench.result(rq.CredentialApply(**{**fields, **changes}))


def wait(bench: Bench, restart: str) -> dict[str, Any]:
    """Return the agent's view of a restart."""
    return bench.result(rq.ApplyWait(session="CHG-1", permit=restart))


def checkpoint(bench: Bench) -> dict[str, Any]:
    """Return the checkpoint of the step."""
    bench.result(rq.Checkpoint(session="CHG-1", step="Updates", state="done"))
    view: dict[str, Any] = bench.result(rq.Checkpoint(session="CHG-1", step="Updates"))["before"]
    return view


def test_a_restart_without_a_grant_asks_nobody_and_signs_nobody_in(bench: Bench) -> None:
    """The PC restarts with a warning, the logon screen gets nothing, and the step's checkpoint knows the restart."""
    begin(bench)
    use = order(bench, message="Updates")["use"]
    assert (use["state"], bench.world.restarts, bench.world.warnings) == (
        "issued",
        ["IT: \u201cUpdates\u201d"],
        [120.0],
    )
    assert not wait(bench, use["permit"])["finished"]
    bench.reboot()
    after = wait(bench, use["permit"])
    assert (after["finished"], after["use"]["state"], after["use"]["boot_after"]) == (
        True,
        "restarted",
        "boot-2",
    )
    assert (bench.state.requests, bench.state.permits, bench.world.announced) == ({}, {}, 0)
    assert checkpoint(bench)["restarted"]


def test_rule_13_a_step_restarts_once(bench: Bench) -> None:
    """The same step joins its restart before and after it; the same call returns its first answer."""
    begin(bench)
    first = order(bench, idempotency_key="k1")["use"]["permit"]
    assert order(bench)["use"]["permit"] == first
    bench.reboot()
    assert order(bench)["use"]["permit"] == first
    assert order(bench, idempotency_key="k1")["use"]["permit"] == first
    assert len(bench.world.restarts) == 1
    assert order(bench, step="More")["use"]["permit"] != first


def test_rule_13_a_call_whose_restart_is_forgotten_is_named(bench: Bench) -> None:
    """A call that is sent again after its session has made way restarts nothing."""
    begin(bench)
    order(bench, idempotency_key="k1")
    bench.reboot()
    bench.result(rq.SessionEnd(session="CHG-1"))
    for number in range(KEPT_SESSIONS + AT_ONCE + 1):
        bench.result(rq.SessionStart(session=f"N{number}", reason="x"))
        bench.result(rq.SessionEnd(session=f"N{number}"))
    call = rq.CredentialApply(
        session="CHG-1", action="restart", means="none", step="Updates", idempotency_key="k1"
    )
    assert bench.code(call) == "call_forgotten"


@pytest.mark.parametrize(
    ("policy", "locked", "code"),
    [
        (NO_INTERVAL, False, "others_signed_in"),
        (NO_INTERVAL, True, "others_signed_in"),
        (ALLOWED, False, "others_signed_in"),
        (ALLOWED, True, ""),
    ],
)
def test_nobody_is_signed_out_unasked(bench: Bench, policy: str, code: str, *, locked: bool) -> None:
    """By default nobody may be signed in; the policy also allows locked desktops, and never an open one."""
    bench.settings.write_text(f"[policy]\n{policy}\n")
    bench.start_session()
    bench.world.sign_in(ANNA, locked=locked)
    if code:
        error = bench.error(PLAIN)
        assert (error.code, "PC-07\\anna" in error.message) == (code, True)
        assert bench.world.restarts == []
    else:
        order(bench)
        assert len(bench.world.restarts) == 1


@pytest.mark.parametrize("policy", [NO_INTERVAL, ALLOWED])
def test_a_person_who_comes_before_the_effect_stops_it(bench: Bench, policy: str) -> None:
    """The screen is looked at once more right before Windows is asked."""
    bench.settings.write_text(f"[policy]\n{policy}\n")
    begin(bench)
    bench.effects_lag = True
    restart = order(bench)["use"]["permit"]
    bench.world.sign_in(ANNA)
    bench.effects_lag = False
    bench.effects()
    view = wait(bench, restart)
    assert (view["finished"], view["use"]["state"]) == (True, "cancelled")
    assert "PC-07\\anna signed in meanwhile" in view["use"]["error"]["message"]
    assert bench.world.restarts == []


def refuse(bench: Bench) -> None:
    """Let Windows refuse every restart."""
    bench.world.refuses_restart = "another restart is scheduled"


def break_look(bench: Bench) -> None:
    """Let the look before a restart fail."""
    bench.world.broken.add("before_restart")


@pytest.mark.parametrize("trouble", [refuse, break_look])
def test_a_refusal_of_windows_is_told_and_the_step_may_try_again(bench: Bench, trouble: Act) -> None:
    """The restart is dropped with Windows' reason; the next call of the step orders a new one."""
    begin(bench)
    trouble(bench)
    first = order(bench)["use"]["permit"]
    assert wait(bench, first)["use"]["error"]["code"] == "restart_refused"
    bench.world.refuses_restart = ""
    bench.world.broken.clear()
    assert order(bench)["use"]["permit"] != first
    assert len(bench.world.restarts) == 1


def test_a_restart_that_does_not_come_lapses(bench: Bench) -> None:
    """After its warning and a quarter of an hour the restart counts as one that did not happen."""
    begin(bench)
    restart = order(bench)["use"]["permit"]
    bench.world.now += timedelta(minutes=16)
    bench.wake()
    assert not wait(bench, restart)["finished"]
    bench.world.now += timedelta(minutes=2)
    bench.wake()
    use = wait(bench, restart)["use"]
    assert (use["state"], use["why"]) == ("cancelled", "not_restarted")
    assert "the PC did not go down in time" in use["error"]["message"]


def test_rule_14_the_interval_counts_for_it(bench: Bench) -> None:
    """No two restarts of the agent within the policy's interval, whatever their means."""
    bench.settings.write_text("[policy]\nmin_restart_interval = 60.0\n")
    begin(bench)
    order(bench)
    bench.reboot()
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart", means="none", step="B")) == (
        "restart_too_soon"
    )


def test_one_restart_at_a_time(bench: Bench, canary: bytearray) -> None:
    """While it is under way, no grant is applied and no other step restarts."""
    bench.lend(canary)
    bench.result(rq.SessionStart(session="CHG-2", reason="x"))
    bench.world.signed_in = []
    bench.result(rq.CredentialApply(session="CHG-2", action="restart", means="none", step="A"))
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "restart_in_progress"
    other = rq.CredentialApply(session="CHG-2", action="restart", means="none", step="B")
    assert bench.code(other) == "restart_in_progress"


def test_a_session_with_a_grant_uses_it(bench: Bench, canary: bytearray) -> None:
    """The customer has agreed to restarts and to a sign-in after each: no restart goes past that."""
    bench.lend(canary)
    bench.world.signed_in = []
    assert bench.code(PLAIN) == "out_of_order"


def test_for_another_session_it_is_a_restart_by_others(bench: Bench, canary: bytearray) -> None:
    """A customer whose grant covers restarts by others is signed in again after it."""
    grant = bench.lend(canary, foreign_restarts=True)
    bench.result(rq.SessionStart(session="CHG-2", reason="x"))
    bench.world.signed_in = []
    bench.result(rq.CredentialApply(session="CHG-2", action="restart", means="none", step="A"))
    bench.reboot()
    assert [(p.grant, p.foreign) for p in bench.state.permits.values()] == [(grant, True)]


def test_a_grant_that_comes_after_the_order_signs_nobody_in(bench: Bench, canary: bytearray) -> None:
    """The restart was begun without it: it is none by others for its own session."""
    begin(bench)
    bench.world.set_password(ANNA, canary)
    order(bench)
    request = bench.request(account="anna", restarts=1, foreign_restarts=True)
    bench.show(request)
    assert bench.allow(request, canary).done
    bench.reboot()
    [grant] = bench.state.grants.values()
    assert [o.why for o in grant.omitted] == ["own_restart"]


def test_a_pending_rename_would_break_a_grant_of_another_session(bench: Bench, canary: bytearray) -> None:
    """A sealed record is bound to the PC's name, so a restart without a grant waits for it, too."""
    bench.lend(canary)
    bench.result(rq.SessionStart(session="CHG-2", reason="x"))
    bench.world.signed_in, bench.world.pending = [], ["computer rename"]
    plain = rq.CredentialApply(session="CHG-2", action="restart", means="none", step="A")
    assert bench.code(plain) == "rename_pending"
    bench.result(rq.SessionEnd(session="CHG-1"))
    assert bench.result(plain)["use"]["state"] == "issued"


def test_the_session_lists_its_restarts(bench: Bench) -> None:
    """The operator reads each restart without a grant, also in the answer to the session's end."""
    begin(bench)
    order(bench)
    bench.reboot()
    [session] = bench.result(rq.Info(session="CHG-1"))["sessions"]
    ended = bench.result(rq.SessionEnd(session="CHG-1"))["session"]
    for view in (session, ended):
        assert [(r["step"], r["state"]) for r in view["restarts"]] == [("Updates", "restarted")]


@pytest.mark.parametrize("changes", [{"step": None}, {"action": "unlock"}], ids=["no step", "unlock"])
def test_it_needs_a_step_and_a_restart(bench: Bench, changes: dict[str, Any]) -> None:
    """Without a step a job that is launched again could not know its restart."""
    begin(bench)
    wanted = {"session": "CHG-1", "action": "restart", "means": "none", "step": "A", **changes}
    assert bench.code(rq.CredentialApply(**wanted)) == "bad_terms"


def test_an_operator_alone_may_not(bench: Bench) -> None:
    """A member of "Latchkey Operators" could not restart the PC without Latchkey either."""
    bench.world.signed_in = []
    bench.ask(rq.SessionStart(session="CHG-1", reason="x"), SECOND_OPERATOR)
    assert bench.code(PLAIN, SECOND_OPERATOR) == "administrators_only"


def test_check_mode_restarts_nothing(bench: Bench) -> None:
    """The answer tells that something would change."""
    begin(bench)
    answer = bench.ask(
        rq.CredentialApply(session="CHG-1", action="restart", means="none", step="A", check=True)
    )
    assert (answer.outcome, answer.changed, bench.world.restarts) == ("done", True, [])
    assert bench.state.restarts == {}


def test_an_ended_session_restarts_nothing(bench: Bench) -> None:
    """The effect of a restart whose session has ended meanwhile is not carried out."""
    begin(bench)
    bench.effects_lag = True
    order(bench)
    bench.result(rq.SessionEnd(session="CHG-1"))
    bench.effects_lag = False
    bench.effects()
    assert bench.world.restarts == []
    bench.result(rq.SessionStart(session="CHG-2", reason="x"))
    other = rq.CredentialApply(session="CHG-2", action="restart", means="none", step="A")
    assert bench.result(other)["use"]["state"] == "issued"


@pytest.mark.parametrize("crash", [Bench.crash, Bench.kill])
def test_a_crash_neither_loses_nor_doubles_it(bench: Bench, crash: Act) -> None:
    """The effect is stored with its event; Windows is asked for one restart."""
    begin(bench)
    bench.effects_lag = True
    restart = order(bench)["use"]["permit"]
    crash(bench)
    if crash is Bench.kill:
        bench.start()
    bench.effects_lag = False
    bench.effects()
    bench.effects()
    assert len(bench.world.restarts) == 1
    bench.reboot()
    assert wait(bench, restart)["use"]["state"] == "restarted"


def test_an_effect_of_a_forgotten_restart_does_nothing(bench: Bench) -> None:
    """A stored effect may outlive its session, and a restart that has happened is not dropped."""
    begin(bench)
    gone = fx.PlainRestart(restart="gone", boot_id="boot-1", message="", grace=5.0)
    EffectRunner(bench.agent.core)._carry_out(gone)
    assert bench.world.restarts == []
    assert bench.code(rq.ApplyWait(session="CHG-1", permit="gone")) == "no_permit"


def test_a_restart_that_is_over_is_not_dropped(bench: Bench) -> None:
    """A late refusal changes nothing after the boot, nor after an earlier refusal; an unknown restart is refused."""
    begin(bench)
    restart = order(bench)["use"]["permit"]
    core = bench.agent.core
    with pytest.raises(Refused, match="no_permit"):
        core.execute(c.DropRestart(restart="gone", detail="no"))
    bench.reboot()
    bench.agent.core.execute(c.DropRestart(restart=restart, detail="no"))
    assert wait(bench, restart)["use"]["state"] == "restarted"
    bench.reboot()
    assert wait(bench, restart)["use"]["boot_after"] == "boot-2"
    other = order(bench, step="B")["use"]["permit"]
    for detail in ("first", "second"):
        bench.agent.core.execute(c.DropRestart(restart=other, detail=detail))
    assert "first" in wait(bench, other)["use"]["error"]["message"]
