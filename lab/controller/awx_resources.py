# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of each resource of the API (`awx_resources.yml`), and AWX's OPTIONS made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("awx_resources.yml")
TEMPLATES = ("job_templates", "workflow_job_templates", "projects", "workflow_approval_templates")
"""The resources that AWX lists together as unified job templates."""


@dataclass(frozen=True)
class Field:
    """One field: its type in AWX's words, its default, and its further facts by name (see `awx_resources.yml`)."""

    name: str
    type: str
    required: bool
    default: Any
    facts: dict[str, Any]

    def option(self) -> dict[str, Any]:
        """Return the field as AWX's OPTIONS show it."""
        shown: dict[str, Any] = {"type": self.type, "required": self.required}
        names = {"max": "max_length", "min": "min_value", "highest": "max_value"}
        shown |= {names[fact]: value for fact, value in self.facts.items() if fact in names}
        if not self.required:
            shown["default"] = self.default
        if "choices" in self.facts:
            shown["choices"] = [[value, str(value)] for value in self.facts["choices"]]
        if self.facts.get("secret"):
            shown["write_only"] = True
        return shown


@dataclass(frozen=True)
class Resource:
    """One resource. Attributes are the words of `awx_resources.yml`."""

    name: str
    kind: str
    fields: dict[str, Field]
    unique: list[str] = field(default_factory=list)
    owner: str = ""
    roles: list[str] = field(default_factory=list)
    read_only: dict[str, Any] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    methods: list[str] = field(default_factory=lambda: ["GET", "POST", "PATCH", "DELETE"])

    def options(self) -> dict[str, Any]:
        """Return the answer to OPTIONS."""
        shown = {name: one.option() for name, one in self.fields.items()}
        actions = {"GET": {name: one for name, one in shown.items() if not one.get("write_only")}}
        if "POST" in self.methods:
            actions["POST"] = shown
        roles = [f"{role}_role" for role in self.roles]
        return {"name": self.name, "actions": actions, "types": [self.kind], "object_roles": roles}


@cache
def resources() -> dict[str, Resource]:
    """Return every resource by its name in the API."""
    described = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {name: _resource(name, facts) for name, facts in described.items()}


def _resource(name: str, facts: dict[str, Any]) -> Resource:
    fields = {}
    for field_name, (kind, *rest) in facts.pop("fields").items():
        required = len(rest) == 1
        fields[field_name] = Field(field_name, kind, required, None if required else rest[0], rest[-1])
    return Resource(name=name, fields=fields, **facts)
