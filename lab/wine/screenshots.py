# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the pictures of docs/customer.*.md again: `python -m lab.wine.screenshots FOLDER`, or `make screenshots`.

They show real windows of the product on a Wine PC, in every language; only the password
dialog is Wine's own, because Wine lacks Windows' dialog.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from agent.packaging.system_tools import SCREEN, WINE, missing
from latchkey_agent.companion.texts import LANGUAGES

from .shown_pc import Room, shown_pc
from .ui_driver import LAST_LINES, UiDriver

RECEIPTS = LAST_LINES
BOTH_WAYS = 2
"""The links of a receipt with an older and a newer one."""


class Camera(NamedTuple):
    """Takes pictures of a room into a folder."""

    room: Room
    folder: Path

    @property
    def driver(self) -> UiDriver:
        """The customer in the room."""
        return self.room.driver

    def keep(self, name: str, area: tuple[int, int, int, int]) -> None:
        """Save a picture of a part of the screen."""
        file = f"{name}.{self.room.language}.png"
        self.driver.display.screenshot(self.folder / file, area)
        print(file)

    def links(self) -> list[str]:
        """Return the links in the window with the receipts."""
        shown = self.driver.seat.find(self.room.say("menu_receipts"))
        return shown.texts[2:-1] if shown else []

    def window(self, name: str, title: str) -> None:
        """Save a picture of the window with this title."""
        shown = self.driver.wait_for(title, lambda: self.driver.seat.find(title))
        self.keep(name, shown.area)


def asking(camera: Camera) -> None:
    """Take the request window, and the window behind later."""
    room = camera.room
    room.ask("CHG-4711")
    room.driver.request()
    camera.window("request", room.say("title"))
    room.driver.choose("later")
    camera.window("later", room.say("when_later"))
    room.driver.press(room.say("when_later"), "Escape")


def lending(camera: Camera) -> None:
    """Take the password dialog after a wrong entry, the notice, and the menu."""
    room = camera.room
    room.ask("CHG-4713")
    room.driver.open_password()
    camera.window("password", room.say("password_title"))
    room.driver.press(room.say("password_title"), "Escape")
    room.driver.allow(bytearray("nonsense".encode("utf-16-le")))
    room.driver.request()
    camera.window("wrong-password", room.say("title"))
    room.driver.allow()
    camera.keep("notice", room.notice().area)
    menu = room.driver.open_menu()
    camera.keep("menu", menu.area)
    room.driver.display.press("Escape", at=menu.last_line)


def afterwards(camera: Camera) -> None:
    """Take the notices after an absence, and the receipt."""
    room = camera.room
    room.driver.lock()
    room.operator.ask(verb="session_end", session="CHG-4713")
    room.ask("CHG-4714")
    room.driver.sign_in()
    room.driver.close_window()
    camera.window("while-away", room.say("away_title"))
    room.driver.close_notices()
    room.driver.pick_from_below(RECEIPTS)
    # The last but one receipt covers the whole session.
    room.driver.press(room.say("menu_receipts"), "Tab", "Return")
    room.driver.wait_for("the older receipt", lambda: len(camera.links()) == BOTH_WAYS)
    camera.window("receipt", room.say("menu_receipts"))


def declining(camera: Camera) -> None:
    """Take the window behind decline. After a no the agent refuses further requests of this operator for a while."""
    room = camera.room
    room.ask("CHG-4715")
    room.driver.choose("decline")
    camera.window("decline", room.say("why_declined"))
    room.driver.press(room.say("why_declined"), "Escape")


def main(folder: Path) -> int:
    """Take all pictures; return the exit code."""
    if lacking := missing(WINE, SCREEN):
        print(f"no pictures: {lacking}", file=sys.stderr)
        return 1
    for language in LANGUAGES:
        _take(folder, language)
    return 0


def _take(folder: Path, language: str) -> None:
    # After "later" the agent refuses further requests of an operator for a while.
    parts = ((asking,), (lending, afterwards), (declining,))
    with shown_pc(language, "kim", "kim-night", "pat") as rooms:
        for room, theirs in zip(rooms, parts, strict=True):
            for part in theirs:
                part(Camera(room, folder))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
