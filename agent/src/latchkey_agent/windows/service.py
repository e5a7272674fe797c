# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows service `LatchkeyAgent`: `pythonw.exe -I -B -m latchkey_agent.windows.service`.

The control handler only queues Windows' notices and returns at once. One
thread handles them in order. The thread sleeps between two notices.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import servicemanager
import win32service
import win32serviceutil
import winerror

from latchkey_agent.ports import PortError

from . import compose, crash, names
from .eventlog import EventLogHandler

if TYPE_CHECKING:
    from collections.abc import Callable

SERVICE_CONTROL_TIMECHANGE = 0x10
SERVICE_ACCEPT_TIMECHANGE = 0x200
START_TIME = 120_000
"""Milliseconds that the start may take. The agent reads the whole journal."""
STOP_TIME = 5_000
"""Milliseconds that the stop may take."""

Notice = Literal["sessions", "clock", "stop"]
log = logging.getLogger(__name__)


class LatchkeyService(win32serviceutil.ServiceFramework):
    """The service as the service manager sees it."""

    _svc_name_ = names.SERVICE
    _svc_display_name_ = names.SERVICE_TITLE
    parts: ClassVar[Callable[[], compose.Parts]] = staticmethod(compose.product)

    def __init__(self, arguments: list[str]) -> None:
        self._notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        super().__init__(arguments)

    def GetAcceptedControls(self) -> int:  # noqa: N802 - pywin32's name
        """Return the controls that Windows shall send."""
        return (
            win32service.SERVICE_ACCEPT_STOP
            | win32service.SERVICE_ACCEPT_PRESHUTDOWN
            | win32service.SERVICE_ACCEPT_SESSIONCHANGE
            | SERVICE_ACCEPT_TIMECHANGE
        )

    def SvcOtherEx(self, control: int, _event: int, _data: Any) -> None:  # noqa: ANN401, N802 - pywin32's
        """Queue a notice for a control from Windows."""
        if control == win32service.SERVICE_CONTROL_SESSIONCHANGE:
            self._notices.put("sessions")
        elif control == SERVICE_CONTROL_TIMECHANGE:
            self._notices.put("clock")
        elif control == win32service.SERVICE_CONTROL_PRESHUTDOWN:
            self.SvcStop()

    def SvcStop(self) -> None:  # noqa: N802 - pywin32's name
        """Queue the notice to stop."""
        self.ReportServiceStatus(win32service.SERVICE_STOP_PENDING, waitHint=STOP_TIME)
        self._notices.put("stop")

    def SvcRun(self) -> None:  # noqa: N802 - pywin32's name
        """Run until Windows stops the service. Report "running" only after the pipes are open."""
        self.ReportServiceStatus(win32service.SERVICE_START_PENDING, waitHint=START_TIME)
        try:
            host = compose.Host(type(self).parts())
            host.start()
        except PortError as fault:
            log.critical("the agent cannot start: %s", fault)
            self._give_up()
            return
        except Exception:
            # A service has no console, so without this entry the reason would be lost.
            log.critical("the agent cannot start", exc_info=True)
            self._give_up()
            return
        self.ReportServiceStatus(win32service.SERVICE_RUNNING)
        self._work(host)
        host.stop()

    def _give_up(self) -> None:
        self.ReportServiceStatus(
            win32service.SERVICE_STOPPED, win32ExitCode=winerror.ERROR_SERVICE_SPECIFIC_ERROR, svcExitCode=1
        )

    def _work(self, host: compose.Host) -> None:
        while (notice := self._notices.get()) != "stop":
            if notice == "sessions":
                host.agent.sessions_changed()
            else:
                host.agent.clock_changed()


def _end_at_once(fault: threading.ExceptHookArgs) -> None:
    """End the process when one of its threads fails. The service manager restarts it."""
    log.critical("thread %s failed", fault.thread.name if fault.thread else "?", exc_info=fault.exc_value)
    os._exit(1)


def main(service: type[LatchkeyService] = LatchkeyService) -> None:
    """Run the service in this process under the service manager until it stops.

    Args:
        service: the service's class.
    """
    crash.keep_heap_out_of_reports()
    threading.excepthook = _end_at_once
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger().addHandler(EventLogHandler())
    servicemanager.Initialize()
    servicemanager.PrepareToHostSingle(service)
    servicemanager.StartServiceCtrlDispatcher()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
