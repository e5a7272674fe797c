# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's controller as a context: it serves on loopback while it is entered."""

from __future__ import annotations

import logging
import secrets
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from lab.computer import LabError
from lab.controller.awx_access import LIFETIME
from lab.controller.awx_api import Api
from lab.controller.awx_resources import resources
from lab.controller.engine import Engine
from lab.controller.store import Store

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path
    from types import TracebackType

    from lab.controller.store import Row

ADDRESS = "127.0.0.1"
ADMINISTRATOR = "admin"
PATIENCE = 10.0


class Controller:
    """A controller of the lab's. Entering it serves; leaving it kills its jobs, as a computer's end would.

    A controller with the folder of an earlier one knows its objects.

    Args:
        folder: its folder.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.store = Store(folder / "objects.json")
        self.engine = Engine(self.store, folder)
        self.api = Api(self.store, self.engine)
        if not self.store.all("organizations"):
            self._begin()
        self._socket = socket.create_server((ADDRESS, 0))
        self.url = f"http://{ADDRESS}:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.api.application,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            name="lab-controller-api",
            daemon=True,
        )

    def _begin(self) -> None:
        """Make the objects that a new AWX has."""
        organization = self.store.add("organizations", {**_defaults("organizations"), "name": "Default"})
        self.api.access.add_roles(organization)
        self.add_user(ADMINISTRATOR, is_superuser=True)
        self.store.add("instance_groups", {"name": "default"})

    def add_user(self, name: str, **values: Any) -> Row:
        """Add a user with a password at random."""
        row = {**_defaults("users"), "username": name, "password": secrets.token_urlsafe(12), **values}
        return self.store.add("users", row)

    def token(self, user: str = ADMINISTRATOR, lifetime: timedelta = LIFETIME) -> str:
        """Return a new token of a user."""
        with self.store.lock:
            return self.api.access.issue(next(self.store.where("users", username=user)), lifetime)[1]

    def __enter__(self) -> Self:
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._thread.start()
        self.engine.start()
        deadline = time.monotonic() + PATIENCE
        while not self._server.started:
            if time.monotonic() > deadline:
                msg = "the lab's controller does not serve"
                raise LabError(msg)
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self.engine.stop()

    def kill(self) -> None:
        """End at once, as by SIGKILL: the store keeps its last state, and each job keeps its workers alone."""
        self._close()
        self.engine.lose()

    def _close(self) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._socket.close()


def _defaults(resource: str) -> Row:
    described = resources()[resource]
    return {one.name: one.default for one in described.fields.values()} | described.read_only
