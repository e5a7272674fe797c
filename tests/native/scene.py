# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts at the logon screen in these tests, and steps that the tests repeat."""

from __future__ import annotations

from typing import Any

from lab.wine.logon_ui import S_OK, LogonScreen
from latchkey_agent.protocol.logon_messages import LogonAnswer, Peek, Redeem, ReportResult
from tests.native.programs import FakeAgent
from tests.waiting import eventually

SID = "S-1-5-21-1004336348-1177238915-682003330-1001"
OTHER = "S-1-5-21-1004336348-1177238915-682003330-1002"
USERS = {OTHER: r"PC\bob", SID: r"PC\ada"}
PERMIT = LogonAnswer(
    done=True, permit="T-1", action="restart", sid=SID, user="ada", domain="PC", kind="local"
)  # fmt: skip


def take(screen: LogonScreen, slot: int = 0) -> dict[str, Any]:
    """Count, take the tile and let it serialize; return the serialization's answer."""
    assert screen.tile(slot)["count"] == 1
    assert screen("at", slot, 0)["hr"] == S_OK
    return screen("serialize", slot)


def said_by(agent: FakeAgent) -> list[Redeem | ReportResult]:
    """Return the requests to the agent without the peeks: the watching thread adds some at any time."""
    return [request for request in agent.requests() if not isinstance(request, Peek)]


def unloaded_within(screen: LogonScreen, seconds: float) -> None:
    """Wait until the DLL has gone; its thread may still have a call to end."""
    eventually(lambda: not screen("unload")["loaded"], "the DLL's end", seconds)
