# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs receipts and the journal's head for operators and customers."""

from __future__ import annotations

import json
from collections.abc import Iterable

from latchkey_agent.core.core import Core
from latchkey_agent.core.receipt_store import signed_receipt
from latchkey_agent.domain import Device, Refused, State, holding, receipt_document, render
from latchkey_agent.protocol.answers import HeadView, ReceiptView
from latchkey_agent.protocol.fields import SeenHead
from latchkey_agent.storage.journal import StoredReceipt
from latchkey_agent.storage.signed_json import JOURNAL, canonical_json

from . import views

HEAD_SCHEMA = "latchkey-journal-1"


def receipt(core: Core, state: State, request_id: str) -> ReceiptView:
    """Return the signed receipt of a request: the stored one if it is closed, else one that is signed now.

    Raises:
        Refused: there is no such request, or no key to sign with.
    """
    now = core.now().at
    held = holding(state, request_id, now, core.settings.receipt_days())
    with core.storage() as journal:
        stored = core.receipts.find(journal, request_id)
    if stored is not None:
        return _view(stored)
    key = core.device_key
    device = Device(core.computer.device, key.fingerprint)
    document = receipt_document(held, held.requests[request_id], device, now)
    return _view(signed_receipt(request_id, document, key))


def _view(receipt: StoredReceipt) -> ReceiptView:
    document = json.loads(receipt.body)
    return ReceiptView(
        request=receipt.request,
        document=document,
        signature=receipt.signature,
        public_key=receipt.public_key,
        text=render(document),
    )


def receipts(core: Core, state: State, requests: Iterable[str]) -> list[ReceiptView]:
    """Return the signed receipts of some requests; none while the PC has no key to sign with.

    The call that they answer has changed the PC, so it does not fail for want of a signature.

    Raises:
        Refused: there is no such request.
    """
    return [receipt(core, state, one) for one in requests] if core.can_sign else []


def head(core: Core) -> HeadView | None:
    """Return the journal's end, signed; None while the PC has no key to sign with.

    Raises:
        Refused: there is no journal.
    """
    if not core.can_sign:
        return None
    with core.lock:
        end, key, now = core.head(), core.device_key, core.now().wall
    device, digest, at = core.computer.device, end.hash.hex(), str(views.text(now))
    document = {
        "schema_version": HEAD_SCHEMA,
        "device": device,
        "position": end.seq,
        "hash": digest,
        "at": at,
    }
    return HeadView(
        device=device,
        position=end.seq,
        hash=digest,
        at=at,
        signature=key.sign(JOURNAL, canonical_json(document)),
        public_key=key.public_key,
    )


def require_head(core: Core, seen: SeenHead | None) -> None:
    """Refuse a caller who knows a head that this journal does not contain: it is another one, or an earlier copy.

    Raises:
        Refused: `journal_head_unknown`, or there is no journal.
    """
    if seen is None:
        return
    with core.storage() as journal:
        found = journal.mark(seen.position)
    if found is None or found.hex() != seen.hash:
        when = f" on {seen.at}" if seen.at is not None else ""
        raise Refused("journal_head_unknown", position=seen.position, when=when)
