# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen, keyboard and mouse of a Wine PC: an X server of its own in memory (Xvfb), driven by xdotool.

Typed text goes to xdotool on its standard input, never in an argument:
every account of the computer can read arguments.
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
    from pathlib import Path
    from types import TracebackType

PATIENCE = 20.0
"""The most seconds for the X server's start or a key on a busy computer."""
KEYBOARD = b"""\
xkb_keymap {
    xkb_keycodes { include "evdev+aliases(qwertz)" };
    xkb_types { include "complete" };
    xkb_compat { include "complete" };
    xkb_symbols {
        include "pc+de+inet(evdev)"
        replace key <AD03> { type = "ALPHABETIC", [e, E] };
        replace key <LSGT> { [EuroSign] };
    };
};
"""
"""A German keyboard with the letters of the tests' passwords: for a missing letter xdotool would change the keyboard
while Wine reads it. The euro has its own key: Wine uses the AltGr state of the last key that has arrived, not of the
key that it reads (winex11.drv, ToUnicodeEx), so a busy program reads AltGr+E as an e."""
DESKTOP = "Wine Desktop"
"""The end of the title of the only window, Wine's virtual desktop."""


class Display:
    """An X server; a context manager. It ends with this process, even after a crash.

    `folder` is the folder of its screen picture.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._keys = threading.Lock()
        self.name = ""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as making:
            number = making.enter_context(_Server(self._folder))
            self.name = f":{number}"
            self._run(["xkbcomp", "-w", "0", "-", self.name], KEYBOARD)
            self._stack = making.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # --- keyboard and mouse -----------------------------------------------------------

    def press(self, *keys: str, at: tuple[int, int]) -> None:
        """Press keys one after the other in the window at a position of the screen.

        Args:
            keys: by their X names, as `Return`, `Tab`, `shift+Tab`.
            at: left and top; the mouse moves there, which selects the window for the keys.

        Raises:
            LabError: there is no desktop, or no such key.
        """
        with self._keys:
            self._point(at)
            self._run(["xdotool", "key", "--delay", "40", *keys])

    def type(self, text: bytearray, *, at: tuple[int, int]) -> None:
        """Type a text or a password (UTF-16LE); see `press`."""
        with self._keys:
            self._point(at)
            self._run(["xdotool", "type", "--delay", "40", "--file", "-"], text.decode("utf-16-le").encode())

    def click(self, at: tuple[int, int], button: int = 1) -> None:
        """Move the mouse to a position of the screen and click."""
        with self._keys:
            self._run(["xdotool", "mousemove", *map(str, at), "click", str(button)])

    def focus(self) -> None:
        """Give the desktop the keyboard if no window has it, as after a dialog; no window manager does that here."""
        # Focusing the desktop again would take the focus from Wine's foreground window.
        name = self._run(["xdotool", "getwindowfocus", "getwindowname"], fails=True)
        if not name:
            self._run(
                ["xdotool", "search", "--sync", "--limit", "1", "--name", DESKTOP, "windowfocus"], fails=True
            )

    def _point(self, at: tuple[int, int]) -> None:
        # Keys go to the window with the focus, or to its part below the mouse.
        self.focus()
        self._run(["xdotool", "mousemove", *map(str, at)])

    def _run(self, command: list[str], hidden: bytes = b"", *, fails: bool = False) -> str:
        done = subprocess.run(
            command, input=hidden, env=self._environment, capture_output=True, check=False, timeout=PATIENCE
        )
        if (done.returncode or done.stderr) and not fails:
            msg = f"{command[0]} refused: {done.stderr.decode(errors='replace').strip() or done.returncode}"
            raise LabError(msg)
        return done.stdout.decode().strip()

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "DISPLAY": self.name, "LC_ALL": "C.UTF-8"}

    # --- pictures ------------------------------------------------------------------------

    @property
    def picture(self) -> Path:
        """The file with the picture of the screen (X11/XWDFile.h)."""
        return self._folder / "Xvfb_screen0"

    def screenshot(self, target: Path, area: tuple[int, int, int, int] | None = None) -> None:
        """Write the screen as PNG; `area` is left, top, width, height."""
        picture = read_xwd(self.picture.read_bytes())
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(png(picture.part(*area) if area else picture))


class _Server:
    """Xvfb under a guard that ends it when this process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> int:
        size = f"{SCREEN}x24"
        # The guard's standard input closes with this process. -r: no key repetition; on a busy computer a key
        # may stay down for long.
        options = f'-screen 0 {size} -fbdir "$0" -nolisten tcp -noreset -r'
        command = f"exec 3>&1; Xvfb -displayfd 3 {options} >/dev/null 2>&1 &"
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
