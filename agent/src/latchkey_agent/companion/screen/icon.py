# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The icon by the clock, as Windows takes it."""

from __future__ import annotations

import win32api
import win32con

from latchkey_agent.companion.icon_shape import key
from latchkey_agent.windows.win32 import desktop_api as api
from latchkey_agent.windows.win32.failures import check


def key_icon() -> int:
    """Return an icon in the size that Windows wants now; raises PortError."""
    size = win32api.GetSystemMetrics(win32con.SM_CXSMICON)
    masks = key(size)
    icon = api.CreateIcon(None, size, size, 1, 1, masks.keep, masks.ink)
    check(icon, "making the icon")
    return icon
