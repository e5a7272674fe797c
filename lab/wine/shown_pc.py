# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Wine PC with a customer and operators, whose screen the documentation shows."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lab.canary import make
from latchkey_agent.companion.texts import LANGUAGES
from latchkey_agent.protocol.frames import wipe

from .agent_pc import AgentPC, PipeClient
from .display import Display
from .ui_driver import UiDriver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .screen import Shown

SETTINGS = '[organization]\nname = "Contoso IT"\nphone = "+49 30 5550 100"\n'
REASONS = {"en": "Monthly updates", "de": "Monatliche Updates"}
ROLES = {"en": "helpdesk", "de": "Benutzerbetreuung"}
TOOLTIP = "tooltips_class32"


class Room(NamedTuple):
    """The customer at the PC, and one operator."""

    operator: PipeClient
    driver: UiDriver
    language: str

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

    def notice(self, text: str = "") -> Shown:
        """Wait for a notice at the tray icon that contains this text, and return it."""

        def shown() -> Shown | None:
            notice = self.driver.seat.of_kind(TOOLTIP)
            return notice if notice and text in notice.title else None

        return self.driver.wait_for(f"the notice {text!r}", shown)


@contextmanager
def shown_pc(language: str, *operators: str) -> Iterator[list[Room]]:
    """Switch on a PC with a signed-in customer; yield a room for each operator's account.

    Args:
        language: the language of the customer's Windows.
        operators: the names of the operators' accounts.

    Raises:
        WorkError: the PC does not start.
    """
    with (
        tempfile.TemporaryDirectory() as place,
        Display(Path(place) / "screen") as display,
        AgentPC(Path(place) / "pc", display.name) as office,
    ):
        (office.pc.program_data / "settings.toml").write_text(SETTINGS, encoding="utf-8")
        accounts = [office.model.accounts.add(name, make()) for name in operators]
        for account in accounts:
            account.administrator = True
        password = make()
        customer = office.model.accounts.add("anna", password).account
        office.model.sessions.sign_in(customer)
        with UiDriver(office, display, customer.sid, password=password, language=language) as driver:
            wipe(password)
            yield [
                Room(office.pipe_client("LatchkeyControl", account.account.sid), driver, language)
                for account in accounts
            ]
