# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows functions that several modules use: declarations, access rights, registry, errors, sessions."""
