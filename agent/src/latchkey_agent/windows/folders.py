# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates and protects the agent's folder below %ProgramData%."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import win32api
import win32file
import win32security

from latchkey_agent.cli import entries
from latchkey_agent.ports import PortError

from . import names
from .win32 import access
from .win32.api import CoTaskMemFree, Guid, SHGetKnownFolderPath
from .win32.failures import doing, refused
from .win32.security import attributes, descriptor

_PROGRAM_DATA = Guid(0x62AB5D82, 0xFDC1, 0x4DC3, (ctypes.c_ubyte * 8)(*bytes.fromhex("a9dd070d1d495d97")))
"""FOLDERID_ProgramData (knownfolders.h)."""
TRUSTED_OWNERS: tuple[str, ...] = (access.SYSTEM_SID, access.ADMINISTRATORS_SID)


def data_folder() -> Path:
    """Return the folder of the journal and the settings file.

    Raises:
        PortError: Windows does not return the folder for program data.
    """
    path = ctypes.c_void_p()
    code = SHGetKnownFolderPath(ctypes.byref(_PROGRAM_DATA), 0, None, ctypes.byref(path))
    try:
        if code or not path.value:
            raise refused("finding the folder for program data", code)
        return Path(ctypes.wstring_at(path.value), names.DATA_FOLDER)
    finally:
        CoTaskMemFree(path)


def prepare(folder: Path) -> None:
    r"""Create the folder, or check and protect an existing one.

    Every user may create folders in %ProgramData%. An existing folder of this
    name may be a trap: its owner could read the journal, or it could be a link.
    The same holds for each entry in it. The folder is closed to others before
    its entries are checked, so that nobody adds one meanwhile.

    Args:
        folder: the data folder.

    Raises:
        PortError: the folder or an entry in it is a link or has another owner, or Windows refuses.
    """
    if not os.path.lexists(folder):
        with doing(f"creating {folder}"):
            win32file.CreateDirectory(str(folder), attributes(access.DATA_FOLDER))
        return
    _require_own_folder(folder, TRUSTED_OWNERS)
    _close(folder)
    with doing(f"reading {folder}"):
        entries.require_own(folder, _owner, TRUSTED_OWNERS)
    _restrict_access(folder)


def require_own(folder: Path) -> None:
    """Check an existing folder and all its entries; change nothing. A missing folder is no error.

    What belongs to the account that runs this program is no trap for it.

    Raises:
        PortError: the folder or an entry in it is a link or has another owner, or Windows refuses.
    """
    if os.path.lexists(folder):
        trusted = (*TRUSTED_OWNERS, _own_sid())
        _require_own_folder(folder, trusted)
        with doing(f"reading {folder}"):
            entries.require_own(folder, _owner, trusted)


def _own_sid() -> str:
    with doing("reading the own account"):
        token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32security.TOKEN_QUERY)
        sid, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
    text: str = win32security.ConvertSidToStringSid(sid)
    return text


def _require_own_folder(folder: Path, trusted: Sequence[str]) -> None:
    entry = entries.look(folder)
    if entry.is_link or not entry.is_folder:
        msg = f"{folder} is a link or a file: find out who created it, then remove it"
        raise PortError(msg)
    owner = _owner(folder)
    if owner not in trusted:
        msg = f"{folder} belongs to {owner}, not to the system: find out who created it, then remove it"
        raise PortError(msg)


def _close(folder: Path) -> None:
    """Set the access list of the folder alone; nothing is passed on to entries that nobody has checked yet."""
    what = win32security.DACL_SECURITY_INFORMATION | win32security.PROTECTED_DACL_SECURITY_INFORMATION
    with doing(f"setting the access rights of {folder}"):
        win32security.SetFileSecurity(str(folder), what, descriptor(access.DATA_FOLDER))


def _owner(folder: Path) -> str:
    with doing(f"reading the owner of {folder}"):
        security = win32security.GetNamedSecurityInfo(
            str(folder), win32security.SE_FILE_OBJECT, win32security.OWNER_SECURITY_INFORMATION
        )
    owner: str = win32security.ConvertSidToStringSid(security.GetSecurityDescriptorOwner())
    return owner


def _restrict_access(folder: Path) -> None:
    dacl: Any = descriptor(access.DATA_FOLDER).GetSecurityDescriptorDacl()
    unchanged: Any = None
    with doing(f"setting the access rights of {folder}"):
        win32security.SetNamedSecurityInfo(
            str(folder),
            win32security.SE_FILE_OBJECT,
            win32security.DACL_SECURITY_INFORMATION | win32security.PROTECTED_DACL_SECURITY_INFORMATION,
            unchanged,
            unchanged,
            dacl,
            unchanged,
        )
