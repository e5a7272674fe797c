# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates the tray icon for Windows."""

from __future__ import annotations

import win32api
import win32con

from latchkey_agent.companion.icon_shape import key_masks
from latchkey_agent.windows.win32 import desktop_api as api
from latchkey_agent.windows.win32.failures import check


def key_icon() -> int:
    """Return the handle of an icon in the current small icon size.

    Raises:
        PortError: Windows cannot create the icon.
    """
    size = win32api.GetSystemMetrics(win32con.SM_CXSMICON)
    masks = key_masks(size)
    icon = api.CreateIcon(None, size, size, 1, 1, masks.keep, masks.ink)
    check(icon, "creating the icon")
    return icon
