# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed receipts: signed once, stored as signed, each with the hash of the one that was stored before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from datetime import datetime
from typing import Any

from latchkey_agent.domain import Device, State, closed_receipts, receipt_document
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.device_key import DeviceKey
from latchkey_agent.storage.journal import Journal, StoredReceipt
from latchkey_agent.storage.signed_json import RECEIPT, canonical_json


class ReceiptStore:
    """The stored receipts of one journal.

    Args:
        device: the PC's name.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._stored: set[str] = set()
        self._previous: str | None = None
        self._is_behind = True

    def load(self, journal: Journal) -> None:
        """Read which receipts are stored.

        Raises:
            JournalDamagedError: they cannot be relied on.
            JournalUnavailableError: the disk does not give them.
        """
        last = journal.last_receipt()
        self._stored = set(journal.stored_receipts())
        self._previous = None if last is None else _hash(last)
        self._is_behind = True

    def find(self, journal: Journal, request: str) -> StoredReceipt | None:
        """Return the stored receipt of a request, None if there is none; raises as `load`."""
        return journal.receipt(request) if request in self._stored else None

    def keep(self, journal: Journal, state: State, key: DeviceKey, now: datetime) -> None:
        """Sign and store each closed receipt that is not stored yet, in a transaction of its own.

        While the disk reserve is given up nothing is stored: what revokes or erases needs the space (rule 7).

        Raises:
            JournalDamagedError: the journal cannot be relied on.
            JournalUnavailableError: the disk does not take one; the receipts before it are stored.
        """
        for held, request in closed_receipts(state, self._stored, archive=self._is_behind):
            self._is_behind = True
            if not journal.has_reserve:
                return
            device = Device(self._device, key.fingerprint)
            document = receipt_document(held, request, device, now, closed=True, previous=self._previous)
            receipt = signed_receipt(request.id, document, key)
            journal.store_receipt(receipt)
            self._stored.add(request.id)
            self._previous = _hash(receipt.body)
        self._is_behind = False

    def verify(self, journal: Journal) -> Generator[None, None, str]:
        """Check each stored receipt's signature and the hash of the one before; yield after each portion.

        A receipt may be stored between two steps.

        Returns:
            The problem; empty if there is none.

        Raises:
            JournalDamagedError: they cannot be read.
            JournalUnavailableError: the disk does not give them.
        """
        number = 0
        previous: str | None = None
        while portion := journal.receipts_after(number):
            for number, receipt in portion:
                if not _is_signed(receipt):
                    return f"the stored receipt {number} is not the one that was signed"
                if json.loads(receipt.body).get("previous") != previous:
                    return f"the stored receipt before {number} is missing"
                previous = _hash(receipt.body)
            yield
        return "" if previous == self._previous else "the stored receipts do not end with the last one"


def signed_receipt(request: str, document: dict[str, Any], key: DeviceKey) -> StoredReceipt:
    """Return the receipt of a request with this document, signed by the device key."""
    body = canonical_json(document)
    return StoredReceipt(request, body, key.sign(RECEIPT, body), key.public_key)


def _is_signed(receipt: StoredReceipt) -> bool:
    try:
        key = ssh_signature.verify(receipt.signature, RECEIPT, receipt.body)
    except ssh_signature.SignatureError:
        return False
    return ssh_signature.public_line(key) == receipt.public_key


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
