# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Wine PC: the real Windows agent on the real Windows CPython.

`prefix` makes a Wine prefix once, with the delivered Windows CPython, `wine_pc` copies
and runs one, `agent_pc` adds the service. `guest/` runs inside: the lab's own adapters
replace the functions that Wine fakes.
"""

from __future__ import annotations
