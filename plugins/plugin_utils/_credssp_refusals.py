# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Recognises that the PC has refused the password of a CredSSP handshake.

requests-credssp raises an exception of its own with Windows' status. The winrm plugin keeps its text alone, with the
status as a number. Older versions of CredSSP send no status: the handshake then ends without an answer, and the text
names the step. A status that Windows sends without having checked the password is no refusal.
"""

from __future__ import annotations

import re

LIBRARY = "requests_credssp"

_STATUS = re.compile(r"received error status from the server: \((\d+)\)")
_STEP = re.compile(r"server did not response with a credssp token after step (.*?) - actual '(.*?)'")
_UNNAMED = "received ntstatus in tsrequest from acceptor"
"""pyspnego's text for a status that it does not know."""
# ntstatus.h: STATUS_NO_LOGON_SERVERS, STATUS_CLOCK_SKEW (STATUS_TIME_DIFFERENCE_AT_DC), the four of a broken trust
# between PC and domain, and STATUS_NETLOGON_NOT_STARTED, which is usual after a boot.
_NOT_CHECKED = frozenset({0xC000005E, 0xC0000133, 0xC000018A, 0xC000018B, 0xC000018C, 0xC000018D, 0xC0000192})


def refusals_named(text: str) -> int:
    """Return how many refused logons a text in lower case names."""
    checked = sum(int(status) not in _NOT_CHECKED for status in _STATUS.findall(text))
    # The password comes after TLS. A refusal offers the schemes again (401); without an offer the logon was accepted,
    # and the PC could not decrypt the message: it had the keys of a lost connection.
    late = sum(bool(offer) and "tls handshake" not in step for step, offer in _STEP.findall(text))
    return checked + late + text.count(_UNNAMED)


def is_refusal(fault: BaseException) -> bool:
    """Tell whether this exception of requests-credssp says that a logon was refused."""
    status = getattr(fault, "status", None)
    if isinstance(status, int):
        return status not in _NOT_CHECKED
    return refusals_named(str(fault).lower()) > 0
