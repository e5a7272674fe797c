# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be said to the agent: messages, their codec and the error table."""

from __future__ import annotations

PROTOCOL_VERSION = 1
