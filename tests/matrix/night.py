# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own playbooks with a line of ansible-core: ask, maintain with a restart, report, end.

A warning of Ansible's counts as a failure: the collection gives no reason for one.
"""

from __future__ import annotations

import subprocess
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


def verdict(operator: Operator, limit: float) -> str:
    """Run the playbooks one after the other; return "ok", or the first failure. `limit`: seconds of each."""
    maintenance.prepare(
        operator,
        maintenance_steps=STEPS,
        maintenance_terms={"restarts": 1, "grace": 0.5},
        request_wait=True,
    )
    report = operator.folder / "report"
    for name in PLAYBOOKS:
        given = ("-e", f"maintenance_report={report}") if name == "report" else ()
        fault = _fault(name, operator.begin(f"latchkey.consent.{name}", *given), limit)
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
    if name == "maintain":
        warnings += _missing(maintenance.summary_of(job))
    return " ".join(warnings[:1])


def _missing(summary: dict[str, Any]) -> list[str]:
    """Return what the summary of the maintenance lacks."""
    done = summary["done"] == [step["name"] for step in STEPS]
    restarted = [use["state"] for use in summary["restarts"]] == ["logged_on"]
    erased = bool((summary["erasure"] or {}).get("confirmed"))
    facts = {"both steps are done": done, "restarted once and signed in": restarted, "erased": erased}
    return [f"check failed: {fact}" for fact, holds in facts.items() if not holds]
