# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Reads and writes the files of a report. A file is written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ._answer_reader import AnswerError, read
from ._failure import failure
from ._report_model import SCHEMA, Report
from ._whole_files import beside, flush_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = (".json", ".csv", ".html")
"""The files, in the order in which they are put in place: the next run reads the first one."""


def base_of(path: str) -> Path:
    """Return a report's path without the suffix of one of its files."""
    whole = Path(path).expanduser()
    return whole.with_suffix("") if whole.suffix in SUFFIXES else whole


def file_of(base: Path, suffix: str) -> Path:
    """Return the path of one of the report's files."""
    return base.with_name(base.name + suffix)


@contextlib.contextmanager
def alone(base: Path) -> Iterator[None]:
    """Let no other run read and write a report in this folder meanwhile.

    Raises:
        Failure: `report_not_written`: the folder cannot be opened.
    """
    try:
        folder = os.open(base.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as fault:
        raise failure("report_not_written", detail=_said(base.parent, fault)) from None
    try:
        with contextlib.suppress(OSError):  # Some network file systems cannot lock a folder.
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def kept(base: Path, session: str) -> Report | None:
    """Return the report of earlier runs of a session, None if there is none.

    Raises:
        Failure: `report_foreign`: another file is in the way. It was not changed.
    """
    found = [path for suffix in SUFFIXES if os.path.lexists(path := file_of(base, suffix))]
    if not found:
        return None
    path = file_of(base, ".json")
    if path not in found:
        raise failure("report_foreign", path=found[0], detail="no report stands beside it")
    try:
        report = _parsed(_content(path))
    except (OSError, ValueError, RecursionError) as fault:
        raise failure("report_foreign", path=path, detail=_reason(fault)) from None
    if report.session != session:
        raise failure("report_foreign", path=path, detail=f"it is of the session {report.session}")
    return report


def _content(path: Path) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is no regular file")
    return path.read_bytes()


def _parsed(content: bytes) -> Report:
    value = json.loads(content)
    schema = value.get("schema") if isinstance(value, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"it has not the form {SCHEMA}")
    try:
        report = read(Report, value)
    except AnswerError as fault:
        raise ValueError(str(fault)) from None
    if len({row.name for row in report.pcs}) < len(report.pcs):
        raise ValueError("it has a PC twice")
    return report


def _reason(fault: Exception) -> str:
    if isinstance(fault, OSError):
        return fault.strerror or "it cannot be read"
    return "it is no JSON" if isinstance(fault, json.JSONDecodeError | UnicodeDecodeError) else str(fault)


def write(base: Path, contents: dict[str, bytes]) -> None:
    """Write all files of a report, or none.

    Each one is written beside its place and brought to the disk first. A disk that is full leaves all as it was.

    Args:
        base: the report's path.
        contents: the content by suffix.

    Raises:
        Failure: `report_not_written`.
    """
    waiting: dict[str, Path] = {}
    try:
        for suffix in SUFFIXES:
            waiting[suffix] = beside(file_of(base, suffix))
            write_new(waiting[suffix], contents[suffix])
        for suffix, path in waiting.items():
            path.replace(file_of(base, suffix))
        flush_folder(base.parent)
    except OSError as fault:
        raise failure("report_not_written", detail=_said(base, fault)) from None
    finally:
        for path in waiting.values():
            with contextlib.suppress(OSError):
                path.unlink()


def _said(path: Path, fault: OSError) -> str:
    return f"{path}: {fault.strerror or type(fault).__name__}"
