# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves the lab's page on loopback in a thread of its own."""

from __future__ import annotations

import html
import logging
import os
import secrets
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import uvicorn

from lab.computer import LabError
from lab.tryout.gate import Gate
from lab.tryout.web import Web

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from lab.tryout.played_lab import PlayedLab
    from lab.tryout.workspace import Workspace

ADDRESS = "127.0.0.1"
PATIENCE = 10.0


class PageServer:
    """Serves while it is entered; `address` is the page's, with its token.

    Args:
        lab: the running lab.
        workspace: the player's folder.
        packages: the folder of the page's libraries.
        listening: the socket of `listening`.
    """

    def __init__(
        self, lab: PlayedLab, workspace: Workspace, packages: Path, listening: socket.socket
    ) -> None:
        self._socket = listening
        self.port = int(self._socket.getsockname()[1])
        self.token = secrets.token_urlsafe(24)
        nonce = secrets.token_urlsafe(16)
        guarded = Gate(Web(lab, workspace, packages, nonce).application, self.token, self.port, nonce)
        self._server = uvicorn.Server(
            uvicorn.Config(
                guarded,
                http="h11",
                ws="wsproto",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="lab-page", daemon=True
        )

    @property
    def address(self) -> str:
        """The address to open."""
        return f"http://{ADDRESS}:{self.port}/{self.token}/"

    def __enter__(self) -> Self:
        # Keep malformed requests out of the player's terminal.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # uvicorn reports each stream and terminal that is still open as a fault.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._server.should_exit = True
        self._thread.join(PATIENCE)


def opened(address: str, folder: Path) -> None:
    """Open the page if this computer has a screen.

    Every account of the computer can read the arguments of a browser. So the browser gets a file of a private folder,
    which leads to the page. A browser that does not start is no reason to end: the address stands on the terminal.
    """
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        with suppress(webbrowser.Error):
            webbrowser.open(door(address, folder).as_uri())


def door(address: str, folder: Path) -> Path:
    """Write a file that leads a browser to the page; return it. The folder must be private."""
    file = folder / "page.html"
    refresh = f'<meta http-equiv="refresh" content="0; url={html.escape(address)}">'
    file.write_text(f"<!doctype html><title>Latchkey lab</title>{refresh}\n", encoding="utf-8")
    return file


def listening(port: int = 0) -> socket.socket:
    """Return a socket that listens on loopback; 0 for a free port.

    Raises:
        LabError: the port is in use.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((ADDRESS, port))
        # Readers who come before the server's thread wait.
        found.listen()
    except OSError as fault:
        found.close()
        msg = f"the page cannot use the port {port} ({fault.strerror}). Choose another one: make lab PORT=0"
        raise LabError(msg) from None
    return found
