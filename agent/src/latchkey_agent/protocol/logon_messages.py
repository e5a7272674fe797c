# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the logon pipe: the credential provider asks, the agent answers.

They are encoded as fields, in the order in which they are declared here (see `logon_encoding`).
A frame (see `frames`) carries the password beside them, never inside them.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .fields import Identifier, Message


class LogonMessage(Message, tag_field="message", frozen=True, kw_only=True):
    """Base of the logon pipe's messages; a message's tag is its kind byte."""


class LogonRequest(LogonMessage, frozen=True, kw_only=True):
    """Base of the credential provider's requests."""


class Peek(LogonRequest, tag=1, frozen=True, kw_only=True):
    """Is there a permit to redeem? Changes nothing."""


class Redeem(LogonRequest, tag=2, frozen=True, kw_only=True):
    """Hand over the password for this permit; works once."""

    permit: Identifier


class ReportResult(LogonRequest, tag=3, frozen=True, kw_only=True):
    """Report the result of the logon: the NTSTATUS pair of ICredentialProviderCredential::ReportResult."""

    permit: Identifier
    status: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
    substatus: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] = 0


AnyLogonRequest = Peek | Redeem | ReportResult


class LogonAnswer(LogonMessage, tag=0, frozen=True, kw_only=True):
    """Answer on the logon pipe.

    `permit` is empty where there is none. `kind` is the account's kind, by which the provider packs the
    credential. The password is the frame's secret, UTF-16LE.
    """

    done: bool
    permit: str = ""
    action: str = ""
    sid: str = ""
    user: str = ""
    domain: str = ""
    kind: str = ""
