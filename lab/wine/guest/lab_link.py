# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connects a program of the Wine PC to the lab's Windows over the loopback interface."""

from __future__ import annotations

import socket
from pathlib import Path

from lab.simulated.remote_ports import WindowsLink
from lab.wine.wine_calls import PORT_FILE


class LabLink(WindowsLink):
    """`WindowsLink` over TCP, because Wine has no Unix sockets."""

    def __init__(self) -> None:
        super().__init__("")
        self._port = int(Path("C:\\lab", PORT_FILE).read_text(encoding="ascii"))

    def _take(self) -> socket.socket:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self.connect()

    def connect(self) -> socket.socket:
        """Return a new connection; raises OSError."""
        return socket.create_connection(("127.0.0.1", self._port))
