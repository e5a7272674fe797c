# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's ports in the agent's own process: every call goes to the PC's Windows."""

from __future__ import annotations

import errno
import os
import threading
import zoneinfo
from datetime import UTC, datetime, tzinfo
from io import FileIO
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from lab.simulated import windows_calls, wire
from latchkey_agent.domain import Account, LogonFacts, LogonRefusal
from latchkey_agent.ports import Computer, ForeignKeyError, PortError, ProgramOrder, ProgramOutput, SignIn
from latchkey_agent.protocol.frames import Frame, FrameError, wipe
from latchkey_agent.storage import atomic_file

if TYPE_CHECKING:
    import socket
    from pathlib import Path

T = TypeVar("T")


class WindowsLink:
    """Calls the PC's Windows, from any thread; reuses idle connections."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._idle: list[socket.socket] = []
        self._lock = threading.Lock()

    def ask(self, call: windows_calls.Call, answer: type[T] | Any, secret: bytearray | None = None) -> T:  # noqa: ANN401 - also takes unions
        """Return Windows' answer; raises PortError if Windows refuses or is gone."""
        frame = self.exchange(call, secret)
        wipe(frame.secret)
        value: T = msgspec.json.decode(_value(frame), type=answer)
        return value

    def exchange(self, call: windows_calls.Call, secret: bytearray | None = None) -> Frame:
        """Return the whole answer; the caller overwrites its secret."""
        try:
            connection = self._take()
            wire.send(connection, msgspec.json.encode(call), secret or b"")
            frame = wire.receive(connection)
        except (OSError, FrameError) as fault:
            msg = f"Windows does not answer ({fault})."
            raise PortError(msg) from None
        if frame is None:
            connection.close()
            msg = "Windows does not answer (it closed the connection)."
            raise PortError(msg)
        with self._lock:
            self._idle.append(connection)
        _value(frame)
        return frame

    def open(self) -> socket.socket:
        """Return a connection of its own; raises PortError if Windows is gone."""
        try:
            return wire.connect(self._path)
        except OSError as fault:
            msg = f"Windows does not answer ({fault})."
            raise PortError(msg) from None

    def _take(self) -> socket.socket:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return wire.connect(self._path)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            for connection in self._idle:
                connection.close()
            self._idle.clear()


def _value(frame: Frame) -> msgspec.Raw:
    outcome = msgspec.json.decode(frame.body, type=windows_calls.Outcome)
    if outcome.refused:
        raise (ForeignKeyError if outcome.foreign else PortError)(outcome.refused)
    return outcome.value


class LinkedClock:
    """The PC's clock. It ticks here; Windows sends each new setting."""

    def __init__(self) -> None:
        self._state: tuple[windows_calls.ClockState, tzinfo] | None = None

    def set(self, state: windows_calls.ClockState) -> None:
        """Take over a setting from Windows."""
        self._state = (state, zoneinfo.ZoneInfo(state.zone))

    def now(self) -> datetime:
        """Return the PC's time."""
        state, zone = self._known()
        return (datetime.now(UTC) + state.offset).astimezone(zone)

    def zone(self) -> tzinfo:
        """Return the PC's zone."""
        return self._known()[1]

    def uptime(self) -> float:
        """Return the seconds since the PC's boot."""
        return (datetime.now(UTC) - self._known()[0].booted).total_seconds()

    def _known(self) -> tuple[windows_calls.ClockState, tzinfo]:
        if self._state is None:
            msg = "Windows has not sent the time yet."
            raise PortError(msg)
        return self._state


class LinkedAccounts:
    """ports.Accounts."""

    def __init__(self, link: WindowsLink) -> None:
        self._link = link

    def find(self, name: str) -> Account | None:
        """Resolve an account's name."""
        return self._link.ask(windows_calls.Find(name), Account | None)

    def check(self, account: Account, password: bytearray) -> LogonRefusal | None:
        """Try the password once; the caller overwrites it."""
        return self._link.ask(windows_calls.Check(account.sid), LogonRefusal | None, password)

    def facts(self, account: Account | None) -> LogonFacts:
        """Return the facts that may prevent an unattended logon."""
        return self._link.ask(windows_calls.Facts(account.sid if account else None), LogonFacts)

    def auto_logon(self) -> bool | None:
        """Return whether Windows signs an account in by itself."""
        return self._link.ask(windows_calls.Facts(None), LogonFacts).auto_logon


class LinkedSessions:
    """ports.Sessions."""

    def __init__(self, link: WindowsLink) -> None:
        self._link = link

    def signed_in(self) -> list[SignIn]:
        """Return the signed-in accounts, the console's session first."""
        return self._link.ask(windows_calls.SignedIn(), list[SignIn])

    def lock(self, session_id: int) -> None:
        """Start to lock the session; return before it is locked."""
        self._link.ask(windows_calls.Lock(session_id), None)

    def disconnect(self, session_id: int) -> None:
        """Disconnect the session from its screen."""
        self._link.ask(windows_calls.Disconnect(session_id), None)


class LinkedPower:
    """ports.Power."""

    def __init__(self, link: WindowsLink) -> None:
        self._link = link

    def boot_id(self) -> str:
        """Return the random id of this boot."""
        return self._link.ask(windows_calls.BootId(), str)

    def prepare_restart(self) -> None:
        """Do nothing: the simulated Windows needs no look before a restart."""

    def restart(self, *, message: str, grace: float, sign_on: bool) -> None:
        """Start a planned restart after `grace` seconds."""
        self._link.ask(windows_calls.Restart(message, grace, sign_on=sign_on), None)

    def restart_begun(self) -> bool:
        """Tell whether the agent has started a restart in this boot."""
        return self._link.ask(windows_calls.RestartBegun(), bool)

    def pending_reasons(self) -> list[str]:
        """Return the reasons of a pending restart."""
        return self._link.ask(windows_calls.PendingReasons(), list[str])


class LinkedKeys:
    """ports.KeyProtection."""

    def __init__(self, link: WindowsLink) -> None:
        self._link = link

    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        """Return `secret` sealed by the PC; the caller overwrites it."""
        return self._link.ask(windows_calls.Protect(entropy), bytes, secret)

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        """Open a blob that `protect` made; the caller overwrites the result."""
        return self._link.exchange(windows_calls.Unprotect(blob, entropy)).secret


class LinkedNotifier:
    """ports.Notifier."""

    def __init__(self, link: WindowsLink) -> None:
        self._link = link

    def summon_companion(self, account: Account) -> None:
        """Start the account's companion if it does not run."""
        self._link.ask(windows_calls.Summon(account.sid), None)

    def announce_permit(self) -> None:
        """Wake the logon screen."""
        self._link.ask(windows_calls.Announce(), None)


class LinkedPrograms:
    """ports.Programs."""

    def __init__(self, link: WindowsLink) -> None:
        self._link = link

    def prepare(self, order: ProgramOrder) -> LinkedProgram:
        """Load a program; it ends with the connection that this opens, so also with the agent."""
        connection = self._link.open()
        call = windows_calls.PrepareProgram(
            order.session_id, order.account.sid, order.program, order.command_line, order.folder
        )
        try:
            wire.send(connection, msgspec.json.encode(call))
            frame = wire.receive(connection)
            if frame is None:
                raise ConnectionResetError
            number = msgspec.json.decode(_value(frame), type=int)
        except (OSError, FrameError) as fault:
            connection.close()
            msg = f"Windows does not answer ({fault})."
            raise PortError(msg) from None
        except PortError:
            connection.close()
            raise
        return LinkedProgram(self._link, connection, number)


class LinkedProgram:
    """ports.StartedProgram."""

    def __init__(self, link: WindowsLink, connection: socket.socket, number: int) -> None:
        self._link = link
        self._connection = connection
        self._number = number

    def resume(self) -> None:
        """Let the program begin."""
        self._link.ask(windows_calls.ResumeProgram(self._number), None)

    def wait(self, seconds: float) -> int | None:
        """Wait for the end of the program and of all that it started."""
        return self._link.ask(windows_calls.WaitProgram(self._number, seconds), int | None)

    def kill(self) -> None:
        """End the program and all that it started."""
        self._link.ask(windows_calls.KillProgram(self._number), None)

    def output(self) -> ProgramOutput:
        """Return the output."""
        return self._link.ask(windows_calls.OutputOf(self._number), ProgramOutput)

    def close(self) -> None:
        """Close the program's connection; what still runs of it ends."""
        self._connection.close()


class AnchorFile:
    """ports.Anchor: a value of the PC's registry, kept in a file of its own on the PC's disk.

    A Wine PC uses it, too, because a power cut loses Wine's registry changes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> bytes | None:
        """Return the last saved value."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as fault:
            raise PortError(str(fault)) from None

    def save(self, head: bytes) -> None:
        """Replace the saved value; return when it would survive a power cut."""
        try:
            atomic_file.replace(self._path, head)
            _sync_folder(self._path.parent)
        except OSError as fault:
            raise PortError(str(fault)) from None


class BootAnchor:
    """ports.Anchor until the end of a boot: a volatile value, kept under the boot's own id."""

    def __init__(self, link: WindowsLink, registry: Path) -> None:
        self._link = link
        self._registry = registry

    def load(self) -> bytes | None:
        """Return the value that was saved last in this boot."""
        return self._value().load()

    def save(self, head: bytes) -> None:
        """Replace the saved value."""
        self._value().save(head)

    def _value(self) -> AnchorFile:
        boot: str = self._link.ask(windows_calls.BootId(), str)
        return AnchorFile(self._registry / f"volatile-{boot}")


class CounterFile:
    """ports.MonotonicCounter: the PC's TPM, which is no part of its disk."""

    def __init__(self, path: Path) -> None:
        self._file = AnchorFile(path)

    def read(self) -> int:
        """Return its value."""
        return int(self._file.load() or b"0")

    def advance(self) -> None:
        """Add one."""
        self._file.save(str(self.read() + 1).encode())


class LinuxDisk:
    """ports.Disk on the file system of the lab's own computer."""

    def open_unbuffered(self, path: Path) -> FileIO:
        """Open a file past the cache; a file system in memory has none."""
        flags = os.O_RDWR | os.O_DSYNC
        try:
            try:
                return FileIO(os.open(path, flags | os.O_DIRECT), "r+")
            except OSError as fault:
                # "open(2)": the file system does not support O_DIRECT.
                if fault.errno != errno.EINVAL:
                    raise
                return FileIO(os.open(path, flags), "r+")
        except OSError as fault:
            raise PortError(str(fault)) from None


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        # Windows cannot open a folder for this; the file itself is already written.
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def linked_computer(
    device: str, link: WindowsLink, clock: LinkedClock, anchor: Path, counter: Path
) -> Computer:
    """Return all ports of the PC for its agent."""
    return Computer(
        device=device,
        clock=clock,
        accounts=LinkedAccounts(link),
        sessions=LinkedSessions(link),
        power=LinkedPower(link),
        keys=LinkedKeys(link),
        notifier=LinkedNotifier(link),
        anchor=AnchorFile(anchor),
        disk=LinuxDisk(),
        boot_anchor=BootAnchor(link, anchor.parent),
        counter=CounterFile(counter),
        programs=LinkedPrograms(link),
    )
