# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a receipt in a file, without an agent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from latchkey_agent.plain_text import spelled_out
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import RECEIPT
from latchkey_agent.storage.ssh_signature import SignatureError

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
    if key not in keys_of(known_pcs.read_text(encoding="utf-8", errors="replace"), pc, RECEIPT):
        msg = f"it is signed by {fingerprint}, and {known_pcs.name} has no such key for {pc}"
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


def keys_of(known_pcs: str, pc: str, namespace: str) -> set[bytes]:
    """Return the raw keys that sign for a PC and a purpose ("ALLOWED SIGNERS", ssh-keygen(1)).

    A line with a pattern in place of the name, or with another option than `namespaces`, is left out: this agent and
    its collection write none.

    Args:
        known_pcs: the content of the file.
        pc: the PC's name in it.
        namespace: the purpose of the signature.
    """
    found: set[bytes] = set()
    for line in known_pcs.split("\n"):
        names, _, rest = line.strip().partition(" ")
        namespaces, rest = _namespaces(rest.strip())
        if (
            names.startswith("#")
            or "!" in names
            or pc not in names.split(",")
            or namespace not in (namespaces or [namespace])
        ):
            continue
        try:
            found.add(ssh_signature.public_key_of(rest))
        except SignatureError:
            continue
    return found


def _namespaces(rest: str) -> tuple[list[str], str]:
    """Return the namespaces of a line, none for all of them, and what follows."""
    option = 'namespaces="'
    if not rest.lower().startswith(option):
        return [], rest
    listed, _, rest = rest[len(option) :].partition('"')
    return listed.split(","), rest.strip()
