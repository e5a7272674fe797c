# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as the API shows them: with their addresses, and without their secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.controller.awx_resources import resources
from lab.controller.rules import secret_inputs
from lab.controller.survey import ENCRYPTED

if TYPE_CHECKING:
    from lab.controller.bodies import Json
    from lab.controller.store import Row, Store

API = "/api/v2"
KINDS = {
    "jobs": "job",
    "workflow_jobs": "workflow_job",
    "workflow_approvals": "workflow_approval",
    "workflow_job_nodes": "workflow_job_node",
    "project_updates": "project_update",
    "roles": "role",
}
_PRIVATE = {
    "resource",
    "links",
    "survey",
    "folder",
    "playbook_files",
    "password",
    "current_update",
    "trusted_vars",
}


def url(row: Row) -> str:
    """Return an object's address."""
    return f"{API}/{row['resource']}/{row['id']}/"


def shown(store: Store, row: Row) -> Row:
    """Return an object as the API shows it."""
    described = resources().get(row["resource"])
    fields = {name: value for name, value in row.items() if name not in _PRIVATE}
    if described:
        fields = {**described.read_only, **fields}
        fields = {name: value for name, value in fields.items() if not _secret(described.fields.get(name))}
    kind = described.kind if described else KINDS[row["resource"]]
    own = url(row)
    related = {name: f"{own}{name}/" for name in (described.links if described else ())}
    related |= {name: f"{own}{name}/" for name in _ACTIONS.get(row["resource"], ())}
    if (template := store.find("unified_job_templates", row.get("unified_job_template"))) is not None:
        related["unified_job_template"] = url(template)
    fields |= {"type": kind, "url": own, "related": related, "summary_fields": _summary(store, row)}
    hide = _HIDE.get(row["resource"])
    return hide(store, fields) if hide else fields


def _secret(one: Json) -> bool:
    return one is not None and bool(one.facts.get("secret"))


_ACTIONS = {
    "job_templates": ("survey_spec", "launch"),
    "workflow_job_templates": ("survey_spec", "launch", "workflow_nodes"),
    "projects": ("update", "playbooks"),
    "workflow_job_template_nodes": ("create_approval_template",),
    "jobs": ("cancel", "relaunch", "stdout", "job_events"),
    "workflow_jobs": ("cancel", "workflow_nodes"),
    "workflow_approvals": ("approve", "deny"),
}


def _summary(store: Store, row: Row) -> Row:
    roles = {
        role["role"]: {"id": role["id"], "name": role["role"].removesuffix("_role").replace("_", " ").title()}
        for role in store.where("roles", object=row["id"])
    }
    found: Row = {"object_roles": roles} if roles else {}
    for name, target in (
        ("organization", "organizations"),
        ("project", "projects"),
        ("inventory", "inventories"),
    ):
        if (other := store.find(target, row.get(name))) is not None:
            found[name] = {"id": other["id"], "name": other["name"]}
    return found


def _credential(store: Store, fields: Row) -> Row:
    secret = secret_inputs(store.get("credential_types", fields["credential_type"]))
    inputs = {name: ENCRYPTED if name in secret else value for name, value in fields["inputs"].items()}
    return {**fields, "inputs": inputs}


def _notification(_store: Store, fields: Row) -> Row:
    given = fields["notification_configuration"]
    return {
        **fields,
        "notification_configuration": {**given, **({"password": ENCRYPTED} if given.get("password") else {})},
    }


_HIDE = {"credentials": _credential, "notification_templates": _notification}
