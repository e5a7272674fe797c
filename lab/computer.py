# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One interface to every computer of the lab.

Tests and the demo use a `Computer`; `lab.simulated` makes one that is a
model, `lab.wine` one that runs the real agent. All methods may be called from any thread.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

Lane = Literal["customer", "pc"]


class LabError(Exception):
    """The computer cannot do the requested action now."""


class Event(NamedTuple):
    """An event on the computer, as a person in the room would see it.

    `what` is a stable word for tests, `text` a sentence for people, `at` real time.
    """

    at: datetime
    lane: Lane
    what: str
    text: str


class EventLog:
    """The events so far; callers can wait for later ones, by default for `patience` seconds."""

    def __init__(self, patience: float = 30.0) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._waiting: list[tuple[str, int, Future[Event]]] = []
        self._subscribers: list[Callable[[Event], None]] = []
        self._failed: LabError | None = None

    def add(self, lane: Lane, what: str, text: str) -> Event:
        """Append an event; wake waiting callers and call subscribers."""
        event = Event(datetime.now(UTC), lane, what, text)
        with self._lock:
            self._events.append(event)
            due = [entry for entry in self._waiting if self._nth(entry[0], entry[1])]
            self._waiting = [entry for entry in self._waiting if entry not in due]
            subscribers = list(self._subscribers)
        for subscriber in subscribers:
            subscriber(event)
        for _, _, future in due:
            if future.set_running_or_notify_cancel():
                future.set_result(event)
        return event

    def all(self) -> list[Event]:
        """Return every event so far, the oldest first."""
        with self._lock:
            return list(self._events)

    def count(self, what: str) -> int:
        """Return how often `what` has happened."""
        return sum(event.what == what for event in self.all())

    def subscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Call `subscriber` with every event from now on, in the thread where it happens."""
        with self._lock:
            self._subscribers.append(subscriber)

    def future(self, what: str, count: int = 1) -> Future[Event]:
        """Return the `count`-th event named `what`, as a future; past ones count."""
        future: Future[Event] = Future()
        with self._lock:
            found, failed = self._nth(what, count), self._failed
            if found is None and failed is None:
                self._waiting.append((what, count, future))
        if found is not None:
            future.set_result(found)
        elif failed is not None:
            future.set_exception(failed)
        return future

    def fail(self, reason: str) -> None:
        """End all waiting: the lab itself has failed."""
        with self._lock:
            self._failed = LabError(reason)
            waiting, self._waiting = self._waiting, []
        for _, _, future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(self._failed)

    def wait_for(self, what: str, count: int = 1, timeout: float | None = None) -> Event:
        """Wait until `what` has happened `count` times in all, and return the last of them.

        Raises:
            LabError: it did not happen within `timeout` seconds, or the lab itself failed.
        """
        timeout = self._patience if timeout is None else timeout
        try:
            return self.future(what, count).result(timeout)
        except TimeoutError:
            seen = ", ".join(event.what for event in self.all()) or "nothing"
            msg = f"{what!r} did not happen {count} time(s) within {timeout} s; seen: {seen}"
            raise LabError(msg) from None

    def _nth(self, what: str, count: int) -> Event | None:
        matching = [event for event in self._events if event.what == what]
        return matching[count - 1] if len(matching) >= count else None


class Reach(NamedTuple):
    """The connection data for the operator's Ansible. The password is the operator's own."""

    host: str
    port: int
    user: str
    password: str

    def inventory(self) -> dict[str, str | int]:
        """Return the host variables for Ansible's winrm connection (Basic over HTTP)."""
        return {
            "ansible_host": self.host,
            "ansible_port": self.port,
            "ansible_user": self.user,
            "ansible_password": self.password,
            "ansible_connection": "winrm",
            "ansible_winrm_scheme": "http",
            "ansible_winrm_transport": "basic",
        }


@dataclass
class Faults:
    """Switches that inject faults into the computer. Each may be set at any moment.

    Attributes:
        restart_refused: Windows refuses to restart, with this sentence.
        never_goes_down: Windows accepts the restart, and nothing happens.
        never_comes_back: after going down it waits at the BitLocker prompt forever.
        hangs_on_restart: instead of going down it freezes (accepts, never answers).
        restarts_twice: after the next boot it restarts once more by itself.
        restarts_at: Windows Update restarts it once more at the next event of this name, as soon as it is up: an
            installation may need several restarts (ansible/ansible issue 41713).
        hides_logon_tile: the logon screen does not ask the agent (hidden provider).
        lock_fails: a request to lock the screen is ignored.
        agent_stays_down: the agent's service does not start at the next boots.
        withholds_desktop: Windows accepts a logon with a permit, and the desktop appears only after the switch is off.
        cut_power_at: the power is cut at the event of this name, or at `password_checked`.
    """

    restart_refused: str = ""
    never_goes_down: bool = False
    never_comes_back: bool = False
    hangs_on_restart: bool = False
    restarts_twice: bool = False
    restarts_at: str = ""
    hides_logon_tile: bool = False
    lock_fails: bool = False
    agent_stays_down: bool = False
    withholds_desktop: bool = False
    cut_power_at: str = field(default="")


class CustomerActions(Protocol):
    """The customer at the computer: reads the screen, clicks and types."""

    def screen(self) -> str:
        """Return the text of the request window; empty if none is shown."""

    def notices(self) -> list[str]:
        """Return the text of every notice shown so far."""

    def close_notices(self) -> None:
        """Close every notice on the screen."""

    def allow(self, password: bytearray | None = None) -> str:
        """Click allow and type a password (UTF-16LE; their own if None); return the refusal, "" if none."""

    def later(self, seconds: float = 900.0) -> None:
        """Click later."""

    def decline(self, why: str = "") -> None:
        """Click decline."""

    def report(self) -> None:
        """Click report."""

    def revoke(self) -> None:
        """Revoke every grant."""

    def pause(self) -> None:
        """Pause every grant."""

    def resume(self) -> None:
        """Resume every paused grant."""

    def sign_in(self) -> None:
        """Sign in at the console, or unlock it, with the customer's password."""

    def lock(self) -> None:
        """Lock the screen and walk away."""

    def sign_out(self) -> None:
        """Sign out."""

    def change_password(self, new: bytearray) -> None:
        """Change the customer's Windows password (UTF-16LE)."""


class Computer(Protocol):
    """A computer of the lab. As a context manager it is powered on and later cleaned up."""

    @property
    def name(self) -> str:
        """The computer's name."""

    @property
    def disk(self) -> Path:
        """The folder of its disk; it survives a power cut."""

    @property
    def reach(self) -> Reach:
        """The connection data for Ansible."""

    @property
    def customer(self) -> CustomerActions:
        """The customer at this computer."""

    @property
    def faults(self) -> Faults:
        """The fault switches."""

    @property
    def events(self) -> EventLog:
        """The events of this computer."""

    def power_on(self) -> None:
        """Switch it on; return before it is up."""

    def power_cut(self) -> None:
        """Cut its power: kill every process at once."""

    def shut_down(self) -> None:
        """Shut it down in an orderly way; return when it is off."""

    def wait_until_up(self, timeout: float | None = None) -> None:
        """Wait until both the agent and the listener answer.

        Raises:
            LabError: it was not up within `timeout` seconds.
        """

    def __enter__(self) -> Self:
        """Switch it on and wait until it is up."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Switch it off and clean up everything but the disk."""
