# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of `latchkey_agent.ports`, implemented on Windows; one module for each port."""
