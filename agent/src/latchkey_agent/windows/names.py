# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that the parts of the agent share on a PC."""

from __future__ import annotations

SERVICE = "LatchkeyAgent"
SERVICE_TITLE = "Latchkey consent agent"
SERVICE_SUMMARY = "Asks the customer for a grant, keeps the password sealed, and erases it."
SERVICE_MODULE = "latchkey_agent.windows.service"
COMPANION_MODULE = "latchkey_agent.companion"
"""The module for `pythonw.exe -I -B -m`."""
AGENT_ARCHIVE = "latchkey.zip"
"""The archive of the agent's modules, beside `pythonw.exe`."""
COMPANION_MUTEX = r"Local\LatchkeyCompanion"
"""Allows one companion in a session. `Local` is the session's own namespace."""

PIPE_CONTROL = r"\\.\pipe\LatchkeyControl"
PIPE_CUSTOMER = r"\\.\pipe\LatchkeyCustomer"
PIPE_LOGON = r"\\.\pipe\LatchkeyLogon"

PERMIT_EVENT = r"Global\LatchkeyPermit"
"""Set while a logon permit is available. The credential provider waits for it."""

OPERATORS_GROUP = "Latchkey Operators"
"""Local group of the accounts that may use the control pipe without being administrators."""

REGISTRY_KEY = r"SOFTWARE\Latchkey"
"""Below HKEY_LOCAL_MACHINE."""
BOOT_KEY = REGISTRY_KEY + r"\Boot"
"""Volatile: Windows deletes it at shutdown."""

DATA_FOLDER = "Latchkey"
"""Below %ProgramData%: the journal and the settings file."""

BACKUP_KEY = r"SYSTEM\CurrentControlSet\Control\BackupRestore"
"""Its keys below name the files that backups and shadow copies leave out."""
BACKUP_LISTS = ("FilesNotToBackup", "FilesNotToSnapshot")
BACKUP_VALUE = "Latchkey"
"""In each of the lists."""
KEPT_FROM_BACKUPS = ("journal*", "keys.slots", "device.*")
"""In the data folder: the journal with its logs and damaged predecessors, the key slots, and the device key."""

EVENT_SOURCE = "Latchkey"
"""In the Application event log."""
EVENT_SOURCE_KEY = rf"SYSTEM\CurrentControlSet\Services\EventLog\Application\{EVENT_SOURCE}"
EVENT_MESSAGE_FILE = r"%SystemRoot%\System32\EventCreate.exe"
"""Part of Windows; it has messages for the ids 1 to 1000."""
