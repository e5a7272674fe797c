# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package `mock`, which pywinrm's tests import: by now it is a copy of the standard library's module."""

from __future__ import annotations

from unittest.mock import patch

__all__ = ["patch"]
