# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The file `known_pcs` on the controller: the device key of each PC, in OpenSSH's format of allowed signers.

Source: ssh-keygen(1), ALLOWED SIGNERS. A line has the principals, options, the type of the key and the key:

    pc1 namespaces="latchkey-receipt,latchkey-journal,latchkey-device-key,latchkey-half" ssh-ed25519 AAAA...

`ssh-keygen -Y verify` reads the same file. A line counts for a PC only if it names the PC exactly: a pattern would
let the key of one PC speak for others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ._armored_signature import fingerprint, line_of
from ._failure import failure
from ._kept_files import content_of, locked, replace
from ._signer_lines import LineError, Signer, matches, names_of, numbered_lines, signer_of

if TYPE_CHECKING:
    from pathlib import Path

RECEIPTS = "latchkey-receipt"
JOURNAL = "latchkey-journal"
DEVICE_KEYS = "latchkey-device-key"
HALVES = "latchkey-half"
NAMESPACES = (RECEIPTS, JOURNAL, DEVICE_KEYS, HALVES)
"""The purposes for which an agent signs."""

_UNNAMEABLE = re.compile(r'[\s,"*?!\x00-\x1f\x7f]|^#|^$')
"""Characters with a meaning of their own in the list of principals (ssh_config(5), PATTERNS)."""


@dataclass(frozen=True)
class KnownPcs:
    """The content of the file.

    Attributes:
        path: the file.
        signers: its lines without the comments.
    """

    path: Path
    signers: tuple[Signer, ...] = field(default=())

    def of(self, pc: str) -> tuple[Signer, ...]:
        """Return all lines that name a PC, whatever they allow.

        Raises:
            Failure: `known_pcs_unusable`: a line makes a certificate authority of the PC's key, or covers the PC by a
                pattern alone. ssh-keygen accepts such a line, so the PC does not count as new.
        """
        found = tuple(one for one in self.signers if pc in _names(one))
        if not found and any(matches(pc, one.patterns) for one in self.signers):
            raise failure(
                "known_pcs_unusable",
                detail=f"{self.path}: a line with a pattern covers {pc}; write a line with its exact name",
            )
        if any(one.authority for one in found):
            raise failure(
                "known_pcs_unusable",
                detail=f"{self.path}: a line of {pc} has the option cert-authority, and a PC issues no certificates",
            )
        return found

    def keys_of(self, pc: str, namespace: str, now: float | None = None) -> tuple[bytes, ...]:
        """Return the blobs of the keys that count for a PC, a purpose and a time (now, if not given).

        Raises:
            Failure: `known_pcs_unusable`: a line makes a certificate authority of the PC's key.
        """
        at = datetime.now(UTC).timestamp() if now is None else now
        return tuple(one.key for one in self.of(pc) if one.counts(namespace, at))

    def require_unshared(self, pc: str, key: bytes) -> None:
        """Refuse a key for a new PC that is on the line of another one: a copied disk has the key of the first PC.

        Raises:
            Failure: `device_key_shared`.
        """
        for one in self.signers:
            if one.key == key and pc not in _names(one):
                raise failure(
                    "device_key_shared",
                    pc=pc,
                    other=", ".join(sorted(_names(one))) or ",".join(one.patterns),
                    path=self.path,
                    found=fingerprint(key),
                )

    def fingerprints_of(self, pc: str) -> str:
        """Return the fingerprints of all keys of a PC, for a sentence."""
        return ", ".join(dict.fromkeys(fingerprint(one.key) for one in self.of(pc)))


def read_known(path: Path) -> KnownPcs:
    """Return the content of the file; no lines if there is no such file.

    Raises:
        Failure: `known_pcs_unusable`: it cannot be read, or a line is not of the format.
    """
    return _parsed(path, content_of(path) or b"")


def read_existing(path: Path) -> KnownPcs:
    """Return the content of a file that has to be there.

    Raises:
        Failure: `known_pcs_unusable`: there is no such file, it cannot be read, or a line is not of the format.
    """
    content = content_of(path)
    if content is None:
        raise failure("known_pcs_unusable", detail=f"there is no file {path} on the controller")
    return _parsed(path, content)


def enroll(path: Path, lock: Path, pc: str, key: bytes) -> tuple[bool, KnownPcs]:
    """Add a PC's line unless a line names the PC; return whether it was added, and the content then.

    No other line changes.

    Args:
        path: the file; it is made if it is missing.
        lock: the file that serialises the tasks of this controller.
        pc: the PC's name.
        key: the blob of its public key.

    Raises:
        Failure: `known_pcs_unusable`: the file cannot be read or written, or the name cannot stand in it.
            `device_key_shared`: the key is on the line of another PC.
    """
    require_nameable(pc)
    with locked(lock):
        content = content_of(path) or b""
        known = _parsed(path, content)
        if known.of(pc):
            return False, known
        known.require_unshared(pc, key)
        end = b"" if not content or content.endswith(b"\n") else b"\n"
        line = line_for(pc, key)
        replace(path, content + end + line.encode() + b"\n")
        return True, KnownPcs(path, (*known.signers, _signer(line)))


def line_for(pc: str, key: bytes) -> str:
    """Return the line of a PC."""
    return f'{pc} namespaces="{",".join(NAMESPACES)}" {line_of(key)}'


def require_nameable(pc: str) -> None:
    """Refuse a PC's name that the file cannot hold.

    Raises:
        Failure: `known_pcs_unusable`.
    """
    if _UNNAMEABLE.search(pc):
        raise failure(
            "known_pcs_unusable",
            detail=f"the name {pc!r} cannot stand in it, because it has a space or one of the signs "
            ', " * ? ! or begins with #',
        )


# --- the format


def _parsed(path: Path, content: bytes) -> KnownPcs:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise failure("known_pcs_unusable", detail=f"{path} is no text in UTF-8") from None
    signers = []
    for number, line in numbered_lines(text):
        try:
            signers.append(_signer(line))
        except LineError as fault:
            raise failure("known_pcs_unusable", detail=f"{path}, line {number}: {fault}") from None
    return KnownPcs(path, tuple(signers))


def _signer(line: str) -> Signer:
    patterns, rest = names_of(line)
    if not patterns:
        raise LineError("it has an empty name")
    return signer_of(patterns, rest)


def _names(signer: Signer) -> frozenset[str]:
    """Return the names of a line without a wildcard; none if the line also excludes names."""
    if any(name.startswith("!") for name in signer.patterns):
        return frozenset()
    return frozenset(name for name in signer.patterns if "*" not in name and "?" not in name)
