# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service does when Windows tells it something; Wine never tells a service anything but stop."""

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
    """The service without a service manager: what it would report is kept."""

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
        """Keep the status, and what the last one says of an error."""
        self.reported.append(serviceStatus)
        self.exit_codes = (win32ExitCode, svcExitCode)

    def heard(self) -> list[str]:
        """Return what it has noted and not acted on yet."""
        return [self._notices.get() for _ in range(self._notices.qsize())]


class Agent:
    """Stands for the agent: says what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def sessions_changed(self) -> None:
        """Note it."""
        self.told.append("sessions")

    def clock_changed(self) -> None:
        """Note it."""
        self.told.append("clock")


class Host:
    """Stands for the agent with its pipes."""

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
    """A handler that works would hold up the whole PC."""
    watched = Watched()
    watched.SvcOtherEx(control, 5, (1,))
    assert watched.heard() == noted


def test_windows_is_asked_for_exactly_these_controls() -> None:
    """Stop, pre-shutdown, session change, time change; whoever takes pre-shutdown gets no shutdown."""
    assert Watched().GetAcceptedControls() == 0x1 | 0x100 | 0x80 | 0x200


def test_notices_are_acted_on_in_their_order_until_stop() -> None:
    """What comes after stop is left."""
    watched, host = Watched(), Host()
    for control in (win32service.SERVICE_CONTROL_SESSIONCHANGE, service.SERVICE_CONTROL_TIMECHANGE):
        watched.SvcOtherEx(control, 0, ())
    watched.SvcStop()
    watched.SvcOtherEx(win32service.SERVICE_CONTROL_SESSIONCHANGE, 0, ())
    working: Any = host
    watched._work(working)
    assert host.agent.told == ["sessions", "clock"]
    assert watched.reported == [win32service.SERVICE_STOP_PENDING]
    assert watched.heard() == ["sessions"]


def test_a_service_that_cannot_start_says_why_and_stops(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is never reported as running, and its end is reported as an error."""

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
    """The service manager starts it anew; half a service would help nobody."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr(threading, "excepthook", service._end_at_once)
    thread = threading.Thread(target=lambda: 1 // 0, name="pipes")
    thread.start()
    thread.join()
    assert ended == [1]
    assert "thread pipes failed" in caplog.text
