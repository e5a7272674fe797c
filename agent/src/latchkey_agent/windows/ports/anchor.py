# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores the journal's head in the registry, apart from the journal's file.

Restoring or editing the file does not change the registry, which has its own
access list. The volatile key is in Windows' memory only: no file of the disk has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from latchkey_agent.ports import PortError
from latchkey_agent.windows.win32.registry import agents_key, boot_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from latchkey_agent.windows.win32.registry import OwnKey

_NAME = "JournalHead"


class RegistryAnchor:
    """Implements ports.Anchor.

    Args:
        key: opens the key that holds the head.
    """

    def __init__(self, key: Callable[[], OwnKey] = agents_key) -> None:
        self._key = key

    def load(self) -> bytes | None:
        """Return the head that was saved last; None if none was ever saved.

        Raises:
            PortError: the registry cannot be read, or the value has the wrong type.
        """
        value = self._key().load(_NAME)
        if value is not None and not isinstance(value, bytes):
            msg = f"the registry value {_NAME} does not have the type that the agent writes: somebody changed it"
            raise PortError(msg)
        return value

    def save(self, head: bytes) -> None:
        """Replace the saved head. Return when it is on the disk. Raises PortError."""
        self._key().save(_NAME, head)


def boot_anchor() -> RegistryAnchor:
    """Return the anchor that Windows loses when the PC goes down."""
    return RegistryAnchor(boot_key)
