# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a signature and a second party add to a job with two restarts: remote calls, and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lab.demo.operator_keys import OperatorKeys, made_keys
from lab.simulated.customer_script import Grant
from lab.wsman.requestlog import read_log
from tests.benchmarks.figures import Figure
from tests.benchmarks.operator_bench import bench, computer, moments
from tests.lab.calls import by_task
from tests.lab.job import apply, end, play, request, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.job import Operator

ROUNDS, RESTARTS = 5, 2
MORE_FOR_SIGNING, MORE_FOR_EACH_USE, MORE_SECONDS = 0, 2, 0.5
REQUESTER = {"name": "Ada Meyer", "role": "helpdesk", "organization": "Contoso IT"}
KINDS = {"unsigned": (), "signed": ("signing_key",), "two parties": ("signing_key", "sealing_key")}
"""The options of each kind of job."""


class Run(NamedTuple):
    """One job: its remote calls, and its seconds beyond the PC's outages."""

    calls: int
    seconds: float


def measure(folder: Path) -> list[Figure]:
    """Run the kinds in turn, each job on a PC of its own; take the fastest job of each kind."""
    keys = made_keys(folder / "keys", REQUESTER)
    runs: dict[str, list[Run]] = {kind: [] for kind in KINDS}
    for number in range(ROUNDS):
        for kind, options in KINDS.items():
            settings: dict[str, Any] = {"policy": keys.policy} if options else {}
            place = folder / f"{kind.replace(' ', '-')}-{number}"
            with bench(place, script=[Grant()], restart_seconds=1.0, **settings) as operator:
                runs[kind].append(_run(operator, keys, options))
    keys.forget()
    return _figures(runs)


def _figures(runs: dict[str, list[Run]]) -> list[Figure]:
    calls = {kind: max(run.calls for run in of_kind) for kind, of_kind in runs.items()}
    seconds = {kind: min(run.seconds for run in of_kind) for kind, of_kind in runs.items()}
    where = ", ".join(f"{kind} {calls[kind]} calls and {seconds[kind]:.2f} s" for kind in runs)
    return [
        Figure(
            "remote calls that a signature adds to a job with two restarts",
            calls["signed"] - calls["unsigned"],
            "calls",
            MORE_FOR_SIGNING,
            where=where,
        ),
        Figure(
            "remote calls that the second party adds to each restart",
            (calls["two parties"] - calls["signed"]) / RESTARTS,
            "calls",
            MORE_FOR_EACH_USE,
        ),
        Figure(
            "time that a signature and the second party add to a job with two restarts",
            seconds["two parties"] - seconds["unsigned"],
            "s",
            MORE_SECONDS,
            where=f"beyond the outages, the fastest of {ROUNDS} jobs of each kind: {where}",
        ),
    ]


def _run(operator: Operator, keys: OperatorKeys, options: tuple[str, ...]) -> Run:
    pc = computer(operator)
    before = len(read_log(pc.request_log))
    given = {name: keys.variables[f"maintenance_{name}"] for name in options}
    tasks = [start(), request(restarts=RESTARTS), *(apply() for _ in range(RESTARTS)), end()]
    defaults = {"group/latchkey.consent.consent": given}
    job = operator.begin([play(*tasks, module_defaults=defaults)]).succeed()
    ((began, _),), ((_, over),) = moments(job, "start"), moments(job, "end")
    events = [event for event in pc.events.all() if began < event.at.timestamp() < over]
    downs, ups = ([e.at.timestamp() for e in events if e.what == what] for what in ("down", "up"))
    outages = sum(up - down for down, up in zip(downs, ups, strict=True))
    return Run(by_task(job, pc.request_log, before).total(), over - began - outages)
