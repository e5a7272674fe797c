# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every declaration in win32/api.py and win32/desktop_api.py equals Microsoft's metadata."""

from __future__ import annotations

import ctypes
import importlib
from typing import Any

import pytest

from latchkey_agent.windows.win32 import api, desktop_api

DECLARED = vars(api) | vars(desktop_api)
FUNCTIONS = {name: value for name, value in DECLARED.items() if isinstance(value, api.Function)}
WHERE = {
    "LogonUserW": "Security", "InitiateShutdownW": "System.Shutdown", "CloseHandle": "Foundation",
    "LocalFree": "Foundation", "WerSetFlags": "System.ErrorReporting", "CryptProtectData": "Security.Cryptography",
    "CryptUnprotectData": "Security.Cryptography", "LsaEnumerateLogonSessions": "Security.Authentication.Identity",
    "LsaGetLogonSessionData": "Security.Authentication.Identity",
    "LsaFreeReturnBuffer": "Security.Authentication.Identity", "NetUserGetInfo": "NetworkManagement.NetManagement",
    "NetLocalGroupDelMembers": "NetworkManagement.NetManagement",
    "NetApiBufferFree": "NetworkManagement.NetManagement", "PowerGetActiveScheme": "System.Power",
    "PowerReadACValueIndex": "System.Power", "PowerReadDCValueIndex": "System.Power",
    "GetSystemPowerStatus": "System.Power", "WTSQuerySessionInformationW": "System.RemoteDesktop",
    "WTSFreeMemory": "System.RemoteDesktop",
    "SHGetKnownFolderPath": "UI.Shell",
    "CoTaskMemFree": "System.Com",
    "TaskDialogIndirect": "UI.Controls", "SetWindowsHookExW": "UI.WindowsAndMessaging",
    "UnhookWindowsHookEx": "UI.WindowsAndMessaging", "CallNextHookEx": "UI.WindowsAndMessaging",
    "SetProcessDpiAwarenessContext": "UI.HiDpi", "CreateIcon": "UI.WindowsAndMessaging",
    "Shell_NotifyIconW": "UI.Shell", "SHQueryUserNotificationState": "UI.Shell",
    "GetUserDefaultUILanguage": "Globalization", "CredUIPromptForWindowsCredentialsW": "Security.Credentials",
    "CredPackAuthenticationBufferW": "Security.Credentials",
    "CredUnPackAuthenticationBufferW": "Security.Credentials",
    "CreateProcessAsUserW": "System.Threading", "InitializeProcThreadAttributeList": "System.Threading",
    "UpdateProcThreadAttribute": "System.Threading", "DeleteProcThreadAttributeList": "System.Threading",
    "CreateEnvironmentBlock": "System.Environment", "DestroyEnvironmentBlock": "System.Environment",
}  # fmt: skip
STRUCTURES = {
    "Blob": "Security.Cryptography.CRYPT_INTEGER_BLOB", "Luid": "Foundation.LUID",
    "LsaString": "Security.Authentication.Identity.LSA_UNICODE_STRING",
    "LastLogons": "Security.Authentication.Identity.LSA_LAST_INTER_LOGON_INFO",
    "InternetIdentity": "NetworkManagement.NetManagement.USER_INFO_24",
    "SessionInfo": "System.RemoteDesktop.WTSINFOEXW", "SessionDetails": "System.RemoteDesktop.WTSINFOEX_LEVEL1_W",
    "TaskDialogButton": "UI.Controls.TASKDIALOG_BUTTON", "TaskDialogConfig": "UI.Controls.TASKDIALOGCONFIG",
    "NotifyIconData": "UI.Shell.NOTIFYICONDATAW", "CredUiInfo": "Security.Credentials.CREDUI_INFOW",
    "Point": "Foundation.POINT", "Message": "UI.WindowsAndMessaging.MSG",
    "StartupInfo": "System.Threading.STARTUPINFOW", "StartupInfoEx": "System.Threading.STARTUPINFOEXW",
    "ProcessInformation": "System.Threading.PROCESS_INFORMATION",
    "PowerStatus": "System.Power.SYSTEM_POWER_STATUS",
    "Guid": "win32more.Guid", "LogonSession": "Security.Authentication.Identity.SECURITY_LOGON_SESSION_DATA",
}  # fmt: skip
SHORTENED = {"LogonSession"}


def metadata(path: str) -> Any:
    """Return an object of Microsoft's metadata by its path."""
    module, _, name = path.rpartition(".")
    where = module if module.startswith("win32more") else f"win32more.Windows.Win32.{module}"
    return getattr(importlib.import_module(where), name)


def shape(kind: type[Any] | None) -> tuple[str, int]:
    """Return a type as the calling convention sees it: an address, or an integer of some size."""
    if kind is None:
        return ("nothing", 0)
    if issubclass(kind, ctypes._Pointer) or getattr(kind, "_type_", None) in {"P", "z", "Z"}:
        return ("address", ctypes.sizeof(ctypes.c_void_p))
    return ("integer", ctypes.sizeof(kind))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_declaration_equals_microsofts_metadata(name: str) -> None:
    """Library, arguments and result are the same."""
    ours = FUNCTIONS[name]
    theirs = metadata(f"{WHERE[name]}.{name}")
    hints = metadata("win32more._win32.get_type_hints")(theirs._prototype)
    result = hints.pop("return")
    assert theirs._library.lower().removesuffix(".dll") == ours.library
    assert [shape(kind) for kind in ours.arguments] == [shape(kind) for kind in hints.values()]
    assert shape(ours.result) == shape(result)


def layout(kind: type[Any]) -> list[tuple[int, int]]:
    """Return the offset and the size of each field."""
    return [(getattr(kind, name).offset, getattr(kind, name).size) for name, *_ in kind._fields_]


@pytest.mark.parametrize("name", STRUCTURES)
def test_structure_is_laid_out_as_in_microsofts_metadata(name: str) -> None:
    """Offsets and sizes of the fields are the same."""
    ours, theirs = DECLARED[name], metadata(STRUCTURES[name])
    expected = layout(theirs)
    assert layout(ours) == expected[: len(ours._fields_)]
    assert name in SHORTENED or ctypes.sizeof(ours) == ctypes.sizeof(theirs)


def test_every_structure_is_compared() -> None:
    """The table above has every structure."""
    declared = {n for n, v in DECLARED.items() if isinstance(v, type) and issubclass(v, ctypes.Structure)}
    assert declared - {"Structure"} == set(STRUCTURES)
