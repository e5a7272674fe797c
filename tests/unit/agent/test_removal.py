# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing the agent: every file is overwritten first, and receipts stay if asked for."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from latchkey_agent.cli import removal
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol.errors import error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from latchkey_agent.cli.ctl import Connect
    from latchkey_agent.stream import Stream

ERASURE = ans.ErasureView(grant="G-1", confirmed=True, checked_at="2026-11-23T10:00:00+01:00", checks=[])
RECEIPT = ans.ReceiptView(
    request="R-1",
    document={"request": "R-1", "grace": 5.0},
    signature="signed\nhere\n",
    public_key="ssh-ed25519 AAAA",
    text="Beleg",
)


class Line:
    """A connection that returns one answer."""

    def __init__(self, answer: ans.Answer) -> None:
        self._answer = frames.encode(codec.encode(answer))

    def write(self, data: memoryview, /) -> int:
        """Accept everything."""
        return len(data)

    def readinto(self, buffer: memoryview, /) -> int:
        """Return the rest of the answer."""
        count = min(len(buffer), len(self._answer))
        buffer[:count] = self._answer[:count]
        del self._answer[:count]
        return count


def answering(*answers: ans.Answer) -> Connect:
    """Return how to connect to an agent that gives these answers in turn."""
    left = iter(answers)

    @contextmanager
    def connect() -> Iterator[Stream]:
        yield Line(next(left))

    return connect


def silent() -> Stream:
    """Fail to connect."""
    raise ConnectionRefusedError


def test_a_confirmed_erasure_is_enough() -> None:
    """A confirmed erasure lets the removal go on."""
    removal.erase_all(answering(codec.done(ans.RevokeAnswer(grants=[], erasure=[ERASURE]), changed=True)))


def test_an_unconfirmed_erasure_stops_the_removal() -> None:
    """An unconfirmed erasure stops the removal, because only the agent retries it."""
    unconfirmed = msgspec.structs.replace(ERASURE, confirmed=False)
    with pytest.raises(PortError, match="the erasure of G-1 is not confirmed"):
        removal.erase_all(
            answering(codec.done(ans.RevokeAnswer(grants=[], erasure=[unconfirmed]), changed=True))
        )


def test_a_refusal_stops_the_removal() -> None:
    """A refused erasure stops the removal with the agent's reason."""
    with pytest.raises(PortError, match="journal is damaged"):
        removal.erase_all(answering(codec.refused(error("journal_damaged", detail="cut"))))


def test_a_stopped_agent_raises_its_own_error() -> None:
    """An agent that does not answer raises its own error."""
    with pytest.raises(removal.NoAnswer):
        removal.erase_all(silent)  # type: ignore[arg-type]


def test_receipts_are_written_signed_and_readable(tmp_path: Path) -> None:
    """Each receipt is written as it was signed, with its signature beside it, and as text."""
    pages = [
        ans.ReceiptListAnswer(receipts=["R-0"], more=True),
        ans.ReceiptListAnswer(receipts=["R-1"]),
        ans.ReceiptAnswer(receipt=RECEIPT),
        ans.ReceiptAnswer(receipt=RECEIPT),
    ]
    answers = [codec.done(page, changed=False) for page in pages]
    assert removal.keep_receipts(answering(*answers), tmp_path) == 2
    assert (tmp_path / "receipts/R-1.json").read_bytes() == b'{"grace":5.0,"request":"R-1"}'
    assert (tmp_path / "receipts/R-1.json.sig").read_bytes() == b"signed\nhere\n"
    assert (tmp_path / "receipts/R-1.txt").read_text(encoding="utf-8") == "Beleg"


def test_everything_except_receipts_is_removed(tmp_path: Path) -> None:
    """All files, folders and links except the receipts go; the targets of links stay."""
    folder, outside = tmp_path / "Latchkey", tmp_path / "outside.txt"
    outside.write_text("not ours")
    (folder / "receipts").mkdir(parents=True)
    (folder / "receipts/R-1.txt").write_text("kept")
    (folder / "old/deep").mkdir(parents=True)
    (folder / "old/deep/journal.db").write_text("x")
    (folder / "link").symlink_to(outside)
    removal.wipe(folder)
    assert [path.name for path in folder.rglob("*")] == ["receipts", "R-1.txt"]
    assert outside.read_text() == "not ours"


def test_a_folder_without_receipts_is_removed(tmp_path: Path) -> None:
    """The whole folder goes if it holds no receipt."""
    folder = tmp_path / "Latchkey"
    (folder / "receipts").mkdir(parents=True)
    (folder / "journal.db").write_bytes(b"secret" * 20_000)
    removal.wipe(folder)
    assert not folder.exists()


def test_a_file_is_overwritten_before_it_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is overwritten with zeros before it is deleted."""
    file = tmp_path / "Latchkey/journal.db"
    file.parent.mkdir()
    file.write_bytes(os.urandom(200_000))
    seen: list[bytes] = []
    unlink: Callable[[Path], None] = Path.unlink

    def look_first(path: Path) -> None:
        seen.append(path.read_bytes())
        unlink(path)

    monkeypatch.setattr(Path, "unlink", look_first)
    removal.wipe(file.parent)
    assert seen == [bytes(200_000)]
