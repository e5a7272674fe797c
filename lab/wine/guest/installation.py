# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer's steps on Wine, where every file belongs to whoever runs Wine."""

from __future__ import annotations

import sys

import win32api
import win32security

from latchkey_agent.windows import folders, installation


def own_sid() -> str:
    """Return the SID of the account that everything runs as here."""
    token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32security.TOKEN_QUERY)
    sid, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
    text: str = win32security.ConvertSidToStringSid(sid)
    return text


if __name__ == "__main__":
    folders.TRUSTED_OWNERS = (*folders.TRUSTED_OWNERS, own_sid())
    sys.exit(installation.main())
