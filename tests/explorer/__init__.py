# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An explorer over the real rules: every reachable state of a bounded PC, not samples."""
