# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what a caller sends against the description of the resource, as AWX's serializers do.

One check is stricter than AWX: AWX ignores a field that it does not know, this controller refuses it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.controller.awx_resources import resources
from lab.controller.bodies import BadRequestError, parsed
from lab.controller.rules import check_rules

if TYPE_CHECKING:
    from lab.controller.awx_resources import Field, Resource
    from lab.controller.bodies import Json
    from lab.controller.store import Row, Store

ALWAYS_SHOWN = {"id", "type", "url", "related", "summary_fields", "created", "modified", "last_updated"}
_PLAIN: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "email": (str,),
    "boolean": (bool,),
    "json": (dict, str),
}


def checked(store: Store, resource: Resource, sent: Json, existing: Row | None = None) -> Row:
    """Return the values to store.

    Args:
        store: the objects that ids may name.
        resource: the description.
        sent: the body of the request.
        existing: the row to change; None for a new one.

    Raises:
        BadRequestError: AWX refuses the body.
    """
    if not isinstance(sent, dict):
        raise BadRequestError({"detail": "JSON parse error - not a JSON object"})
    errors: dict[str, Any] = {}
    values: Row = {} if existing else {one.name: one.default for one in resource.fields.values()}
    known = ALWAYS_SHOWN | set(resource.read_only)
    for name, value in sent.items():
        if name not in resource.fields:
            if name not in known:
                errors[name] = ["This field is unknown."]
            continue
        try:
            values[name] = _value(store, resource.fields[name], value)
        except ValueError as fault:
            errors[name] = [str(fault)]
    if existing is None:
        missing = [one.name for one in resource.fields.values() if one.required and one.name not in sent]
        errors |= {name: ["This field is required."] for name in missing}
    if not errors:
        errors |= check_rules(store, resource, values, existing) or _duplicate(
            store, resource, values, existing
        )
    if errors:
        raise BadRequestError(errors)
    return values


def _value(store: Store, one: Field, value: Json) -> Json:
    if value is None:
        if one.facts.get("choices") and "" in one.facts["choices"]:
            return one.default
        if not one.facts.get("nullable"):
            msg = "This field may not be null."
            raise ValueError(msg)
        return None
    if "choices" in one.facts:
        return _choice(one, value)
    if one.type == "id":
        return _reference(store, one, value)
    if one.type == "integer":
        return _integer(one, value)
    return _plain(one, value)


def _choice(one: Field, value: Json) -> Json:
    for choice in one.facts["choices"]:
        if value == choice or (isinstance(choice, int) and str(value) == str(choice)):
            return choice
    msg = f'"{value}" is not a valid choice.'
    raise ValueError(msg)


def _reference(store: Store, one: Field, value: Json) -> int | None:
    if value == "" and one.facts.get("nullable"):
        return None
    if isinstance(value, bool) or not str(value).isdigit():
        msg = f"Incorrect type. Expected pk value, received {type(value).__name__}."
        raise ValueError(msg)
    if store.find(one.facts["of"], int(value)) is None:
        msg = f'Invalid pk "{value}" - object does not exist.'
        raise ValueError(msg)
    return int(value)


def _integer(one: Field, value: Json) -> int:
    if isinstance(value, bool) or not str(value).removeprefix("-").isdigit():
        msg = "A valid integer is required."
        raise ValueError(msg)
    if int(value) < one.facts.get("min", int(value)):
        msg = f"Ensure this value is greater than or equal to {one.facts['min']}."
        raise ValueError(msg)
    return int(value)


def _plain(one: Field, value: Json) -> Json:
    if one.facts.get("variables"):
        return _variables(value)
    if not isinstance(value, _PLAIN[one.type]):
        words = {"boolean": "Must be a valid boolean.", "json": "Value must be valid JSON."}
        raise ValueError(words.get(one.type, "Not a valid string."))  # noqa: TRY004 - one exception for a wrong field
    if one.type == "string" and one.required and not value:
        msg = "This field may not be blank."
        raise ValueError(msg)
    if isinstance(value, str) and len(value) > one.facts.get("max", len(value)):
        msg = f"Ensure this field has no more than {one.facts['max']} characters."
        raise ValueError(msg)
    return value


def _variables(value: Json) -> str:
    """Return variables as text; AWX takes JSON and YAML."""
    parsed(value)
    return value if isinstance(value, str) else json.dumps(value)


def _duplicate(store: Store, resource: Resource, values: Row, existing: Row | None) -> dict[str, Any]:
    now = {**(existing or {}), **values}
    if not resource.unique or (resource.name == "workflow_job_template_nodes" and not now.get("identifier")):
        return {}
    key = {name: now.get(name) for name in resource.unique}
    same = [
        row for row in store.where(resource.name, **key) if existing is None or row["id"] != existing["id"]
    ]
    if not same:
        return {}
    kind = resources()[resource.name].kind.replace("_", " ").capitalize()
    words = ", ".join(resource.unique)
    return {"__all__": [f"{kind} with this ({words}) combination already exists."]}
