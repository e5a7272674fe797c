# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's half alone: HPKE as RFC 9180 has it, and what opens for what."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace

from latchkey_agent.core.halves import WAIT_SECONDS, Halves, Purpose
from latchkey_agent.domain import Refused, Sealing
from latchkey_agent.storage import operator_half
from latchkey_agent.storage.operator_half import SEALED_BYTES, Delivery, DeliveryKey, HalfError
from tests.unit.agent.hpke_reader import opened

DELIVERY = Delivery("SHA256:device", "grant", "permit", "00")
NOW, A_MINUTE = datetime(2026, 11, 30, 18, tzinfo=UTC), timedelta(minutes=1)
USE = Purpose("grant", "", "restart", "step")


def test_a_half_is_sealed_as_the_rfc_says() -> None:
    """A reader written from RFC 9180 alone opens a sealed half, which has the length that the record reserves."""
    key, half = X25519PrivateKey.generate(), os.urandom(32)
    sealed = operator_half.seal(bytearray(half), key.public_key().public_bytes_raw(), b"purpose")
    assert len(sealed) == SEALED_BYTES
    assert opened(sealed, key.private_bytes_raw(), b"purpose") == half


def test_a_half_is_sealed_for_one_device_session_nonce_and_grant() -> None:
    """A half in a record opens with the names of its device, session, nonce and grant only."""
    key = X25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    sealing = Sealing(device="SHA256:a", nonce="00" * 32, public_key=public)
    half = bytearray(os.urandom(32))
    sealed = operator_half.sealer(sealing, "CHG-1", "g")(half)
    private = key.private_bytes_raw()
    assert opened(sealed, private, operator_half.stored_info(sealing, "CHG-1", "g")) == half
    others = [
        operator_half.stored_info(sealing, "CHG-2", "g"),
        operator_half.stored_info(sealing, "CHG-1", "h"),
        operator_half.stored_info(replace(sealing, device="SHA256:b"), "CHG-1", "g"),
        operator_half.stored_info(replace(sealing, nonce="11" * 32), "CHG-1", "g"),
    ]
    for other in others:
        with pytest.raises(InvalidTag):
            opened(sealed, private, other)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_half_of_another_length_is_none(size: int) -> None:
    """A delivery that opens, and holds no half of a key, is refused."""
    key = DeliveryKey()
    sealed = operator_half.seal(bytearray(size), bytes.fromhex(key.public_key), DELIVERY.info)
    with pytest.raises(HalfError, match=f"it has {size} bytes"):
        key.open(sealed, DELIVERY)


@pytest.mark.parametrize("end", [0, 31, 32, 79])
def test_a_truncated_half_does_not_open(end: int) -> None:
    """A delivery that is cut off anywhere does not open."""
    key = DeliveryKey()
    sealed = operator_half.seal(bytearray(32), bytes.fromhex(key.public_key), DELIVERY.info)
    with pytest.raises(HalfError, match="does not open"):
        key.open(sealed[:end], DELIVERY)


@pytest.mark.parametrize("field", Delivery._fields)
def test_a_delivery_opens_for_its_purpose_only(field: str) -> None:
    """A half on its way opens for its device, grant, permit and nonce only."""
    key = DeliveryKey()
    sealed = operator_half.seal(bytearray(32), bytes.fromhex(key.public_key), DELIVERY.info)
    assert key.open(sealed, DELIVERY) == bytes(32)
    with pytest.raises(HalfError):
        key.open(sealed, DELIVERY._replace(**{field: "another"}))


def test_a_key_to_which_nothing_can_be_sealed_is_known() -> None:
    """A public key of low order (RFC 7748, section 6.1) is refused before the customer is asked."""
    operator_half.require_usable(X25519PrivateKey.generate().public_key().public_bytes_raw().hex())
    with pytest.raises(HalfError, match="no usable X25519 key"):
        operator_half.require_usable("00" * 32)


class TestHalves:
    """The agent's memory for halves."""

    def test_the_key_of_a_delivery_is_no_object_of_python(self) -> None:
        """The agent draws the nonce alone: a seed would stay in memory, and open the delivery later."""
        drawn: list[int] = []

        def random(count: int) -> bytes:
            drawn.append(count)
            return os.urandom(count)

        Halves(random).awaited(USE, "d", 0, NOW)
        assert drawn == [16]

    def test_two_jobs_are_told_the_same_key(self) -> None:
        """Until the half has come, a further question has the same nonce and key; another use has its own."""
        halves = Halves(os.urandom)
        first = halves.awaited(USE, "d", 0, NOW)
        assert halves.awaited(USE, "d", 1, NOW + A_MINUTE) is first
        assert halves.awaited(USE._replace(step="other"), "d", 1, NOW).delivery.nonce != first.delivery.nonce

    def test_many_steps_make_no_endless_keys(self) -> None:
        """The oldest of too many uses that have not begun is forgotten; a use that has begun is not."""
        halves = Halves(os.urandom)
        begun = USE._replace(permit="permit")
        kept = halves.awaited(begun, "d", 0, NOW)
        first = halves.awaited(USE, "d", 0, NOW)
        for count in range(100):
            halves.awaited(USE._replace(step=str(count)), "d", 0, NOW)
        assert len(halves._awaited) <= 33
        assert halves.awaited(begun, "d", 0, NOW) is kept
        assert halves.awaited(USE, "d", 0, NOW) is not first

    def test_a_half_counts_once(self) -> None:
        """A second delivery with the same nonce is refused, also if the first did not open."""
        halves = Halves(os.urandom)
        nonce = halves.awaited(USE, "d", 0, NOW).delivery.nonce
        with pytest.raises(Refused, match="half_unreadable"):
            halves.take(USE, nonce, bytes(80), 1)
        with pytest.raises(Refused, match="half_not_awaited"):
            halves.take(USE, nonce, bytes(80), 1)

    def test_a_half_that_comes_late_is_refused(self) -> None:
        """A delivery after its time is refused, and the next question has another key."""
        halves = Halves(os.urandom)
        first = halves.awaited(USE, "d", 0, NOW)
        with pytest.raises(Refused, match="half_not_awaited"):
            halves.take(USE, first.delivery.nonce, bytes(80), WAIT_SECONDS)
        assert halves.awaited(USE, "d", WAIT_SECONDS, NOW).delivery.nonce != first.delivery.nonce
