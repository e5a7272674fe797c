# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a PC's keys in OpenSSH's `allowed_signers`, as `ssh-keygen -Y verify` does (ssh-keygen(1)).

Like ssh-keygen, the reader stops at a line that names the PC and is not of the form, and passes over lines of others.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from latchkey_agent.cli.signer_lines import LineError, Signer, matches, names_of, numbered_lines, signer_of
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.ssh_signature import SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterator


class SignersError(Exception):
    """The file is not of the form, or not to be used for a PC. The text is the reason, with the line's number."""


def keys_of(content: str, name: str, namespace: str, now: float) -> set[bytes]:
    """Return the raw Ed25519 keys that sign for a name, a purpose and a time.

    Args:
        content: the content of the file.
        name: the PC's name in it.
        namespace: the purpose of the signature.
        now: the time for which the keys have to count, in seconds since 1970.

    Raises:
        SignersError: a line is not of the form, or makes a certificate authority of the PC's key.
    """
    counting = (signer for signer in _signers(content, name) if signer.counts(namespace, now))
    return {raw for signer in counting if (raw := _ed25519(signer.key)) is not None}


def _signers(content: str, name: str) -> Iterator[Signer]:
    """Yield the lines that name a PC or cover it by a pattern."""
    for number, line in numbered_lines(content):
        try:
            patterns, rest = names_of(line)
            if matches(name, patterns):
                yield _no_authority(signer_of(patterns, rest))
        except LineError as fault:
            msg = f"line {number}: {fault}"
            raise SignersError(msg) from None


def _no_authority(signer: Signer) -> Signer:
    if signer.authority:
        raise LineError("it has the option cert-authority, and a PC issues no certificates")
    return signer


def _ed25519(blob: bytes) -> bytes | None:
    """Return the raw key; None for a key of another type, which signs no receipt."""
    line = f"ssh-ed25519 {base64.b64encode(blob).decode()}"
    try:
        return ssh_signature.public_key_of(line)
    except SignatureError:
        return None
