# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the PC goes to sleep, and whether it runs on its battery."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

from latchkey_agent.windows.win32.api import (
    Function,
    GetSystemPowerStatus,
    Guid,
    LocalFree,
    PowerGetActiveScheme,
    PowerReadACValueIndex,
    PowerReadDCValueIndex,
    PowerStatus,
)

from .logon_policies import Reading

_SLEEP_SUBGROUP = Guid(0x238C9FA8, 0x0AAD, 0x41ED, (ctypes.c_ubyte * 8)(*bytes.fromhex("83f497be242c8f20")))
_STANDBY_IDLE = Guid(0x29F6C1DB, 0x86DA, 0x48C5, (ctypes.c_ubyte * 8)(*bytes.fromhex("9fdbf2b67b1f44da")))
"""GUID_SLEEP_SUBGROUP and GUID_STANDBY_TIMEOUT (winnt.h)."""
OFFLINE, UNKNOWN = 0, 255
"""ACLineStatus and BatteryFlag of SYSTEM_POWER_STATUS (Microsoft Learn)."""
NO_BATTERY = 128
PLACE = "powercfg /query SCHEME_CURRENT SUB_SLEEP STANDBYIDLE"


def readings() -> Iterator[Reading]:
    """Yield the facts about sleep and battery."""
    on_battery, has_battery = _supply()
    yield Reading("on_battery", on_battery, "GetSystemPowerStatus")
    yield Reading("sleeps_when_idle", _sleeps(PowerReadACValueIndex), PLACE)
    yield Reading("sleeps_on_battery", has_battery and _sleeps(PowerReadDCValueIndex), PLACE)


def _supply() -> tuple[bool | None, bool | None]:
    """Return whether the PC runs on its battery, and whether it has one; None for what is unknown."""
    status = PowerStatus()
    try:
        if not GetSystemPowerStatus(ctypes.byref(status)):
            return None, None
    except OSError:
        return None, None
    has_battery = None if status.battery == UNKNOWN else not status.battery & NO_BATTERY
    return None if status.mains == UNKNOWN else status.mains == OFFLINE, has_battery


def _sleeps(read_value: Function) -> bool | None:
    """Return whether the active power plan has a time until sleep; None if it cannot be read."""
    scheme, seconds = ctypes.POINTER(Guid)(), ctypes.c_uint32()
    try:
        if PowerGetActiveScheme(None, ctypes.byref(scheme)):
            return None
        code = read_value(
            None, scheme, ctypes.byref(_SLEEP_SUBGROUP), ctypes.byref(_STANDBY_IDLE), ctypes.byref(seconds)
        )
    except OSError:
        return None
    finally:
        LocalFree(scheme)
    return None if code else seconds.value > 0
