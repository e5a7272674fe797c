# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Latchkey consent agent: a customer lends the use of a sign-in for one support session.

`domain` decides, `storage` keeps, `core` runs commands and effects, `handlers` answer the pipes, `agent` joins them.
`ports` are the agent's needs of a computer, `protocol` its messages.
"""

from __future__ import annotations

__version__ = "0.1.0"
