# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes all evidence of a demo to files: each check in full, the receipts, the checks of the erasures.

The receipts are also written as they were signed, beside the file with the PCs' keys: `ssh-keygen` checks them.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from latchkey_agent.cli import receipt_files
from latchkey_agent.storage.signed_json import DEVICE_KEY, JOURNAL, RECEIPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from lab.demo.promises import Verdict
    from lab.demo.story import Story

FILE = "promises.txt"
KNOWN_PCS = "known_pcs"
"""OpenSSH's `allowed_signers`: a line with the key of each PC."""
NAMESPACES = f"{RECEIPT},{JOURNAL},{DEVICE_KEY}"


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


def write_receipts(folder: Path, stories: Mapping[str, Story]) -> str | None:
    """Write each PC's last receipt with its signature, and the PCs' keys.

    Args:
        folder: the demo's folder.
        stories: the story of each PC by its name.

    Returns:
        The command that checks the first receipt, to be typed in that folder; None if there is no receipt.
    """
    signed = {name: story.info.receipts[-1] for name, story in stories.items() if story.info.receipts}
    lines = [f'{name} namespaces="{NAMESPACES}" {receipt.public_key}\n' for name, receipt in signed.items()]
    if not lines:
        return None
    (folder / KNOWN_PCS).write_text("".join(lines), encoding="utf-8")
    files = {name: "receipt.json" if len(signed) == 1 else f"receipt-{name}.json" for name in signed}
    for name, receipt in signed.items():
        receipt_files.write(folder / files[name], receipt)
    name, file = next(iter(files.items()))
    return f"ssh-keygen -Y verify -f {KNOWN_PCS} -I {name} -n {RECEIPT} -s {file}.sig < {file}"


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
