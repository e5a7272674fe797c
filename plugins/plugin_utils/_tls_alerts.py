# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Recognises that the PC's TLS has refused the client's certificate.

By OpenSSL's code for the alert (`ssl.SSLError.reason`), which Python also writes into the text; the winrm plugin keeps
the text alone. The alerts are those of RFC 8446, section 6.2, for a certificate of the other side.
"""

from __future__ import annotations

import re

_ALERTS = (
    "BAD_CERTIFICATE",
    "UNSUPPORTED_CERTIFICATE",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "ACCESS_DENIED",
    "DECRYPT_ERROR",
)
_CODE = re.compile(rf"\b(?:SSLV3|TLSV1|TLSV13)_ALERT_(?:{'|'.join(_ALERTS)})\b")


def refuses_certificate(fault: BaseException) -> bool:
    """Tell whether an exception says that the other side of TLS has refused this side's certificate."""
    return _CODE.search(f"{getattr(fault, 'reason', '')} {fault}") is not None
