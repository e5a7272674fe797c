# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Values of a task or template with Python's own types only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def plain_data(value: object) -> Any:  # noqa: ANN401 - any value of JSON
    """Return a value with Python's own types only: Ansible marks values by types of its own."""
    if isinstance(value, Mapping):
        return {str(key): plain_data(part) for key, part in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence):
        return [plain_data(part) for part in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return float(value) if isinstance(value, float) else int(value)
    return str(value)
