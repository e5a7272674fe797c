# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ffmpeg films an X display in memory."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agent.packaging.system_tools import FILM, FILM_READER, SCREEN
from lab.computer import LabError
from lab.wine.display import Display
from lab.wine.recording import PICTURES_PER_SECOND, STILL, Recording
from tests import films
from tests.needs import require

# The first test waits until a disk with Wine is made; other programs can keep the processors busy.
pytestmark = pytest.mark.timeout(600)


def test_a_long_wait_is_shortened(tmp_path: Path) -> None:
    """The film has all pictures of a second with a moving mouse, and STILL seconds of the longer wait after it."""
    require(SCREEN, FILM, FILM_READER)
    with Display(tmp_path / "screen") as display, Recording(display.name, tmp_path) as recording:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            for place in ((100, 100), (300, 300)):
                display.click(place)
        time.sleep(STILL + 3.0)
    recording.save(tmp_path / "film" / "film.webm")
    film = films.read(tmp_path / "film" / "film.webm")
    assert (film.format, film.codecs) == ("matroska,webm", ["vp9"])
    least = STILL * PICTURES_PER_SECOND
    assert least < film.pictures <= least + 2.5 * PICTURES_PER_SECOND


def test_a_display_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No film begins without a display."""
    require(FILM)
    with pytest.raises(LabError, match=r"ffmpeg .*the display.*:12345"), Recording(":12345", tmp_path):
        pytest.fail("it records")
