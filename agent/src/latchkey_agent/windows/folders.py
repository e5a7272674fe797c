# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's folder below %ProgramData%, kept from everybody else."""

from __future__ import annotations

import ctypes
import stat
from pathlib import Path
from typing import Any

import win32file
import win32security

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
    """Return where the journal and the settings file are.

    Raises:
        PortError: Windows does not tell where program data belong.
    """
    found = ctypes.c_void_p()
    code = SHGetKnownFolderPath(ctypes.byref(_PROGRAM_DATA), 0, None, ctypes.byref(found))
    try:
        if code or not found.value:
            raise refused("looking for the folder of program data", code)
        return Path(ctypes.wstring_at(found.value), names.DATA_FOLDER)
    finally:
        CoTaskMemFree(found)


def prepare(folder: Path) -> None:
    r"""Make the folder, or make sure that it is ours alone.

    Every user may make folders in %ProgramData%, so one of our name may be
    somebody's trap: a folder whose owner could read the journal, or a link to
    another place.

    Raises:
        PortError: it is not ours, or cannot be made.
    """
    if not folder.exists():
        with doing(f"making {folder}"):
            win32file.CreateDirectory(str(folder), attributes(access.DATA_FOLDER))
        return
    found = folder.lstat().st_file_attributes
    if not found & stat.FILE_ATTRIBUTE_DIRECTORY or found & stat.FILE_ATTRIBUTE_REPARSE_POINT:
        msg = f"{folder} is a link or a file: find out who put it there, and remove it"
        raise PortError(msg)
    owner = _owner(folder)
    if owner not in TRUSTED_OWNERS:
        msg = f"{folder} belongs to {owner}, not to the system: find out who made it, and remove it"
        raise PortError(msg)
    _close_to_others(folder)


def _owner(folder: Path) -> str:
    with doing(f"looking at who owns {folder}"):
        found = win32security.GetNamedSecurityInfo(
            str(folder), win32security.SE_FILE_OBJECT, win32security.OWNER_SECURITY_INFORMATION
        )
    owner: str = win32security.ConvertSidToStringSid(found.GetSecurityDescriptorOwner())
    return owner


def _close_to_others(folder: Path) -> None:
    dacl: Any = descriptor(access.DATA_FOLDER).GetSecurityDescriptorDacl()
    unchanged: Any = None
    with doing(f"closing {folder} to others"):
        win32security.SetNamedSecurityInfo(
            str(folder),
            win32security.SE_FILE_OBJECT,
            win32security.DACL_SECURITY_INFORMATION | win32security.PROTECTED_DACL_SECURITY_INFORMATION,
            unchanged,
            unchanged,
            dacl,
            unchanged,
        )
