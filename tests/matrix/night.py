# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own playbooks with a line of ansible-core: ask, maintain with a restart, report, end.

The terms are answers of a survey, in a file as AWX writes it: each line reads these texts in its own way.

A warning of Ansible's counts as a failure: the collection gives no reason for one.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from tests.lab import maintenance

if TYPE_CHECKING:
    from tests.lab.job import Job, Operator

PLAYBOOKS = ("request", "maintain", "report", "end")
"""The playbooks, in order. A playbook of the collection that is not listed only reads."""
STEPS = [
    {"name": "Inventory", "tasks": "inventory.yml"},
    {"name": "Accounting software", "tasks": "accounting.yml", "restart": "always"},
]
_WARNINGS = ("[WARNING]", "[DEPRECATION WARNING]")


ASKED = {"restarts": 1, "unlocks": 0, "programs": False, "foreign_restarts": True, "relock_after": 60.0}
"""The terms that the answers of `survey` ask for, beside the time."""


@cache
def survey() -> dict[str, Any]:
    """Return the answers: numbers, truth values and a time as texts, answers that were left empty, AWX's user."""
    night = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    return {
        "maintenance_restarts": 1,
        "maintenance_unlocks": "0",
        "maintenance_programs": "no",
        "maintenance_foreign_restarts": "yes",
        "maintenance_relock_after": "60",
        "maintenance_grace": "",
        "maintenance_not_after": night.isoformat(),
        "maintenance_ticket": "",
        "maintenance_requester_name": "",
        "awx_user_first_name": "Ada",
        "awx_user_last_name": "Meyer",
    }


def verdict(operator: Operator, limit: float) -> str:
    """Run the playbooks one after the other; return "ok", or the first failure. `limit`: seconds of each."""
    maintenance.prepare(
        operator,
        maintenance_steps=STEPS,
        maintenance_terms={"restarts": 7, "grace": 0.5},
        maintenance_requester={"organization": "Contoso IT"},
        request_wait=True,
    )
    answers = survey()
    report = operator.folder / "report"
    for name in PLAYBOOKS:
        given = ("-e", f"maintenance_report={report}") if name == "report" else ()
        job = operator.begin(f"latchkey.consent.{name}", *maintenance.answers(operator, **answers), *given)
        fault = _fault(name, job, limit)
        if fault:
            return f"{name}: {fault}"
    return "ok" if report.with_suffix(".html").exists() else "report: nothing was written"


def _fault(name: str, job: Job, limit: float) -> str:
    """Return the reason why a playbook's job is not as it should be; empty if it is."""
    try:
        code = job.wait(limit)
    except subprocess.TimeoutExpired:
        job.kill()
        return f"it did not end within {limit:.0f} s"
    lines = job.output.strip().splitlines()
    if code != 0:
        return " ".join(lines[-1:])
    warnings = [line for line in lines if line.startswith(_WARNINGS)]
    if name == "request":
        warnings += _misread(job.result("Ask the customer for a grant")["request"])
    if name == "maintain":
        warnings += _missing(maintenance.summary_of(job))
    return " ".join(warnings[:1])


def _misread(request: dict[str, Any]) -> list[str]:
    """Return the answers of the survey that the customer was not asked for."""
    terms = request["terms"]
    asked = {name: terms[name] for name in ASKED}
    wrong = [f"{name} is {asked[name]!r}" for name in ASKED if asked[name] != ASKED[name]]
    if datetime.fromisoformat(terms["not_after"]) != datetime.fromisoformat(
        survey()["maintenance_not_after"]
    ):
        wrong.append("not_after is another time")
    return [f"check failed: the term {one}" for one in wrong]


def _missing(summary: dict[str, Any]) -> list[str]:
    """Return what the summary of the maintenance lacks."""
    done = summary["done"] == [step["name"] for step in STEPS]
    restarted = [use["state"] for use in summary["restarts"]] == ["logged_on"]
    erased = bool((summary["erasure"] or {}).get("confirmed"))
    facts = {"both steps are done": done, "restarted once and signed in": restarted, "erased": erased}
    return [f"check failed: {fact}" for fact, holds in facts.items() if not holds]
