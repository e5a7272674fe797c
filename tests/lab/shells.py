# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the remote shells that a job holds open on a PC, in the log of the PC's listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.wsman.requestlog import read_log
from lab.wsman.soapfault import UNEXPECTED_SELECTORS

if TYPE_CHECKING:
    from pathlib import Path

MOST = 2
"""The most shells of one job at a time: one, and its successor for a moment."""


def most_open(log: Path) -> int:
    """Return the most shells that were open at one time.

    A shell is open from its Create to its Delete, or to the fault that it does not exist: a restart closes all.
    """
    is_open: set[str] = set()
    most = 0
    for entry in read_log(log):
        if entry.operation == "Delete" or entry.fault == UNEXPECTED_SELECTORS:
            is_open.discard(entry.shell)
        elif entry.operation == "Create" and not entry.fault:
            is_open.add(entry.shell)
        elif entry.operation == "Start":
            is_open.clear()
        most = max(most, len(is_open))
    return most
