# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol of the agent's pipes: messages, codec, frames and the error table."""

from __future__ import annotations

PROTOCOL_VERSION = 1
