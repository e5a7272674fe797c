# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the journal's head in the registry, apart from the journal's file.

Restoring or editing the file does not change the registry, which has its own access list.
"""

from __future__ import annotations

from latchkey_agent.ports import PortError
from latchkey_agent.windows.win32.registry import agents_key

_NAME = "JournalHead"


class RegistryAnchor:
    """Implements ports.Anchor."""

    def load(self) -> bytes | None:
        """Return the head that was saved last; None if none was ever saved.

        Raises:
            PortError: the registry cannot be read, or the value has the wrong type.
        """
        value = agents_key().load(_NAME)
        if value is not None and not isinstance(value, bytes):
            msg = f"the registry value {_NAME} does not have the type that the agent writes: somebody changed it"
            raise PortError(msg)
        return value

    def save(self, head: bytes) -> None:
        """Replace the saved head. Return when it is on the disk. Raises PortError."""
        agents_key().save(_NAME, head)
