# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that the output of a demo is short and free of codes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab.demo.lanes import WIDTH

if TYPE_CHECKING:
    from lab.demo.job_file import JobFile

OPTIONS = {"ask_again", "credential_request", "known_pcs"}
"""Names in the advice to the operator: an option and its module; a file in a command to type."""
CODES = (
    r"\[[a-z_]+\]",
    r"[{}]",
    r"\b[0-9a-f]{8,}\b",
    r"\b[a-z]+(?:_[a-z]+)+\b",
    r"\b(?:FAILED|cancelled|denied|granted|pending|redeemed)\b",
)
"""Error codes, JSON, hashes, names of states and of options, states in one word."""


def check(output: str, job: JobFile, most: int) -> None:
    """Check a demo's output: the job's variables once, at most `most` lines, none too wide, and no codes."""
    excerpt = "".join(f"  {line}\n" for line in job.excerpt())
    assert output.count(excerpt) == 1
    assert job.path.name in output
    lines = output.splitlines()
    assert len(lines) <= most, output
    assert [line for line in lines if len(line) > WIDTH] == []
    assert raw_codes(output.replace(excerpt, "")) == set()


def raw_codes(text: str) -> set[str]:
    """Return all codes in a text."""
    return {code for pattern in CODES for code in re.findall(pattern, text)} - OPTIONS
