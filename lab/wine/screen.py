# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen of a Wine PC, and the programs of the customer in front of it."""

from __future__ import annotations

import json
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.computer import LabError

from .screen_report import Focus, ScreenWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .display import Display
    from .wine_pc import WinePC

DIALOG, MENU, TASKBAR = "#32770", "#32768", "Shell_TrayWnd"
ICON = 11
"""Pixels from the taskbar's right end to the middle of its first icon."""
PATIENCE = 20.0


class Shown(ScreenWindow):
    """A window, and the positions of its parts."""

    @property
    def text(self) -> str:
        """All its texts, one line for each paragraph."""
        return "\n".join(self.texts).replace("\n\n", "\n")

    @property
    def grip(self) -> tuple[int, int]:
        """A position in its title bar, where a click has no effect."""
        return self.place[0] + 100, self.place[1] + 12

    @property
    def last_line(self) -> tuple[int, int]:
        """A position in the last line of a menu."""
        return self.place[0] + 20, self.place[3] - 12

    @property
    def area(self) -> tuple[int, int, int, int]:
        """Left, top, width, height."""
        left, top, right, bottom = self.place
        return left, top, right - left, bottom - top


class Seat:
    """The companion and a screen reader; each is a program of the PC."""

    def __init__(self, pc: WinePC, display: Display, language: str) -> None:
        self._pc = pc
        self._language = language
        self._lock = threading.Lock()
        self._companion: subprocess.Popen[bytes] | None = None
        self._eyes: subprocess.Popen[bytes] | None = None
        self.display = display

    def start_companion(self, sid: str, session: int) -> None:
        """Start the companion of an account's session if it does not run."""
        if self._companion is None or self._companion.poll() is not None:
            self.end(self._companion)
            self._companion = self.start("lab.wine.guest.guest_companion", sid, str(session), self._language)

    @property
    def companion(self) -> subprocess.Popen[bytes]:
        """The companion's process.

        Raises:
            LabError: it was not started.
        """
        if self._companion is None:
            msg = "no companion runs"
            raise LabError(msg)
        return self._companion

    def leave(self) -> None:
        """End both programs."""
        for program in (self._companion, self._eyes):
            self.end(program)
        self._companion = self._eyes = None

    def start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a module of the lab, with pipes for its streams."""
        return self._pc.start_module(module, *arguments)

    def end(self, program: subprocess.Popen[bytes] | None) -> None:
        """End a program with windows, and close its streams."""
        if program is None:
            return
        program.kill()
        program.wait(PATIENCE)
        # Wine's desktop inherits the streams of the first program with a window, so they may stay open.
        for stream in (program.stdin, program.stdout, program.stderr):
            if stream is not None:
                stream.close()

    # --- reading the screen ----------------------------------------------------------------

    def windows(self) -> list[Shown]:
        """Return the windows on the screen, the foremost first; none while the PC is off."""
        return [Shown(*fields) for fields in json.loads(self._look("windows") or b"[]")]

    def focus(self) -> Focus | None:
        """Return the keyboard focus; None while the PC is off."""
        line = self._look("focus")
        return Focus(*json.loads(line)) if line else None

    def _look(self, at: str) -> bytes:
        with self._lock:
            if self._eyes is None or self._eyes.poll() is not None:
                self.end(self._eyes)
                self._eyes = self.start("lab.wine.guest.screen_reader")
            return _ask(self._eyes, at)

    def find(self, title: str) -> Shown | None:
        """Return the window with this title."""
        return next((shown for shown in self._dialogs() if title in (shown.title, *shown.texts[:1])), None)

    def message(self) -> Shown | None:
        """Return the message box on the screen: a window with a text and a button only."""
        return next((shown for shown in self._dialogs() if len(shown.texts) == 2), None)

    def _dialogs(self) -> Iterable[Shown]:
        return (shown for shown in self.windows() if shown.kind == DIALOG)

    def menu(self) -> Shown | None:
        """Return the open menu."""
        return self.of_kind(MENU)

    def of_kind(self, kind: str) -> Shown | None:
        """Return the foremost window of a class."""
        return next((shown for shown in self.windows() if shown.kind == kind), None)

    def click_icon(self) -> bool:
        """Click on the first icon of the taskbar with the right button; return False if there is no taskbar."""
        taskbar = self.of_kind(TASKBAR)
        if taskbar is None:
            return False
        _, top, right, bottom = taskbar.place
        self.display.click((right - ICON, (top + bottom) // 2), button=3)
        return True

    def balloons(self) -> list[str]:
        """Return the text of every tray notice so far."""
        return [json.loads(line) for line in self._pc.lab_file("notices").splitlines()]

    def play(self, *words: str) -> None:
        """Set the states of the screen: `viewed`, `presentation`, `full_screen`; no argument clears them."""
        (self._pc.lab / "screen").write_text(" ".join(words), encoding="ascii")

    @property
    def log(self) -> str:
        """The companion's log."""
        return self._pc.lab_file("companion.log")


def _ask(eyes: subprocess.Popen[bytes], for_what: str) -> bytes:
    # The PC may be switched off during the read.
    with suppress(BrokenPipeError):
        assert eyes.stdin is not None  # noqa: S101 - the program has pipes
        assert eyes.stdout is not None  # noqa: S101
        eyes.stdin.write(f"{for_what}\n".encode())
        eyes.stdin.flush()
        return eyes.stdout.readline()
    return b""
