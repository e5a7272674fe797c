# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 13, the effects alone: each does what its event says, once, and nothing for what is gone."""

from __future__ import annotations

import pytest

from latchkey_agent.core.effect_runner import EffectRunner
from latchkey_agent.domain import effects as fx
from latchkey_agent.protocol import control_requests as rq
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA

GONE = "00000000-0000-4000-8000-000000000000"


def test_rule_13_a_restart_is_asked_for_once_with_the_words_and_the_warning_of_its_terms(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer has agreed to the warning's length; the effect is repeated without a second restart."""
    asked: list[tuple[str, float]] = []
    power = bench.agent.core.computer.power
    monkeypatch.setattr(power, "restart", lambda *, message, grace: asked.append((message, grace)))
    bench.lend(canary, grace=30.0)
    permit = bench.restart(message="Updates")
    runner = EffectRunner(bench.agent.core)
    effect = fx.Restart(permit=permit, boot_id=power.boot_id(), message="Updates", grace=30.0)
    asked.clear()
    runner._carry_out(effect)
    runner._carry_out(effect)
    assert asked == [("Updates", 30.0)]


def test_rule_13_an_effect_of_a_forgotten_permit_or_grant_does_nothing(bench: Bench) -> None:
    """A stored effect may outlive the session that it belongs to."""
    boot = bench.agent.core.computer.power.boot_id()
    runner, events = EffectRunner(bench.agent.core), bench.events()
    for effect in (
        fx.Restart(permit=GONE, boot_id=boot, message="", grace=5.0),
        fx.CloseDesktop(permit=GONE, boot_id=boot),
        fx.ConfirmErasure(grant=GONE),
    ):
        runner._carry_out(effect)
    assert (bench.world.restarts, bench.events()) == ([], events)


def test_rule_12_an_announced_permit_wakes_the_logon_screen(bench: Bench, canary: bytearray) -> None:
    """An unlock announces its permit at once; an effect of another boot is dropped."""
    bench.lend(canary, unlocks=1)
    bench.agent.core.computer.sessions.lock(1)
    before = bench.world.announced
    bench.unlock()
    bench.effects()
    assert bench.world.announced == before + 1
    runner = EffectRunner(bench.agent.core)
    assert runner._attempt(fx.AnnouncePermit(permit=GONE, boot_id="another"))
    assert bench.world.announced == before + 1


def test_rule_10_the_companion_is_summoned_for_the_effects_account(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is the customer's, who may be one of several people on this PC."""
    summoned: list[object] = []
    monkeypatch.setattr(bench.agent.core.computer.notifier, "summon_companion", summoned.append)
    EffectRunner(bench.agent.core)._carry_out(fx.SummonCompanion(account=ANNA))
    assert summoned == [ANNA]


def test_rule_08_an_erasure_that_is_confirmed_is_not_checked_again(bench: Bench, canary: bytearray) -> None:
    """The effect may be stored twice; the receipt keeps the first result."""
    grant = bench.lend(canary)
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.effects()
    erasure, events = bench.state.grants[grant].erasure, bench.events()
    EffectRunner(bench.agent.core)._carry_out(fx.ConfirmErasure(grant=grant))
    assert (bench.state.grants[grant].erasure, bench.events()) == (erasure, events)
