# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries the service manager from one thread at a time.

Wine's client of the service manager confuses the threads of a process: two queries at
once sometimes get "invalid handle" (error 6). Windows' client does not.
"""

from __future__ import annotations

import threading

from latchkey_agent.windows.pipes import client_stream

_asking = threading.Lock()


def connect(name: str, limit: float = 90.0) -> client_stream.PipeStream:
    """Connect to a pipe of the agent as the product does; raises OSError."""
    return client_stream.connect(name, server=_service_process, limit=limit)


def _service_process() -> int:
    with _asking:
        return client_stream.service_process()
