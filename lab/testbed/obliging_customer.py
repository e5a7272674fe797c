# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer who follows the reason of a test request: it names the button to click.

A person at a real PC can do the same, so the integration targets need no command of the lab.
"""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.computer import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.computer import Event
    from lab.simulated.simulated_pc import SimulatedComputer

ALLOW = "Please click Allow"
DECLINE = "Please click Decline"
"""The words in a reason. tests/integration/targets/setup_session/defaults/main.yml has them, too."""
AFTER_NO = timedelta(minutes=5)
"""Time that passes on the PC after a no: the agent lets the same account ask again after one minute, then two, four."""


class ObligingCustomer:
    """The customer of one PC, in a thread of their own. What the lab could not do is in `faults`."""

    def __init__(self, computer: SimulatedComputer) -> None:
        self._computer = computer
        self._seen: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._live, name=f"customer of {computer.name}", daemon=True)
        self.faults: list[LabError] = []

    def start(self) -> None:
        """Begin to watch the screen."""
        self._computer.events.subscribe(self._notice)
        self._thread.start()

    def stop(self) -> None:
        """Leave; return when the last act is over."""
        self._seen.put(None)
        self._thread.join()

    def _notice(self, event: Event) -> None:
        # In the lab's own thread, which must not wait.
        if event.what in {"request_shown", "window_waits"}:
            self._seen.put(event.what)

    def _live(self) -> None:
        while (what := self._seen.get()) is not None:
            try:
                self._act(what)
            except LabError as fault:
                self.faults.append(fault)

    def _act(self, what: str) -> None:
        """Come back to a locked screen on which a request waits, or answer the request that is shown."""
        if what == "window_waits":
            self._computer.customer.sign_in()
        elif (shown := self._computer.request_shown()) is not None:
            self._answer(shown[1].reason)

    def _answer(self, reason: str) -> None:
        if ALLOW in reason:
            self._computer.customer.allow()
        elif DECLINE in reason:
            self._computer.customer.decline("The test asks for it")
            self._computer.let_pass(AFTER_NO)


@contextmanager
def obliging(computer: SimulatedComputer) -> Iterator[ObligingCustomer]:
    """Let the customer of a PC do as test requests ask, until the end of the context.

    Raises:
        LabError: at the end, the first act that failed.
    """
    customer = ObligingCustomer(computer)
    customer.start()
    try:
        yield customer
    finally:
        customer.stop()
    if customer.faults:
        raise customer.faults[0]
