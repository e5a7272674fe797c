# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported once by the fork server: loads all modules that the processes of a PC need."""

from __future__ import annotations

import gc

import lab.simulated.agent_host
import lab.simulated.listener_host  # noqa: F401 - imported for its memory

# The garbage collector skips frozen objects, so their memory pages stay shared.
gc.collect()
gc.freeze()
