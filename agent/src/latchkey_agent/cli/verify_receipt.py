# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a receipt in a file, without an agent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from latchkey_agent.plain_text import spelled_out
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import RECEIPT
from latchkey_agent.storage.ssh_signature import SignatureError

from . import allowed_signers
from .receipt_files import signature_of

if TYPE_CHECKING:
    from pathlib import Path


def verify(file: Path, known_pcs: Path | None, pc: str) -> str:
    """Check a receipt against the signature beside it; return the result as a sentence.

    Args:
        file: the receipt; its signature is beside it.
        known_pcs: OpenSSH's `allowed_signers`, with a line for the PC; None: the key is compared with nothing.
        pc: the PC's name in that file.

    Raises:
        OSError: a file cannot be read.
        SignatureError: the receipt is not valid; the reason.
        SignersError: the file of known PCs cannot be used; the reason.
    """
    body = file.read_bytes()
    signature = signature_of(file).read_bytes()
    key = ssh_signature.verify(signature.decode("ascii", "replace"), RECEIPT, body)
    fingerprint = ssh_signature.fingerprint(key)
    about = _about(body, fingerprint)
    if known_pcs is None:
        return (
            f"{about}\nNothing was compared with this key: at the PC, latchkeyctl device-key prints its own."
        )
    content = known_pcs.read_text(encoding="utf-8-sig", errors="replace")
    if key not in allowed_signers.keys_of(content, pc, RECEIPT, datetime.now(UTC).timestamp()):
        msg = f"it is signed by {fingerprint}, and {known_pcs.name} has no such key for {pc} that counts now"
        raise SignatureError(msg)
    return f"{about}\n{known_pcs.name} has this key for {pc}."


def _about(body: bytes, fingerprint: str) -> str:
    """Return the receipt's request, PC and state; the key in the receipt must be the one that signed it."""
    try:
        document = json.loads(body)
        names = document["request"], document["device"], document["device_key"], document["closed"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise SignatureError("it is signed, but no receipt") from None
    # A forged text must not write lines of its own into the verdict.
    request, device, named = (spelled_out(str(name)) for name in names[:3])
    closed = names[3]
    if named != fingerprint:
        msg = f"it names the key {named}, and is signed by {fingerprint}"
        raise SignatureError(msg)
    state = "closed" if closed is True else "not closed"
    return f"The receipt {request} of the PC {device} is valid, and {state}.\nIt is signed by {fingerprint}."
