# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the customer pipe: a companion speaks, only about its own account.

A frame (see `frames`) carries a secret beside the JSON, never inside it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .answers import ErrorView, LeftView, ReceiptView, TermsView
from .fields import Identifier, Line, Message, Wait

DisplayBlock = Literal["locked", "viewed", "presentation", "full_screen", "unshown"]
"""The reason why a request is not on the screen.

`locked`: the screen is locked. `viewed`: others watch it. `presentation` and `full_screen`: the customer
must not be disturbed. `unshown`: Windows failed to show the window.
"""


class CustomerRequest(Message, tag_field="verb", frozen=True, kw_only=True):
    """Base of what a companion may say."""


class CustomerWatch(CustomerRequest, tag="watch", frozen=True, kw_only=True):
    """Long poll: the customer snapshot once it is newer than `seen`."""

    seen: int = 0
    wait: Wait = 0.0


class RequestShown(CustomerRequest, tag="request_shown", frozen=True, kw_only=True):
    """The request window is on the screen; `text_sha256` is of the text it shows."""

    request: Identifier
    text_sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class RequestBlocked(CustomerRequest, tag="request_blocked", frozen=True, kw_only=True):
    """The window waits for `reason` to be over; None once nothing holds it back any more."""

    request: Identifier
    reason: DisplayBlock | None = None


class RequestAllow(CustomerRequest, tag="request_allow", frozen=True, kw_only=True):
    """The customer allowed it; the frame's secret is the password, UTF-16LE.

    `entered` is the user name as it stands in the password dialog.
    """

    request: Identifier
    entered: Line


class RequestLater(CustomerRequest, tag="request_later", frozen=True, kw_only=True):
    """Ask me again in `seconds`; also what closing the window means."""

    request: Identifier
    seconds: Annotated[float, Meta(ge=60, le=86_400)] = 900.0


class RequestDecline(CustomerRequest, tag="request_decline", frozen=True, kw_only=True):
    """No. `report` also says that the request looks wrong."""

    request: Identifier
    why: Line = ""
    report: bool = False


class GrantRevoke(CustomerRequest, tag="grant_revoke", frozen=True, kw_only=True):
    """Revoke my credentials: this grant, or all of mine where none is named."""

    grant: Identifier | None = None


class GrantPause(CustomerRequest, tag="grant_pause", frozen=True, kw_only=True):
    """Pause (or go on with) a grant of mine."""

    grant: Identifier
    pause: bool = True


class NoticesClosed(CustomerRequest, tag="notices_closed", frozen=True, kw_only=True):
    """These notices were read."""

    notices: list[Identifier]


class OwnReceipts(CustomerRequest, tag="own_receipts", frozen=True, kw_only=True):
    """Show me the receipts of what I was asked, the newest first."""


AnyCustomerRequest = (
    CustomerWatch
    | RequestShown
    | RequestBlocked
    | RequestAllow
    | RequestLater
    | RequestDecline
    | GrantRevoke
    | GrantPause
    | NoticesClosed
    | OwnReceipts
)


class AskedItem(Message, frozen=True, kw_only=True):
    """A request as the request window needs it. Moments are in the PC's zone."""

    request: str
    code: str
    user: str
    domain: str
    device: str
    language: str
    requester: str
    role: str
    requester_organization: str
    organization: str
    phone: str
    reason: str
    ticket: str
    terms: TermsView
    answer_by: str
    tries_left: int
    last_refusal: str = ""


class LentItem(Message, frozen=True, kw_only=True):
    """A grant as the menu needs it."""

    grant: str
    paused: bool
    requester: str
    reason: str
    ticket: str
    not_after: str
    left: LeftView
    used: int


class NoticeItem(Message, frozen=True, kw_only=True):
    """Something the customer must be told; the companion puts it into words.

    `detail` is a stable word: the action of a use (`restart`, `unlock`), how a
    grant ended (a `GrantState`; for a revoked one also by which side), why a logon failed (an error code).
    """

    notice: str
    kind: Literal["granted", "used", "locked", "failed", "ended", "erased", "erase_failed"]
    at: str
    requester: str
    ticket: str
    detail: str = ""
    not_after: str = ""
    while_away: bool = False


class CustomerSnapshot(Message, frozen=True, kw_only=True):
    """What the companion has to show for its account. Newer ones count up.

    `organization` and `phone` come from the PC's settings, never from a request.
    """

    version: int
    organization: str = ""
    phone: str = ""
    asked: list[AskedItem] = []
    lent: list[LentItem] = []
    notices: list[NoticeItem] = []


class CustomerAnswer(Message, frozen=True, kw_only=True):
    """Answer on the customer pipe. `refusal` is the stable word for why an entry cannot serve."""

    done: bool
    snapshot: CustomerSnapshot | None = None
    error: ErrorView | None = None
    tries_left: int | None = None
    refusal: str = ""
    receipts: list[ReceiptView] = []
