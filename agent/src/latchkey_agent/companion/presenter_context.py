# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of the presenter look at: the customer snapshot, the screen, the moment, the language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from latchkey_agent.companion import wording
from latchkey_agent.companion.steps import Screen, ShowPages
from latchkey_agent.protocol.customer_messages import CustomerSnapshot


@dataclass
class View:
    """The present state of everything outside.

    Attributes:
        language: of the customer's Windows.
        now: the moment, in the PC's zone.
        snapshot: what the agent showed last.
        screen: what the screen is doing.
        connected: whether the agent answers.
    """

    language: str
    now: datetime
    snapshot: CustomerSnapshot
    screen: Screen
    connected: bool = False

    def say(self, name: str, **places: str) -> str:
        """Return a text in the customer's language."""
        return wording.say(name, self.language, **places)

    def message(self, *texts: str) -> ShowPages:
        """Return a message with nothing to leaf through."""
        return ShowPages("", ("\n\n".join(texts),), "", "")
