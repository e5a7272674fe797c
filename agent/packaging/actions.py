# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installation and removal steps for which Windows Installer has no table.

Each step is a verb of `latchkey_agent.windows.installation`. The installed
pythonw.exe runs it as LocalSystem during the change ("Custom Action Type 18",
Microsoft Learn). If a step fails, Windows Installer rolls the change back.
"""

from __future__ import annotations

from typing import NamedTuple

# msidefs.h: msidbCustomActionTypeExe with a source file, InScript, Rollback, NoImpersonate.
_INSTALLED_PROGRAM, _ROLLBACK, _IN_SCRIPT, _NO_IMPERSONATE = 0x12, 0x100, 0x400, 0x800

MODULE = "latchkey_agent.windows.installation"

_INSTALLED = 'NOT (REMOVE="ALL")'
_FIRST = "NOT Installed AND NOT OLDER"
_REMOVED = 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE'
"""False when a newer version replaces this one: an upgrade keeps the journal and the grants."""


class Action(NamedTuple):
    """One step.

    Attributes:
        name: the name of the custom action.
        verb: the verb of `latchkey_agent.windows.installation`.
        position: the place in the sequence, between Windows Installer's own actions: StopServices 1900,
            DeleteServices 2000, InstallServices 5800, StartServices 5900.
        condition: the condition under which the step runs.
        on_rollback: whether the step runs only when the change is rolled back.
    """

    name: str
    verb: str
    position: int
    condition: str
    on_rollback: bool = False

    @property
    def command(self) -> str:
        """The arguments of pythonw.exe. Windows Installer inserts the properties."""
        return f"-I -B -m {MODULE} {self.verb}"

    @property
    def type(self) -> int:
        """The type: run an installed program as LocalSystem, deferred or at rollback; a failure ends the change."""
        return _INSTALLED_PROGRAM | _IN_SCRIPT | _NO_IMPERSONATE | (_ROLLBACK if self.on_rollback else 0)


ACTIONS = (
    # Removal: the running service erases the passwords and checks the erasure. After it is removed, so is its data.
    Action("EraseSecrets", 'erase "--keep-receipts=[KEEPRECEIPTS]"', 1890, _REMOVED),
    Action("RemoveData", "remove", 2010, _REMOVED),
    # Installation: before the service starts for the first time.
    Action("UndoConfigure", "remove", 5810, _FIRST, on_rollback=True),
    Action("ConfigureService", "configure", 5820, _INSTALLED),
    Action("HardenService", "harden", 5830, _INSTALLED),
)
