# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The options of a task, validated on the controller."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ._failure import failure

Spec = dict[str, dict[str, Any]]
"""Ansible's argument specification; a `type` may be one of the functions below."""

LONGEST = 604_800.0
"""Longest wait of a task in seconds: a week, the protocol's limit."""


def duration(value: object) -> float:
    """Return seconds.

    Raises:
        TypeError: the value is no number above 0 and at most a week.
    """
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= LONGEST:
        raise TypeError(f"it must be a number of seconds above 0 and at most {LONGEST:.0f}")
    return seconds


def wait_seconds(value: object) -> float:
    """Return seconds; 0 means that the task looks once.

    Raises:
        TypeError: the value is no number from 0 to a week.
    """
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds <= LONGEST:
        raise TypeError(f"it must be a number of seconds from 0 to {LONGEST:.0f}")
    return seconds


def moment(value: object) -> float:
    """Return the seconds since 1970 of an ISO 8601 time with its offset. AWX may make a datetime of such a text.

    Raises:
        TypeError: the value is no such time.
    """
    read = None
    with contextlib.suppress(ValueError):
        read = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if read is None or read.tzinfo is None:
        raise TypeError('it must be an ISO 8601 time with its offset, as "2026-11-23T22:30:00+01:00"')
    return read.timestamp()


def validated(spec: Spec, given: dict[str, Any]) -> dict[str, Any]:
    """Return the options with their defaults.

    Raises:
        Failure: `bad_option`, with all mistakes.
    """
    checked = ArgumentSpecValidator(spec).validate(given)
    faults = [
        f"unsupported option {fault.msg}" if isinstance(fault, UnsupportedError) else str(fault.msg)
        for fault in checked.errors.errors
    ]
    if faults:
        raise failure("bad_option", detail="; ".join(fault.rstrip(".") for fault in faults))
    options: dict[str, Any] = checked.validated_parameters
    return options


def without_defaults(fields: dict[str, Any], **defaults: object) -> dict[str, Any]:
    """Return the fields without those that have these defaults: an agent of an earlier release does not know them."""
    return {name: value for name, value in fields.items() if name not in defaults or value != defaults[name]}
