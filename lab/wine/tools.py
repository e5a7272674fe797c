# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that a Wine PC needs on its host."""

from __future__ import annotations

import importlib.util

from agent.packaging.workshop import lacking

PACKAGES = {"wine": "wine wine64", "wineserver": "wine wine64", "mvn": "maven"}
"""Each program that must be on the path, and Debian's packages of it."""
SCREEN_PACKAGES = {"Xvfb": "xvfb", "xkbcomp": "x11-xkb-utils", "xdotool": "xdotool"}
"""The same for its screen, keyboard and mouse."""


def missing() -> str | None:
    """Return one sentence that says what a Wine PC lacks here; None when nothing is."""
    command = lacking(PACKAGES)
    if command:
        return f"no Wine PC here: {command}"
    if importlib.util.find_spec("ziglang") is None:
        return "no Wine PC here: python3 tools/setup.py test"
    return None


def missing_screen() -> str | None:
    """Return one sentence that says what the screen of a Wine PC lacks here; None when nothing is."""
    command = lacking(SCREEN_PACKAGES)
    return f"no screen for a Wine PC here: {command}" if command else None
