# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers the command `lab` over a Unix socket in a folder that only this user can enter."""

from __future__ import annotations

import json
import socketserver
import threading
from typing import TYPE_CHECKING, Any, Self, cast

from lab.computer import LabError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from lab.tryout.played_lab import PlayedLab

LONGEST = 4096


class CommandServer:
    """Serves while it is entered."""

    def __init__(self, path: Path, lab: PlayedLab) -> None:
        self._server = _Server(str(path), _Handler)
        self._server.lab = lab
        self._thread = threading.Thread(target=self._server.serve_forever, name="lab-command", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    lab: PlayedLab


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        try:
            answer = {"said": self._answer(json.loads(self.rfile.readline(LONGEST)))}
        except LabError as fault:
            answer = {"error": sentence(str(fault))}
        except (ValueError, AttributeError, TypeError):
            answer = {"error": "The request is not one of the command lab."}
        self.wfile.write(json.dumps(answer).encode() + b"\n")

    def _answer(self, request: dict[str, Any]) -> str:
        lab = cast("_Server", self.server).lab
        if not request.get("pc"):
            return lab.overview()
        pc, deed = str(request["pc"]), str(request.get("deed", ""))
        return lab.done(pc, deed, str(request.get("argument", "")))


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning, unless that is a name, and a full stop at its end."""
    whole = text if text.endswith((".", "!", "?")) or "\n" in text else f"{text}."
    return whole[:1].upper() + whole[1:] if whole.partition(" ")[0].isalpha() else whole
