# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The computer of a measurement, in words."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path


def machine() -> str:
    """Return a description of the computer of the measurement."""
    with Path("/proc/meminfo").open(encoding="ascii") as file:
        gigabytes = int(file.readline().split()[1]) / 1e6
    core = importlib.metadata.version("ansible-core")
    python = platform.python_version()
    return (
        f"{len(os.sched_getaffinity(0))} processors and {gigabytes:.0f} GB of {platform.machine()}, "
        f"with ansible-core {core} on Python {python}"
    )
