# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed receipts: computed from the state, signed on demand."""

from __future__ import annotations

from latchkey_agent.core.core import Core
from latchkey_agent.domain import Refused, State, holding, receipt_document, render
from latchkey_agent.protocol.answers import ReceiptView


def view(core: Core, state: State, request_id: str) -> ReceiptView:
    """Return the signed receipt of a request.

    Raises:
        Refused: there is no such request, or no key to sign with.
    """
    now = core.now().at
    held = holding(state, request_id, now, core.settings.receipt_days())
    request = held.requests[request_id]
    signer = core.signer
    if signer is None:
        raise Refused("journal_damaged", detail=core.problem)
    document = receipt_document(held, request, core.computer.device, now)
    return ReceiptView(
        request=request.id,
        document=document,
        signature=signer.sign(document),
        public_key=signer.public_key,
        text=render(document),
    )
