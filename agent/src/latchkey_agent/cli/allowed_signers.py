# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads OpenSSH's `allowed_signers` as `ssh-keygen -Y verify` does ("ALLOWED SIGNERS", ssh-keygen(1)).

A line has names and patterns, options, the type of a key and the key:

    pc1,lab-* namespaces="latchkey-*",valid-before="20270101" ssh-ed25519 AAAA... a comment

Like ssh-keygen, the reader stops at a line that names the PC and is not of this form, and passes over lines of others.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.ssh_signature import SignatureError

_KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]+")
_WORD = re.compile(r'[ \t]*(?:"([^"]*)"|([^ \t"]+))(?=[ \t]|$)')
_OPTIONS = re.compile(r'[ \t]*((?:"[^"]*"|[^ \t"])+)(?=[ \t]|$)')
_OPTION = re.compile(r'([A-Za-z-]+)(?:="([^"]*)")?(?:,(?=.)|$)')
_TIME = re.compile(r"(\d{8})(?:(\d{4})(\d{2})?)?(Z?)")
_KNOWN = frozenset({"cert-authority", "namespaces", "valid-after", "valid-before"})


class SignersError(Exception):
    """The file is not of the form, or not to be used for a PC. The text is the reason, with the line's number."""


class _LineError(Exception):
    """A line is not of the form. The text is the reason."""


class _Signer(NamedTuple):
    """One line: for which purposes (None: for all) and between which times, in seconds since 1970, a key counts.

    `blob` is the whole public key.
    """

    namespaces: list[str] | None
    valid_after: float | None
    valid_before: float | None
    blob: bytes


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
    counting = (signer for signer in _signers(content, name) if _counts(signer, namespace, now))
    return {raw for signer in counting if (raw := _ed25519(signer.blob)) is not None}


def _signers(content: str, name: str) -> Iterator[_Signer]:
    """Yield the lines that name a PC or cover it by a pattern."""
    for number, line in enumerate(content.split("\n"), 1):
        text = line.rstrip("\r").strip(" \t")
        if not text or text.startswith("#"):
            continue
        try:
            names, rest = _word(text, _WORD, "it does not begin with a name")
            if _matches(name, names.split(",")):
                yield _signer(rest)
        except _LineError as fault:
            msg = f"line {number}: {fault}"
            raise SignersError(msg) from None


def _signer(rest: str) -> _Signer:
    """Return the part of a line behind the names."""
    kind, after = _word(rest, _OPTIONS, "it has no key")
    options: dict[str, str | None] = {}
    if not _KEY_TYPE.fullmatch(kind):
        options = _options(kind)
        kind, after = _word(after, _WORD, "it has no key")
    if not _KEY_TYPE.fullmatch(kind):
        raise _LineError("it has neither known options nor a type of key behind the name")
    encoded, _comment = _word(after, _WORD, "it has no key")
    if "cert-authority" in options:
        raise _LineError("it has the option cert-authority, and a PC issues no certificates")
    namespaces = options.get("namespaces")
    return _Signer(
        None if namespaces is None else namespaces.split(","),
        _moment(options.get("valid-after")),
        _moment(options.get("valid-before")),
        _blob(kind, encoded),
    )


def _word(text: str, pattern: re.Pattern[str], otherwise: str) -> tuple[str, str]:
    if (found := pattern.match(text)) is None:
        raise _LineError(otherwise)
    return next(part for part in found.groups() if part is not None), text[found.end() :]


def _options(text: str) -> dict[str, str | None]:
    options: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        found = _OPTION.match(text, at)
        name = found[1].lower() if found else ""
        if found is None or name not in _KNOWN:
            raise _LineError("it has neither known options nor a type of key behind the name")
        if name in options:
            msg = f"it has the option {name} twice"
            raise _LineError(msg)
        if (found[2] is None) is not (name == "cert-authority"):
            msg = f"the value of the option {name} is wrong"
            raise _LineError(msg)
        options[name] = found[2]
        at = found.end()
    return options


def _blob(kind: str, encoded: str) -> bytes:
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _LineError("the base64 of its key is damaged") from None
    # A blob begins with its type (RFC 4253, section 6.6).
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        msg = f"its key is not of the type {kind}"
        raise _LineError(msg)
    return blob


def _ed25519(blob: bytes) -> bytes | None:
    """Return the raw key; None for a key of another type, which signs no receipt."""
    line = f"ssh-ed25519 {base64.b64encode(blob).decode()}"
    try:
        return ssh_signature.public_key_of(line)
    except SignatureError:
        return None


def _moment(text: str | None) -> float | None:
    """Return the seconds since 1970 of a time: YYYYMMDD[HHMM[SS]], in this computer's time zone or with Z in UTC."""
    if text is None:
        return None
    found = _TIME.fullmatch(text)
    try:
        if found is not None:
            written = found[1] + (found[2] or "0000") + (found[3] or "00")
            read = datetime.strptime(written + "+0000", "%Y%m%d%H%M%S%z")
            return (read if found[4] else read.replace(tzinfo=None).astimezone()).timestamp()
    except (ValueError, OverflowError):
        pass
    msg = f"{text} is no time"
    raise _LineError(msg)


def _counts(signer: _Signer, namespace: str, now: float) -> bool:
    """Tell whether a line counts for a purpose at a time."""
    begun = signer.valid_after is None or now >= signer.valid_after
    over = signer.valid_before is not None and now > signer.valid_before
    return begun and not over and (signer.namespaces is None or _matches(namespace, signer.namespaces))


def _matches(text: str, patterns: list[str]) -> bool:
    """Tell whether a text is in a list of patterns (ssh_config(5), PATTERNS): a negated match excludes it."""
    found = False
    for pattern in filter(None, patterns):
        parts = (
            ".*" if sign == "*" else "." if sign == "?" else re.escape(sign)
            for sign in pattern.removeprefix("!")
        )
        if re.fullmatch("".join(parts), text, re.DOTALL):
            if pattern.startswith("!"):
                return False
            found = True
    return found
