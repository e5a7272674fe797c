# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.parse
from typing import TYPE_CHECKING

import pytest

from lab import canary as module
from tests.canary import make, search, search_bytes, search_memory, search_processes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMS: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.encode(),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "json": lambda text: json.dumps({"password": text}).encode(),
    "percent": lambda text: urllib.parse.quote(text).encode(),
    "hex of utf-8": lambda text: text.encode().hex().encode(),
    "hex of utf-16": lambda text: text.encode("utf-16-le").hex().upper().encode(),
    "reversed": lambda text: text[::-1].encode(),
    **{
        f"base64 of {encoding} after {length} bytes": lambda text, e=encoding, n=length: (  # type: ignore[misc]
            base64.b64encode(b"x" * n + text.encode(e) + b"yz")
        )
        for encoding in ("utf-8", "utf-16-le")
        for length in range(6)
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_a_planted_canary_is_found_in_every_form(
    tmp_path: Path,
    canary: bytearray,
    form: str,
) -> None:
    """The search finds a canary in each encoding, deep in a file in a folder."""
    place = tmp_path / "a" / "b" / "journal.db-wal"
    place.parent.mkdir(parents=True)
    place.write_bytes(os.urandom(5000) + FORMS[form](canary.decode("utf-16-le")) + b"\0" * 99)
    assert {find.place for find in search([tmp_path], canary)} == {str(place)}


def test_a_canary_across_two_chunks_is_found(
    tmp_path: Path,
    canary: bytearray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The search finds a canary across two pieces of a file."""
    monkeypatch.setattr(module, "CHUNK", 64)
    file = tmp_path / "big"
    for at in range(40, 80):
        file.write_bytes(b"\xff" * at + canary + b"\xff" * 100)
        assert search([file], canary), f"missed at {at}"


def test_a_canary_in_a_name_is_found(tmp_path: Path, canary: bytearray) -> None:
    """The search finds a canary in a file name."""
    (tmp_path / f"x{canary.decode('utf-16-le')}").touch()
    assert search([tmp_path], canary)


def test_other_content_is_not_a_find(tmp_path: Path, canary: bytearray) -> None:
    """Another canary and a megabyte of noise are not finds."""
    (tmp_path / "other").write_bytes(make())
    (tmp_path / "noise").write_bytes(os.urandom(1 << 20))
    assert search([tmp_path], canary) == []
    assert search_bytes("text", b"nothing to see", canary) == []


def test_a_find_does_not_contain_the_secret(tmp_path: Path, canary: bytearray) -> None:
    """A find has its place and encoding, but not the secret."""
    (tmp_path / "leak").write_bytes(canary)
    assert not search_bytes("report", repr(search([tmp_path], canary)).encode(), canary)


def test_a_canary_in_memory_is_found(canary: bytearray) -> None:
    """The search finds a process with the secret in its memory, but not one without it."""
    assert search_memory(os.getpid(), canary)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert search_memory(other.pid, canary) == []
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write(canary)
        other.stdin.flush()
        other.stdout.read(len(canary))
        assert search_memory(other.pid, canary)


def test_a_canary_in_a_process_is_found(canary: bytearray) -> None:
    """The search covers arguments and environment of every process."""
    text = canary.decode("utf-16-le")
    wait = "import sys; print(flush=True); sys.stdin.read()"
    for arguments, environment in ((["x" + text], {}), ([], {"SECRET": text})):
        with subprocess.Popen(
            [sys.executable, "-c", wait, *arguments],
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            found = {find.place.partition("/")[0] for find in search_processes(canary)}
            process.communicate(b"")
        assert found == {str(process.pid)}
    assert search_processes(canary) == []
