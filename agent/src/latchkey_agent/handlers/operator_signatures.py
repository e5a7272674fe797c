# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks operators' signatures and their certificates against the pinned authorities, and compares signed texts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from latchkey_agent import plain_text
from latchkey_agent.core.core import Core
from latchkey_agent.domain import Authorities, Refused, Requester
from latchkey_agent.protocol.fields import OperatorSignature
from latchkey_agent.storage import ssh_certificate, ssh_signature
from latchkey_agent.storage.signed_json import canonical_json
from latchkey_agent.storage.ssh_certificate import Certificate
from latchkey_agent.storage.ssh_signature import SignatureError

ORGANIZATION, ROLE = "latchkey-organization", "latchkey-role"
"""The extensions of a certificate that Latchkey reads; others say nothing here."""
LONGEST = timedelta(days=31)
"""The time for which a certificate may still be valid: its end stands in for a list of revoked ones."""


class Checked(NamedTuple):
    """A signature that counts: the person whom the certificate names, the certificate, and the key that signed."""

    requester: Requester
    certificate: Certificate
    key: bytes


def checked(core: Core, sent: OperatorSignature, namespace: str) -> Checked:
    """Check the signature of a text for a namespace, and that the certificate counts on this PC now.

    Raises:
        Refused: with a code for each fault. It has not been compared what the text says.
    """
    pinned = core.authorities()
    certificate = _certificate(core, sent.certificate, pinned)
    who = _requester(certificate, pinned)
    return Checked(who, certificate, _signer(sent, namespace, certificate))


def difference(document: str, expected: dict[str, Any]) -> str:
    """Return the names of the fields in which a signed text differs from the expected one; empty if in none.

    The texts themselves are for nobody's screen.
    """
    if document.encode("utf-8", "replace") == canonical_json(expected):
        return ""
    written = as_object(document)
    names = sorted({*written, *expected})
    absent = object()
    differ = [name for name in names if written.get(name, absent) != expected.get(name, absent)]
    known = [name if name in expected else "an unknown field" for name in differ]
    return ", ".join(dict.fromkeys(known)) or "its form: it must be JSON with sorted keys and without spaces"


def as_object(document: str) -> dict[str, Any]:
    """Return the signed text as an object; an empty one for another text, which then differs in each field."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _certificate(core: Core, line: str, pinned: Authorities) -> Certificate:
    """Return the certificate if a pinned key has issued it, its time is now, and it ends soon enough."""
    try:
        certificate = ssh_certificate.read(line)
    except SignatureError as fault:
        raise Refused("certificate_unusable", detail=str(fault)) from None
    if ssh_signature.public_line(certificate.authority) not in pinned.keys:
        found = ssh_signature.fingerprint(certificate.authority)
        raise Refused("certificate_untrusted", detail=found)
    now = core.now()
    # As everywhere: a beginning counts by the earlier of clock and agent's time, an end by the later one.
    if now.opens.timestamp() < certificate.valid_after:
        raise Refused("certificate_not_yet_valid", detail=_text(certificate.valid_after))
    if now.ends.timestamp() >= certificate.valid_before:
        raise Refused("certificate_expired", detail=_text(certificate.valid_before))
    if certificate.valid_before - now.opens.timestamp() > LONGEST.total_seconds():
        raise Refused("certificate_long_lived", detail=_text(certificate.valid_before), days=LONGEST.days)
    return certificate


def _signer(sent: OperatorSignature, namespace: str, certificate: Certificate) -> bytes:
    """Return the key that signed the document, which is the certificate's."""
    try:
        signer = ssh_signature.verify(sent.signature, namespace, sent.document.encode("utf-8", "replace"))
    except SignatureError as fault:
        raise Refused("signature_invalid", detail=str(fault)) from None
    if signer != certificate.public_key:
        raise Refused("signature_invalid", detail="another key has signed than the certificate names")
    return signer


def _requester(certificate: Certificate, pinned: Authorities) -> Requester:
    """Return the person whom a certificate names.

    Raises:
        Refused: `certificate_not_allowed`: it is for another organisation, or names a role that does not count here.
            `certificate_unusable`: the customer could not read a name in it.
    """
    organization = certificate.extensions.get(ORGANIZATION, "")
    if organization != pinned.organization:
        raise Refused("certificate_not_allowed", detail=f"it is for the organisation {organization!r}")
    role = certificate.extensions.get(ROLE, "") or certificate.principals[0]
    if role not in certificate.principals:
        raise Refused("certificate_not_allowed", detail=f"its role {role!r} is none of its principals")
    if pinned.roles and role not in pinned.roles:
        raise Refused("certificate_not_allowed", detail=f"this PC does not allow the role {role!r}")
    who = Requester(certificate.key_id, organization, role)
    for part, text in (("name", who.name), ("role", role)):
        longest = plain_text.LONGEST_NAME
        broken = plain_text.fault(text, longest, longest) if text else "is empty"
        if broken or plain_text.normalized(text) != text:
            detail = f"its {part} {broken or 'is not composed (NFC)'}"
            raise Refused("certificate_unusable", detail=detail)
    return who


def _text(seconds: int) -> str:
    """Return a moment of a certificate; a certificate without an end has one beyond the calendar."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="minutes")
    except (OverflowError, ValueError, OSError):
        return "the end of the calendar"
