# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Recognises that a connection cannot be made with these settings, so nothing was sent, and no further try helps.

The libraries have no codes for it. The wording is that of pywinrm, requests, urllib3, requests-credssp and pypsrp; the
codes in brackets are OpenSSL's.
"""

from __future__ import annotations

import enum


class WrongSetting(enum.Enum):
    """The setting with which no connection can be made. Its value: the wording of it, in lower case."""

    CERTIFICATE = (
        "both cert_pem and cert_key_pem must be specified",
        "cert_pem file not found",
        "cert_key_pem file not found",
        "could not find the tls certificate file",
        "could not find the tls key file",
        "client private key is encrypted",
        "[x509: key_values_mismatch]",
        "[ssl] pem lib",
    )
    AUTHENTICATION = (
        "did not response credssp being an available authentication method",
        "did not response with one of the following authentication methods",
    )


def wrong_setting(fault: BaseException) -> WrongSetting | None:
    """Return the setting with which no connection can be made; None if an exception names none."""
    text = str(fault).lower()
    return next((one for one in WrongSetting if any(part in text for part in one.value)), None)
