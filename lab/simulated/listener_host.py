# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of one listener of a simulated PC."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.simulated import windows_calls
from lab.simulated.remote_ports import WindowsLink
from lab.ssh import server as ssh
from lab.wsman import listener as wsman

if TYPE_CHECKING:
    from lab.ssh.server import SshConfig
    from lab.wsman.listener import ListenerConfig


@dataclass(frozen=True)
class ListenerHostConfig:
    """The listener's name and configuration, and the address of its PC."""

    name: str
    listener: ListenerConfig | SshConfig
    pipes: str
    log: str


def run(config: ListenerHostConfig) -> None:
    """Serve until Windows shuts down."""
    logging.basicConfig(filename=config.log, level=logging.INFO, force=True)
    if isinstance(config.listener, ssh.SshConfig):
        ssh.serve(config.listener, lambda _: _report(config))
    else:
        wsman.serve(config.listener, lambda _: _report(config))


def _report(config: ListenerHostConfig) -> None:
    link = WindowsLink(str(Path(config.pipes, "windows")))
    link.ask(windows_calls.Ready(config.name), None)
    link.close()
