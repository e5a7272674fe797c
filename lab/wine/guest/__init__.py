# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside the Wine PC and is the lab's: stand-ins for what Wine only pretends to do."""

from __future__ import annotations
