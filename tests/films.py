# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads films with ffprobe."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Film(NamedTuple):
    """A film.

    Attributes:
        format: the names of its format.
        codecs: the codec of each of its streams.
        size: its width and height.
        pictures: the number of its pictures.
        seconds: its length.
    """

    format: str
    codecs: list[str]
    size: tuple[int, int]
    pictures: int
    seconds: float


def read(path: Path) -> Film:
    """Return the properties of a film.

    Raises:
        CalledProcessError: it is none.
    """
    command = ["ffprobe", "-v", "error", "-of", "json", "-count_frames", "-show_streams", "-show_format"]
    done = subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=60)
    found = json.loads(done.stdout)
    first = found["streams"][0]
    return Film(
        found["format"]["format_name"],
        [stream["codec_name"] for stream in found["streams"]],
        (first["width"], first["height"]),
        int(first["nb_read_frames"]),
        float(found["format"]["duration"]),
    )
