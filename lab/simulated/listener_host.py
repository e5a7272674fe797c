# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process in which a simulated PC's WinRM listener runs."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.simulated import calls
from lab.simulated.remote import WindowsLink
from lab.wsman.listener import serve

if TYPE_CHECKING:
    from lab.wsman.listener import ListenerConfig


@dataclass(frozen=True)
class ListenerHostConfig:
    """The listener's own configuration, and where it finds its PC."""

    listener: ListenerConfig
    pipes: str
    log: str


def run(config: ListenerHostConfig) -> None:
    """Serve until Windows shuts down."""
    logging.basicConfig(filename=config.log, level=logging.INFO, force=True)
    serve(config.listener, lambda _: _report(config.pipes))


def _report(pipes: str) -> None:
    link = WindowsLink(str(Path(pipes, "windows")))
    link.ask(calls.Ready("listener"), None)
    link.close()
