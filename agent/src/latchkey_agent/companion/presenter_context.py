# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state that the parts of the presenter share: customer snapshot, screen, time and language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from latchkey_agent.companion import wording
from latchkey_agent.companion.steps import Screen, ShowPages
from latchkey_agent.protocol.customer_messages import CustomerSnapshot


@dataclass
class View:
    """The current state outside the presenter.

    Attributes:
        language: the language of the customer's Windows.
        now: the current time in the PC's time zone.
        snapshot: the latest customer snapshot.
        screen: the state of the screen.
        connected: whether the agent answers.
    """

    language: str
    now: datetime
    snapshot: CustomerSnapshot
    screen: Screen
    connected: bool = False

    def text(self, name: str, **places: str) -> str:
        """Return a text in the customer's language."""
        return wording.text(name, self.language, **places)

    def message(self, *texts: str) -> ShowPages:
        """Return a message of one page."""
        return ShowPages("", ("\n\n".join(texts),), "", "")
