# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported once by the fork server: everything that the processes of a PC need."""

from __future__ import annotations

import gc

import lab.simulated.agent_host
import lab.simulated.listener_host  # noqa: F401 - imported for its memory

# What is frozen is never looked at by the collector, so its pages stay shared.
gc.collect()
gc.freeze()
