# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Checks the signature of a receipt: Ed25519 (RFC 8032) over the document as JSON with sorted keys.

The key stands beside the signature. So the check shows that the document is the one that this key signed. It does not
show whose key it is: for that, compare the key with the one that `latchkeyctl receipt` shows at the PC. The signature
covers the document, not the readable text beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # pragma: no cover - ansible-core depends on it
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

if TYPE_CHECKING:
    from ._answers import ReceiptView

Check = Literal["valid", "invalid", "other", "unchecked"]
"""`other`: the document is of another request or session. `unchecked`: this controller cannot check Ed25519."""


def checked(receipt: ReceiptView, session: str) -> Check:
    """Return the result of checking a receipt of this session."""
    if not HAS_CRYPTOGRAPHY:
        return "unchecked"
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(receipt.public_key))
        key.verify(bytes.fromhex(receipt.signature), _signed_bytes(receipt.document))
    except UnsupportedAlgorithm:
        return "unchecked"
    except (InvalidSignature, ValueError, TypeError, RecursionError):
        return "invalid"
    names = receipt.document.get("request"), receipt.document.get("session")
    return "valid" if names == (receipt.request, session) else "other"


def _signed_bytes(document: dict[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
