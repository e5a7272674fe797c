# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent on Windows: one module per port, the pipes, and the service that joins them.

`names` and `access` say what the parts agree on; `api` declares the
functions of Windows that pywin32 lacks or that a password passes through.
"""

from __future__ import annotations
