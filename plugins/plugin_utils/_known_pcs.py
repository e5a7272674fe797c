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

import base64
import binascii
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ._armored_signature import fingerprint, line_of
from ._failure import failure
from ._kept_files import content_of, locked, replace

if TYPE_CHECKING:
    from pathlib import Path

RECEIPTS = "latchkey-receipt"
JOURNAL = "latchkey-journal"
DEVICE_KEYS = "latchkey-device-key"
HALVES = "latchkey-half"
NAMESPACES = (RECEIPTS, JOURNAL, DEVICE_KEYS, HALVES)
"""The purposes for which an agent signs."""

_KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]+")
_WORD = re.compile(r'[ \t]*(?:"([^"]*)"|([^ \t"]+))(?=[ \t]|$)')
_OPTIONS = re.compile(r'[ \t]*((?:"[^"]*"|[^ \t"])+)(?=[ \t]|$)')
_OPTION = re.compile(r'([A-Za-z-]+)(?:="([^"]*)")?(?:,|$)')
_TIME = re.compile(r"(\d{8})(?:(\d{4})(\d{2})?)?(Z?)")
_UNNAMEABLE = re.compile(r'[\s,"*?!\x00-\x1f\x7f]|^#|^$')
"""Characters with a meaning of their own in the list of principals (ssh_config(5), PATTERNS)."""


class _LineError(Exception):
    """A line is not of the format. The text is the reason."""


@dataclass(frozen=True, kw_only=True)
class Signer:
    """One line: a key and the names, purposes and times for which it counts.

    Attributes:
        names: the principals. A name with a wildcard names no PC.
        key: the public key's blob.
        patterns: the list of names and patterns as it is written.
        namespaces: patterns of the purposes; None if it counts for all.
        valid_after, valid_before: seconds since 1970, None if there is no such limit.
        authority: whether the key issues certificates (`cert-authority`).
    """

    names: frozenset[str]
    key: bytes
    patterns: tuple[str, ...] = ()
    namespaces: tuple[str, ...] | None = None
    valid_after: float | None = None
    valid_before: float | None = None
    authority: bool = False

    def counts(self, namespace: str, now: float) -> bool:
        """Tell whether the key counts for a purpose at a time, in seconds since 1970."""
        begun = self.valid_after is None or now >= self.valid_after
        over = self.valid_before is not None and now > self.valid_before
        return begun and not over and (self.namespaces is None or _matches(namespace, self.namespaces))


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
        found = tuple(one for one in self.signers if pc in one.names)
        if not found and any(_matches(pc, one.patterns) for one in self.signers):
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
            if one.key == key and pc not in one.names:
                raise failure(
                    "device_key_shared",
                    pc=pc,
                    other=", ".join(sorted(one.names)) or ",".join(one.patterns),
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
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise failure("known_pcs_unusable", detail=f"{path} is no text in UTF-8") from None
    signers = []
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r").strip(" \t")
        if not text or text.startswith("#"):
            continue
        try:
            signers.append(_signer(text))
        except _LineError as fault:
            raise failure("known_pcs_unusable", detail=f"{path}, line {number}: {fault}") from None
    return KnownPcs(path, tuple(signers))


def _signer(line: str) -> Signer:
    names, rest = _word(line, _WORD, "it does not begin with a name")
    kind, after = _word(rest, _OPTIONS, "it has no key")
    options = {}
    if not _KEY_TYPE.fullmatch(kind):
        options = _options(kind)
        kind, after = _word(after, _WORD, "it has no key")
    if not _KEY_TYPE.fullmatch(kind):
        raise _LineError("it has neither known options nor a type of key behind the name")
    encoded, _comment = _word(after, _WORD, "it has no key")
    return Signer(
        names=_names(names),
        patterns=tuple(_listed(names)),
        key=_key(kind, encoded),
        namespaces=tuple(_listed(options["namespaces"] or "")) if "namespaces" in options else None,
        valid_after=_moment(options.get("valid-after")),
        valid_before=_moment(options.get("valid-before")),
        authority="cert-authority" in options,
    )


def _word(text: str, pattern: re.Pattern[str], otherwise: str) -> tuple[str, str]:
    found = pattern.match(text)
    if found is None:
        raise _LineError(otherwise)
    return next(part for part in found.groups() if part is not None), text[found.end() :]


def _names(text: str) -> frozenset[str]:
    """Return the names without a wildcard; none if the list also excludes names."""
    names = _listed(text)
    if not names:
        raise _LineError("it has an empty name")
    if any(name.startswith("!") for name in names):
        return frozenset()
    return frozenset(name for name in names if "*" not in name and "?" not in name)


def _listed(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _options(text: str) -> dict[str, str | None]:
    options: dict[str, str | None] = {}
    at = 0
    if text.endswith(","):
        raise _LineError("a comma follows its last option")
    while at < len(text):
        found = _OPTION.match(text, at)
        name = found[1].lower() if found else ""
        if found is None or name not in {"cert-authority", "namespaces", "valid-after", "valid-before"}:
            raise _LineError("it has neither known options nor a type of key behind the name")
        if name in options:
            raise _LineError(f"it has the option {name} twice")
        if (found[2] is None) is not (name == "cert-authority"):
            raise _LineError(f"the value of the option {name} is wrong")
        options[name] = found[2]
        at = found.end()
    return options


def _key(kind: str, encoded: str) -> bytes:
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _LineError("the base64 of its key is damaged") from None
    # A blob begins with its type (RFC 4253, section 6.6).
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        raise _LineError(f"its key is not of the type {kind}")
    return blob


def _moment(text: str | None) -> float | None:
    """Return the seconds since 1970 of a time: YYYYMMDD[HHMM[SS]], in the controller's time zone or with Z in UTC."""
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    if found is None:
        raise _LineError(f"{text} is no time")
    written = found[1] + (found[2] or "0000") + (found[3] or "00")
    try:
        read = datetime.strptime(written + "+0000", "%Y%m%d%H%M%S%z")
        return (read if found[4] else read.replace(tzinfo=None).astimezone()).timestamp()
    except (ValueError, OverflowError):
        raise _LineError(f"{text} is no time") from None


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a text is in a list of patterns (ssh_config(5), PATTERNS): a negated match excludes it."""
    found = False
    for pattern in patterns:
        if _fits(text, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _fits(text: str, pattern: str) -> bool:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.fullmatch("".join(parts), text) is not None
