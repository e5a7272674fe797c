# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of every cell of the matrix: each module of the collection with its expected result.

Windows Installer is the lab's (`tests.lab.installer`): it only checks whether the package arrived unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lab.installer import NEW
from tests.lab.job import MODULES, apply, end, request, start, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.job import Job, Task

LENT = {"restarts": 2, "unlocks": 2}


@dataclass(frozen=True)
class Step:
    """A task and a check of its result; `fact` describes the check."""

    name: str
    task: Task
    fact: str
    holds: Callable[[dict[str, Any]], bool]

    def named(self) -> Task:
        """Return the task under the step's name."""
        return {**self.task, "name": self.name}


def _checked(one: Task) -> Task:
    return {**one, "check_mode": True}


def _checkpoint() -> Task:
    return task("session_checkpoint", step="Updates", state="done")


def _package(**options: object) -> Task:
    return {MODULES + "agent_package": options}


_PRESENT = _package(path="{{ package }}")
_ABSENT = _package(state="absent")

STEPS = (
    Step("check: install", _checked(_PRESENT), "it would install", lambda r: bool(r["changed"])),
    Step(
        "install",
        _PRESENT,
        "the package is sent and installed",
        lambda r: r["changed"] and r["version"] == NEW and r["restart_required"] and r["agent"]["ready"],
    ),
    Step("install again", _PRESENT, "installed before", lambda r: not r["changed"]),
    Step("check: start", _checked(start()), "it would start", lambda r: bool(r["changed"])),
    Step("start", start(), "the session is started", lambda r: r["changed"] and r["state"] == "started"),
    Step("check: ask", _checked(request(**LENT)), "it would ask", lambda r: bool(r["changed"])),
    Step("ask", request(**LENT), "granted", lambda r: r["changed"] and r["answer"] == "granted"),
    Step("ask again", request(**LENT), "granted before", lambda r: not r["changed"]),
    Step(
        "read",
        task("credential_info", forecast=True, receipts=True),
        "nothing is used",
        lambda r: r["grants"][0]["left"] == LENT and "ready" in r["forecast"] and len(r["receipts"]) == 1,
    ),
    Step(
        "events",
        task("event_info", position=0, wait=0.1),
        "the yes is told",
        lambda r: [event["event"] for event in r["events"]] == ["granted"],
    ),
    Step("note", _checkpoint(), "noted", lambda r: bool(r["changed"])),
    Step("note again", _checkpoint(), "noted before", lambda r: not r["changed"]),
    Step("check: restart", _checked(apply()), "it would restart", lambda r: bool(r["changed"])),
    Step(
        "restart",
        apply(timeout=90),
        "restarted, signed in, locked",
        lambda r: (
            r["changed"]
            and r["boot"]["before"] != r["boot"]["after"]
            and bool(r["signed_in"]["locked_at"])
            and r["left"] == {"restarts": 1, "unlocks": 2}
        ),
    ),
    Step(
        "unlock",
        apply(action="unlock", timeout=60),
        "unlocked without a restart",
        lambda r: r["changed"] and r["boot"]["before"] == r["boot"]["after"] and r["left"]["unlocks"] == 1,
    ),
    Step(
        "revoke",
        task("credential_revoke"),
        "erased",
        lambda r: r["changed"] and r["erasure"]["confirmed"],
    ),
    Step("check: end", _checked(end()), "it would end", lambda r: bool(r["changed"])),
    Step("end", end(), "ended, erased", lambda r: r["changed"] and r["erasure"]["confirmed"]),
    Step("end again", end(), "ended before", lambda r: not r["changed"]),
    Step(
        "remove",
        _ABSENT,
        "the package is removed",
        lambda r: r["changed"] and r["version_before"] == NEW and r["erasure"] is not None,
    ),
    Step("remove again", _ABSENT, "removed before", lambda r: not r["changed"]),
)


def verdict(job: Job, host: str) -> str:
    """Return "ok", or the first failed check."""
    for step in STEPS:
        # One step's name may be the start of another's, and results are found by the start of a task's name.
        found = [entry for entry in job.records() if entry["host"] == host and entry["task"] == step.name]
        results = [entry for entry in found if "result" in entry]
        if len(results) != 1:
            return f"{step.name}: it did not end"
        result, status = results[0]["result"], results[0]["status"]
        if status != "ok":
            return f"{step.name}: {status}, {result.get('error_code', '')} {result.get('msg', '')}".strip()
        if not _holds(step, result):
            return f"{step.name}: check failed: {step.fact}"
    return "ok"


def _holds(step: Step, result: dict[str, Any]) -> bool:
    try:
        return bool(step.holds(result))
    except (KeyError, IndexError, TypeError):
        return False
