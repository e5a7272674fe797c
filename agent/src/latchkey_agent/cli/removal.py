# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes the agent's data: erases sealed records, keeps receipts on demand, overwrites the rest."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from latchkey_agent.ports import PortError
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq

from . import receipt_files
from .ctl import exchange
from .entries import Entry, walk

if TYPE_CHECKING:
    from .ctl import Connect

RECEIPTS = "receipts"
"""The folder in the agent's own that a removal may leave."""
_BLOCK = bytes(65_536)
_NAME = re.compile(r"[0-9A-Za-z-]+")


class NoAnswer(Exception):
    """The agent does not answer; its service may have stopped already."""


def erase_all(connect: Connect) -> None:
    """Let the agent erase all sealed records.

    Raises:
        NoAnswer: it does not answer.
        PortError: it did not confirm the erasure.
    """
    answer = _asked(connect, rq.EraseAll())
    result = msgspec.convert(answer, ans.RevokeAnswer)
    open_ = [erased.grant for erased in result.erasure if not erased.confirmed]
    if open_:
        msg = f"the erasure of {', '.join(open_)} is not confirmed; look at the disk, then remove the agent again"
        raise PortError(msg)


def keep_receipts(connect: Connect, folder: Path) -> int:
    """Write the agent's receipts into its folder; return their number.

    Raises:
        NoAnswer: it does not answer.
        PortError: it refused, or they could not be written.
    """
    ids = _listed(connect)
    target = folder / RECEIPTS
    try:
        target.mkdir(exist_ok=True)
        for request in ids:
            answer = msgspec.convert(_asked(connect, rq.Receipt(request=request)), ans.ReceiptAnswer)
            _write(target, answer.receipt)
    except OSError as fault:
        msg = f"the receipts could not be kept in {target}: {fault.strerror}"
        raise PortError(msg) from None
    return len(ids)


def _listed(connect: Connect) -> list[str]:
    """Return the ids of all receipts."""
    ids: list[str] = []
    while True:
        after = ids[-1] if ids else None
        answer = msgspec.convert(_asked(connect, rq.ReceiptList(after=after)), ans.ReceiptListAnswer)
        ids += answer.receipts
        if not answer.more:
            return ids


def _write(target: Path, receipt: ans.ReceiptView) -> None:
    if not _NAME.fullmatch(receipt.request):
        msg = f"the receipt's number {receipt.request!r} is no file name"
        raise PortError(msg)
    receipt_files.write(target / f"{receipt.request}.json", receipt)
    (target / f"{receipt.request}.txt").write_text(receipt.text, encoding="utf-8")


def _asked(connect: Connect, request: rq.ControlRequest) -> Any:  # noqa: ANN401 - the caller knows its type
    answer = exchange(connect, msgspec.json.encode(request))
    if answer.outcome == "done":
        return answer.result
    reason = answer.error.message if isinstance(answer.error, ans.ErrorView) else "it does not say why"
    if answer.outcome == "unknown":
        raise NoAnswer(reason)
    raise PortError(reason)


def wipe(folder: Path) -> None:
    """Overwrite and remove all files of the agent's folder except receipts; then the folder, if it is empty.

    No link is followed: links go, and their targets stay as they are. A file with another
    name elsewhere is not overwritten, since it may be somebody else's.
    Overwriting reaches the file's own blocks; what a file system or a disk
    copied aside before is out of anybody's reach (docs/security.md).

    Raises:
        OSError: a file could not be overwritten or removed.
    """
    kept = folder / RECEIPTS
    for entry in walk(folder):
        if _is_receipt(entry, kept):
            continue
        if entry.is_folder:
            entry.path.rmdir()
        else:
            if not (entry.is_link or entry.is_shared):
                _overwrite(entry.path)
            entry.path.unlink()
    if kept.is_dir() and not any(kept.iterdir()):
        kept.rmdir()
    if not any(folder.iterdir()):
        folder.rmdir()


def _is_receipt(entry: Entry, kept: Path) -> bool:
    """Tell whether a removal leaves this entry: the folder of receipts itself, and all in it."""
    return kept in entry.path.parents or (entry.path == kept and entry.is_folder and not entry.is_link)


def _overwrite(file: Path) -> None:
    with file.open("r+b", buffering=0) as stream:
        left = os.fstat(stream.fileno()).st_size
        while left > 0:
            left -= stream.write(_BLOCK[: min(left, len(_BLOCK))])
        os.fsync(stream.fileno())
