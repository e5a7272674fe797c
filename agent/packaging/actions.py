# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of installing and removing that Windows Installer has no table for.

Each is a verb of `latchkey_agent.windows.installation`, run by the installed
pythonw.exe as LocalSystem while the change is carried out ("Custom Action
Type 18", Microsoft Learn). One that fails stops the change and has it undone.
"""

from __future__ import annotations

from typing import NamedTuple

# msidefs.h: msidbCustomActionTypeExe with a source file, InScript, Rollback, NoImpersonate.
_INSTALLED_PROGRAM, _ROLLBACK, _IN_SCRIPT, _NO_IMPERSONATE = 0x12, 0x100, 0x400, 0x800

MODULE = "latchkey_agent.windows.installation"

_INSTALLED = 'NOT (REMOVE="ALL")'
_FIRST = "NOT Installed AND NOT OLDER"
_REMOVED = 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE'
"""Not when a newer version replaces this one: an upgrade keeps the journal and what is lent."""


class Action(NamedTuple):
    """One step: what it runs, where it stands in the sequence, and when.

    `position` lies between those of Windows Installer's own actions: StopServices
    1900, DeleteServices 2000, InstallServices 5800, StartServices 5900.
    """

    name: str
    verb: str
    position: int
    condition: str
    on_rollback: bool = False

    @property
    def command(self) -> str:
        """The arguments of pythonw.exe; Windows Installer fills in the properties."""
        return f"-I -B -m {MODULE} {self.verb}"

    @property
    def type(self) -> int:
        """An installed program, run later in the change (or when it is undone), as LocalSystem; it must succeed."""
        return _INSTALLED_PROGRAM | _IN_SCRIPT | _NO_IMPERSONATE | (_ROLLBACK if self.on_rollback else 0)


ACTIONS = (
    # Removing: while the service runs, it erases and proves it; once it is gone, the rest goes.
    Action("EraseSecrets", 'erase "--keep-receipts=[KEEPRECEIPTS]"', 1890, _REMOVED),
    Action("RemoveData", "remove", 2010, _REMOVED),
    # Installing: before the service starts for the first time.
    Action("UndoConfigure", "remove", 5810, _FIRST, on_rollback=True),
    Action("ConfigureService", "configure", 5820, _INSTALLED),
    Action("HardenService", "harden", 5830, _INSTALLED),
)
