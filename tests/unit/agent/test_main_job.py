# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job at the agent's pipes, from the request to the result of the erasure's checks."""

from __future__ import annotations

from latchkey_agent.protocol import control_requests as rq
from tests.unit.agent.bench import Bench


def test_the_main_job_runs_end_to_end(bench: Bench, canary: bytearray) -> None:
    """A grant is used for a restart; the end of the session erases it and checks that."""
    bench.lend(canary)
    permit = bench.restart(message="Updates")
    assert bench.world.restarts == ["IT: “Updates”"]
    bench.reboot()
    assert bench.sign_in_with_permit() == canary
    waited = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))
    assert waited["finished"]
    assert waited["use"]["locked_at"]
    assert waited["left"] == {"restarts": 1, "unlocks": 0}
    ended = bench.result(rq.SessionEnd(session="CHG-1"))
    assert [erased["confirmed"] for erased in ended["erasure"]] == [True]
    assert "Erasure confirmed" in ended["receipts"][0]["text"]
