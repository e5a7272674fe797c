# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's time: the PC's clock may be wrong or be set, the time since a boot only passes.

The agent takes the PC's clock once in each boot, without the time by which it was seen to run ahead before, and not
earlier than the latest time that it has seen. From then on it counts the time since that boot. The PC's clock may run
ahead of that or behind it:

- an end counts by the later of the two, so a clock that is set back prolongs nothing;
- a beginning counts by the earlier of the two, so a clock that is set forward opens nothing;
- a clock behind the agent's time is a fault: no grant is used until it is corrected.

While nothing is lent and no customer is to be spared, the agent takes the PC's clock anew: then no beginning or end
depends on it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from . import events as e
from .decision import Decision, live_grants
from .model import Asking, State, settled
from .transitions import OPEN_REQUESTS

TOLERANCE = timedelta(seconds=60)
"""A clock may differ this far from the agent's time: two clocks never run equally fast."""
SEEN_EVERY = timedelta(minutes=5)
"""The longest time that a boot with a wrong clock can take back, while something is lent."""
FIRST_WAIT = timedelta(minutes=1)
"""The wait of an account after its first window without a yes; it doubles each time, up to `LONGEST_WAIT`."""
LONGEST_WAIT = timedelta(hours=12)
STEP = timedelta(seconds=1)
"""A smaller difference is not worth an entry in the journal."""


class Now(NamedTuple):
    """The present moment.

    Attributes:
        at: the agent's time, which is journalled.
        wall: the PC's clock.
        up: seconds since the start of this boot.
    """

    at: datetime
    wall: datetime
    up: float

    @property
    def ends(self) -> datetime:
        """The moment by which ends count."""
        return max(self.at, self.wall)

    @property
    def opens(self) -> datetime:
        """The moment by which beginnings count."""
        return min(self.at, self.wall)

    @property
    def present(self) -> datetime:
        """The moment from which an operator's times of day count: the PC's clock unless it is known to be wrong."""
        return self.at if self.is_behind else self.wall

    @property
    def is_behind(self) -> bool:
        """Whether the PC's clock is wrong: behind the agent's time."""
        return self.wall < self.at - TOLERANCE


def read(state: State, boot_id: str, wall: datetime, up: float) -> Now:
    """Return the present moment.

    Args:
        state: holds the time that was seen.
        boot_id: this boot.
        wall: the PC's clock.
        up: seconds since the start of this boot, which only grow.
    """
    base, seen = state.clock, state.seen_at or wall
    # This boot began after the latest time seen.
    passed = max(wall - state.clock_ahead, seen + timedelta(seconds=up)) if base is not None else wall
    if base is not None and base.boot_id == boot_id:
        passed = base.at + timedelta(seconds=up - base.up)
    return Now(max(seen, passed).astimezone(wall.tzinfo), wall, up)


def take(state: State, now: Now) -> Decision:
    """Take the PC's clock anew if it differs and nothing is lent."""
    if abs(now.wall - now.at) < STEP or not _is_idle(state) or is_spared(state, now.at):
        return Decision()
    return Decision((e.ClockTaken(at=now.wall, up=now.up),))


def _is_idle(state: State) -> bool:
    asked = any(r.state in OPEN_REQUESTS for r in state.requests.values())
    return not asked and not live_grants(state) and all(map(settled, state.permits.values()))


def is_spared(state: State, at: datetime) -> bool:
    """Tell whether a customer is not to be asked at that moment by some account."""
    quiet = any(at < until for until in state.quiet.values())
    return quiet or any(wait_left(asking, at) for asking in state.asking.values())


def wait_left(asking: Asking, at: datetime) -> timedelta:
    """Return the time for which the account may not ask the customer again."""
    ends = wait_ends(asking)
    return timedelta() if ends is None else max(ends - at, timedelta())


def wait_ends(asking: Asking) -> datetime | None:
    """Return the end of an account's wait after windows without a yes, or after "later"; None if it need not wait."""
    ends = [] if asking.held_until is None else [asking.held_until]
    if asking.last_at is not None:
        wait: timedelta = FIRST_WAIT * 2 ** min(asking.without_yes - 1, 16)
        ends.append(asking.last_at + min(wait, LONGEST_WAIT))
    return max(ends, default=None)


def see(state: State, now: Now) -> Decision:
    """Journal the agent's time now and then while something is lent, and each time that the clock was set forward.

    While a customer is only to be spared, a clock that is set forward is journalled.
    """
    idle = _is_idle(state)
    if state.seen_at is None or (idle and not is_spared(state, now.at)):
        return Decision()
    ahead = max(now.wall - now.at, timedelta())
    is_due = not idle and now.at - state.seen_at >= SEEN_EVERY
    if not is_due and abs(ahead - state.clock_ahead) < TOLERANCE:
        return Decision()
    return Decision((e.TimeSeen(at=now.at, clock_ahead=ahead.total_seconds()),))
