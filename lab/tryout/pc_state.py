# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one PC as JSON's types, for the lab's page and `lab PC status`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol.frames import FrameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.tryout.journal_reader import Entry
    from lab.tryout.lab_pc import LabPC

NEWEST_NOTICES = 8
_CONVERTING = threading.Lock()
"""msgspec 0.22 crashed where several threads used a type for the first time."""
NEWEST_ENTRIES = 200


def read(pc: LabPC, journal: Sequence[Entry]) -> dict[str, Any]:
    """Return the state of a PC; `journal` are its events so far."""
    info = _ask(pc)
    return {
        "pc": pc.name,
        "power": power(pc),
        "console": _console(pc),
        "clock": pc.computer.on_loop(pc.computer.windows.clock.now).strftime("%Y-%m-%d %H:%M"),
        "window": _window(pc),
        "notices": pc.computer.customer.notices()[-NEWEST_NOTICES:] if pc.display is None else [],
        "lent": pc.computer.menu_lines() if pc.display is None else [],
        "agent": "does not answer" if info is None else "answers",
        **(_objects(info) if info else {key: [] for key in ("sessions", "requests", "grants", "permits")}),
        "journal": [
            {"n": one.number, "at": one.at, "what": one.what, "text": f"{_party(one)}{one.text}"}
            for one in journal[-NEWEST_ENTRIES:]
        ],
    }


def lent(pc: LabPC) -> bool:
    """Tell whether a grant is active or paused."""
    info = _ask(pc)
    return info is not None and any(one.state in {"active", "paused"} for one in info.grants)


def power(pc: LabPC) -> str:
    """Return the power state in words."""
    return {"on": "up"}.get(pc.computer.power_state, pc.computer.power_state.replace("_", " "))


def _party(entry: Entry) -> str:
    """Return the beginning of a sentence without a subject."""
    return "" if entry.party == "pc" or entry.text[:1].isupper() else f"The {entry.party} "


def _console(pc: LabPC) -> dict[str, Any] | None:
    if pc.computer.power_state in {"off", "halted", "starting", "restarting"}:
        return None
    session = pc.computer.on_console()
    return {"user": session.account.qualified, "locked": session.locked} if session else None


def _window(pc: LabPC) -> dict[str, Any] | None:
    """Return the request window of a simulated PC; a Wine PC's real one is on its screen."""
    shown = pc.computer.request_shown()
    if shown is None:
        return None
    window, item = shown
    return {
        "title": window.title,
        "lines": list(window.lines),
        "error": window.error,
        "field": window.field,
        "buttons": list(window.buttons),
        "user": item.user,
        "domain": item.domain,
    }


def _ask(pc: LabPC) -> ans.InfoAnswer | None:
    if pc.computer.power_state != "on":
        return None
    try:
        answer = pc.computer.ask_agent(rq.Info())
    except (OSError, FrameError):
        return None
    if answer.outcome != "done":
        return None
    with _CONVERTING:
        return msgspec.convert(answer.result, type=ans.InfoAnswer)


def _objects(info: ans.InfoAnswer) -> dict[str, Any]:
    uses = [use for grant in info.grants for use in grant.uses]
    return {
        "sessions": [{"id": one.id, "name": one.name, "state": one.state} for one in info.sessions],
        "requests": [{"id": one.id, "state": one.state, "code": one.code} for one in info.requests],
        "grants": [
            {
                "id": one.id,
                "state": one.state,
                "restarts_left": one.left.restarts,
                "unlocks_left": one.left.unlocks,
            }
            for one in info.grants
        ],
        "permits": [{"id": one.permit, "state": one.state, "action": one.action} for one in uses],
    }
