# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The variables of the role `maintenance`: dictionaries and flat variables made one, and AWX's defaults.

A survey of AWX has no dictionaries. So each key of `maintenance_terms`, `maintenance_window` and
`maintenance_requester` has a flat variable, too. A flat variable that is neither empty nor blank comes first.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.common.validation import check_type_bool

from ._written_values import exact_text, kind, plain_text, written_time

Reader = Callable[[object], object]
Value = Callable[[str], object]
"""Returns the value of a variable by its name; None if it is not set."""


def count(value: object) -> int:
    """Return a whole number of 0 or more.

    Raises:
        TypeError: the value is no such number, nor a text of digits.
    """
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,9}", text):
        raise TypeError(f"it must be a whole number, and it is {kind(value)}")
    return int(text)


def seconds(value: object) -> float:
    """Return a number of 0 or more.

    Raises:
        TypeError: the value is no such number, nor the text of one.
    """
    number = -1.0
    if not isinstance(value, bool):
        with contextlib.suppress(ValueError):
            number = float(str(value))
    if 0.0 <= number < math.inf:
        return number
    raise TypeError(f"it must be a number of seconds, and it is {kind(value)}")


def yes_or_no(value: object) -> bool:
    """Return a truth value, also of `yes`, `no` and the other words that Ansible knows.

    Raises:
        TypeError: the value is none of them.
    """
    try:
        return bool(check_type_bool(value))
    except TypeError:
        raise TypeError(f"it must be yes or no, and it is {kind(value)}") from None


@dataclass(frozen=True)
class Group:
    """A dictionary of the role: its variable, the beginning of its flat variables, and its keys."""

    variable: str
    prefix: str
    keys: Mapping[str, Reader]


GROUPS = {
    "terms": Group(
        "maintenance_terms",
        "maintenance_",
        {
            "account": plain_text,
            "means": plain_text,
            "restarts": count,
            "unlocks": count,
            "foreign_restarts": yes_or_no,
            "programs": yes_or_no,
            "not_before": written_time,
            "not_after": written_time,
            "relock_after": seconds,
            "grace": seconds,
        },
    ),
    "window": Group(
        "maintenance_window",
        "maintenance_window_",
        {"begins": written_time, "ends": written_time, "restart": seconds, "wait": seconds},
    ),
    "requester": Group(
        "maintenance_requester",
        "maintenance_requester_",
        {"name": plain_text, "organization": plain_text, "role": plain_text},
    ),
}
TEXTS = ("maintenance_session", "maintenance_ticket", "maintenance_reason", "maintenance_restart_message")
TIMES = ("maintenance_ends", "maintenance_answer_by")


class InputError(ValueError):
    """Some variables are unusable. `faults` has a sentence for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read(group: str, value: Value) -> dict[str, object]:
    """Return the values of a group by their keys, without those that are not set.

    Raises:
        InputError: a variable is unusable.
    """
    known = GROUPS[group]
    given = _dictionary(known.variable, value(known.variable))
    named = {key: (f"{known.variable}.{key}", one) for key, one in given.items()}
    for key in known.keys:
        flat = known.prefix + key
        if _is_set(one := value(flat)):
            named[key] = (flat, one)
    faults, found = _read_all(known, named)
    if faults:
        raise InputError(faults)
    if group == "requester" and not found.get("name") and (name := awx_user(value)):
        found["name"] = name
    return found


def _read_all(known: Group, named: Mapping[str, tuple[str, object]]) -> tuple[list[str], dict[str, object]]:
    faults, found = [], {}
    for key, (name, one) in named.items():
        if key not in known.keys:
            faults.append(f"{known.variable} has no key {key}; it has {', '.join(known.keys)}")
        elif _is_set(one):
            try:
                found[key] = known.keys[key](one)
            except TypeError as fault:
                faults.append(f"{name}: {fault}")
    return faults, found


def faults(value: Value) -> list[str]:
    """Return a sentence for each variable that is unusable."""
    found = []
    for group in GROUPS:
        try:
            read(group, value)
        except InputError as fault:
            found += fault.faults
    for names, reader in ((TEXTS, plain_text), (TIMES, written_time)):
        found += [told for name in names if (told := _fault(name, value(name), reader))]
    if not _is_set(value("maintenance_session")):
        found.append("maintenance_session is not set")
    return found + _fault_of_names(value("maintenance_steps"))


def _fault_of_names(steps: object) -> list[str]:
    names = [one.get("name") for one in steps if isinstance(one, dict)] if isinstance(steps, list) else []
    told = [_fault(f"the name of the step {name}", name, exact_text) for name in names]
    return [one for one in told if one]


def _fault(name: str, one: object, reader: Reader) -> str:
    try:
        if _is_set(one):
            reader(one)
    except TypeError as fault:
        return f"{name}: {fault}"
    return ""


def awx_user(value: Value) -> str:
    """Return the name of the user who launched the job in AWX; empty outside of AWX and for a scheduled job.

    A user of AWX may have no first and last name. Then the name for the sign-in counts.
    """
    parts = [_text(value(f"awx_user_{part}_name")) for part in ("first", "last")]
    return " ".join(filter(None, parts)) or _text(value("awx_user_name"))


def _text(one: object) -> str:
    return one.strip() if isinstance(one, str) else ""


def _dictionary(name: str, one: object) -> dict[str, Any]:
    """Return a dictionary, also of its text as JSON, which an answer in AWX may be.

    Raises:
        InputError: the value is no dictionary.
    """
    if not _is_set(one):
        return {}
    with contextlib.suppress(ValueError):
        one = json.loads(one) if isinstance(one, str) else one
    if not isinstance(one, dict):
        told = f"{name} must be a dictionary or its text as JSON, and it is {kind(one)}"
        raise InputError([told])
    return dict(one)


def _is_set(one: object) -> bool:
    """Tell whether a variable has a value. AWX hands an empty answer over as an empty text, core may make it None."""
    return one is not None and not (isinstance(one, str) and not one.strip())
