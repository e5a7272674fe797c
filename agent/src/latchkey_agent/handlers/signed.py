# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the device key signs for operators and customers: receipts and the journal's head."""

from __future__ import annotations

from latchkey_agent.core.core import Core
from latchkey_agent.domain import Device, Refused, State, holding, receipt_document, render
from latchkey_agent.protocol.answers import HeadView, ReceiptView
from latchkey_agent.protocol.fields import SeenHead
from latchkey_agent.storage import device_key

from . import views

HEAD_SCHEMA = "latchkey-journal-1"


def receipt(core: Core, state: State, request_id: str) -> ReceiptView:
    """Return the signed receipt of a request.

    Raises:
        Refused: there is no such request, or no key to sign with.
    """
    now = core.now().at
    held = holding(state, request_id, now, core.settings.receipt_days())
    request = held.requests[request_id]
    key = core.device_key
    document = receipt_document(held, request, Device(core.computer.device, key.fingerprint), now, None)
    return ReceiptView(
        request=request.id,
        document=document,
        signature=key.sign(device_key.RECEIPT, device_key.canonical_json(document)),
        public_key=key.public_key,
        text=render(document),
    )


def head(core: Core) -> HeadView:
    """Return the journal's end, signed.

    Raises:
        Refused: there is no journal.
    """
    with core.lock:
        end, key, now = core.head(), core.device_key, core.now().wall
    document = {
        "schema_version": HEAD_SCHEMA,
        "device": core.computer.device,
        "position": end.seq,
        "hash": end.hash.hex(),
        "at": str(views.text(now)),
    }
    signature = key.sign(device_key.JOURNAL, device_key.canonical_json(document))
    del document["schema_version"]
    return HeadView(**document, signature=signature, public_key=key.public_key)


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
