# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""Secrets never get into a task's result, whatever an option or an answer holds.

No option and no field of the protocol is meant for a secret. What is named like one all the same is
taken for one: its value is masked wherever it turns up in the result.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.parameters import remove_values

from ._secrets import register_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
"""What Ansible itself writes in a secret's place."""

_SMELLS = re.compile(
    r"(?:^|_|-)(?:pass(?:word|wd|phrase|code)?|pwd|pin|secrets?|token|private_?key|api_?key|half_?key)(?:$|_|-)",
    re.IGNORECASE,
)
# Masking every "x" would make a result unreadable and protect nothing.
_SHORTEST = 3


def smells_secret(name: object) -> bool:
    """Tell whether an option or field is named like a secret."""
    return isinstance(name, str) and _SMELLS.search(name) is not None


def secrets_in(value: object) -> set[str]:
    """Return every text below a name that smells like a secret, and register it with Ansible."""
    found = {text for text in _smelling(value) if len(text) >= _SHORTEST}
    for text in found:
        register_secret(text)
    return found


def _smelling(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item) if smells_secret(key) else _smelling(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _smelling(item)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def masked(result: dict[str, Any], secrets: set[str]) -> dict[str, Any]:
    """Return the result without these texts and without values named like secrets."""
    clean: dict[str, Any] = _without_smells(remove_values(result, secrets | secrets_in(result)))
    return clean


def _without_smells(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, dict):
        return {key: MASK if smells_secret(key) else _without_smells(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_smells(item) for item in value]
    return value
