# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of a PC that answers each request with ten megabytes."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    for _ in range(10):
        sys.stdout.write("x" * 1_000_000)
