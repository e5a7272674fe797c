# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records an X display as a film (WebM with VP9, no sound), by ffmpeg.

ffmpeg first keeps each picture without loss, which costs little time, and compresses the film after the recording:
the programs on the display stay fast.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Self

from lab.computer import LabError

from .prefix import SCREEN

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PICTURES_PER_SECOND = 8
LONGEST = 180
"""The most seconds of a recording."""
STILL = 3
"""The most seconds of a film without a change; the rest of a longer wait is left out."""
SHORTENED = (
    f"select='st(0, if(gt(scene, 0), n, ld(0))); lte(n - ld(0), {STILL * PICTURES_PER_SECOND})',"
    f"setpts=N/{PICTURES_PER_SECOND}/TB"
)
"""ffmpeg's filters: variable 0 is the number of the last picture with a change (ffmpeg-filters, `select`)."""
PATIENCE = 20.0
"""The most seconds for ffmpeg's start and end."""
COMPRESSING = 600.0
"""The most seconds for compressing a film on a busy computer."""
QUALITY = 34
"""The fixed quality of VP9: from 0, the best, to 63. Small letters are readable at this value."""
QUIET = ("ffmpeg", "-hide_banner", "-loglevel", "error", "-y")


class Recording:
    """A recording of a display; a context manager. ffmpeg ends with the display, even after a crash.

    Args:
        display: the name of the X display, as `:1`.
        folder: an existing folder for the pictures.

    Raises:
        LabError: ffmpeg failed.
    """

    def __init__(self, display: str, folder: Path) -> None:
        self._display = display
        self._pictures = folder / "pictures.mkv"
        self._film = folder / "film.webm"
        self._program: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        screen = ("-f", "x11grab", "-framerate", str(PICTURES_PER_SECOND), "-video_size", SCREEN)
        # Written at once, the file tells that the recording has begun.
        output = ("-t", str(LONGEST), "-c:v", "ffv1", "-flush_packets", "1", self._pictures)
        self._program = subprocess.Popen(
            [*QUIET, *screen, "-i", self._display, *output],
            env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while not self._has_begun():
            if self._program.poll() is not None or time.monotonic() > until:
                self._end()
                msg = f"ffmpeg did not begin to record the display {self._display} within {PATIENCE} s"
                raise LabError(msg)
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def save(self, target: Path) -> None:
        """Compress the film after the recording, and write it.

        Raises:
            LabError: ffmpeg failed.
        """
        vp9 = ("-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", "-crf", str(QUALITY), "-b:v", "0", "-g", "240")
        # Without names, dates and versions of the programs, equal pictures give an equal file.
        plain = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-an")
        done = subprocess.run(
            [*QUIET, "-i", self._pictures, "-vf", SHORTENED, *vp9, *plain, "-f", "webm", self._film],
            env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=COMPRESSING,
        )  # fmt: skip
        if done.returncode:
            msg = f"ffmpeg could not write the film: {done.stderr.decode(errors='replace').strip()}"
            raise LabError(msg)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._film, target)

    def _has_begun(self) -> bool:
        return self._pictures.exists() and self._pictures.stat().st_size > 0

    def _end(self) -> None:
        if self._program is None:
            return
        program, self._program = self._program, None
        try:
            # ffmpeg writes the rest and ends after the letter q.
            _, fault = program.communicate(b"q", timeout=PATIENCE)
        finally:
            program.kill()
            program.wait(PATIENCE)
        if program.returncode:
            msg = f"ffmpeg could not record the display {self._display}: {fault.decode(errors='replace').strip()}"
            raise LabError(msg)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
