# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes all evidence of a demo to a file: each check in full, the receipts, the checks of the erasures."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from lab.demo.promises import Verdict
    from lab.demo.story import Story

FILE = "promises.txt"


def write_evidence(folder: Path, verdicts: Iterable[Verdict], stories: Mapping[str, Story]) -> None:
    """Write the file.

    Args:
        folder: the demo's folder.
        verdicts: all verdicts.
        stories: the story of each PC by its name.
    """
    lines = ["Promises and checks"]
    for verdict in verdicts:
        lines += [f"  {'kept  ' if verdict.kept else 'BROKEN'} {verdict.promise}"]
        lines += [textwrap.indent(verdict.how, " " * 9)]
    for name, story in stories.items():
        lines += _documents(name, story)
    (folder / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _documents(name: str, story: Story) -> Iterator[str]:
    for receipt in story.info.receipts:
        yield f"\nThe receipt of {name}"
        yield textwrap.indent(receipt.text, "  ")
    for erased in story.info.erasure:
        yield f"\nThe erasure of the grant on {name}"
        yield f"  grant {erased.grant}: {'confirmed' if erased.confirmed else 'NOT CONFIRMED'}, {erased.checked_at}"
        yield from (
            f"  {'ok' if check.passed else 'NO'}  {check.name}: {check.detail}" for check in erased.checks
        )
