# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion's windows on Windows. Imports what only Windows has."""

from __future__ import annotations
