# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""The product's companion on a Wine PC: `companion SID SESSION LANGUAGE`.

| part | here | why |
| --- | --- | --- |
| windows, icon, menu, keys, pipe, presenter | the product's | Wine supports them |
| password dialog | CredUIPromptForCredentialsW | Wine's CredUIPromptForWindowsCredentialsW is a stub (error 120) |
| state of the screen | the lab's sessions, and the file C:\lab\screen | Wine has no lock and no presentation |
| language, session | from the arguments | Wine has one of each |
| queries of the service manager | one thread at a time (`manager`) | Wine confuses two threads |

The file C:\lab\package stands for the installed package. The start of the next companion makes C:\lab\launched.

Every tray notice is also written to C:\lab\notices, one in a line: no program can
read a balloon's text.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import sys
from ctypes import POINTER, byref, c_ubyte, c_uint32, c_void_p, c_wchar_p
from functools import partial
from pathlib import Path

from lab.simulated.remote_ports import LinkedSessions
from lab.simulated.wire import Token
from lab.wine.wine_calls import Claim
from latchkey_agent.companion.director import PasswordInput
from latchkey_agent.companion.screen.password import ERROR_CANCELLED, MAX_PASSWORD, MAX_USER
from latchkey_agent.companion.screen.runner import Parts, WindowsStage, run
from latchkey_agent.companion.steps import Screen
from latchkey_agent.protocol.frames import wipe
from latchkey_agent.windows import names
from latchkey_agent.windows.win32 import api
from latchkey_agent.windows.win32 import desktop_api as desktop

from .lab_link import LabLink
from .manager import connect

LAB = Path("C:\\lab")
SCREEN_FILE, NOTICES_FILE, LOG_FILE = LAB / "screen", LAB / "notices", LAB / "companion.log"
PACKAGE_FILE, LAUNCHED_FILE = LAB / "package", LAB / "launched"
# wincred.h: CREDUI_FLAGS_DO_NOT_PERSIST, EXCLUDE_CERTIFICATES, ALWAYS_SHOW_UI, GENERIC_CREDENTIALS
FLAGS = 0x2 | 0x8 | 0x80 | 0x40000

CredUIPromptForCredentialsW = api.Function(
    "credui", "CredUIPromptForCredentialsW", api.DWORD,
    POINTER(desktop.CredUiInfo), c_wchar_p, c_void_p, api.DWORD, c_void_p, c_uint32, c_void_p, c_uint32,
    POINTER(api.BOOL), api.DWORD,
)  # fmt: skip


def prompt(user: str, title: str, text: str) -> PasswordInput:
    """Show Wine's password dialog, the name filled in."""
    info = desktop.CredUiInfo(size=ctypes.sizeof(desktop.CredUiInfo), message=text, caption=title)
    name, secret = bytearray(2 * MAX_USER), bytearray(2 * MAX_PASSWORD)
    filled = user.encode("utf-16-le")
    name[: len(filled)] = filled
    save = api.BOOL(0)
    name_, secret_ = ((c_ubyte * len(b)).from_buffer(b) for b in (name, secret))
    code = CredUIPromptForCredentialsW(
        byref(info), "Latchkey", None, 0, name_, MAX_USER, secret_, MAX_PASSWORD, byref(save), FLAGS
    )
    try:
        if code:
            return PasswordInput(problem="cancelled" if code == ERROR_CANCELLED else f"Windows error {code}")
        return PasswordInput(_text(name).decode("utf-16-le"), _text(secret))
    finally:
        wipe(secret)


def _text(buffer: bytearray) -> bytearray:
    end = next(at for at in range(0, len(buffer), 2) if buffer[at : at + 2] == b"\0\0")
    return buffer[:end]


class LabStage(WindowsStage):
    """The product's windows; the lab's screen and password dialog."""

    def __init__(self, sessions: LinkedSessions, session: int, language: str) -> None:
        super().__init__(language)
        self._sessions = sessions
        self._session = session

    def read_screen(self) -> Screen:
        """Return what the lab plays on the screen."""
        words = SCREEN_FILE.read_text(encoding="ascii").split() if SCREEN_FILE.exists() else []
        mine = [s for s in self._sessions.signed_in() if s.session_id == self._session]
        locked = not mine or mine[0].locked or not mine[0].active
        return Screen(locked=locked, **dict.fromkeys(words, True))

    def password(self, user: str, title: str, text: str) -> PasswordInput:
        """Show the dialog that Wine has."""
        return prompt(user, title, text)

    def balloon(self, text: str) -> None:
        """Show the notice, and write it to the lab's file."""
        super().balloon(text)
        with NOTICES_FILE.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(text)}\n")


def main(sid: str, session: str, language: str) -> int:
    """Run the companion of an account in a session."""
    logging.basicConfig(filename=LOG_FILE, encoding="utf-8", level=logging.INFO)
    link = LabLink()
    link.ask(Claim(os.getpid(), Token(sid, int(session))), None)
    stage = partial(LabStage, LinkedSessions(link), int(session))
    own = f"Local\\LatchkeyCompanion{session}"
    pipe = partial(connect, names.PIPE_CUSTOMER)
    return run(Parts(stage, pipe, lambda: language, own, package, LAUNCHED_FILE.touch))


def package() -> object:
    """Return the text that stands for the installed package, None while there is none."""
    return PACKAGE_FILE.read_text(encoding="ascii") if PACKAGE_FILE.exists() else None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
