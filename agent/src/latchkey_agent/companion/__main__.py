# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the customer's companion: `pythonw.exe -I -B -m latchkey_agent.companion`, at sign-in."""

from __future__ import annotations

import sys

from latchkey_agent.companion.screen.runner import run

if __name__ == "__main__":
    sys.exit(run())
