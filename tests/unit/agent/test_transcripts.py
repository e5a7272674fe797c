# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stories happen as their transcripts tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.agent.stories import STORIES
from tests.unit.agent.transcript import AGAIN, FOLDER, record


@pytest.mark.parametrize("name", STORIES)
def test_a_story_happens_as_its_transcript_tells(place: Path, canary: bytearray, name: str) -> None:
    """Commands, events, effects, answers, refusals and the PC's changes are those of the transcript."""
    told = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert record(name, place, canary).splitlines() == told.splitlines(), AGAIN


def test_each_transcript_has_its_story() -> None:
    """No transcript is left over."""
    assert {file.stem for file in FOLDER.iterdir()} == set(STORIES)
