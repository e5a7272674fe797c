# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of the logon pipe: the credential provider speaks.

A frame (see `frames`) carries the password beside the JSON, never inside it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .fields import Identifier, Message


class LogonRequest(Message, tag_field="verb", frozen=True, kw_only=True):
    """Base of what the credential provider may say."""


class Peek(LogonRequest, tag="peek", frozen=True, kw_only=True):
    """Is there a permit to redeem? Changes nothing."""


class Redeem(LogonRequest, tag="redeem", frozen=True, kw_only=True):
    """Hand over the password for this permit; works once."""

    permit: Identifier


class ReportResult(LogonRequest, tag="report", frozen=True, kw_only=True):
    """How the logon went: the NTSTATUS pair of ICredentialProviderCredential::ReportResult."""

    permit: Identifier
    status: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
    substatus: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] = 0


AnyLogonRequest = Peek | Redeem | ReportResult


class LogonAnswer(Message, frozen=True, kw_only=True):
    """Answer on the logon pipe; flat, so that the provider's parser stays small.

    `permit` is empty where there is none. `kind` tells how to pack the
    credential. The password is the frame's secret, UTF-16LE.
    """

    done: bool
    permit: str = ""
    action: str = ""
    sid: str = ""
    user: str = ""
    domain: str = ""
    kind: str = ""
    requester: str = ""
