# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking the agent off a PC: everything is overwritten before it is removed, receipts only if told to."""

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

PROOF = ans.ErasureView(grant="G-1", confirmed=True, checked_at="2026-11-23T10:00:00+01:00", checks=[])
RECEIPT = ans.ReceiptView(
    request="R-1", document={"request": "R-1"}, signature="c2ln", public_key="a2V5", text="Beleg"
)


class Line:
    """A connection that has one answer to give."""

    def __init__(self, answer: ans.Answer) -> None:
        self._answer = frames.encode(codec.encode(answer))

    def write(self, data: memoryview, /) -> int:
        """Take everything."""
        return len(data)

    def readinto(self, buffer: memoryview, /) -> int:
        """Give what is left."""
        count = min(len(buffer), len(self._answer))
        buffer[:count] = self._answer[:count]
        del self._answer[:count]
        return count


def answering(answer: ans.Answer) -> Connect:
    """Return how to connect to an agent that gives this answer."""

    @contextmanager
    def connect() -> Iterator[Stream]:
        yield Line(answer)

    return connect


def silent() -> Stream:
    """Connect to nobody."""
    raise ConnectionRefusedError


def test_a_confirmed_erasure_is_enough() -> None:
    """The agent erased everything and read it back."""
    removal.erase_all(answering(codec.done(ans.RevokeAnswer(grants=[], erasure=[PROOF]), changed=True)))


def test_an_unconfirmed_erasure_stops_the_removal() -> None:
    """Without the agent nobody would try again."""
    unproven = msgspec.structs.replace(PROOF, confirmed=False)
    with pytest.raises(PortError, match="the erasure of G-1 is not confirmed"):
        removal.erase_all(
            answering(codec.done(ans.RevokeAnswer(grants=[], erasure=[unproven]), changed=True))
        )


def test_a_refusal_stops_the_removal() -> None:
    """It says why."""
    with pytest.raises(PortError, match="journal is damaged"):
        removal.erase_all(answering(codec.refused(error("journal_damaged", detail="cut"))))


def test_a_stopped_agent_is_told_apart() -> None:
    """Its files are overwritten all the same."""
    with pytest.raises(removal.NoAnswer):
        removal.erase_all(silent)  # type: ignore[arg-type]


def test_receipts_are_written_signed_and_readable(tmp_path: Path) -> None:
    """One file for programs, one for people."""
    info = ans.InfoAnswer(
        agent=ans.AgentView(
            version="1", protocol=1, device="PC", boot_id="b", now="n", ready=True, organization="", problem=""
        ),
        sessions=[], requests=[], grants=[], erasure=[], receipts=[RECEIPT],
        pending_restart=ans.PendingRestartView(pending=False, reasons=[]),
    )  # fmt: skip
    assert removal.keep_receipts(answering(codec.done(info, changed=False)), tmp_path) == 1
    assert msgspec.json.decode((tmp_path / "receipts/R-1.json").read_bytes(), type=ans.ReceiptView) == RECEIPT
    assert (tmp_path / "receipts/R-1.txt").read_text(encoding="utf-8") == "Beleg"


def test_everything_but_receipts_is_removed(tmp_path: Path) -> None:
    """Folders, too; links go, what they point to stays."""
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


def test_without_receipts_the_folder_goes(tmp_path: Path) -> None:
    """Nothing is left."""
    folder = tmp_path / "Latchkey"
    (folder / "receipts").mkdir(parents=True)
    (folder / "journal.db").write_bytes(b"secret" * 20_000)
    removal.wipe(folder)
    assert not folder.exists()


def test_contents_are_overwritten_before_the_name_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever still holds the file open reads zeros."""
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
