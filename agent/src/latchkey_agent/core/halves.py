# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's halves of keys in the agent's memory: those that are awaited, and those that are here for a logon.

Nothing of them is on a disk. A new agent, and so a new boot, awaits each of them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from latchkey_agent.domain import Action, PermitState, Refused, State, live_grants
from latchkey_agent.storage.operator_half import Delivery, DeliveryKey, HalfError, forget

WAIT_SECONDS = 120.0
"""The time within which a half is delivered: a controller needs one call for it."""
HOLD_SECONDS = 900.0
"""The time for which a half waits in memory for the logon screen. It is wanted anew after that."""
_NONCE_BYTES = 16
_MOST = 32
"""The uses for which halves are awaited before they begin. Each name of a step would make a further key."""


class Purpose(NamedTuple):
    """What a half is wanted for: a use of a grant that has not begun (`permit` empty), or the logon of one that has.

    `action` and `step` are those of the use.
    """

    grant: str
    permit: str
    action: Action
    step: str


class Awaited(NamedTuple):
    """A half that is awaited, until a moment of the seconds since the PC's start.

    `expires_at` is that moment as the PC's clock had it. A signed delivery names it; the PC counts by `until`.
    """

    key: DeliveryKey
    delivery: Delivery
    until: float
    expires_at: datetime


class Halves:
    """The halves of one agent. Use it under the core's lock.

    Args:
        random: returns that many random bytes.
    """

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._awaited: dict[Purpose, Awaited] = {}
        self._held: dict[str, tuple[bytearray, float]] = {}

    def awaited(self, purpose: Purpose, device: str, up: float, now: datetime) -> Awaited:
        """Return the delivery that is awaited for a purpose: the same until it has come, or its time is over.

        Two jobs that ask at once are told the same one, so neither takes it from the other.

        Args:
            purpose: what the half is wanted for.
            device: the fingerprint of the PC's device key.
            up: the seconds since the PC's start.
            now: the PC's time.
        """
        self._awaited = {key: one for key, one in self._awaited.items() if up < one.until}
        if (known := self._awaited.get(purpose)) is not None:
            return known
        self._make_room()
        delivery = Delivery(device, purpose.grant, purpose.permit, self._random(_NONCE_BYTES).hex())
        wait = timedelta(seconds=WAIT_SECONDS)
        new = Awaited(DeliveryKey(), delivery, up + WAIT_SECONDS, now + wait)
        self._awaited[purpose] = new
        return new

    def _make_room(self) -> None:
        """Await the oldest halves for uses that have not begun no longer, if there are too many."""
        before = [purpose for purpose in self._awaited if not purpose.permit]
        for purpose in before[: max(0, len(before) + 1 - _MOST)]:
            del self._awaited[purpose]

    def known(self, purpose: Purpose, nonce: str, up: float) -> Awaited:
        """Return the delivery that is awaited with this nonce.

        Raises:
            Refused: `half_not_awaited`.
        """
        awaited = self._awaited.get(purpose)
        if awaited is None or awaited.delivery.nonce != nonce or up >= awaited.until:
            raise Refused(
                "half_not_awaited", detail="it was delivered before, or too late, or for another use"
            )
        return awaited

    def take(self, purpose: Purpose, nonce: str, sealed: bytes, up: float) -> bytearray:
        """Return the half of a delivery, which counts once; the caller overwrites it.

        Raises:
            Refused: `half_not_awaited`, `half_unreadable`.
        """
        awaited = self.known(purpose, nonce, up)
        del self._awaited[purpose]
        try:
            return awaited.key.open(sealed, awaited.delivery)
        except HalfError as fault:
            raise Refused("half_unreadable", detail=str(fault)) from None

    def hold(self, permit: str, half: bytearray, up: float) -> None:
        """Keep a half until the permit is redeemed or void, or its time is over; the half is then overwritten.

        Args:
            permit: the permit whose logon the half is for.
            half: the half.
            up: the seconds since the PC's start.
        """
        self._held[permit] = (half, up + HOLD_SECONDS)

    @property
    def held(self) -> Collection[str]:
        """The permits whose half is here."""
        return self._held.keys()

    def release(self, permit: str) -> bytearray | None:
        """Return the half for the logon of a permit, None if it is not here; the caller overwrites it."""
        half, _until = self._held.pop(permit, (None, 0.0))
        return half

    def seconds_left(self, up: float) -> float | None:
        """Return the seconds until the time of a held half is over, None if none is here."""
        return min((max(until - up, 0.0) for _half, until in self._held.values()), default=None)

    def settle(self, state: State, up: float = 0.0) -> None:
        """Overwrite the halves that serve no longer, and await none for grants that have ended or too late.

        Args:
            state: the present state.
            up: the seconds since the PC's start.
        """
        for permit_id in [*self._held]:
            permit, (half, until) = state.permits.get(permit_id), self._held[permit_id]
            if permit is None or permit.state is not PermitState.ISSUED or up >= until:
                del self._held[permit_id]
                forget(half)
        live = {grant.id for grant in live_grants(state)} if self._awaited else set()
        self._awaited = {
            key: one for key, one in self._awaited.items() if key.grant in live and up < one.until
        }

    def forget_held(self) -> None:
        """Overwrite each half that waits for a logon; they are wanted anew."""
        for permit_id in [*self._held]:
            forget(self._held.pop(permit_id)[0])
