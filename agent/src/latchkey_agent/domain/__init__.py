# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may happen and what follows: pure, without clock, random numbers or I/O."""

from __future__ import annotations
