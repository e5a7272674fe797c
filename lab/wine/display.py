# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen, keyboard and mouse of a Wine PC: an X server of its own in memory (Xvfb), driven by xdotool.

What is typed goes to xdotool on its standard input, never in an argument:
every account of the computer can read those.
"""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from lab.computer import LabError

from .png import png, read_xwd
from .prefix import SCREEN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

PATIENCE = 20.0
"""Seconds that the X server or a key may take on a busy computer."""
DESKTOP = "Wine Desktop"
"""The end of the title of the one window that Wine's virtual desktop is."""


class Display:
    """An X server; a context manager. Ends with this process, however that ends.

    `folder` is where it keeps its picture.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._keys = threading.Lock()
        self.name = ""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as making:
            number = making.enter_context(_server(self._folder))
            self.name = f":{number}"
            self._stack = making.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # --- keyboard and mouse -----------------------------------------------------------

    def press(self, *keys: str) -> None:
        """Press keys one after the other, by their X names: `Return`, `Tab`, `shift+Tab`.

        Raises:
            LabError: there is no desktop to press them in.
        """
        with self._keys:
            self._focus()
            self._do(f"key --delay 40 {' '.join(keys)}")

    def type(self, text: Iterable[str]) -> None:
        """Type characters, given one by one so that no secret has to be a string; see `press`."""
        with self._keys:
            self._focus()
            # By their code points, for xdotool's script splits lines and words.
            self._do("key --delay 40 " + " ".join(f"U{ord(character):04X}" for character in text))

    def click(self, x: int, y: int, button: int = 1) -> None:
        """Move the mouse to a place of the screen and click."""
        with self._keys:
            self._do(f"mousemove {x} {y} click {button}")

    def _focus(self) -> None:
        self._do(f'search --sync --limit 1 --name "{DESKTOP}" windowfocus')

    def _do(self, script: str) -> None:
        done = subprocess.run(
            ["xdotool", "-"], input=script.encode(), env=self._environment, capture_output=True, check=False,
            timeout=PATIENCE,
        )  # fmt: skip
        if done.returncode or done.stderr:
            msg = f"xdotool refused: {done.stderr.decode(errors='replace').strip() or done.returncode}"
            raise LabError(msg)

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "DISPLAY": self.name, "LC_ALL": "C.UTF-8"}

    # --- pictures ------------------------------------------------------------------------

    def screenshot(self, target: Path, area: tuple[int, int, int, int] | None = None) -> None:
        """Write what is on the screen as PNG; `area` is left, top, width, height."""
        picture = read_xwd((self._folder / "Xvfb_screen0").read_bytes())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(png(picture.part(*area) if area else picture))


class _Server:
    """Xvfb under a guard that ends it when this process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> int:
        size = f"{SCREEN}x24"
        # The guard's standard input closes with this process.
        command = f'exec 3>&1; Xvfb -displayfd 3 -screen 0 {size} -fbdir "$0" -nolisten tcp -noreset >/dev/null 2>&1 &'
        self._guard = subprocess.Popen(
            ["sh", "-c", f"{command} exec 3>&- 1>&-; cat >/dev/null; kill $!; wait $!", self._folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert self._guard.stdout is not None  # noqa: S101 - it was started with a pipe
        line = self._guard.stdout.readline().strip()
        if not line.isdigit():
            self.__exit__()
            msg = "the X server Xvfb did not start"
            raise LabError(msg)
        return int(line)

    def __exit__(self, *_: object) -> None:
        self._guard.communicate(timeout=PATIENCE)


def _server(folder: Path) -> _Server:
    return _Server(folder)
