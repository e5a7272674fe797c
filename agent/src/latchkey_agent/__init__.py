# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Latchkey consent agent: a customer lends a sign-in, and gets it back.

`domain` decides, `journal` remembers, `vault` seals, `agent` joins them;
`ports` says what they need of a computer and `protocol` what others may say.
"""

from __future__ import annotations

__version__ = "0.1.0"
