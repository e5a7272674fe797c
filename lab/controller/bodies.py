# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of requests: variables as text, and AWX's refusal."""

from __future__ import annotations

import json
from typing import Any

import yaml

Json = Any
"""A value of a request's body, before it is checked."""


class BadRequestError(Exception):
    """AWX answers 400 with these errors by field."""

    def __init__(self, errors: dict[str, Any]) -> None:
        super().__init__(json.dumps(errors))
        self.errors = errors


def parsed(value: Json) -> dict[str, Any]:
    """Return variables that AWX got as JSON or YAML text, or as an object.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, str):
        try:
            value = yaml.safe_load(value) if value.strip() else {}
        except yaml.YAMLError as fault:
            msg = f"Cannot parse as JSON (error: not JSON) or YAML (error: {str(fault).splitlines()[0]})."
            raise ValueError(msg) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        msg = f"Input type `{type(value).__name__}` is not a dictionary"
        raise ValueError(msg)  # noqa: TRY004 - one exception for each wrong body
    return value
