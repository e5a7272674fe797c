# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry values with which Windows' logon screen loads the provider.

The installer writes these values and removes them in the reverse order, all of
them before the file: LogonUI then never finds a class whose DLL is gone.
Sources: Register.reg of the credential provider sample in Windows-classic-samples;
"InprocServer32", https://learn.microsoft.com/windows/win32/com/inprocserver32.
"""

from __future__ import annotations

from typing import NamedTuple

CLASS_ID = "{646ad95f-a509-4aef-ac07-e40e406b97bb}"
NAME = "Latchkey"
CLASS_KEY = rf"SOFTWARE\Classes\CLSID\{CLASS_ID}"
PROVIDER_KEY = rf"SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\Credential Providers\{CLASS_ID}"


class Value(NamedTuple):
    """One text value below HKEY_LOCAL_MACHINE; `name` is empty for the key's own value."""

    key: str
    name: str
    text: str


def values(dll: str) -> list[Value]:
    """Return the values to write, in this order, for a DLL at this absolute path of Windows."""
    return [
        Value(CLASS_KEY, "", NAME),
        Value(rf"{CLASS_KEY}\InprocServer32", "", dll),
        # LogonUI is a single-threaded apartment; our thread calls no function of COM.
        Value(rf"{CLASS_KEY}\InprocServer32", "ThreadingModel", "Apartment"),
        Value(PROVIDER_KEY, "", NAME),
    ]


def keys_to_remove() -> list[str]:
    """Return the keys to delete with all below them, in this order."""
    return [PROVIDER_KEY, CLASS_KEY]
