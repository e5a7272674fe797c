# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal's head, kept in the registry: another file system transaction, other tools, another ACL."""

from __future__ import annotations

from latchkey_agent.ports import PortError
from latchkey_agent.windows.win32.registry import agents_key

_NAME = "JournalHead"


class RegistryAnchor:
    """ports.Anchor."""

    def load(self) -> bytes | None:
        """Return what was saved last, None if nothing ever was.

        Raises:
            PortError: it cannot be read, or what is there is not what was saved.
        """
        kept = agents_key().load(_NAME)
        if kept is not None and not isinstance(kept, bytes):
            msg = f"the registry's {_NAME} is not what the agent wrote: somebody changed it"
            raise PortError(msg)
        return kept

    def save(self, head: bytes) -> None:
        """Replace what is kept; returns when it is on the disk; raises PortError."""
        agents_key().save(_NAME, head)
