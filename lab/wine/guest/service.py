# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's service, with the lab's parts; what Wine never tells a service, the lab does."""

from __future__ import annotations

import logging
import threading
from typing import ClassVar

import msgspec
import win32service

from lab.simulated import calls, wire
from latchkey_agent.windows import service

from . import adapters
from .link import LabLink


class LabService(service.LatchkeyService):
    """The service on a Wine PC."""

    parts: ClassVar = staticmethod(adapters.parts)

    def SvcRun(self) -> None:  # noqa: N802 - pywin32's name
        """Listen to the lab's Windows beside what the product does."""
        threading.Thread(target=self._listen, name="lab", daemon=True).start()
        super().SvcRun()

    def _listen(self) -> None:
        connection = LabLink().connect()
        wire.send(connection, msgspec.json.encode(calls.Subscribe()))
        while (frame := wire.receive(connection)) is not None:
            if frame.body != b'"hello"':
                # As PythonService calls it: control, kind of event, data.
                self.SvcOtherEx(win32service.SERVICE_CONTROL_SESSIONCHANGE, 0, (1,))


def main() -> None:
    """Host the service. Wine's event log keeps nothing, so the log goes to a file, too."""
    file = logging.FileHandler("C:\\lab\\service.log", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(file)
    service.main(LabService)


if __name__ == "__main__":
    main()
