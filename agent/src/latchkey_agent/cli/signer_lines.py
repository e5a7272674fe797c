# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the lines of OpenSSH's `allowed_signers` ("ALLOWED SIGNERS", ssh-keygen(1)).

A line has names and patterns, options, the type of a key and the key:

    pc1,lab-* namespaces="latchkey-*",valid-before="20270101" ssh-ed25519 AAAA... a comment

tools/generate.py copies this module into the collection, which runs where the agent's package is not installed.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]+")
_WORD = re.compile(r'[ \t]*(?:"([^"]*)"|([^ \t"]+))(?=[ \t]|$)')
_OPTIONS = re.compile(r'[ \t]*((?:"[^"]*"|[^ \t"])+)(?=[ \t]|$)')
_OPTION = re.compile(r'([A-Za-z-]+)(?:="([^"]*)")?(?:,(?=.)|$)')
_TIME = re.compile(r"(\d{8})(?:(\d{4})(\d{2})?)?(Z?)")
_KNOWN = frozenset({"cert-authority", "namespaces", "valid-after", "valid-before"})


class LineError(Exception):
    """A line is not of the form. The text is the reason."""


class Signer(NamedTuple):
    """One line: a key, and the names, purposes and times for which it counts.

    Attributes:
        patterns: the names and patterns of names.
        key: the public key's blob (RFC 4253, section 6.6).
        namespaces: patterns of the purposes; None if the key counts for all.
        valid_after, valid_before: seconds since 1970, None if there is no such limit.
        authority: whether the key issues certificates (`cert-authority`).
    """

    patterns: tuple[str, ...]
    key: bytes
    namespaces: tuple[str, ...] | None = None
    valid_after: float | None = None
    valid_before: float | None = None
    authority: bool = False

    def counts(self, namespace: str, now: float) -> bool:
        """Tell whether the key counts for a purpose at a time, in seconds since 1970."""
        begun = self.valid_after is None or now >= self.valid_after
        over = self.valid_before is not None and now > self.valid_before
        return begun and not over and (self.namespaces is None or matches(namespace, self.namespaces))


def numbered_lines(content: str) -> Iterator[tuple[int, str]]:
    """Yield the number and the text of each line that is neither empty nor a comment."""
    for number, line in enumerate(content.split("\n"), 1):
        text = line.rstrip("\r").strip(" \t")
        if text and not text.startswith("#"):
            yield number, text


def names_of(line: str) -> tuple[tuple[str, ...], str]:
    """Return the names and patterns of a line, and its text behind them.

    Raises:
        LineError: it does not begin with a name.
    """
    names, rest = _word(line, _WORD, "it does not begin with a name")
    return _listed(names), rest


def signer_of(patterns: tuple[str, ...], rest: str) -> Signer:
    """Return a line: its names and patterns, and the text behind them.

    Raises:
        LineError: the text is not of the form.
    """
    kind, after = _word(rest, _OPTIONS, "it has no key")
    options: dict[str, str | None] = {}
    if not _KEY_TYPE.fullmatch(kind):
        options = _options(kind)
        kind, after = _word(after, _WORD, "it has no key")
    if not _KEY_TYPE.fullmatch(kind):
        raise LineError("it has neither known options nor a type of key behind the name")
    encoded, _comment = _word(after, _WORD, "it has no key")
    return Signer(
        patterns,
        _blob(kind, encoded),
        _listed(options["namespaces"] or "") if "namespaces" in options else None,
        _moment(options.get("valid-after")),
        _moment(options.get("valid-before")),
        "cert-authority" in options,
    )


def matches(text: str, patterns: Iterable[str]) -> bool:
    """Tell whether a text is in a list of patterns (ssh_config(5), PATTERNS): a negated match excludes it."""
    found = False
    for pattern in filter(None, patterns):
        if _fits(text, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _fits(text: str, pattern: str) -> bool:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _word(text: str, pattern: re.Pattern[str], otherwise: str) -> tuple[str, str]:
    found = pattern.match(text)
    if found is None:
        raise LineError(otherwise)
    return next(part for part in found.groups() if part is not None), text[found.end() :]


def _options(text: str) -> dict[str, str | None]:
    options: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        found = _OPTION.match(text, at)
        name = found[1].lower() if found else ""
        if found is None or name not in _KNOWN:
            raise LineError("it has neither known options nor a type of key behind the name")
        if name in options:
            msg = f"it has the option {name} twice"
            raise LineError(msg)
        if (found[2] is None) is not (name == "cert-authority"):
            msg = f"the value of the option {name} is wrong"
            raise LineError(msg)
        options[name] = found[2]
        at = found.end()
    return options


def _blob(kind: str, encoded: str) -> bytes:
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise LineError("the base64 of its key is damaged") from None
    # A blob begins with its type (RFC 4253, section 6.6).
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        msg = f"its key is not of the type {kind}"
        raise LineError(msg)
    return blob


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
    raise LineError(msg)
