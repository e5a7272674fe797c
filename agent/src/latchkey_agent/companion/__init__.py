# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's program: shows requests, grants and notices, and revokes grants."""

from __future__ import annotations
