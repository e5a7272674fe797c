# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a companion, and what it then does: plain values, without secrets.

`presenter` turns the one into the other; `director` carries it out.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from latchkey_agent.companion.wording import RequestWindow
from latchkey_agent.protocol.local import AskedItem, CustomerAnswer, CustomerRequest, Desktop, HoldingBack

Answer = Literal["allow", "later", "decline", "report", "closed"]
"""What was done to the request window; `closed` by its corner, Esc, or at the end of the program."""
Question = Literal["later", "decline"]
Deed = Literal["show", "revoke", "pause", "resume", "receipts", "report", "about"]
"""What the menu offers."""


class Screen(NamedTuple):
    """What the customer's screen is doing.

    Attributes:
        locked: nobody is there, or not at this session.
        viewed: somebody looks on from elsewhere.
        presentation: Windows was told that a presentation is on.
        full_screen: a program fills the screen.
    """

    locked: bool = False
    viewed: bool = False
    presentation: bool = False
    full_screen: bool = False

    @property
    def holds_back(self) -> HoldingBack | None:
        """Why nothing may be asked now, None if it may. The first reason that applies."""
        reasons: tuple[HoldingBack, ...] = ("locked", "viewed", "presentation", "full_screen")
        return next((reason for reason in reasons if getattr(self, reason)), None)

    @property
    def is_private(self) -> bool:
        """Whether the customer, and nobody else, sees the screen."""
        return not (self.locked or self.viewed)


# --- what happens ---------------------------------------------------------------


class Watched(NamedTuple):
    """The agent shows the desk."""

    desktop: Desktop


class Lost(NamedTuple):
    """The agent does not answer; it will be asked again."""


class Seen(NamedTuple):
    """The screen was looked at again."""


class Answered(NamedTuple):
    """The request window was answered."""

    request: str
    answer: Answer


class Chosen(NamedTuple):
    """The question behind an answer was answered; None: its window was closed."""

    request: str
    question: Question
    choice: int | None


class Entered(NamedTuple):
    """The password dialog is over.

    Attributes:
        answer: what the agent said to the entry; None if it was not asked, or did not answer.
        problem: why it was not asked: `cancelled`, `blank`, or what Windows said; empty if it was.
    """

    request: str
    answer: CustomerAnswer | None = None
    problem: str = ""


class Told(NamedTuple):
    """The agent was told something; None: it did not answer."""

    request: CustomerRequest
    answer: CustomerAnswer | None


class NewsClosed(NamedTuple):
    """The customer has closed the news of what happened while they were away."""


class BalloonOver(NamedTuple):
    """The notice by the clock has been there for its time."""


class Picked(NamedTuple):
    """Something was picked from the menu. `grant` is what to pause or to resume."""

    deed: Deed
    grant: str = ""


AnyInput = Watched | Lost | Seen | Answered | Chosen | Entered | Told | NewsClosed | BalloonOver | Picked

# --- what is done -----------------------------------------------------------------


class OpenRequest(NamedTuple):
    """Show the request window."""

    request: str
    window: RequestWindow


class CloseRequest(NamedTuple):
    """Take the request window from the screen; it brings no answer."""


class RaiseRequest(NamedTuple):
    """Bring the request window before the others: the customer has asked for it."""


class AskPassword(NamedTuple):
    """Show Windows' password dialog, and hand what is typed to the agent.

    `title` and `text` are the dialog's; the account stands in it already.
    """

    item: AskedItem
    title: str
    text: str


class Ask(NamedTuple):
    """Show the question behind an answer, with its choices."""

    request: str
    question: Question
    title: str
    text: str
    choices: tuple[str, ...]


class Tell(NamedTuple):
    """Say something to the agent."""

    request: CustomerRequest


class ShowNews(NamedTuple):
    """Show what happened while the customer was away, until they close it."""

    title: str
    text: str


class ShowPages(NamedTuple):
    """Show texts to leaf through, one at a time; `older` and `newer` are the words for leafing."""

    title: str
    pages: tuple[str, ...]
    older: str
    newer: str


class Balloon(NamedTuple):
    """Show a notice by the clock."""

    text: str


class ShowIcon(NamedTuple):
    """Show the icon by the clock, with this tip."""

    tip: str


class HideIcon(NamedTuple):
    """Take the icon away."""


AnyAction = (
    OpenRequest
    | CloseRequest
    | RaiseRequest
    | AskPassword
    | Ask
    | Tell
    | ShowNews
    | ShowPages
    | Balloon
    | ShowIcon
    | HideIcon
)
