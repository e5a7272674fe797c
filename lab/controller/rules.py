# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of AWX that the description of a field cannot hold: one function for each resource."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lab.controller.launching import PROMPTS, survey_errors
from lab.controller.timetable import rrule_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.controller.awx_resources import Resource
    from lab.controller.store import Row, Store

Errors = dict[str, Any]
_INPUT_WORDS = {
    "id",
    "label",
    "type",
    "help_text",
    "secret",
    "multiline",
    "default",
    "choices",
    "format",
    "ask_at_runtime",
}
_REQUIRED_INPUT = ("id", "label")
_NOTIFICATIONS: dict[str, dict[str, tuple[type, object]]] = {
    # awx/main/notifications: the type of each key, and its default; `...`: the key is required.
    "webhook": {
        "url": (str, ...),
        "http_method": (str, "POST"),
        "disable_ssl_verification": (bool, False),
        "username": (str, ""),
        "password": (str, ""),
        "headers": (dict, ...),
    },
    "email": {
        "host": (str, ...),
        "port": (int, ...),
        "username": (str, ...),
        "password": (str, ...),
        "use_tls": (bool, ...),
        "use_ssl": (bool, ...),
        "sender": (str, ...),
        "recipients": (list, ...),
        "timeout": (int, 30),
    },
}


def check_rules(store: Store, resource: Resource, values: Row, existing: Row | None) -> Errors:
    """Return AWX's errors by field; empty if there are none. May complete `values`, as AWX does."""
    rule = _RULES.get(resource.name)
    return rule(store, values, {**(existing or {}), **values}, existing) if rule else {}


def secret_inputs(credential_type: Row) -> set[str]:
    """Return the inputs of a credential type that AWX never shows."""
    return {one["id"] for one in credential_type["inputs"].get("fields", []) if one.get("secret")}


def _credential_type(_store: Store, _values: Row, row: Row, _existing: Row | None) -> Errors:
    fields = row["inputs"].get("fields", [])
    for one in fields:
        if set(one) - _INPUT_WORDS or any(word not in one for word in _REQUIRED_INPUT):
            return {"inputs": [f"{one} is not a valid input field."]}
        if not re.fullmatch(r"[a-zA-Z_]\w*", one["id"]) or one["id"] == "tower":
            return {"inputs": [f"{one['id']} is not a valid variable name."]}
    known = {one["id"] for one in fields}
    missing = set(row["inputs"].get("required", [])) - known
    if missing or set(row["inputs"]) - {"fields", "required", "dependencies", "metadata"}:
        return {"inputs": [f"Schema validation failed: {sorted(missing) or sorted(row['inputs'])}"]}
    if extra := set(row["injectors"]) - {"file", "env", "extra_vars"}:
        return {"injectors": [f"Schema validation failed: {sorted(extra)}"]}
    if wrong := [
        name for name in row["injectors"].get("env", {}) if name.startswith("ANSIBLE_") and "KEY" in name
    ]:
        return {"injectors": [f"Environment variable {wrong[0]} may affect Ansible configuration."]}
    used = set(re.findall(r"{{\s*(\w+)", str(row["injectors"])))
    if unknown := used - known - {"tower"}:
        return {"injectors": [f"Template uses unknown field {min(unknown)}"]}
    return {}


def _credential(store: Store, values: Row, row: Row, existing: Row | None) -> Errors:
    if existing is None and not (
        values.get("organization") or values.pop("user", None) or values.pop("team", None)
    ):
        return {"detail": ["Missing 'user', 'team', or 'organization'."]}
    if (
        existing is not None
        and values.get("credential_type", row["credential_type"]) != existing["credential_type"]
    ):
        return {"credential_type": ["You cannot change the credential type of the credential."]}
    kind = store.get("credential_types", row["credential_type"])
    known = {one["id"]: one for one in kind["inputs"].get("fields", [])}
    for name, value in row["inputs"].items():
        if name not in known:
            return {"inputs": {name: [f"Additional properties are not allowed ('{name}' was unexpected)"]}}
        wanted = bool if known[name].get("type") == "boolean" else str
        if not isinstance(value, wanted):
            return {"inputs": {name: [f"{value!r} is not of type '{wanted.__name__}'"]}}
    kept = (existing or {}).get("inputs", {})
    if "inputs" in values:
        values["inputs"] = {
            name: kept.get(name, "") if value == "$encrypted$" else value
            for name, value in values["inputs"].items()
        }
    return {}


def _project(_store: Store, _values: Row, row: Row, _existing: Row | None) -> Errors:
    if row["scm_type"] and not row["scm_url"]:
        return {"scm_url": ["SCM URL is required."]}
    if not row["scm_type"] and not row["local_path"]:
        return {"local_path": ["Must set local_path for a manual project."]}
    if row["credential"] and not row["scm_type"]:
        return {"credential": ["Credential is not allowed for a manual project."]}
    return {}


def _job_template(store: Store, values: Row, row: Row, _existing: Row | None) -> Errors:
    if not row["project"]:
        return {"project": ["Job Templates must have a project assigned."]}
    if not row["inventory"] and not row["ask_inventory_on_launch"]:
        return {"inventory": ["You must either set a default value or ask to prompt on launch."]}
    project = store.get("projects", row["project"])
    if not row["playbook"]:
        return {"playbook": ["Must select playbook for project."]}
    if row["playbook"] not in project.get("playbook_files", []):
        return {"playbook": ["Playbook not found for project."]}
    # A template belongs to its project's organisation (awx/main/models/jobs.py).
    values["organization"] = project["organization"]
    return {}


def _notification_template(_store: Store, values: Row, row: Row, existing: Row | None) -> Errors:
    known = _NOTIFICATIONS.get(row["notification_type"])
    if known is None:
        return {"notification_type": ["The lab's controller knows webhook and email."]}
    if "notification_configuration" not in values:
        return {}
    given = row["notification_configuration"]
    for name, (_kind, default) in known.items():
        if name not in given and default is not ...:
            given[name] = default
    if missing := [name for name in known if name not in given]:
        return {"__all__": [f"Missing required fields for Notification Configuration: {missing}."]}
    wrong = [name for name, value in given.items() if name in known and type(value) is not known[name][0]]
    if wrong:
        expected = known[wrong[0]][0].__name__
        return {"__all__": [f"Configuration field '{wrong[0]}' incorrect type, expected {expected}."]}
    if given.get("password") == "$encrypted$" and existing:
        given["password"] = existing["notification_configuration"]["password"]
    return {}


def _node(store: Store, _values: Row, row: Row, _existing: Row | None) -> Errors:
    template = store.find("unified_job_templates", row["unified_job_template"])
    if template and template["resource"] == "job_templates":
        return _prompts(template, row)
    return {}


def _schedule(store: Store, _values: Row, row: Row, _existing: Row | None) -> Errors:
    if errors := rrule_errors(row["rrule"]):
        return {"rrule": errors}
    template = store.get("unified_job_templates", row["unified_job_template"])
    return _prompts(template, row) or survey_errors(template, row["extra_data"])


def _prompts(template: Row, row: Row) -> Errors:
    """Refuse a value that the template does not ask for on launch (awx/main/models/jobs.py)."""
    refused = [
        name for name, word in PROMPTS.items() if row[name] and not template.get(f"ask_{word}_on_launch")
    ]
    if refused:
        return {refused[0]: ["Field is not configured to prompt on launch."]}
    questions = [one["variable"] for one in template.get("survey", {}).get("spec", [])]
    loose = [name for name in row["extra_data"] if name not in questions]
    if loose and not template.get("ask_variables_on_launch"):
        words = f"Variables {', '.join(loose)} are not allowed on launch. Check the Prompt on Launch setting on the"
        return {"extra_data": [f"{words} template to include Extra Variables."]}
    return {}


_RULES: dict[str, Callable[[Store, Row, Row, Row | None], Errors]] = {
    "credential_types": _credential_type,
    "credentials": _credential,
    "projects": _project,
    "job_templates": _job_template,
    "notification_templates": _notification_template,
    "workflow_job_template_nodes": _node,
    "schedules": _schedule,
}
