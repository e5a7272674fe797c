# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The last journal head of each PC, kept on the controller beside `known_pcs`.

A task sends it with its call. A PC whose journal does not contain it was restored from a copy, or its journal was
rewritten or set aside. The file holds the PC's signature, so it shows to others that the PC had this entry.
"""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _answers as ans
from ._answer_reader import AnswerError, read
from ._armored_signature import fingerprint
from ._failure import Failure, failure
from ._kept_files import content_of, locked, replace

if TYPE_CHECKING:
    from ._known_pcs import KnownPcs

SCHEMA = "latchkey-kept-head-1"
"""The form of a kept head's file."""


@dataclass(frozen=True)
class Heads:
    """The folder with the kept heads.

    Attributes:
        folder: `<known_pcs>.heads`.
    """

    folder: Path

    @property
    def lock(self) -> Path:
        """The file that serialises the tasks of this controller."""
        return self.folder / ".lock"

    def file_of(self, pc: str) -> Path:
        """Return the path of a PC's file. Its name has no slash, whatever the PC's name has."""
        return self.folder / f"{urllib.parse.quote(pc, safe='')}.json"

    def last(self, pc: str) -> ans.HeadView | None:
        """Return the last head of a PC that was kept; None if there is none.

        Raises:
            Failure: `known_pcs_unusable`: the file cannot be read, or is damaged.
        """
        path = self.file_of(pc)
        content = content_of(path)
        return None if content is None else _parsed(path, content)

    def keep(self, pc: str, head: ans.HeadView) -> None:
        """Keep a head, unless another task has kept a later one meanwhile.

        Raises:
            Failure: `known_pcs_unusable`: the file cannot be read or written, or is damaged.
        """
        with locked(self.lock):
            last = self.last(pc)
            if last is None or head.position > last.position:
                replace(self.file_of(pc), _written(head))


def heads_of(known_pcs: Path) -> Heads:
    """Return the heads that belong to a file `known_pcs`."""
    # A link and its file have the same heads and the same lock.
    whole = known_pcs.resolve()
    return Heads(whole.with_name(whole.name + ".heads"))


def device_key_changed(known: KnownPcs, pc: str, key: bytes) -> Failure:
    """Return the failure of a PC that has signed with another key than the file knows.

    Args:
        known: the known PCs.
        pc: the PC's name in the inventory.
        key: the key that has signed.
    """
    return failure(
        "device_key_changed",
        pc=pc,
        path=known.path,
        found=fingerprint(key),
        known=known.fingerprints_of(pc),
        head=heads_of(known.path).file_of(pc),
    )


def _written(head: ans.HeadView) -> bytes:
    return json.dumps({"schema": SCHEMA, **asdict(head)}, indent=2).encode("ascii") + b"\n"


def _parsed(path: Path, content: bytes) -> ans.HeadView:
    try:
        value: Any = json.loads(content)
    except (ValueError, RecursionError):
        raise failure("known_pcs_unusable", detail=f"{path} is no JSON") from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise failure("known_pcs_unusable", detail=f"{path} has not the form {SCHEMA}")
    try:
        return read(ans.HeadView, value)
    except AnswerError as fault:
        raise failure("known_pcs_unusable", detail=f"{path}: {fault}") from None
