# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's service with the lab's parts; the lab sends the notifications that Wine never sends."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import msgspec
import win32service

from lab.simulated import windows_calls, wire
from lab.simulated.otherversion import speak
from lab.wine.wine_calls import PROTOCOL_FILE
from latchkey_agent.protocol.frames import FrameError
from latchkey_agent.windows import compose, service

from . import adapters
from .lab_link import LabLink

if TYPE_CHECKING:
    import socket

ACTED_WITHIN = 9.0
"""Seconds after which to acknowledge a notification; the lab's Windows waits a little longer."""
CONTROLS = {
    "sessions_changed": win32service.SERVICE_CONTROL_SESSIONCHANGE,
    "clock_changed": service.SERVICE_CONTROL_TIMECHANGE,
}


class Acted(queue.SimpleQueue[service.Notice]):
    """The service's queue, which counts handled notices: all that were taken before the latest `get`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._put = self._taken = self._acted = 0

    def put(self, item: service.Notice, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002 - the base's
        """Add a notice."""
        with self._changed:
            self._put += 1
            super().put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> service.Notice:  # noqa: FBT001, FBT002 - the base's
        """Return the next notice; the previous one counts as handled."""
        with self._changed:
            self._acted = self._taken
            self._changed.notify_all()
        item = super().get()
        with self._changed:
            self._taken += 1
        return item

    def wait(self) -> None:
        """Wait until every notice added so far is handled, at most for the limit."""
        with self._changed:
            wanted = self._put
            self._changed.wait_for(lambda: self._acted >= wanted, ACTED_WITHIN)


class LabService(service.LatchkeyService):
    """The service on a Wine PC."""

    parts: ClassVar = staticmethod(adapters.parts)

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self._acted = self._notices = Acted()

    def SvcRun(self) -> None:  # noqa: N802 - pywin32's name
        """Connect to the lab's Windows, which sets the clock, and then run the product's service."""
        connection = LabLink().connect()
        wire.send(connection, msgspec.json.encode(windows_calls.Subscribe()))
        self._next_notice(connection)
        threading.Thread(target=self._listen, args=(connection,), name="lab", daemon=True).start()
        super().SvcRun()

    def _work(self, host: compose.Host) -> None:
        LabLink().ask(windows_calls.Ready("agent"), None)
        super()._work(host)

    def _listen(self, connection: socket.socket) -> None:
        # The lab's Windows ends, and the PC with it.
        with suppress(OSError, FrameError):
            while True:
                wire.send(connection, b"{}")
                self._pass_on(self._next_notice(connection))

    def _next_notice(self, connection: socket.socket) -> windows_calls.Notice:
        frame = wire.receive(connection)
        if frame is None:
            raise ConnectionResetError
        notice = msgspec.json.decode(frame.body, type=windows_calls.Notice)
        adapters.LabClock.offset = notice.clock.offset
        adapters.LabClock.booted = notice.clock.booted
        return notice

    def _pass_on(self, notice: windows_calls.Notice) -> None:
        if notice.kind in CONTROLS:
            # The arguments of PythonService: control, kind of event, data.
            self.SvcOtherEx(CONTROLS[notice.kind], 0, (1,))
            self._acted.wait()


def main() -> None:
    """Host the service. Wine's event log stores nothing, so the log also goes to a file."""
    other = Path("C:\\lab", PROTOCOL_FILE)
    if other.exists():
        speak(int(other.read_text(encoding="ascii")))
    file = logging.FileHandler("C:\\lab\\service.log", encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(file)
    service.main(LabService)


if __name__ == "__main__":
    main()
