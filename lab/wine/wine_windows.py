# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Windows for a Wine PC: the accounts, sessions and restarts that Wine fakes.

The model is `lab.simulated.windows_model`; here it answers over the loopback
interface, because Wine has no Unix sockets. Each connection has a thread; all share one lock.
"""

from __future__ import annotations

import queue
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, cast

import msgspec

from lab.simulated import windows_calls, wire
from lab.simulated.account_model import SYSTEM_SID, Lockout, WindowsAccount
from lab.simulated.windows_model import Windows, WindowsError
from latchkey_agent.protocol.frames import FrameError, wipe

from .wine_calls import AnyWineCall, Claim, TokenAnswer, TokenOf

if TYPE_CHECKING:
    from datetime import timedelta
    from types import TracebackType

    from lab.simulated.wire import Token


class WineWindows:
    """Accounts, sessions and restarts of one Wine PC, behind a port of the loopback interface.

    `restarts` gets each restart that the agent has started; `announced` is set
    while the agent announces a permit; `summoned` gets the SID of each account
    whose companion the agent starts.
    """

    def __init__(self, device: str, zone: str = "Europe/Berlin") -> None:
        self.lock = threading.RLock()
        self.model = Windows(device, zone, Lockout(), self._session_changed)
        self.restarts: queue.SimpleQueue[windows_calls.Restart] = queue.SimpleQueue()
        self.summoned: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._restart_begun = False
        self._tokens: dict[int, Token] = {}
        self._listening: list[queue.SimpleQueue[windows_calls.Notice]] = []
        self._server = _Server(self)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        port: int = self._server.server_address[1]
        return port

    def boot(self) -> None:
        """Start a new boot: no user is signed in, no process is known."""
        with self.lock:
            self.model.boot()
            self._tokens.clear()
            self._restart_begun = False

    # --- calls of programs

    def answer(self, call: Any, secret: bytearray) -> object:  # noqa: ANN401 - AnyWineCall
        """Return Windows' answer; raises WindowsError if it refuses."""
        with self.lock:
            return self._table[type(call)](self, call, secret)

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

    def _record(self, sid: str) -> WindowsAccount:
        record = self.model.accounts.get(sid)
        if record is None:
            raise WindowsError(1332, f"There is no account with the SID {sid}.")
        return record

    def _find(self, call: windows_calls.Find, _secret: bytearray) -> object:
        record = self.model.accounts.find(call.name)
        return record.account if record else None

    def _check(self, call: windows_calls.Check, secret: bytearray) -> object:
        return self.model.check(self._record(call.sid), secret)

    def _facts(self, _call: windows_calls.Facts, _secret: bytearray) -> object:
        return self.model.facts

    def _signed_in(self, _call: windows_calls.SignedIn, _secret: bytearray) -> object:
        return self.model.sessions.signed_in()

    def _lock(self, call: windows_calls.Lock, _secret: bytearray) -> None:
        self.model.sessions.lock(call.session_id)

    def _disconnect(self, call: windows_calls.Disconnect, _secret: bytearray) -> None:
        self.model.sessions.disconnect(call.session_id)

    def _restart(self, call: windows_calls.Restart, _secret: bytearray) -> None:
        if self.model.others_signed_in():
            raise WindowsError(1191, "Other users are signed in.")
        self._restart_begun = True
        self.restarts.put(call)

    def _has_begun_restart(self, _call: windows_calls.RestartBegun, _secret: bytearray) -> bool:
        return self._restart_begun

    def _summon(self, call: windows_calls.Summon, _secret: bytearray) -> None:
        self.summoned.put(call.sid)

    def _ready(self, _call: windows_calls.Ready, _secret: bytearray) -> None:
        """Do nothing: no caller waits for a service."""

    def _claim(self, call: Claim, _secret: bytearray) -> None:
        self._tokens[call.process_id] = call.token

    def _token_of(self, call: TokenOf, _secret: bytearray) -> TokenAnswer:
        return TokenAnswer(self._tokens.get(call.process_id))

    _table: ClassVar[dict[type[Any], Callable[[Any, Any, bytearray], object]]] = {
        windows_calls.WhoIs: _who_is,
        windows_calls.Find: _find,
        windows_calls.Check: _check,
        windows_calls.Facts: _facts,
        windows_calls.SignedIn: _signed_in,
        windows_calls.Lock: _lock,
        windows_calls.Disconnect: _disconnect,
        windows_calls.Restart: _restart,
        windows_calls.RestartBegun: _has_begun_restart,
        windows_calls.Summon: _summon,
        windows_calls.Ready: _ready,
        Claim: _claim,
        TokenOf: _token_of,
    }

    # --- notifications for the service

    def _session_changed(self, _change: object, _session: object) -> None:
        for listener in self._listening:
            listener.put(self.notice("sessions_changed"))

    def let_pass(self, time: timedelta) -> None:
        """Let time pass on the PC at once; the service gets it with a notification."""
        with self.lock:
            self.model.clock.let_pass(time)
        for listener in self._listening:
            listener.put(self.notice("clock_changed"))

    def notice(self, kind: Literal["hello", "sessions_changed", "clock_changed"]) -> windows_calls.Notice:
        """Return a notification for the service, with the PC's time."""
        return windows_calls.Notice(
            kind,
            windows_calls.ClockState(
                self.model.clock.offset, self.model.clock.booted, self.model.clock.zone_name
            ),
        )

    @contextmanager
    def notifications(self) -> Iterator[queue.SimpleQueue[windows_calls.Notice]]:
        """Yield a queue of the notifications from now on."""
        mine: queue.SimpleQueue[windows_calls.Notice] = queue.SimpleQueue()
        self._listening.append(mine)
        try:
            yield mine
        finally:
            self._listening.remove(mine)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, windows: WineWindows) -> None:
        self.windows = windows
        super().__init__(("127.0.0.1", 0), _Connection)


class _Connection(socketserver.BaseRequestHandler):
    @property
    def _windows(self) -> WineWindows:
        return cast("_Server", self.server).windows

    def handle(self) -> None:
        """Answer calls until the program disconnects."""
        with suppress(OSError, FrameError):
            while (frame := wire.receive(self.request)) is not None:
                call = msgspec.json.decode(frame.body, type=AnyWineCall)
                if isinstance(call, windows_calls.Subscribe):
                    self._notify()
                    return
                self._answer(call, frame.secret)

    def _answer(self, call: AnyWineCall, secret: bytearray) -> None:
        try:
            value = self._windows.answer(call, secret)
            outcome = windows_calls.Outcome(value=msgspec.Raw(msgspec.json.encode(value)))
        except WindowsError as refusal:
            outcome = windows_calls.Outcome(refused=str(refusal))
        finally:
            wipe(secret)
        wire.send(self.request, msgspec.json.encode(outcome))

    def _notify(self) -> None:
        with self._windows.notifications() as notices:
            notice = self._windows.notice("hello")
            while True:
                wire.send(self.request, msgspec.json.encode(notice))
                if wire.receive(self.request) is None:
                    return
                notice = notices.get()
