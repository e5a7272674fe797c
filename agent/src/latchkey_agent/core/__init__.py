# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell around the domain: runs commands, stores what follows from them, and runs the effects."""
