# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported once by the fork server: loads all modules that the processes of a PC need."""

from __future__ import annotations

import gc
import importlib
import signal

# Ctrl-C reaches the fork server, too. It is for the process that started it, which then ends the fork server.
former = signal.signal(signal.SIGINT, signal.SIG_IGN)
for module in ("lab.simulated.agent_host", "lab.simulated.listener_host"):
    importlib.import_module(module)
signal.signal(signal.SIGINT, former)

# The garbage collector skips frozen objects, so their memory pages stay shared.
gc.collect()
gc.freeze()
