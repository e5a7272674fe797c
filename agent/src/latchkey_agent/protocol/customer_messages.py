# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the customer pipe: a companion speaks, only about its own account.

A frame (see `frames`) carries a secret beside the JSON, never inside it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .answers import ErrorView, LeftView, ReceiptView, TermsView
from .fields import AccountName, Identifier, Line, Message, Wait, Written

DisplayBlock = Literal["locked", "viewed", "presentation", "full_screen", "unshown"]
"""The reason why a request is not on the screen.

`locked`: the screen is locked. `viewed`: others watch it. `presentation` and `full_screen`: the customer
must not be disturbed. `unshown`: Windows failed to show the window.
"""


class CustomerRequest(Written, tag_field="verb", frozen=True, kw_only=True):
    """Base of a companion's requests."""


class CustomerWatch(CustomerRequest, tag="watch", frozen=True, kw_only=True):
    """Long poll: the customer snapshot once it is newer than `seen`."""

    seen: int = 0
    wait: Wait = 0.0


class RequestShown(CustomerRequest, tag="request_shown", frozen=True, kw_only=True):
    """The request window is on the screen; `text_sha256` is of the text it shows."""

    request: Identifier
    text_sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class RequestBlocked(CustomerRequest, tag="request_blocked", frozen=True, kw_only=True):
    """The request window is not on the screen for `reason`; None once the reason has gone."""

    request: Identifier
    reason: DisplayBlock | None = None


class RequestAllow(CustomerRequest, tag="request_allow", frozen=True, kw_only=True):
    """The customer allowed it; the frame's secret is the password, UTF-16LE.

    `entered` is the user name as it stands in the password dialog. Under the means `arso` there is no secret.
    """

    request: Identifier
    entered: AccountName


class RequestLater(CustomerRequest, tag="request_later", frozen=True, kw_only=True):
    """The customer wants to be asked again in `seconds`; closing the window means the same."""

    request: Identifier
    seconds: Annotated[float, Meta(ge=60, le=86_400)] = 900.0


class RequestDecline(CustomerRequest, tag="request_decline", frozen=True, kw_only=True):
    """The customer declined. `report`: and reports the request as suspicious. `not_today`: ask nothing more today.

    `days_away`: ask nothing before that many days from today; 0 rules nothing out.
    """

    request: Identifier
    why: Line = ""
    report: bool = False
    not_today: bool = False
    days_away: Annotated[int, Meta(ge=0, le=366)] = 0


class GrantRevoke(CustomerRequest, tag="grant_revoke", frozen=True, kw_only=True):
    """Revoke one grant, or all grants of the account if none is named."""

    grant: Identifier | None = None


class GrantPause(CustomerRequest, tag="grant_pause", frozen=True, kw_only=True):
    """Pause or resume a grant of the account."""

    grant: Identifier
    pause: bool = True


class NoticesClosed(CustomerRequest, tag="notices_closed", frozen=True, kw_only=True):
    """The customer closed these notices."""

    notices: list[Identifier]


class OwnReceipts(CustomerRequest, tag="own_receipts", frozen=True, kw_only=True):
    """Return the receipts of the account, the newest first."""


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
    r"""A request for the request window. Moments are in the PC's zone.

    `asked_by` is the Windows account that the PC has verified (`DOMAIN\user`), `operators` are the further accounts
    that may use the grant. `requester`, `role`, `requester_organization`, `reason` and `ticket` are operators' words.
    `is_signed`: the PC has checked a signature, and the first three are the certificate's. `reminded`: the customer is
    to be reminded, once. `max_absence`: the days for which they may rule out requests.
    """

    request: str
    code: str
    user: str
    domain: str
    device: str
    asked_by: str
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
    operators: list[str] = []
    is_signed: bool = False
    reminded: bool = False
    max_absence: int = 0


class LentItem(Message, frozen=True, kw_only=True):
    """A grant for the menu; `request` led to it, `asked_by` is the verified account that asked."""

    means: Literal["grant", "arso"] = "grant"
    grant: str
    request: str
    paused: bool
    asked_by: str
    not_after: str
    left: LeftView
    used: int


class NoticeItem(Message, frozen=True, kw_only=True):
    """A notice for the customer; the companion words it.

    `detail` is a stable word: the action of a use (`restart`, `unlock`), how a grant ended (a `GrantState`; for a
    revoked one also by which side, for a rejected one also the `Rejection`), why a logon failed (a `LogonFailure`), why
    Latchkey signed nobody in after a restart, how a desktop was opened and closed, how a program ended. `since`: that
    desktop was open since then, or the program started then. `program`: the beginning of its command line.
    """

    notice: str
    kind: Literal[
        "granted", "used", "restarted", "locked", "failed", "ended", "erased", "erase_failed", "program"
    ]
    at: str
    ticket: str
    detail: str = ""
    not_after: str = ""
    since: str = ""
    while_away: bool = False
    program: str = ""
    exit_code: int | None = None


class CustomerSnapshot(Message, frozen=True, kw_only=True):
    """Everything that the companion shows for its account. Newer snapshots have higher versions.

    `organization` and `phone` come from the PC's settings, never from a request. `postponed` counts the open requests
    that the customer has postponed; they are not in `asked`.
    """

    version: int
    organization: str = ""
    phone: str = ""
    asked: list[AskedItem] = []
    postponed: int = 0
    lent: list[LentItem] = []
    notices: list[NoticeItem] = []


class CustomerAnswer(Message, frozen=True, kw_only=True):
    """Answer on the customer pipe. `refusal` is the stable word for the reason why an entry cannot serve.

    `receipts_since`: the moment at which the journal was begun in place of another one, which has the receipts from
    before; empty if it replaces none.
    """

    done: bool
    snapshot: CustomerSnapshot | None = None
    error: ErrorView | None = None
    tries_left: int | None = None
    refusal: str = ""
    receipts: list[ReceiptView] = []
    receipts_since: str = ""
