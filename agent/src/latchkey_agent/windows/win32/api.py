# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declares Windows functions.

Declared here are only functions that pywin32 lacks, or that a password or half
a key passes through: pywin32 would copy it into immutable objects. A test
compares every declaration with Microsoft's own metadata (win32more).
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_int32, c_int64, c_size_t, c_ubyte, c_uint16, c_uint32, c_void_p, c_wchar_p
from functools import cache
from typing import Any, ClassVar

BOOL = c_int32
DWORD = c_uint32
HANDLE = c_void_p
NTSTATUS = c_int32
ERROR_PROC_NOT_FOUND = 127


class Blob(ctypes.Structure):
    """CRYPT_INTEGER_BLOB, also called DATA_BLOB (wincrypt.h)."""

    _fields_: ClassVar[Any] = (("size", DWORD), ("data", c_void_p))


class Guid(ctypes.Structure):
    """GUID (guiddef.h)."""

    _fields_: ClassVar[Any] = (
        ("data1", c_uint32),
        ("data2", c_uint16),
        ("data3", c_uint16),
        ("data4", c_ubyte * 8),
    )


class Luid(ctypes.Structure):
    """LUID (winnt.h)."""

    _fields_: ClassVar[Any] = (("low", DWORD), ("high", c_int32))


class LsaString(ctypes.Structure):
    """LSA_UNICODE_STRING (ntsecapi.h). Lengths are in bytes. The text may lack its terminating zero."""

    _fields_: ClassVar[Any] = (("length", c_uint16), ("maximum", c_uint16), ("text", c_void_p))


class LastLogons(ctypes.Structure):
    """LSA_LAST_INTER_LOGON_INFO (ntsecapi.h)."""

    _fields_: ClassVar[Any] = (
        ("last_successful", c_int64),
        ("last_failed", c_int64),
        ("failed_since", c_uint32),
    )


class LogonSession(ctypes.Structure):
    """SECURITY_LOGON_SESSION_DATA (ntsecapi.h), up to PasswordMustChange."""

    _fields_: ClassVar[Any] = (
        ("size", c_uint32),
        ("logon_id", Luid),
        ("user", LsaString),
        ("domain", LsaString),
        ("package", LsaString),
        ("logon_type", c_uint32),
        ("session", c_uint32),
        ("sid", c_void_p),
        ("logon_time", c_int64),
        ("logon_server", LsaString),
        ("dns_domain", LsaString),
        ("upn", LsaString),
        ("user_flags", c_uint32),
        ("last_logons", LastLogons),
        ("logon_script", LsaString),
        ("profile_path", LsaString),
        ("home_directory", LsaString),
        ("home_drive", LsaString),
        ("logoff_time", c_int64),
        ("kickoff_time", c_int64),
        ("password_last_set", c_int64),
        ("password_can_change", c_int64),
        ("password_must_change", c_int64),
    )


class InternetIdentity(ctypes.Structure):
    """USER_INFO_24 (lmaccess.h): the online account that a local one belongs to."""

    _fields_: ClassVar[Any] = (
        ("is_internet_identity", BOOL),
        ("flags", DWORD),
        ("provider", c_wchar_p),
        ("principal", c_wchar_p),
        ("sid", c_void_p),
    )


class SessionDetails(ctypes.Structure):
    """WTSINFOEX_LEVEL1_W (wtsapi32.h)."""

    _fields_: ClassVar[Any] = (
        ("session_id", c_uint32),
        ("state", c_int32),
        ("flags", c_int32),
        ("station", c_uint16 * 33),
        ("user", c_uint16 * 21),
        ("domain", c_uint16 * 18),
        ("logon_time", c_int64),
        ("connect_time", c_int64),
        ("disconnect_time", c_int64),
        ("last_input_time", c_int64),
        ("current_time", c_int64),
        ("incoming_bytes", DWORD),
        ("outgoing_bytes", DWORD),
        ("incoming_frames", DWORD),
        ("outgoing_frames", DWORD),
        ("incoming_compressed", DWORD),
        ("outgoing_compressed", DWORD),
    )


class PowerStatus(ctypes.Structure):
    """SYSTEM_POWER_STATUS (winbase.h)."""

    _fields_: ClassVar[Any] = (
        ("mains", c_ubyte),
        ("battery", c_ubyte),
        ("percent", c_ubyte),
        ("saver", c_ubyte),
        ("seconds_left", DWORD),
        ("seconds_full", DWORD),
    )


class SessionInfo(ctypes.Structure):
    """WTSINFOEXW (wtsapi32.h). Level 1 is the only level."""

    _fields_: ClassVar[Any] = (("level", DWORD), ("details", SessionDetails))


class StartupInfo(ctypes.Structure):
    """STARTUPINFOW (processthreadsapi.h)."""

    _fields_: ClassVar[Any] = (
        ("size", DWORD),
        ("reserved", c_wchar_p),
        ("desktop", c_wchar_p),
        ("title", c_wchar_p),
        ("x", DWORD),
        ("y", DWORD),
        ("width", DWORD),
        ("height", DWORD),
        ("columns", DWORD),
        ("rows", DWORD),
        ("fill", DWORD),
        ("flags", DWORD),
        ("show", c_uint16),
        ("reserved_size", c_uint16),
        ("more_reserved", c_void_p),
        ("stdin", HANDLE),
        ("stdout", HANDLE),
        ("stderr", HANDLE),
    )


class StartupInfoEx(ctypes.Structure):
    """STARTUPINFOEXW (winbase.h)."""

    _fields_: ClassVar[Any] = (("info", StartupInfo), ("attributes", c_void_p))


class ProcessInformation(ctypes.Structure):
    """PROCESS_INFORMATION (processthreadsapi.h)."""

    _fields_: ClassVar[Any] = (
        ("process", HANDLE),
        ("thread", HANDLE),
        ("process_id", DWORD),
        ("thread_id", DWORD),
    )


@cache
def _library(name: str) -> ctypes.WinDLL:
    return ctypes.WinDLL(name, use_last_error=True)


class Function:
    """One function of a system library. The first call binds it."""

    def __init__(self, library: str, name: str, result: type | None, *arguments: type) -> None:
        self.library = library
        self.name = name
        self.result = result
        self.arguments = arguments
        self._bound: Any = None

    def __call__(self, *values: Any) -> int:
        """Call the function. `ctypes.get_last_error()` then returns its last error.

        Raises:
            OSError: this Windows lacks the function.
        """
        if self._bound is None:
            bound = getattr(_library(self.library), self.name, None)
            if bound is None:
                raise OSError(None, f"{self.library} has no {self.name}", None, ERROR_PROC_NOT_FOUND)
            bound.restype = self.result
            bound.argtypes = self.arguments
            self._bound = bound
        result: int = self._bound(*values)
        return result


LogonUserW = Function(
    # The password is passed as a plain address, so ctypes does not copy it.
    "advapi32", "LogonUserW", BOOL, c_wchar_p, c_wchar_p, c_void_p, DWORD, DWORD, POINTER(HANDLE),
)  # fmt: skip
InitiateShutdownW = Function(
    "advapi32", "InitiateShutdownW", DWORD, c_wchar_p, c_wchar_p, DWORD, DWORD, DWORD,
)  # fmt: skip
CreateProcessAsUserW = Function(
    # pywin32's has no list of handles to inherit.
    "advapi32", "CreateProcessAsUserW", BOOL,
    HANDLE, c_wchar_p, c_void_p, c_void_p, c_void_p, BOOL, DWORD, c_void_p, c_wchar_p, POINTER(StartupInfoEx),
    POINTER(ProcessInformation),
)  # fmt: skip
InitializeProcThreadAttributeList = Function(
    "kernel32", "InitializeProcThreadAttributeList", BOOL, c_void_p, DWORD, DWORD, POINTER(c_size_t),
)  # fmt: skip
UpdateProcThreadAttribute = Function(
    "kernel32", "UpdateProcThreadAttribute", BOOL,
    c_void_p, DWORD, c_size_t, c_void_p, c_size_t, c_void_p, c_void_p,
)  # fmt: skip
DeleteProcThreadAttributeList = Function("kernel32", "DeleteProcThreadAttributeList", None, c_void_p)
CreateEnvironmentBlock = Function(
    # pywin32's returns a dictionary, which CreateProcessAsUserW does not take.
    "userenv", "CreateEnvironmentBlock", BOOL, POINTER(c_void_p), HANDLE, BOOL,
)  # fmt: skip
DestroyEnvironmentBlock = Function("userenv", "DestroyEnvironmentBlock", BOOL, c_void_p)
CloseHandle = Function("kernel32", "CloseHandle", BOOL, HANDLE)
LocalFree = Function("kernel32", "LocalFree", c_void_p, c_void_p)
WerSetFlags = Function("kernel32", "WerSetFlags", c_int32, DWORD)
CryptProtectData = Function(
    "crypt32", "CryptProtectData", BOOL,
    POINTER(Blob), c_wchar_p, POINTER(Blob), c_void_p, c_void_p, DWORD, POINTER(Blob),
)  # fmt: skip
CryptUnprotectData = Function(
    "crypt32", "CryptUnprotectData", BOOL,
    POINTER(Blob), POINTER(c_void_p), POINTER(Blob), c_void_p, c_void_p, DWORD, POINTER(Blob),
)  # fmt: skip
LsaEnumerateLogonSessions = Function(
    "secur32", "LsaEnumerateLogonSessions", NTSTATUS, POINTER(c_uint32), POINTER(POINTER(Luid)),
)  # fmt: skip
LsaGetLogonSessionData = Function(
    "secur32", "LsaGetLogonSessionData", NTSTATUS, POINTER(Luid), POINTER(POINTER(LogonSession)),
)  # fmt: skip
LsaFreeReturnBuffer = Function("secur32", "LsaFreeReturnBuffer", NTSTATUS, c_void_p)
NetUserGetInfo = Function(
    "netapi32", "NetUserGetInfo", DWORD, c_wchar_p, c_wchar_p, DWORD, POINTER(c_void_p),
)  # fmt: skip
NetLocalGroupDelMembers = Function(
    "netapi32", "NetLocalGroupDelMembers", DWORD, c_wchar_p, c_wchar_p, DWORD, c_void_p, DWORD,
)  # fmt: skip
NetApiBufferFree = Function("netapi32", "NetApiBufferFree", DWORD, c_void_p)
PowerGetActiveScheme = Function("powrprof", "PowerGetActiveScheme", DWORD, c_void_p, POINTER(POINTER(Guid)))
PowerReadACValueIndex = Function(
    "powrprof", "PowerReadACValueIndex", DWORD,
    c_void_p, POINTER(Guid), POINTER(Guid), POINTER(Guid), POINTER(DWORD),
)  # fmt: skip
PowerReadDCValueIndex = Function(
    "powrprof", "PowerReadDCValueIndex", DWORD,
    c_void_p, POINTER(Guid), POINTER(Guid), POINTER(Guid), POINTER(DWORD),
)  # fmt: skip
GetSystemPowerStatus = Function("kernel32", "GetSystemPowerStatus", BOOL, POINTER(PowerStatus))
WTSQuerySessionInformationW = Function(
    "wtsapi32", "WTSQuerySessionInformationW", BOOL, HANDLE, DWORD, c_int32, POINTER(c_void_p), POINTER(DWORD),
)  # fmt: skip
WTSFreeMemory = Function("wtsapi32", "WTSFreeMemory", None, c_void_p)
SHGetKnownFolderPath = Function(
    "shell32", "SHGetKnownFolderPath", c_int32, POINTER(Guid), DWORD, HANDLE, POINTER(c_void_p),
)  # fmt: skip
CoTaskMemFree = Function("ole32", "CoTaskMemFree", None, c_void_p)
