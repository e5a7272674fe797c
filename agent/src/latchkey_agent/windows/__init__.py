# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on Windows: one module for each port, the pipes, and the service.

`names` and `win32.access` hold the names and access rights that the parts
share. `win32.api` declares the Windows functions that pywin32 lacks or that a
password passes through.
"""

from __future__ import annotations
