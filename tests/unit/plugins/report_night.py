# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night on some PCs, each with the real agent in memory, and the task that writes its report."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ansible_collections.latchkey.consent.plugins.action.report import ActionModule
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers
from ansible_collections.latchkey.consent.plugins.plugin_utils._answer_reader import read

from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import NO_INTERVAL, PROGRAM, Bench

if TYPE_CHECKING:
    from pathlib import Path

SESSION = "CHG-1"
OFF = {
    "session": SESSION,
    "failed": True,
    "error_code": "pc_unreachable",
    "msg": "The PC could not be reached. Nothing was sent to it.",
    "hint": "Check that the PC is on.",
}


def info(bench: Bench) -> dict[str, Any]:
    """Return what `credential_info` registers for this PC."""
    result = bench.result(rq.Info(session=SESSION, receipts=True))
    answer = read(_answers.InfoAnswer, json.loads(json.dumps(result)))
    return {"session": SESSION, "failed": False, "changed": False, **dataclasses.asdict(answer)}


def later(bench: Bench, **passed: float) -> None:
    """Let time pass on a PC."""
    bench.world.now += timedelta(**passed)
    bench.wake()
    bench.effects()


def step(bench: Bench, name: str, state: str = "done") -> None:
    """Set the checkpoint of a step."""
    bench.result(rq.Checkpoint(session=SESSION, step=name, state=state))  # type: ignore[arg-type]


POLICY = f"{NO_INTERVAL}\nallow_programs = true"
SECRET = "/an argument of theirs"
"""An argument of a program. It stands in the receipt, and nowhere else in a report."""


def worked(bench: Bench, password: bytearray) -> Bench:
    """Let a customer agree; then a restart of ours, one by others, a program, an unlock, two steps, and the end."""
    bench.lend(password, restarts=3, unlocks=1, foreign_restarts=True, programs=True)
    later(bench, hours=4)
    step(bench, "Windows updates")
    bench.restart(step="Windows updates")
    later(bench, seconds=40)
    bench.reboot()
    later(bench, seconds=20)
    bench.sign_in_with_permit()
    later(bench, minutes=10)
    bench.reboot()
    later(bench, seconds=20)
    bench.sign_in_with_permit()
    later(bench, minutes=5)
    bench.world.exit_codes = [3010]
    bench.command(PROGRAM, SECRET, step="Accounting")
    later(bench, seconds=30)
    bench.follow_programs()
    bench.open_desktop()
    step(bench, "Accounting")
    later(bench, minutes=15)
    bench.result(rq.SessionEnd(session=SESSION))
    bench.effects()
    return bench


def declined(bench: Bench, why: str = "I am still writing", *, report: bool = False) -> Bench:
    """Let a customer decline."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    later(bench, minutes=2)
    assert bench.customer(cm.RequestDecline(request=request, why=why, report=report)).done
    return bench


def omitted(bench: Bench, password: bytearray) -> Bench:
    """Let a customer agree to restarts of ours only; others restart the PC, and a step stays unfinished."""
    bench.lend(password, restarts=1)
    step(bench, "Windows updates", "started")
    later(bench, hours=1)
    bench.reboot()
    later(bench, minutes=1)
    return bench


def entry(name: str, known: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a PC's entry in the option `pcs`."""
    return {"name": name, "info": known, **more}


def report(path: Path, *pcs: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
    """Run the task; return its result."""
    make: Any = ActionModule
    action = make(
        task=SimpleNamespace(
            action="report",
            args={"session": SESSION, "path": str(path), "pcs": list(pcs), **options},
            check_mode=check,
            async_val=0,
            no_log=False,
            diff=False,
        ),
        connection=SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)),
        play_context=SimpleNamespace(),
        loader=None,
        templar=None,
        shared_loader_obj=None,
    )
    result: dict[str, Any] = action.run(task_vars={})
    json.dumps(result)
    return result


def stored(path: Path) -> dict[str, Any]:
    """Return the JSON file of a report."""
    value: dict[str, Any] = json.loads(path.with_name(path.name + ".json").read_bytes())
    return value


def row(path: Path, name: str) -> dict[str, Any]:
    """Return a PC's row of the JSON file."""
    [found] = [pc for pc in stored(path)["pcs"] if pc["name"] == name]
    return dict(found)
