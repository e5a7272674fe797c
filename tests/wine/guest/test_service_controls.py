# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's reaction to controls from Windows. Wine sends only the control to stop."""

from __future__ import annotations

import logging
import os
import queue
import threading
from typing import Any

import pytest
import win32service
import winerror

from latchkey_agent.windows import service


class RecordingService(service.LatchkeyService):
    """The service without a service manager. It records the status that it reports."""

    def __init__(self) -> None:
        self._notices = queue.SimpleQueue()
        self.reported: list[int] = []
        self.exit_codes = (0, 0)

    def ReportServiceStatus(  # noqa: N802 - pywin32's names
        self,
        serviceStatus: int,  # noqa: N803
        waitHint: int = 0,  # noqa: N803
        win32ExitCode: int = 0,  # noqa: N803
        svcExitCode: int = 0,  # noqa: N803
    ) -> None:
        """Record the status, and the exit codes of the last one."""
        self.reported.append(serviceStatus)
        self.exit_codes = (win32ExitCode, svcExitCode)

    def queued(self) -> list[str]:
        """Return the notices that it has not handled yet, and remove them."""
        return [self._notices.get() for _ in range(self._notices.qsize())]


class Agent:
    """A stand-in for the agent that records the notices."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def sessions_changed(self) -> None:
        """Record the notice."""
        self.notices.append("sessions")

    def clock_changed(self) -> None:
        """Record the notice."""
        self.notices.append("clock")


class Host:
    """A stand-in for the agent with its pipes."""

    def __init__(self) -> None:
        self.agent = Agent()


@pytest.mark.parametrize(
    ("control", "notices"),
    [
        (win32service.SERVICE_CONTROL_SESSIONCHANGE, ["sessions"]),
        (service.SERVICE_CONTROL_TIMECHANGE, ["clock"]),
        (win32service.SERVICE_CONTROL_PRESHUTDOWN, ["stop"]),
        (200, []),
    ],
)
def test_the_control_handler_only_queues_a_notice(control: int, notices: list[str]) -> None:
    """A slow handler would delay the whole PC."""
    recording_service = RecordingService()
    recording_service.SvcOtherEx(control, 5, (1,))
    assert recording_service.queued() == notices


def test_the_service_accepts_exactly_these_controls() -> None:
    """Stop, preshutdown, session change and time change. With preshutdown a service gets no shutdown."""
    assert RecordingService().GetAcceptedControls() == 0x1 | 0x100 | 0x80 | 0x200


def test_notices_are_handled_in_order_until_stop() -> None:
    """Notices after the one to stop stay in the queue."""
    recording_service, host = RecordingService(), Host()
    for control in (win32service.SERVICE_CONTROL_SESSIONCHANGE, service.SERVICE_CONTROL_TIMECHANGE):
        recording_service.SvcOtherEx(control, 0, ())
    recording_service.SvcStop()
    recording_service.SvcOtherEx(win32service.SERVICE_CONTROL_SESSIONCHANGE, 0, ())
    working: Any = host
    recording_service._work(working)
    assert host.agent.notices == ["sessions", "clock"]
    assert recording_service.reported == [win32service.SERVICE_STOP_PENDING]
    assert recording_service.queued() == ["sessions"]


def test_a_service_that_cannot_start_logs_the_reason_and_stops(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It never reports "running", and reports its end as an error."""

    def broken() -> None:
        raise ZeroDivisionError

    recording_service = RecordingService()
    monkeypatch.setattr(RecordingService, "parts", staticmethod(broken))
    with caplog.at_level(logging.CRITICAL):
        recording_service.SvcRun()
    assert recording_service.reported == [win32service.SERVICE_START_PENDING, win32service.SERVICE_STOPPED]
    assert recording_service.exit_codes == (winerror.ERROR_SERVICE_SPECIFIC_ERROR, 1)
    assert "the agent cannot start" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_thread_that_fails_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The service manager restarts it. A service without one of its threads would be of no use."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(threading, "excepthook", service._end_at_once)
    thread = threading.Thread(target=lambda: 1 // 0, name="pipes")
    thread.start()
    thread.join()
    assert ended == [1]
    assert "thread pipes failed" in caplog.text
