# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job of the end-to-end tests with the role: three steps, two restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.controller.running_job import variables_as_awx_writes_them
from tests.lab.job import SESSION

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.job import Job, Operator, Task

STEPS = [
    {"name": "Windows updates", "tasks": "updates.yml", "restart": "when_pending"},
    {"name": "Inventory", "tasks": "inventory.yml"},
    {"name": "Accounting software", "tasks": "accounting.yml", "restart": "always"},
]


def program(name: str, argument: str) -> Task:
    """Return a task that runs one of the PC's own programs."""
    return {"name": name, "ansible.builtin.raw": f"& 'C:\\Lab\\{name}.exe' '{argument}'"}


def prepare(operator: Operator, **variables: Any) -> None:
    """Write the files of the three steps, and set the role's variables."""
    operator.write("updates.yml", [program("updates", "install")])
    operator.write("inventory.yml", [program("hostname", "")])
    operator.write("accounting.yml", [program("accounting", "upgrade")])
    plain = {
        "maintenance_session": SESSION,
        "maintenance_reason": "Monthly updates",
        "maintenance_requester": {"name": "Ada Meyer", "organization": "Contoso IT"},
        "maintenance_terms": {"restarts": 3, "grace": 0.5},
        "maintenance_steps": STEPS,
        "maintenance_restart_timeout": 60,
        "maintenance_request_timeout": 60,
    }
    operator.variables = {**plain, **variables}


def answers(operator: Operator, **given: Any) -> tuple[str, str]:
    """Return the arguments of a job with answers of a survey, in a file as ansible-runner gets them from AWX."""
    file = operator.folder / f"answers{len(operator.jobs)}.yml"
    file.write_text(variables_as_awx_writes_them(given, {}), encoding="utf-8")
    return "-e", f"@{file}"


def maintain(operator: Operator) -> Job:
    """Start the collection's own playbook."""
    return operator.begin("latchkey.consent.maintain")


def what(computer: SimulatedComputer, *names: str) -> list[str]:
    """Return the names of these events that happened, in order."""
    return [event.what for event in computer.events.all() if event.what in names]


def summary_of(job: Job, host: str = "pc1") -> dict[str, Any]:
    """Return the role's summary of a PC."""
    summary: dict[str, Any] = job.result("Build the summary", host)["ansible_facts"]["maintenance_summary"]
    return summary
