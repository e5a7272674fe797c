# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer's steps on Wine, where every file belongs to the user who runs Wine.

Wine does not set UPGRADINGPRODUCTCODE when a newer package removes an older one. The
package's own conditions use that property to skip the steps of a removal.
"""

from __future__ import annotations

import sys
from pathlib import Path

import win32api
import win32security

from latchkey_agent.windows import folders, installation

UPGRADING = Path("C:\\lab\\upgrading")
"""The lab makes this file before an upgrade and removes it afterwards."""


def own_sid() -> str:
    """Return the SID of the account that runs every program here."""
    token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32security.TOKEN_QUERY)
    sid, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
    text: str = win32security.ConvertSidToStringSid(sid)
    return text


def is_upgrade(verb: str) -> bool:
    """Return whether a step belongs to a removal that is part of an upgrade."""
    return verb in {"erase", "remove"} and UPGRADING.exists()


if __name__ == "__main__":
    if is_upgrade(sys.argv[1]):
        sys.exit(0)
    if sys.argv[1] == "remove":
        # The lab's service keeps this file instead of the product's registry key.
        Path("C:\\lab\\anchor").unlink(missing_ok=True)
    folders.TRUSTED_OWNERS = (*folders.TRUSTED_OWNERS, own_sid())
    sys.exit(installation.main())
