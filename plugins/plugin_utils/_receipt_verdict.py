# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Checks the signature of a receipt: an SSH signature over the document as JSON with sorted keys.

Without `known_pcs` the check shows that the document is the one that the receipt's own key signed. It does not show
whose key it is. With `known_pcs` it shows that too. The signature covers the document, not the readable text beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ._armored_signature import (
    SignatureError,
    UncheckedSignatureError,
    fingerprint,
    key_of_line,
    signed_json,
    verified,
)
from ._known_pcs import RECEIPTS

if TYPE_CHECKING:
    from ._answers import ReceiptView
    from ._known_pcs import KnownPcs

Check = Literal["valid", "known", "not_enrolled", "foreign", "invalid", "other", "unchecked"]
"""`valid`: signed by the receipt's own key; `known`: by the PC's key in `known_pcs`; `not_enrolled`: `known_pcs` has
no line of the PC; `foreign`: no line of the PC allows the key; `other`: the document is of another request or session;
`unchecked`: this controller cannot check Ed25519."""

VALID = frozenset({"valid", "known"})
"""The results that count as valid. With `known_pcs` it is `known` alone."""
WRONG = frozenset({"foreign", "invalid", "other"})
"""The results of a receipt that a person has to look at."""


class Verdict(NamedTuple):
    """The result of a check, with its reason as the second half of a sentence."""

    check: Check
    reason: str = ""


def checked(
    receipt: ReceiptView, session: str | None, known: KnownPcs | None = None, pc: str = ""
) -> Verdict:
    """Return the result of checking a receipt.

    Args:
        receipt: the receipt.
        session: the support session that it has to be of; None for any.
        known: the enrolled keys; None to accept any key.
        pc: the PC that has to have signed it.

    Raises:
        Failure: `known_pcs_unusable`: a line of the PC cannot be used.
    """
    try:
        key = _signer(receipt)
    except UncheckedSignatureError as fault:
        return Verdict("unchecked", str(fault))
    except SignatureError as fault:
        return Verdict("invalid", str(fault))
    if receipt.document.get("request") != receipt.request:
        return Verdict("other", "its document is of another request")
    if session is not None and receipt.document.get("session") != session:
        return Verdict("other", "its document is of another support session")
    if known is None:
        return Verdict("valid")
    if not known.of(pc):
        return Verdict("not_enrolled", f"{known.path} has no line of {pc}")
    if key not in known.keys_of(pc, RECEIPTS):
        return Verdict("foreign", f"no line of {pc} allows the key {fingerprint(key)}")
    return Verdict("known")


def _signer(receipt: ReceiptView) -> bytes:
    """Return the blob of the key that signed a receipt.

    Raises:
        SignatureError: the receipt is not as its key signed it, or names another key.
    """
    key = verified(receipt.signature, signed_json(receipt.document), RECEIPTS)
    if key != key_of_line(receipt.public_key):
        raise SignatureError("it names another key than the one that signed it")
    if receipt.document.get("device_key") != fingerprint(key):
        raise SignatureError("its document names another key than the one that signed it")
    return key
