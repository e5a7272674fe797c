# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the pictures of docs/customer.*.md again: `python -m lab.wine.screenshots FOLDER`, or `make screenshots`.

They show real windows of the product on a Wine PC, in every language; only the password
dialog is Wine's own, because Wine lacks Windows' dialog.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from agent.packaging.system_tools import SCREEN, WINE, missing
from lab.canary import make
from latchkey_agent.companion.texts import LANGUAGES

from .agent_pc import AgentPC, PipeClient
from .display import Display
from .ui_driver import LAST_LINES, UiDriver

SETTINGS = '[organization]\nname = "Contoso IT"\nphone = "+49 30 5550 100"\n'
REASONS = {"en": "Monthly updates", "de": "Monatliche Updates"}
ROLES = {"en": "helpdesk", "de": "Benutzerbetreuung"}
TOOLTIP = "tooltips_class32"
RECEIPTS = LAST_LINES
BOTH_WAYS = 2
"""The links of a receipt with an older and a newer one."""


class Room(NamedTuple):
    """One customer at a PC, and the folder for the pictures."""

    operator: PipeClient
    driver: UiDriver
    language: str
    folder: Path

    def say(self, name: str) -> str:
        """Return a text of the language."""
        return LANGUAGES[self.language][name]

    def ask(self, session: str) -> None:
        """Start a support session and request two restarts."""
        requester = {"name": "Kim Weber", "organization": "Fabrikam", "role": ROLES[self.language]}
        self.operator.ask(
            verb="session_start", session=session, reason=REASONS[self.language], ticket=session, requester=requester,
        )  # fmt: skip
        self.operator.ask(verb="credential_request", session=session, restarts=2, unlocks=1)

    def keep(self, name: str, area: tuple[int, int, int, int]) -> None:
        """Save a picture of a part of the screen."""
        self.driver.display.screenshot(self.folder / f"{name}.{self.language}.png", area)
        print(f"{name}.{self.language}.png")

    def links(self) -> list[str]:
        """Return the links in the window with the receipts."""
        shown = self.driver.seat.find(self.say("menu_receipts"))
        return shown.texts[2:-1] if shown else []

    def window(self, name: str, title: str) -> None:
        """Save a picture of the window with this title."""
        shown = self.driver.wait_for(title, lambda: self.driver.seat.find(title))
        self.keep(name, shown.area)


def asking(room: Room) -> None:
    """Take the request window, and the window behind later."""
    room.ask("CHG-4711")
    room.driver.request()
    room.window("request", room.say("title"))
    room.driver.choose("later")
    room.window("later", room.say("when_later"))
    room.driver.press(room.say("when_later"), "Escape")


def lending(room: Room) -> None:
    """Take the password dialog after a wrong entry, the notice, and the menu."""
    room.ask("CHG-4713")
    room.driver.open_password()
    room.window("password", room.say("password_title"))
    room.driver.press(room.say("password_title"), "Escape")
    room.driver.allow(bytearray("nonsense".encode("utf-16-le")))
    room.driver.request()
    room.window("wrong-password", room.say("title"))
    room.driver.allow()
    balloon = room.driver.wait_for("the notice", lambda: room.driver.seat.of_kind(TOOLTIP))
    room.keep("notice", balloon.area)
    menu = room.driver.open_menu()
    room.keep("menu", menu.area)
    room.driver.display.press("Escape", at=menu.last_line)


def afterwards(room: Room) -> None:
    """Take the notices after an absence, and the receipt."""
    room.driver.lock()
    room.operator.ask(verb="session_end", session="CHG-4713")
    room.ask("CHG-4714")
    room.driver.sign_in()
    room.driver.close_window()
    room.window("while-away", room.say("away_title"))
    room.driver.close_notices()
    room.driver.pick_from_below(RECEIPTS)
    # The last but one receipt covers the whole session.
    room.driver.press(room.say("menu_receipts"), "Tab", "Return")
    room.driver.wait_for("the older receipt", lambda: len(room.links()) == BOTH_WAYS)
    room.window("receipt", room.say("menu_receipts"))


def declining(room: Room) -> None:
    """Take the window behind decline. After a no the agent refuses further requests of this operator for a while."""
    room.ask("CHG-4715")
    room.driver.choose("decline")
    room.window("decline", room.say("why_declined"))
    room.driver.press(room.say("why_declined"), "Escape")


def main(folder: Path) -> int:
    """Take all pictures; return the exit code."""
    if lacking := missing(WINE, SCREEN):
        print(f"no pictures: {lacking}", file=sys.stderr)
        return 1
    for language in LANGUAGES:
        with tempfile.TemporaryDirectory() as name:
            _take(Path(name), folder, language)
    return 0


def _take(place: Path, folder: Path, language: str) -> None:
    with Display(place / "screen") as display, AgentPC(place / "pc", display.name) as office:
        (office.pc.program_data / "settings.toml").write_text(SETTINGS, encoding="utf-8")
        password = make()
        operators = [office.model.accounts.add(name, make()) for name in ("kim", "kim-night", "pat")]
        for operator in operators:
            operator.administrator = True
        record = office.model.accounts.add("anna", password)
        office.model.sessions.sign_in(record.account)
        with UiDriver(office, display, record.account.sid, password=password, language=language) as driver:
            rooms = (
                Room(office.pipe_client("LatchkeyControl", who.account.sid), driver, language, folder)
                for who in operators
            )
            # After "later" the agent refuses further requests of an operator for a while.
            parts = ((asking,), (lending, afterwards), (declining,))
            for room, theirs in zip(rooms, parts, strict=True):
                for part in theirs:
                    part(room)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
