# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service's reactions to Windows' controls; Wine itself only sends stop."""

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


class Watched(service.LatchkeyService):
    """The service without a service manager; it records its reports."""

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
        """Record the status, and the error of the last one."""
        self.reported.append(serviceStatus)
        self.exit_codes = (win32ExitCode, svcExitCode)

    def pending(self) -> list[str]:
        """Return the noted controls that are not handled yet."""
        return [self._notices.get() for _ in range(self._notices.qsize())]


class Agent:
    """Replaces the agent, and records its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def sessions_changed(self) -> None:
        """Record the call."""
        self.calls.append("sessions")

    def clock_changed(self) -> None:
        """Record the call."""
        self.calls.append("clock")


class Host:
    """Replaces the agent with its pipes."""

    def __init__(self) -> None:
        self.agent = Agent()


@pytest.mark.parametrize(
    ("control", "noted"),
    [
        (win32service.SERVICE_CONTROL_SESSIONCHANGE, ["sessions"]),
        (service.SERVICE_CONTROL_TIMECHANGE, ["clock"]),
        (win32service.SERVICE_CONTROL_PRESHUTDOWN, ["stop"]),
        (200, []),
    ],
)
def test_each_control_is_noted_and_nothing_else_happens_in_the_handler(
    control: int, noted: list[str]
) -> None:
    """The handler only notes a control: work in it would delay the whole PC."""
    watched = Watched()
    watched.SvcOtherEx(control, 5, (1,))
    assert watched.pending() == noted


def test_windows_is_asked_for_exactly_these_controls() -> None:
    """The service accepts stop, pre-shutdown, session change and time change, but not shutdown."""
    assert Watched().GetAcceptedControls() == 0x1 | 0x100 | 0x80 | 0x200


def test_notices_are_handled_in_order_until_stop() -> None:
    """Notices are handled in order, and none after stop."""
    watched, host = Watched(), Host()
    for control in (win32service.SERVICE_CONTROL_SESSIONCHANGE, service.SERVICE_CONTROL_TIMECHANGE):
        watched.SvcOtherEx(control, 0, ())
    watched.SvcStop()
    watched.SvcOtherEx(win32service.SERVICE_CONTROL_SESSIONCHANGE, 0, ())
    working: Any = host
    watched._work(working)
    assert host.agent.calls == ["sessions", "clock"]
    assert watched.reported == [win32service.SERVICE_STOP_PENDING]
    assert watched.pending() == ["sessions"]


def test_a_service_that_cannot_start_logs_the_reason_and_stops(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A service that cannot start logs the reason, ends with an error, and never reports itself as running."""

    def broken() -> None:
        raise ZeroDivisionError

    watched = Watched()
    monkeypatch.setattr(Watched, "parts", staticmethod(broken))
    with caplog.at_level(logging.CRITICAL):
        watched.SvcRun()
    assert watched.reported == [win32service.SERVICE_START_PENDING, win32service.SERVICE_STOPPED]
    assert watched.exit_codes == (winerror.ERROR_SERVICE_SPECIFIC_ERROR, 1)
    assert "the agent cannot start" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_thread_that_fails_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed thread ends the whole process, so that the service manager restarts the service."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(threading, "excepthook", service._end_at_once)
    thread = threading.Thread(target=lambda: 1 // 0, name="pipes")
    thread.start()
    thread.join()
    assert ended == [1]
    assert "thread pipes failed" in caplog.text
