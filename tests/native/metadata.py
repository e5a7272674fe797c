# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's metadata, as the win32more package has it, read outside of Windows.

The package speaks to COM when it is imported. Its declarations need nothing of
that: they are loaded here without the package's own first file, in a process
whose ctypes has stand-ins for the three names that it has on Windows only.

    python -m tests.native.metadata     reads names on standard input, writes values
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import json
import sys
import types
from typing import Any

MODULES = (
    "Foundation",
    "UI.Shell",
    "Security.Authentication.Identity",
    "System.Services",
    "System.IO",
    "Storage.EnhancedStorage",
)


def load() -> list[types.ModuleType]:
    """Import the declarations."""
    stand_ins = {"WINFUNCTYPE": ctypes.CFUNCTYPE, "windll": types.SimpleNamespace(), "WinError": OSError}
    for name, value in {**stand_ins, "FormatError": str, "GetLastError": int}.items():
        setattr(ctypes, name, value)
    spec = importlib.util.find_spec("win32more")
    assert spec is not None
    package = sys.modules["win32more"] = importlib.util.module_from_spec(spec)
    core = importlib.import_module("win32more._win32")
    vars(package).update({name: value for name, value in vars(core).items() if not name.startswith("_")})
    return [importlib.import_module(f"win32more.Windows.Win32.{name}") for name in MODULES]


def find(modules: list[types.ModuleType], name: str) -> Any:
    """Return the declaration of this name."""
    for module in modules:
        try:
            return getattr(module, name)
        except AttributeError:
            continue
    msg = f"the metadata has no {name}"
    raise LookupError(msg)


def value_of(modules: list[types.ModuleType], name: str) -> int | str:
    """Return the value of one line that harness/layout.cpp prints."""
    kind, subject, *rest = name.split(" ")
    found = find(modules, subject)
    if kind == "size":
        return ctypes.sizeof(found)
    if kind == "offset":
        return int(getattr(found, rest[0]).offset)
    if kind == "method":
        return method_index(found, rest[0])
    if kind == "number":
        return int(getattr(found, "value", found))
    return guid_text(found._iid_ if kind == "iid" else getattr(found, "fmtid", found))


def method_index(interface: Any, method: str) -> int:
    """Return a method's place in the interface's table, inherited ones included."""
    for base in interface.__mro__:
        if method in vars(base):
            return int(vars(base)[method]._vtbl_index)
    msg = f"{interface.__name__} has no {method}"
    raise LookupError(msg)


def guid_text(guid: Any) -> str:
    """Return a GUID in the usual form, small letters, without braces."""
    return str(guid).strip("{}").lower()


if __name__ == "__main__":
    declarations = load()
    json.dump({name: value_of(declarations, name) for name in json.load(sys.stdin)}, sys.stdout)
