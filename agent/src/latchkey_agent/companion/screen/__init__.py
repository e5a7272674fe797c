# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion's real windows. These modules run only on Windows."""

from __future__ import annotations
