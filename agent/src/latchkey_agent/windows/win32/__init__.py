# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions of Windows that more than one module calls: declarations, the registry, errors, sessions."""
