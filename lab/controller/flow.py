# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows: which node runs next, as AWX's scheduler decides it (awx/main/scheduler/dag_workflow.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.controller.bodies import BadRequestError
from lab.controller.launching import ACTIVE, NODE_LINKS, launch

if TYPE_CHECKING:
    from lab.controller.store import Row, Store

JOBS = ("jobs", "workflow_jobs", "workflow_approvals")
BAD = ("failed", "error", "canceled")


def job_of(store: Store, node: Row) -> Row | None:
    """Return the job, workflow or approval of a node."""
    return next((row for name in JOBS if (row := store.find(name, node["job"]))), None)


def status_of(store: Store, node: Row) -> str:
    """Return the status of a node's job; "" if it has none."""
    job = job_of(store, node)
    return job["status"] if job else ""


def advance(store: Store, workflow: Row) -> None:
    """Start the nodes whose turn has come; end the workflow if no node is left."""
    nodes = list(store.where("workflow_job_nodes", workflow_job=workflow["id"]))
    parents = {node["id"]: [one for one in nodes if node["id"] in children(one)] for node in nodes}
    for node in nodes:
        if node["job"] is None and not node["do_not_run"] and _decided(store, parents[node["id"]]):
            if not parents[node["id"]] or _follows(store, node, parents[node["id"]]):
                _start(store, workflow, node, parents[node["id"]])
            else:
                store.change(node, do_not_run=True)
    if all(node["do_not_run"] or (node["job"] and status_of(store, node) not in ACTIVE) for node in nodes):
        _end(store, workflow, nodes)


def children(node: Row, *links: str) -> list[int]:
    """Return the ids of the nodes after a node, by all links or by these."""
    return [number for name in links or NODE_LINKS for number in node["links"].get(name, [])]


def _decided(store: Store, parents: list[Row]) -> bool:
    return all(
        parent["do_not_run"] or (parent["job"] is not None and status_of(store, parent) not in ACTIVE)
        for parent in parents
    )


def _follows(store: Store, node: Row, parents: list[Row]) -> bool:
    leads = [
        not parent["do_not_run"]
        and node["id"]
        in children(
            parent, "always_nodes", "failure_nodes" if status_of(store, parent) in BAD else "success_nodes"
        )
        for parent in parents
    ]
    return all(leads) if node["all_parents_must_converge"] else any(leads)


def _start(store: Store, workflow: Row, node: Row, parents: list[Row]) -> None:
    template = store.find("unified_job_templates", node["unified_job_template"])
    if template is None:
        store.change(node, do_not_run=True)
        return
    if template["resource"] == "workflow_approval_templates":
        values = {
            "name": template["name"],
            "status": "pending",
            "timeout": template["timeout"],
            "failed": False,
        }
        values |= {"workflow_job": workflow["id"], "began": store.now().timestamp(), "timed_out": False}
        store.change(
            node, job=store.add("workflow_approvals", values | {"unified_job_template": template["id"]})["id"]
        )
        return
    sent: dict[str, Any] = {**node.get("prompts", {})}
    variables = {**workflow["extra_vars"]} | _artifacts(store, parents) | node["extra_data"]
    more: dict[str, Any] = {"workflow_job": workflow["id"]}
    if node["slice"]:
        more |= {"slice": node["slice"][0], "job_slice_count": node["slice"][1]}
        more |= {
            name: workflow[name] for name in ("limit", "forks", "job_type", "timeout") if workflow.get(name)
        }
    try:
        user = store.find("users", workflow["user"])
        # A workflow gives its variables to every job, also to one that does not ask for them; a survey still counts.
        open_template = {**template, "ask_variables_on_launch": True}
        job = launch(
            store, open_template, sent | {"extra_vars": variables}, user=user, how="workflow", **more
        )
    except BadRequestError as refused:
        job = _refused(store, template, str(refused), workflow)
    store.change(node, job=job["id"])


def _refused(store: Store, template: Row, why: str, workflow: Row) -> Row:
    """Add the failed job that AWX shows where a node cannot be launched."""
    words = f"Job spawned from workflow could not start because it was missing a related resource or answers: {why}"
    values = {"name": template["name"], "status": "failed", "failed": True, "job_explanation": words}
    values |= {
        "unified_job_template": template["id"],
        "workflow_job": workflow["id"],
        "artifacts": {},
        "slice": 0,
    }
    return store.add(
        "jobs", values | {"started": None, "finished": None, "extra_vars": {}, "launch_type": "workflow"}
    )


def _artifacts(store: Store, parents: list[Row]) -> dict[str, Any]:
    """Return what `set_stats` left; of a sliced job that of one slice, as AWX does."""
    found: dict[str, Any] = {}
    for parent in parents:
        job = job_of(store, parent)
        found |= (job or {}).get("artifacts", {})
        found |= (job or {}).get("ancestor_artifacts", {})
    return found


def _end(store: Store, workflow: Row, nodes: list[Row]) -> None:
    lost = [
        node
        for node in nodes
        if status_of(store, node) in BAD and not children(node, "failure_nodes", "always_nodes")
    ]
    words = ",".join(f"({node['id']},{status_of(store, node)})" for node in lost)
    why = f"No error handling path for workflow job node(s) [{words}]." if lost else ""
    artifacts: dict[str, Any] = {}
    for node in nodes:
        artifacts |= (job_of(store, node) or {}).get("artifacts", {})
    status = "canceled" if workflow.get("cancelled") else "failed" if lost else "successful"
    now = store.now().isoformat()
    store.change(
        workflow,
        status=status,
        failed=status != "successful",
        job_explanation=why,
        finished=now,
        artifacts=artifacts,
    )
