# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's programs inside the Wine PC: they replace the functions that Wine fakes."""

from __future__ import annotations
