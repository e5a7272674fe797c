# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's side: what is asked, what is lent, what happened, and taking it back."""

from __future__ import annotations
