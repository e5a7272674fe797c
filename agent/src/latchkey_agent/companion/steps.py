# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The events and actions of a companion: plain values without secrets.

`presenter` turns events into actions. `director` performs the actions.
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
"""The answer in the request window; `closed` with the close button, Esc, or the end of the program."""
Question = Literal["later", "decline", "away", "again"]
"""The question that follows an answer; `again` only explains why the request window comes back."""
MenuAction = Literal["show", "revoke", "pause", "resume", "receipts", "report", "about"]
"""The actions in the tray menu."""


@dataclass(frozen=True)
class Screen:
    """The state of the customer's screen.

    Attributes:
        locked: the session is locked, or not the active one.
        viewed: another session shadows this one.
        presentation: the presentation mode of Windows is on.
        full_screen: a program fills the screen.
    """

    locked: bool = False
    viewed: bool = False
    presentation: bool = False
    full_screen: bool = False

    @property
    def display_block(self) -> DisplayBlock | None:
        """The first reason that blocks a request from being shown; None if nothing blocks it."""
        reasons: tuple[DisplayBlock, ...] = ("locked", "viewed", "presentation", "full_screen")
        return next((reason for reason in reasons if getattr(self, reason)), None)

    @property
    def is_private(self) -> bool:
        """Whether only the customer sees the screen."""
        return not (self.locked or self.viewed)


# --- events ---------------------------------------------------------------------


@dataclass(frozen=True)
class SnapshotChanged:
    """The agent has sent a new customer snapshot."""

    snapshot: CustomerSnapshot


@dataclass(frozen=True)
class AgentLost:
    """The agent does not answer. The companion keeps trying to connect."""


@dataclass(frozen=True)
class ScreenChecked:
    """The screen was checked again."""


@dataclass(frozen=True)
class RequestAnswered:
    """The customer answered the request window."""

    request: str
    answer: Answer


@dataclass(frozen=True)
class RequestNotShown:
    """Windows could not show the request window."""

    request: str


@dataclass(frozen=True)
class ChoiceMade:
    """The customer answered the question that follows an answer.

    Attributes:
        choice: the number of the choice; None if the customer closed the window.
    """

    request: str
    question: Question
    choice: int | None


@dataclass(frozen=True)
class PasswordEntered:
    """The password dialog has closed.

    Attributes:
        answer: the agent's answer to the entry; None if nothing was sent or the agent did not answer.
        problem: the reason why nothing was sent: `cancelled`, `blank`, or Windows' message; otherwise empty.
    """

    request: str
    answer: CustomerAnswer | None = None
    problem: str = ""


@dataclass(frozen=True)
class AgentReplied:
    """The agent replied to a request.

    Attributes:
        answer: the agent's answer; None if it did not answer.
    """

    request: CustomerRequest
    answer: CustomerAnswer | None


@dataclass(frozen=True)
class MissedNoticesClosed:
    """The customer closed the window with the notices from their absence."""


@dataclass(frozen=True)
class BalloonExpired:
    """The time of the balloon with this number is over."""

    number: int


@dataclass(frozen=True)
class MenuPicked:
    """The customer chose a menu entry. `grant` is the id of the grant to pause or resume."""

    action: MenuAction
    grant: str = ""


AnyEvent = (
    SnapshotChanged
    | AgentLost
    | ScreenChecked
    | RequestAnswered
    | RequestNotShown
    | ChoiceMade
    | PasswordEntered
    | AgentReplied
    | MissedNoticesClosed
    | BalloonExpired
    | MenuPicked
)

# --- actions ------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenRequest:
    """Show the request window."""

    request: str
    window: RequestWindow


@dataclass(frozen=True)
class CloseRequest:
    """Close the request window. This does not count as an answer."""


@dataclass(frozen=True)
class BringRequestToFront:
    """Bring the request window to the front at the customer's request."""


@dataclass(frozen=True)
class AskPassword:
    """Show Windows' password dialog and send the entry to the agent.

    Attributes:
        item: the request; its account is filled in.
        title: the dialog's caption.
        text: the dialog's message.
    """

    item: AskedItem
    title: str
    text: str


@dataclass(frozen=True)
class AskQuestion:
    """Show the question that follows an answer, with its choices."""

    request: str
    question: Question
    title: str
    text: str
    choices: tuple[str, ...]


@dataclass(frozen=True)
class SendToAgent:
    """Send a request to the agent."""

    request: CustomerRequest


@dataclass(frozen=True)
class ShowMissedNotices:
    """Show the notices from the customer's absence until the customer closes the window."""

    title: str
    text: str


@dataclass(frozen=True)
class ShowPages:
    """Show several pages, one at a time. `older` and `newer` are the labels of the links between them."""

    title: str
    pages: tuple[str, ...]
    older: str
    newer: str


@dataclass(frozen=True)
class Balloon:
    """Show a balloon, in place of the current one."""

    text: str
    number: int = 0


@dataclass(frozen=True)
class ShowIcon:
    """Show the tray icon with this tip."""

    tip: str


@dataclass(frozen=True)
class HideIcon:
    """Hide the tray icon."""


AnyAction = (
    OpenRequest
    | CloseRequest
    | BringRequestToFront
    | AskPassword
    | AskQuestion
    | SendToAgent
    | ShowMissedNotices
    | ShowPages
    | Balloon
    | ShowIcon
    | HideIcon
)
