# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches: which variables a job gets, and what AWX refuses before there is a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.controller.bodies import BadRequestError, parsed
from lab.controller.survey import answer_errors, defaults

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.controller.store import Row, Store

ACTIVE = ("pending", "waiting", "running")
NODE_LINKS = ("success_nodes", "failure_nodes", "always_nodes")
"""The sub-lists of a workflow's node that hold the nodes after it."""
PROMPTS = {
    "inventory": "inventory",
    "limit": "limit",
    "scm_branch": "scm_branch",
    "job_type": "job_type",
    "job_tags": "tags",
    "skip_tags": "skip_tags",
    "verbosity": "verbosity",
    "forks": "forks",
    "job_slice_count": "job_slice_count",
    "timeout": "timeout",
}
"""The fields that a launch may set, and the word of the template's switch `ask_..._on_launch`."""
_OF_JOB = (
    "job_type",
    "inventory",
    "project",
    "playbook",
    "forks",
    "limit",
    "verbosity",
    "timeout",
    "job_slice_count",
)


def launch(
    store: Store, template: Row, sent: dict[str, Any], *, user: Row | None, how: str, **more: Any
) -> Row:
    """Check a launch as AWX does and add its pending job.

    Args:
        store: takes the job.
        template: a job template or a workflow.
        sent: the body of the launch: `extra_vars`, and the prompts.
        user: the user who launches; None for a schedule.
        how: the launch type in AWX's words. Only a manual launch is checked against the survey: AWX has checked the
            answers of a schedule when it was saved, and gives a workflow's variables to each of its jobs.
        more: further values of the job.

    Raises:
        BadRequestError: AWX refuses the launch.
    """
    answers = _accepted(template, sent) if how == "manual" else parsed(sent.get("extra_vars") or {})
    variables = {**parsed(template["extra_vars"])}
    if template["survey_enabled"]:
        variables |= defaults(template.get("survey", {}))
    variables |= answers
    prompts = {
        name: sent[name]
        for name, word in PROMPTS.items()
        if sent.get(name) is not None and template.get(f"ask_{word}_on_launch")
    }
    values = _job(template) if template["resource"] == "job_templates" else _workflow(template)
    values |= {
        "name": template["name"],
        "status": "pending",
        "launch_type": how,
        "started": None,
        "finished": None,
    }
    values |= {"job_explanation": "", "failed": False, "artifacts": {}, "user": user and user["id"]}
    values |= {"unified_job_template": template["id"], "allow_simultaneous": template["allow_simultaneous"]}
    values |= {"extra_vars": variables, "trusted_vars": parsed(template["extra_vars"])}
    wanted = min(
        int(prompts.get("job_slice_count") or template.get("job_slice_count", 1)), _hosts(store, template)
    )
    if template["resource"] == "job_templates" and wanted > 1 and "slice" not in more:
        return _sliced(store, template, values | prompts | more, wanted)
    resource = "jobs" if template["resource"] == "job_templates" else "workflow_jobs"
    row = store.add(resource, values | prompts | more)
    if resource == "workflow_jobs":
        _add_nodes(
            store, row, store.where("workflow_job_template_nodes", workflow_job_template=template["id"])
        )
    return row


def _accepted(template: Row, sent: dict[str, Any]) -> dict[str, Any]:
    try:
        given = parsed(sent.get("extra_vars") or {})
    except ValueError as fault:
        raise BadRequestError({"extra_vars": [str(fault)]}) from None
    errors = survey_errors(template, given)
    if (
        template.get("inventory") is None
        and "inventory" not in sent
        and template["resource"] == "job_templates"
    ):
        errors["inventory"] = ["Job Template 'inventory' is missing or undefined."]
    if errors:
        raise BadRequestError(errors)
    asked = {question["variable"] for question in questions(template)}
    # AWX ignores the others: they are not allowed, but do not block a launch.
    return {
        name: value for name, value in given.items() if name in asked or template["ask_variables_on_launch"]
    }


def survey_errors(template: Row, answers: dict[str, Any]) -> dict[str, Any]:
    """Return AWX's error of the answers to a template's survey; empty if there is none."""
    wrong = [error for question in questions(template) for error in answer_errors(question, answers)]
    return {"variables_needed_to_start": wrong} if wrong else {}


def questions(template: Row) -> list[dict[str, Any]]:
    """Return the questions of a template's survey; none if the survey is switched off."""
    return template.get("survey", {}).get("spec", []) if template.get("survey_enabled") else []


def _job(template: Row) -> Row:
    copied = {name: template[name] for name in _OF_JOB}
    copied["credentials"] = list(template["links"].get("credentials", []))
    return copied | {"job_template": template["id"], "slice": 0, "workflow_job": None, "artifacts": {}}


def _workflow(template: Row) -> Row:
    return {
        "workflow_job_template": template["id"],
        "is_sliced_job": False,
        "workflow_job": None,
        "inventory": template["inventory"],
        "limit": template["limit"],
    }


def _hosts(store: Store, template: Row) -> int:
    return sum(host["enabled"] for host in store.where("hosts", inventory=template.get("inventory")))


def _sliced(store: Store, template: Row, values: Row, count: int) -> Row:
    """Add a workflow of slices, as AWX does."""
    values |= {"is_sliced_job": True, "job_template": template["id"], "workflow_job_template": None}
    workflow = store.add("workflow_jobs", values)
    for number in range(1, count + 1):
        store.add(
            "workflow_job_nodes",
            {
                "workflow_job": workflow["id"],
                "unified_job_template": template["id"],
                "identifier": str(number),
                "all_parents_must_converge": False,
                "do_not_run": False,
                "job": None,
                "extra_data": values["extra_vars"],
                "slice": [number, count],
            },
        )
    return workflow


def _add_nodes(store: Store, workflow: Row, nodes: Iterable[Row]) -> None:
    """Copy the nodes of a template to a workflow's job, with their links: a later edit changes no running workflow."""
    made = {}
    template_nodes = list(nodes)
    for node in template_nodes:
        kept = {
            name: node[name] for name in ("unified_job_template", "identifier", "all_parents_must_converge")
        }
        prompts = {name: node[name] for name in PROMPTS if node[name] is not None}
        made[node["id"]] = store.add(
            "workflow_job_nodes",
            {**kept, "workflow_job": workflow["id"], "do_not_run": False, "job": None, "slice": None}
            | {"extra_data": node["extra_data"], "prompts": prompts},
        )
    for node in template_nodes:
        for link in NODE_LINKS:
            made[node["id"]]["links"][link] = [made[number]["id"] for number in node["links"].get(link, [])]
    store.save()
