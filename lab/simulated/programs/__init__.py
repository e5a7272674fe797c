# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs on a simulated PC's disk. Each runs as a real process, started through WinRM."""
