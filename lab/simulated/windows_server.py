# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server side of the PC's Windows: answers calls of processes, and notifies the agent of changes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from lab.simulated import windows_calls, wire
from lab.simulated.account_model import SYSTEM_SID
from lab.simulated.keys import ForeignKeysError, KeysError
from lab.simulated.listeners import environment
from lab.simulated.session_programs import SessionPrograms
from lab.simulated.update_agent import UpdateAgent
from lab.simulated.windows_model import LOGON_SCREEN_KEY, WindowsError
from latchkey_agent.protocol.frames import Frame, FrameError, wipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.simulated.account_model import WindowsAccount
    from lab.simulated.machine import Machine
    from lab.simulated.power_model import Power
    from latchkey_agent.domain import Account, LogonFacts, LogonRefusal

ACKNOWLEDGED_WITHIN = 10.0
"""Seconds that Windows waits for the agent to handle a notification."""


class _Notification(NamedTuple):
    kind: Any
    done: asyncio.Future[None]


class Calls:
    """Windows' implementation of each call. Runs on the lab's loop."""

    def __init__(self, machine: Machine, power: Power) -> None:
        self._machine = machine
        self._windows = machine.windows
        self._power = power
        self.programs = SessionPrograms(machine, environment())
        updates = UpdateAgent(machine)
        power.on_boot.append(updates.boot)
        self.table: dict[type[windows_calls.Call], Callable[[Any, bytearray], object]] = {
            windows_calls.Ready: self._ready,
            windows_calls.WhoIs: self._who_is,
            windows_calls.Find: self._find,
            windows_calls.Check: self._check,
            windows_calls.Facts: self._facts,
            windows_calls.SignedIn: lambda _c, _s: self._windows.sessions.signed_in(),
            windows_calls.Lock: self._lock,
            windows_calls.Disconnect: self._disconnect,
            windows_calls.PrepareProgram: lambda call, _s: self.programs.prepare(call),
            windows_calls.ResumeProgram: lambda call, _s: self.programs.resume(call.number),
            windows_calls.WaitProgram: lambda call, _s: self.programs.wait(call.number, call.seconds),
            windows_calls.KillProgram: lambda call, _s: self.programs.kill(call.number),
            windows_calls.OutputOf: lambda call, _s: self.programs.output(call.number),
            windows_calls.BootId: lambda _c, _s: self._windows.boot_id(),
            windows_calls.Restart: self._restart,
            windows_calls.AbortRestart: lambda _c, _s: self._power.abort_restart(),
            windows_calls.LastBootUp: lambda _c, _s: self._windows.clock.boot_file_time(),
            windows_calls.LogonScreenKey: self._logon_screen_key,
            windows_calls.ServicingInProgress: lambda _c, _s: updates.servicing,
            windows_calls.SearchUpdates: lambda call, _s: updates.search(call),
            windows_calls.ReadUpdates: lambda call, _s: updates.read(call.pipe),
            windows_calls.CancelUpdates: lambda call, _s: updates.cancel(call.pipe),
            windows_calls.PendingReasons: lambda _c, _s: self._windows.registry.pending_restart,
            windows_calls.Protect: lambda call, secret: machine.keys.protect(secret, call.entropy),
            windows_calls.Unprotect: lambda call, _s: machine.keys.unprotect(call.blob, call.entropy),
            windows_calls.Summon: self._summon,
            windows_calls.Announce: self._announce,
            windows_calls.RestartBegun: lambda _c, _s: self._power.restart_begun,
            windows_calls.Device: lambda _c, _s: self._windows.device,
            windows_calls.NeedRestart: self._need_restart,
            windows_calls.ReportEvent: self._report_event,
        }

    def answer(self, call: windows_calls.Call, secret: bytearray) -> object:
        """Carry out a call; raises WindowsError or KeysError if Windows refuses."""
        return self.table[type(call)](call, secret)

    def _ready(self, call: windows_calls.Ready, _secret: bytearray) -> None:
        self._machine.ready[call.service].set()

    def _record(self, sid: str) -> WindowsAccount:
        record = self._windows.accounts.get(sid)
        if record is None:
            raise WindowsError(1332, f"There is no account with the SID {sid}.")
        return record

    def _who_is(self, call: windows_calls.WhoIs, _secret: bytearray) -> windows_calls.WhoIsAnswer:
        if call.sid == SYSTEM_SID:
            return windows_calls.WhoIsAnswer(None, operator=False, system=True)
        record = self._record(call.sid)
        return windows_calls.WhoIsAnswer(
            record.account,
            operator=record.administrator or record.operator,
            system=False,
            administrator=record.administrator,
        )

    def _find(self, call: windows_calls.Find, _secret: bytearray) -> Account | None:
        record = self._windows.accounts.find(call.name)
        return record.account if record else None

    def _check(self, call: windows_calls.Check, secret: bytearray) -> LogonRefusal | None:
        refusal = self._windows.check(self._record(call.sid), secret)
        self._machine.come_to("password_checked")
        return refusal

    def _facts(self, call: windows_calls.Facts, _secret: bytearray) -> LogonFacts:
        return self._windows.logon_facts(self._record(call.sid) if call.sid else None)

    def _lock(self, call: windows_calls.Lock, _secret: bytearray) -> None:
        self._machine.boot_tasks.start(self._lock_soon(call.session_id), "lock")

    async def _lock_soon(self, session_id: int) -> None:
        await asyncio.sleep(self._machine.settings.lock_seconds)
        if not self._machine.faults.lock_fails:
            self._windows.sessions.lock(session_id)

    def _disconnect(self, call: windows_calls.Disconnect, _secret: bytearray) -> None:
        if self._windows.sessions.get(call.session_id) is None:
            raise WindowsError(7022, f"There is no session {call.session_id}.")
        self._windows.sessions.disconnect(call.session_id)

    def _restart(self, call: windows_calls.Restart, _secret: bytearray) -> None:
        self._power.restart(
            message=call.message,
            grace=call.grace,
            by_agent=call.by_agent,
            sign_on=call.sign_on,
            by=call.by,
        )

    def _logon_screen_key(self, call: windows_calls.LogonScreenKey, _secret: bytearray) -> bool:
        keys = self._windows.registry.volatile
        return (keys.pop(LOGON_SCREEN_KEY, "") if call.remove else keys.get(LOGON_SCREEN_KEY, "")) != ""

    def _summon(self, call: windows_calls.Summon, _secret: bytearray) -> None:
        for listener in self._machine.on_summoned:
            listener(call.sid)

    def _announce(self, _call: windows_calls.Announce, _secret: bytearray) -> None:
        for listener in self._machine.on_announced:
            listener()

    def _need_restart(self, call: windows_calls.NeedRestart, _secret: bytearray) -> None:
        self._machine.need_restart(call.reason)

    def _report_event(self, call: windows_calls.ReportEvent, _secret: bytearray) -> None:
        self._machine.record("pc", call.what, call.text)


class PortServer:
    """The sockets on which Windows answers."""

    kinds: ClassVar[Any] = windows_calls.AnyCall
    """The union of all calls that it accepts."""

    def __init__(self, machine: Machine, power: Power) -> None:
        self._machine = machine
        self._calls = Calls(machine, power)
        self._queue: asyncio.Queue[_Notification] | None = None
        self._listeners: list[socket.socket] = []

    def open(self) -> None:
        """Start to answer."""
        self._answer_at(socket.AF_UNIX, str(self._machine.pipe("windows")))

    def _answer_at(self, family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
        listener = socket.socket(family, socket.SOCK_STREAM)
        self._listeners.append(listener)
        listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
        listener.bind(address)
        listener.listen(128)
        self._machine.tasks.start(self._accept(listener), "windows")
        return listener

    def close(self) -> None:
        """Stop answering; the connections end with the machine's tasks."""
        for listener in self._listeners:
            listener.close()

    def notify(self, kind: str) -> None:
        """Queue a notification for the agent's service."""
        _ = self._enqueue(kind)

    async def notify_and_wait(self, kind: str) -> None:
        """Notify the agent's service; return when it has handled the notification, or is gone."""
        await self._enqueue(kind)

    def _enqueue(self, kind: str) -> asyncio.Future[None]:
        done = asyncio.get_running_loop().create_future()
        if self._queue is None:
            done.set_result(None)
        else:
            self._queue.put_nowait(_Notification(kind, done))
        return done

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(listener)
            self._machine.tasks.start(self._serve(connection), "windows-client")

    async def _serve(self, connection: socket.socket) -> None:
        prepared: list[int] = []
        with connection:
            try:
                while (frame := await wire.receive_async(connection)) is not None:
                    call: windows_calls.Call = msgspec.json.decode(frame.body, type=self.kinds)
                    if isinstance(call, windows_calls.Subscribe):
                        await self._notify_agent(connection)
                        return
                    value = await self._answer(connection, call, frame)
                    if isinstance(call, windows_calls.PrepareProgram) and isinstance(value, int):
                        prepared.append(value)
            except (OSError, FrameError):
                # The power cut killed the process; only its connection is left.
                return
            finally:
                for number in prepared:
                    self._calls.programs.close(number)

    async def _answer(self, connection: socket.socket, call: windows_calls.Call, frame: Frame) -> object:
        secret, value = bytearray(), None
        try:
            value = self._calls.answer(call, frame.secret)
            if isinstance(value, Awaitable):
                value = await value
            if isinstance(value, bytearray):
                secret, value = value, None
            outcome = windows_calls.Outcome(value=msgspec.Raw(msgspec.json.encode(value)))
        except (WindowsError, KeysError) as refusal:
            foreign = isinstance(refusal, ForeignKeysError)
            outcome = windows_calls.Outcome(refused=str(refusal), foreign=foreign)
        finally:
            wipe(frame.secret)
        try:
            await wire.send_async(connection, msgspec.json.encode(outcome), secret)
        finally:
            wipe(secret)
        return value

    async def _notify_agent(self, connection: socket.socket) -> None:
        queue = self._queue = asyncio.Queue()
        try:
            await self._send(connection, "hello", None)
            while True:
                notification = await queue.get()
                try:
                    await self._send(connection, notification.kind, ACKNOWLEDGED_WITHIN)
                finally:
                    _settle(notification)
        finally:
            if self._queue is queue:
                self._queue = None
            while not queue.empty():
                _settle(queue.get_nowait())

    async def _send(self, connection: socket.socket, kind: Any, within: float | None) -> None:  # noqa: ANN401 - the literals of calls.Notice
        clock = self._machine.windows.clock
        notice = windows_calls.Notice(
            kind, windows_calls.ClockState(clock.offset, clock.booted, clock.zone_name)
        )
        await wire.send_async(connection, msgspec.json.encode(notice))
        try:
            async with asyncio.timeout(within):
                if await wire.receive_async(connection) is None:
                    raise ConnectionResetError
        except TimeoutError:
            # Part of an acknowledgement may still arrive: the connection is useless now.
            raise ConnectionResetError from None


def _settle(notification: _Notification) -> None:
    if not notification.done.done():
        notification.done.set_result(None)
