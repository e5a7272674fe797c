# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The little of PowerShell that the lab understands: tokens, grammar, and running a script."""
