# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion of a simulated PC: the request window, the notices, the menu.

It uses the customer pipe like the real companion, which is one process for each
session on Windows and one task here. `latchkey_agent.companion.wording` writes its texts;
`simulated_customer` clicks.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from lab.computer import LabError
from lab.simulated import wire
from latchkey_agent.companion import wording
from latchkey_agent.protocol.customer_messages import (
    CustomerAnswer,
    CustomerSnapshot,
    CustomerWatch,
    RequestBlocked,
    RequestShown,
)
from latchkey_agent.protocol.frames import FrameError

if TYPE_CHECKING:
    from datetime import datetime

    from lab.simulated.machine import Machine
    from lab.simulated.session_model import Change, Session
    from latchkey_agent.companion.wording import RequestWindow
    from latchkey_agent.protocol.customer_messages import AskedItem, CustomerRequest, LentItem

WATCH_SECONDS = 30.0
RECONNECT_SECONDS = 0.1


class Companion:
    """One session's companion. Runs on the lab's loop."""

    def __init__(self, machine: Machine, session: Session, read: dict[str, str]) -> None:
        self._machine = machine
        self.session = session
        self._token = wire.Token(session.account.sid, session.id)
        self._snapshot = CustomerSnapshot(version=0)
        self._shown_request = ""
        self._shown_tries = -1
        self._blocked_request = ""
        self._reminded: set[str] = set()
        self._read = read
        self.window: RequestWindow | None = None
        self.changed = asyncio.Condition()
        self._showing = asyncio.Lock()

    async def run(self) -> None:
        """Watch the agent until the session ends; reconnect to a restarted agent."""
        while True:
            with suppress(OSError, FrameError):
                await self._watch()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _watch(self) -> None:
        seen = 0
        with await wire.open_pipe_async(self._machine.pipe("customer"), self._token) as pipe:
            while True:
                request = CustomerWatch(seen=seen, wait=WATCH_SECONDS)
                await wire.send_async(pipe, msgspec.json.encode(request))
                frame = await wire.receive_async(pipe)
                if frame is None:
                    return
                answer = msgspec.json.decode(frame.body, type=CustomerAnswer)
                if answer.snapshot is None:
                    return
                self._snapshot = answer.snapshot
                seen = answer.snapshot.version
                await self.refresh()

    async def ask(self, request: CustomerRequest, secret: bytearray | None = None) -> CustomerAnswer:
        """Send a request to the agent, on a new connection.

        Raises:
            LabError: the agent does not answer.
        """
        try:
            with await wire.open_pipe_async(self._machine.pipe("customer"), self._token) as pipe:
                await wire.send_async(pipe, msgspec.json.encode(request), secret or b"")
                frame = await wire.receive_async(pipe)
        except (OSError, FrameError) as fault:
            msg = f"the agent does not answer its customer: {fault}"
            raise LabError(msg) from None
        if frame is None:
            msg = "the agent closed the connection to its customer"
            raise LabError(msg)
        return msgspec.json.decode(frame.body, type=CustomerAnswer)

    # --- what is on the screen ----------------------------------------------------------

    async def refresh(self) -> None:
        """Update the screen; show nothing on a locked or disconnected one."""
        async with self._showing:
            if self.session.locked or not self.session.active:
                self._close_window()
                await self._hold_back()
            else:
                await self._show_request()
                if self.session.attended:
                    self._show_notices()
        async with self.changed:
            self.changed.notify_all()

    def asked(self) -> AskedItem | None:
        """Return the request in the window."""
        return next(iter(self._snapshot.asked), None)

    async def answered(self, request: str) -> None:
        """Close the window, as a click on one of its buttons does; the agent's update comes later."""
        others = [item for item in self._snapshot.asked if item.request != request]
        self._snapshot = msgspec.structs.replace(self._snapshot, asked=others)
        await self.refresh()

    def grants(self) -> list[LentItem]:
        """Return the grants, as the menu shows them."""
        return self._snapshot.lent

    async def _show_request(self) -> None:
        item = self.asked()
        if item is None:
            self._close_window()
            return
        if (item.request, item.tries_left) == (self._shown_request, self._shown_tries):
            self._remind(item)
            return
        await self._let_go(item.request)
        again = item.request == self._shown_request
        window = wording.request_window(item, self._now(), self._machine.settings.language)
        shown = RequestShown(request=item.request, text_sha256=window.sha256)
        answer = await self.ask(shown)
        if not answer.done:
            return
        self.window = window
        self._shown_request, self._shown_tries = item.request, item.tries_left
        if item.reminded:
            # A window that opens later has reminded the customer by that.
            self._reminded.add(item.request)
        what, text = ("entry_refused", window.error) if again else ("request_shown", window.text)
        self._machine.record("customer", what, text)

    def _remind(self, item: AskedItem) -> None:
        """Bring the window back once, as the companion does."""
        if item.reminded and item.request not in self._reminded:
            self._reminded.add(item.request)
            text = wording.reminder(item, self._now(), self._machine.settings.language)
            self._machine.record("customer", "reminded", text)

    async def _hold_back(self) -> None:
        item = self.asked()
        if item is not None and item.request != self._blocked_request:
            self._blocked_request = item.request
            text = "A request waits until the customer is back at the screen."
            self._machine.record("pc", "window_waits", text)
            await self._report_held(RequestBlocked(request=item.request, reason="locked"))

    async def _let_go(self, request: str) -> None:
        if self._blocked_request == request:
            self._blocked_request = ""
            await self._report_held(RequestBlocked(request=request))

    async def _report_held(self, held: RequestBlocked) -> None:
        # The report is only for the operator: drop it if the agent is gone.
        with suppress(LabError):
            await self.ask(held)

    def _close_window(self) -> None:
        self._shown_request, self._shown_tries = "", -1
        if self.window is not None:
            self.window = None
            self._machine.record("customer", "window_closed", "The request window is closed.")

    def _show_notices(self) -> None:
        for item in self._snapshot.notices:
            if item.notice not in self._read:
                text = wording.notice(item, self._now(), self._machine.settings.language)
                self._read[item.notice] = text
                self._machine.record("customer", f"notice_{item.kind}", text)

    def _now(self) -> datetime:
        return self._machine.windows.clock.now()

    async def until(self, window_open: bool) -> None:  # noqa: FBT001
        """Wait until the request window is open, or is closed."""
        async with self.changed:
            await self.changed.wait_for(lambda: (self.window is not None) is window_open)


class Companions:
    """Starts a companion in every session, as HKLM's Run key does at sign-in."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._running: dict[int, Companion] = {}
        self._read: dict[str, dict[str, str]] = {}
        machine.on_session.append(self._session_changed)
        machine.on_summoned.append(self._summon)

    def of(self, sid: str) -> Companion | None:
        """Return the companion of an account, if it is signed in."""
        found = (c for c in self._running.values() if c.session.account.sid == sid)
        return next(found, None)

    def read_by(self, sid: str) -> dict[str, str]:
        """Return the notices that the account's owner has read so far, by their ids."""
        return dict(self._read.get(sid, {}))

    def _session_changed(self, change: Change, session: Session) -> None:
        if change == "signed_in":
            self._start(session)
        elif change == "signed_out":
            self._running.pop(session.id, None)
        else:
            self._refresh(session.id)

    def _start(self, session: Session) -> None:
        read = self._read.setdefault(session.account.sid, {})
        companion = self._running[session.id] = Companion(self._machine, session, read)
        self._machine.boot_tasks.start(companion.run(), f"companion-{session.id}")

    def _refresh(self, session_id: int) -> None:
        companion = self._running.get(session_id)
        if companion is not None:
            self._machine.boot_tasks.start(companion.refresh(), f"refresh-{session_id}")

    def _summon(self, sid: str) -> None:
        session = self._machine.windows.sessions.of(sid)
        if session is not None and session.id not in self._running:
            self._start(session)

    def clear(self) -> None:
        """Forget the companions of the last boot; their tasks end with it."""
        self._running.clear()
