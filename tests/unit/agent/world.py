# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small computer in memory that can lose its power at any touch.

It is simpler than the lab's simulated PC on purpose: it has no processes and no
running clock, and each call can be counted and cut. The agent itself is unchanged.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lab.simulated.windows_model import READY
from latchkey_agent.domain import LogonFacts, LogonRefusal
from latchkey_agent.domain.model import Account
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.ports import (
    Anchor,
    Computer,
    ForeignKeyError,
    PortError,
    ProgramOrder,
    ProgramOutput,
    SignIn,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

ZONE = timezone(timedelta(hours=1), "CET")
BOOT = datetime(2026, 11, 23, 8, 0, tzinfo=ZONE)
START = datetime(2026, 11, 23, 18, 0, tzinfo=ZONE)
UTC_START = START.astimezone(UTC)
ANNA = Account("S-1-5-21-1-2-3-1001", "anna", "PC-07")
BEN = Account("S-1-5-21-1-2-3-1002", "ben", "PC-07")
ADMIN = Account("S-1-5-21-1-2-3-500", "admin", "PC-07")
OPERATOR = Peer(ADMIN, 0, operator=True, system=False, administrator=True)
SECOND_OPERATOR = Peer(Account("S-1-5-21-1-2-3-501", "second", "PC-07"), 0, operator=True, system=False)
CUSTOMER = Peer(ANNA, 1, operator=False, system=False)
OTHER = Peer(BEN, 2, operator=False, system=False)
LOGON = Peer(None, 1, operator=False, system=True)


def member(number: int) -> Peer:
    """Return one of many members of "Latchkey Operators"."""
    account = Account(f"S-1-5-21-1-2-3-{2000 + number}", f"member-{number}", "PC-07")
    return Peer(account, 0, operator=True, system=False)


def digest(password: bytes | bytearray) -> bytes:
    """Return the digest under which a password is kept."""
    return hashlib.sha256(password).digest()


class PowerCut(BaseException):
    """The power cut that ends the agent's code at this point."""


@dataclass
class World:
    """The whole state of the computer, out of the agent's reach.

    `now` is the PC's clock. Time passes by changing `now` alone; `set_clock` sets the clock, and no time passes.
    `touches` counts the calls that change something, a commit twice (before and
    after it). The ports in `broken` fail. The power goes after a call of the port
    `dies_after`. A program that began ends with the next of `exit_codes`, and hangs without one; a killed one
    `survives` so many waits. Only digests of passwords are kept. `disk` stays `full` until
    the file `reserve` is given up, or is `dead`.
    """

    now: datetime = START
    clock_error: timedelta = timedelta()
    booted: datetime = BOOT
    zone: tzinfo = ZONE
    device: str = "PC-07"
    boot: str = "boot-1"
    accounts: list[Account] = field(default_factory=lambda: [ANNA, BEN])
    passwords: dict[str, bytes] = field(default_factory=dict)
    checks: list[str] = field(default_factory=list)
    verdicts: list[LogonRefusal | None] = field(default_factory=list)
    answers: list[LogonRefusal] = field(default_factory=list)
    signed_in: list[SignIn] = field(default_factory=list)
    restarts: list[str] = field(default_factory=list)
    warnings: list[float] = field(default_factory=list)
    restarted_at: list[datetime] = field(default_factory=list)
    scheduled: bool = False
    signs_on: bool = False
    refuses_restart: str = ""
    lock_works: bool = True
    disconnect_works: bool = True
    announced: int = 0
    summoned: list[str] = field(default_factory=list)
    anchor: bytes | None = None
    boot_anchors: dict[str, bytes] = field(default_factory=dict)
    counter: int | None = None
    machine_key: bytes = field(default_factory=lambda: os.urandom(32))
    random: Callable[[int], bytes] = os.urandom
    facts: LogonFacts = READY
    facts_asked: int = 0
    pending: list[str] = field(default_factory=list)
    disk: Literal["well", "full", "dead"] = "well"
    reserve: Path = Path()
    broken: set[str] = field(default_factory=set)
    dies_after: str = ""
    touches: int = 0
    cut_at: int | None = None
    dead: bool = False
    programs: list[ProgramOrder] = field(default_factory=list)
    begun: list[ProgramOrder] = field(default_factory=list)
    killed: list[ProgramOrder] = field(default_factory=list)
    exit_codes: list[int] = field(default_factory=list)
    survives: int = 0
    waits: int = 0
    output: ProgramOutput = field(default_factory=lambda: ProgramOutput("out", "err"))
    while_preparing: Callable[[], object] = lambda: None
    happened: threading.Condition = field(default_factory=threading.Condition)

    def touch(self, port: str = "") -> None:
        """Count a call of a port, and cut the power for good at the planned touch.

        Raises:
            PortError: the port is broken.
        """
        self.touches += 1
        if self.cut_at is not None and self.touches >= self.cut_at:
            self.dead = True
        if self.dead:
            raise PowerCut
        self.read(port)

    def read(self, port: str) -> None:
        """Raise PortError if the port is broken."""
        if port in self.broken:
            msg = f"the port {port} is broken"
            raise PortError(msg)

    def set_clock(self, moment: datetime) -> None:
        """Set the PC's clock; no time passes."""
        self.clock_error += moment - self.now
        self.now = moment

    def tell(self) -> None:
        """Wake the threads that wait for an event on the PC."""
        with self.happened:
            self.happened.notify_all()

    def power_on(self) -> None:
        """Restore the power after a cut."""
        self.dead, self.cut_at, self.dies_after = False, None, ""

    def set_password(self, account: Account, password: bytes | bytearray) -> None:
        """Set the account's password."""
        self.passwords[account.sid] = digest(password)

    def sign_in(self, account: Account, *, locked: bool = False, session_id: int = 1) -> None:
        """Sign an account in at the console."""
        self.signed_in = [s for s in self.signed_in if s.account != account]
        self.signed_in.append(SignIn(session_id, account, console=True, active=True, locked=locked))

    def open_desktops(self) -> list[SignIn]:
        """Return the sessions that anybody at the screen can use."""
        return [s for s in self.signed_in if s.active and not s.locked]

    def reboot(self, name: str | None = None) -> None:
        """Restart the PC: a new boot id, nobody signed in."""
        self.boot = name or f"boot-{int(self.boot.split('-')[1]) + 1}"
        self.signed_in, self.scheduled = [], False
        self.booted = self.now - self.clock_error

    def computer(self) -> Computer:
        """Return the ports to this computer."""
        return Computer(
            self.device,
            _Clock(self),
            _Accounts(self),
            _Sessions(self),
            _Power(self),
            _Keys(self),
            _Notifier(self),
            _Anchor(self),
            _DiskPort(self),
            _BootAnchor(self),
            _Counter(self),
            _Programs(self),
        )


@dataclass
class _Port:
    world: World


class _Clock(_Port):
    def now(self) -> datetime:
        return self.world.now

    def zone(self) -> tzinfo:
        return self.world.zone

    def uptime(self) -> float:
        return (self.world.now - self.world.clock_error - self.world.booted).total_seconds()


class _Accounts(_Port):
    def find(self, name: str) -> Account | None:
        user = name.rsplit("\\", maxsplit=1)[-1].lower()
        return next((one for one in self.world.accounts if one.user == user), None)

    def check(self, account: Account, password: bytearray) -> LogonRefusal | None:
        self.world.touch("accounts")
        self.world.checks.append(account.user)
        self.world.dead = self.world.dies_after == "accounts"
        self.world.verdicts.append(self._verdict(account, password))
        return self.world.verdicts[-1]

    def _verdict(self, account: Account, password: bytearray) -> LogonRefusal | None:
        if self.world.answers:
            return self.world.answers.pop(0)
        right = self.world.passwords.get(account.sid)
        return None if right == digest(password) else LogonRefusal.WRONG_PASSWORD

    def facts(self, account: Account | None) -> LogonFacts:
        self.world.facts_asked += 1
        return self.world.facts

    def auto_logon(self) -> bool | None:
        return self.world.facts.auto_logon


class _Sessions(_Port):
    def signed_in(self) -> list[SignIn]:
        self.world.read("sessions")
        return list(self.world.signed_in)

    def lock(self, session_id: int) -> None:
        self.world.touch("lock")
        if self.world.lock_works:
            self._replace(session_id, lambda s: s._replace(locked=True))

    def disconnect(self, session_id: int) -> None:
        self.world.touch("disconnect")
        if self.world.disconnect_works:
            self._replace(session_id, lambda s: s._replace(active=False))

    def _replace(self, session_id: int, change: Callable[[SignIn], SignIn]) -> None:
        here = self.world.signed_in
        self.world.signed_in = [change(s) if s.session_id == session_id else s for s in here]


class _Power(_Port):
    def boot_id(self) -> str:
        self.world.read("boot_id")
        return self.world.boot

    def prepare_restart(self) -> None:
        self.world.read("before_restart")

    def restart(self, *, message: str, grace: float, sign_on: bool) -> None:
        self.world.touch("power")
        if self.world.refuses_restart:
            raise PortError(self.world.refuses_restart)
        if not self.world.scheduled:
            self.world.restarts.append(message)
            self.world.warnings.append(grace)
            self.world.signs_on = sign_on
            self.world.restarted_at.append(self.world.now)
        self.world.scheduled = True
        self.world.tell()

    def restart_begun(self) -> bool:
        return self.world.scheduled

    def pending_reasons(self) -> list[str]:
        return list(self.world.pending)


class _Keys(_Port):
    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        self.world.touch("protect")
        return self._pad(secret, entropy)

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        self.world.touch("unprotect")
        if "foreign" in self.world.broken:
            msg = "another PC protected this blob"
            raise ForeignKeyError(msg)
        return bytearray(self._pad(blob, entropy))

    def _pad(self, data: bytes | bytearray, entropy: bytes) -> bytes:
        if len(data) != 32:
            msg = "this blob was not protected here"
            raise PortError(msg)
        pad = hashlib.sha256(self.world.machine_key + entropy).digest()
        return bytes(a ^ b for a, b in zip(data, pad, strict=True))


class _Notifier(_Port):
    def summon_companion(self, account: Account) -> None:
        self.world.touch("notifier")
        self.world.summoned.append(account.user)
        self.world.tell()

    def announce_permit(self) -> None:
        self.world.touch("notifier")
        self.world.announced += 1


class _Anchor(_Port):
    def load(self) -> bytes | None:
        self.world.read("anchor")
        return self.world.anchor

    def save(self, head: bytes) -> None:
        self.world.touch("anchor")
        self.world.anchor = head


class _BootAnchor(_Port):
    def load(self) -> bytes | None:
        self.world.read("boot_anchor")
        return self.world.boot_anchors.get(self.world.boot)

    def save(self, head: bytes) -> None:
        self.world.touch("boot_anchor")
        self.world.boot_anchors[self.world.boot] = head


class _Counter(_Port):
    def read(self) -> int | None:
        self.world.read("counter")
        return self.world.counter

    def advance(self) -> None:
        self.world.touch("counter")
        assert self.world.counter is not None
        self.world.counter += 1


class _Programs(_Port):
    def prepare(self, order: ProgramOrder) -> _Started:
        self.world.touch("programs")
        self.world.programs.append(order)
        self.world.while_preparing()
        return _Started(self.world, order)


@dataclass
class _Started(_Port):
    order: ProgramOrder
    is_open: bool = True

    def resume(self) -> None:
        self.world.touch("resume")
        self.world.begun.append(self.order)

    def wait(self, seconds: float) -> int | None:
        self.world.read("program_wait")
        self.world.waits += 1
        if self.order in self.world.killed:
            self.world.survives -= 1
            return None if self.world.survives >= 0 else 1
        return self.world.exit_codes.pop(0) if self.world.exit_codes else None

    def kill(self) -> None:
        self.world.read("kill")
        self.world.killed.append(self.order)

    def output(self) -> ProgramOutput:
        return self.world.output

    def close(self) -> None:
        self.is_open = False


def anchors(world: World) -> tuple[Anchor, Anchor]:
    """Return both anchors of a computer."""
    computer = world.computer()
    return computer.anchor, computer.boot_anchor


class _DiskPort(_Port):
    def open_unbuffered(self, path: Path) -> FileIO:
        self.world.read("disk")
        return CountedFile(path, self.world)


class CountedFile(FileIO):
    """A file in which each write is a touch."""

    def __init__(self, path: Path, world: World) -> None:
        super().__init__(path, "r+")
        self._world = world

    def write(self, content: Buffer, /) -> int:
        """Write; a dead disk refuses."""
        self._world.touch("disk")
        if self._world.disk == "dead":
            raise OSError(errno.EIO, "Input/output error")
        return super().write(content)


class Disk(sqlite3.Connection):
    """The journal's database: the power can be cut before and after each commit."""

    world: World

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        """Run a statement; count and perhaps cut each commit."""
        if self.world.dead and sql.startswith("BEGIN"):
            raise PowerCut
        if sql != "COMMIT":
            return super().execute(sql, *parameters)  # type: ignore[arg-type]
        self.world.touch()
        self._check_disk()
        result = super().execute(sql)
        self.world.touch()
        return result

    def _check_disk(self) -> None:
        full = self.world.disk == "full" and self.world.reserve.exists()
        if full or self.world.disk == "dead":
            fault = sqlite3.OperationalError("database or disk is full" if full else "disk I/O error")
            fault.sqlite_errorcode = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_IOERR
            raise fault
