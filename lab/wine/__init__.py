# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Wine PC: the real Windows agent on the real Windows CPython.

`prefix` makes a Wine prefix once, with the Windows CPython as it is delivered,
`pc` copies and runs one, `agent_pc` adds the service. `guest/` is what runs
inside: the lab's own adapters for what Wine fakes, composed round the agent.
"""

from __future__ import annotations
