# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canary passwords: each is made for one run, typed by the lab's customer, and then searched for everywhere.

A canary is held like a password: UTF-16LE in a `bytearray`. A find is
reported by its place and encoding, never by its content.
"""

from __future__ import annotations

import base64
import json
import secrets
import string
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LETTERS = string.ascii_letters + string.digits
CHUNK = 1 << 20


class Find(NamedTuple):
    """A place where a canary was found, and its encoding there."""

    place: str
    encoding: str


def make() -> bytearray:
    """Return a new canary: 20 random letters and digits between two letters outside of ASCII."""
    text = "ü" + "".join(secrets.choice(LETTERS) for _ in range(20)) + "€"
    return bytearray(text.encode("utf-16-le"))


def variants(secret: bytearray) -> dict[str, bytes]:
    """Return every form in which `secret` (UTF-16LE) could have been written, by name.

    The plain forms search for its longest run of ASCII letters, so that escaped other
    letters cannot hide it; the Base64 forms cover all three alignments.
    """
    text = secret.decode("utf-16-le")
    core = max(_ascii_runs(text), key=len, default="")
    forms: dict[str, bytes] = {}
    for name, encoded in (("utf-8", core.encode()), ("utf-16-le", core.encode("utf-16-le"))):
        forms[name] = encoded
        forms |= {f"{name}, {how}": form for how, form in text_forms(encoded).items()}
    forms["json"] = json.dumps(text).strip('"').encode()
    forms["percent"] = urllib.parse.quote(text).encode()
    forms["utf-16-be"] = text.encode("utf-16-be")
    forms["reversed"] = core[::-1].encode()
    return {name: form for name, form in forms.items() if form}


def text_forms(content: bytes) -> dict[str, bytes]:
    """Return `content` as a text would hold it, by name: hex, and Base64 at all three alignments."""
    forms = {"hex": content.hex().encode(), "hex, capitals": content.hex().upper().encode()}
    return forms | {f"base64+{shift}": _base64_inside(content, shift) for shift in range(3)}


def _ascii_runs(text: str) -> Iterator[str]:
    run = ""
    for letter in text:
        if letter.isascii():
            run += letter
        else:
            yield run
            run = ""
    yield run


def _base64_inside(encoded: bytes, shift: int) -> bytes:
    """Return the part of the Base64 text that does not depend on the bytes around `encoded`."""
    whole = base64.b64encode(bytes(shift) + encoded)
    spoilt_before = (0, 2, 3)[shift]
    spoilt_after = (0, 3, 2)[(shift + len(encoded)) % 3]
    # Leave out the first and the last group: they mix our bytes with neighbouring ones.
    return whole[spoilt_before : len(whole) - len(_padding(whole)) - (1 if spoilt_after else 0)]


def _padding(encoded: bytes) -> bytes:
    return encoded[len(encoded.rstrip(b"=")) :]


def search(places: Iterable[Path], secret: bytearray) -> list[Find]:
    """Return where `secret` is found in these files, and in all files below these folders.

    File names are searched, too. A file that disappears meanwhile is skipped; an unreadable
    file is reported as such, since its content is unknown.
    """
    forms = variants(secret)
    finds: list[Find] = []
    for place in places:
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            finds += _in_bytes(f"the name of {file.parent}/...", file.name.encode(), forms)
            if file.is_file():
                finds += _in_file(file, forms)
    return finds


def _in_file(file: Path, forms: Mapping[str, bytes]) -> list[Find]:
    overlap = max(len(form) for form in forms.values()) - 1
    found: dict[str, Find] = {}
    tail = b""
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                tail += chunk
                found |= {find.encoding: find for find in _in_bytes(str(file), tail, forms)}
                tail = tail[-overlap:]
    except FileNotFoundError:
        return []
    except OSError as fault:
        return [Find(str(file), f"unreadable: {fault.strerror}")]
    return list(found.values())


def search_bytes(place: str, content: bytes, secret: bytearray) -> list[Find]:
    """Return the finds of `secret` in `content`; the result names it `place`."""
    return _in_bytes(place, content, variants(secret))


def _in_bytes(place: str, content: bytes, forms: Mapping[str, bytes]) -> list[Find]:
    return [Find(place, name) for name, form in forms.items() if form in content]


def search_processes(secret: bytearray) -> list[Find]:
    """Return which processes of this machine have `secret` in their arguments or environment.

    Processes that end meanwhile, and processes that we may not read, are skipped.
    """
    forms = variants(secret)
    finds: list[Find] = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                content = (process / name).read_bytes()
            except OSError:
                continue
            finds += _in_bytes(f"{process.name}/{name}", content, forms)
    return finds


def search_memory(pid: int, secret: bytearray) -> list[Find]:
    """Return the finds of `secret` in the memory of a process, in any of its plain encodings.

    Raises:
        OSError: this process may not read the other's memory (proc(5): ptrace access).
    """
    text = secret.decode("utf-16-le")
    core = max(_ascii_runs(text), key=len, default="")
    forms = {name: core.encode(name) for name in ("utf-8", "utf-16-le")}
    finds: list[Find] = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for start, end in _readable(pid):
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except OSError:
                # The region disappeared meanwhile, or no program may read it (vvar).
                continue
            finds += _in_bytes(f"memory of {pid} at {start:#x}", content, forms)
    return finds


def _readable(pid: int) -> Iterator[tuple[int, int]]:
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        bounds, access = line.split()[:2]
        start, end = (int(bound, 16) for bound in bounds.split("-"))
        # The kernel's own pages (vsyscall) lie beyond the largest file offset.
        if access.startswith("r") and end < 1 << 63:
            yield start, end
