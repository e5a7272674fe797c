# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a companion, and what it then does: plain values, without secrets.

`presenter` turns the one into the other; `director` carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from latchkey_agent.companion.wording import RequestWindow
from latchkey_agent.protocol.customer_messages import (
    AskedItem,
    CustomerAnswer,
    CustomerRequest,
    CustomerSnapshot,
    DisplayBlock,
)

Answer = Literal["allow", "later", "decline", "report", "closed"]
"""What was done to the request window; `closed` by its corner, Esc, or at the end of the program."""
Question = Literal["later", "decline", "again"]
"""What is asked before an answer counts; `again` only tells why the request window comes back."""
Deed = Literal["show", "revoke", "pause", "resume", "receipts", "report", "about"]
"""What the menu offers."""


@dataclass(frozen=True)
class Screen:
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
    def holds_back(self) -> DisplayBlock | None:
        """Why nothing may be asked now, None if it may. The first reason that applies."""
        reasons: tuple[DisplayBlock, ...] = ("locked", "viewed", "presentation", "full_screen")
        return next((reason for reason in reasons if getattr(self, reason)), None)

    @property
    def is_private(self) -> bool:
        """Whether the customer, and nobody else, sees the screen."""
        return not (self.locked or self.viewed)


# --- what happens ---------------------------------------------------------------


@dataclass(frozen=True)
class Watched:
    """The agent shows a new customer snapshot."""

    snapshot: CustomerSnapshot


@dataclass(frozen=True)
class Lost:
    """The agent does not answer; it will be asked again."""


@dataclass(frozen=True)
class Seen:
    """The screen was looked at again."""


@dataclass(frozen=True)
class Answered:
    """The request window was answered."""

    request: str
    answer: Answer


@dataclass(frozen=True)
class Unshown:
    """Windows could not show the request window."""

    request: str


@dataclass(frozen=True)
class Chosen:
    """The question behind an answer was answered; None: its window was closed."""

    request: str
    question: Question
    choice: int | None


@dataclass(frozen=True)
class Entered:
    """The password dialog is over.

    Attributes:
        answer: what the agent said to the entry; None if it was not asked, or did not answer.
        problem: why it was not asked: `cancelled`, `blank`, or what Windows said; empty if it was.
    """

    request: str
    answer: CustomerAnswer | None = None
    problem: str = ""


@dataclass(frozen=True)
class Told:
    """The agent was told something; None: it did not answer."""

    request: CustomerRequest
    answer: CustomerAnswer | None


@dataclass(frozen=True)
class NewsClosed:
    """The customer has closed the news of what happened while they were away."""


@dataclass(frozen=True)
class BalloonOver:
    """The notice of this number has been by the clock for its time."""

    number: int


@dataclass(frozen=True)
class Picked:
    """Something was picked from the menu. `grant` is what to pause or to resume."""

    deed: Deed
    grant: str = ""


AnyInput = (
    Watched | Lost | Seen | Answered | Unshown | Chosen | Entered | Told | NewsClosed | BalloonOver | Picked
)

# --- what is done -----------------------------------------------------------------


@dataclass(frozen=True)
class OpenRequest:
    """Show the request window."""

    request: str
    window: RequestWindow


@dataclass(frozen=True)
class CloseRequest:
    """Take the request window from the screen; it brings no answer."""


@dataclass(frozen=True)
class RaiseRequest:
    """Bring the request window before the others: the customer has asked for it."""


@dataclass(frozen=True)
class AskPassword:
    """Show Windows' password dialog, and hand what is typed to the agent.

    `title` and `text` are the dialog's; the account stands in it already.
    """

    item: AskedItem
    title: str
    text: str


@dataclass(frozen=True)
class Ask:
    """Show the question behind an answer, with its choices."""

    request: str
    question: Question
    title: str
    text: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class Tell:
    """Say something to the agent."""

    request: CustomerRequest


@dataclass(frozen=True)
class ShowNews:
    """Show what happened while the customer was away, until they close it."""

    title: str
    text: str


@dataclass(frozen=True)
class ShowPages:
    """Show texts to leaf through, one at a time; `older` and `newer` are the words for leafing."""

    title: str
    pages: tuple[str, ...]
    older: str
    newer: str


@dataclass(frozen=True)
class Balloon:
    """Show a notice by the clock, in place of the one that is there."""

    text: str
    number: int = 0


@dataclass(frozen=True)
class ShowIcon:
    """Show the icon by the clock, with this tip."""

    tip: str


@dataclass(frozen=True)
class HideIcon:
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
