# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of the DLL."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from agent.native import build, provider_registration
from agent.packaging.product_identity import version
from agent.packaging.resources import file_version
from agent.packaging.system_tools import DLL_READER
from latchkey_agent.windows import names

pefile = pytest.importorskip("pefile", reason=str(DLL_READER.missing()))

# winnt.h: IMAGE_DLLCHARACTERISTICS_*, IMAGE_DLLCHARACTERISTICS_EX_*, IMAGE_GUARD_*
HIGH_ENTROPY_VA, DYNAMIC_BASE, NX_COMPAT, GUARD_CF = 0x20, 0x40, 0x100, 0x4000
EX_CET_COMPAT = 0x1
GUARD_INSTRUMENTED, GUARD_TABLE_PRESENT = 0x100, 0x400
SEARCH_SYSTEM32 = 0x800


@pytest.fixture(scope="module")
def dll(programs: Path) -> Any:
    """The DLL's headers."""
    return pefile.PE(programs / build.DLL)


def test_two_builds_give_the_same_bytes(programs: Path, tmp_path: Path) -> None:
    """Also from sources that lie elsewhere: no path, time or order of this computer goes in."""
    elsewhere = tmp_path / "somewhere" / "else"
    shutil.copytree(build.SOURCE, elsewhere)
    again = build.build(tmp_path / "output", elsewhere)
    assert again.read_bytes() == (programs / build.DLL).read_bytes()


def test_it_exports_the_two_entry_points_of_com_and_nothing_else(dll: Any) -> None:
    """No DllRegisterServer: the installer writes the registry."""
    assert [one.name for one in dll.DIRECTORY_ENTRY_EXPORT.symbols] == [
        b"DllCanUnloadNow",
        b"DllGetClassObject",
    ]


def test_it_imports_what_its_lists_say_and_nothing_else(dll: Any) -> None:
    """A reviewer reads the lists; each line of them is used."""
    imported = {
        entry.dll.decode().lower(): {one.name.decode() for one in entry.imports}
        for entry in dll.DIRECTORY_ENTRY_IMPORT
    }
    listed = {}
    for path in (build.SOURCE / "imports").glob("*.def"):
        lines = [line.strip() for line in path.read_text().splitlines() if not line.startswith(";")]
        library = lines[0].removeprefix("LIBRARY ").lower()
        listed[library] = set(lines[lines.index("EXPORTS") + 1 :])
    assert imported == listed


def test_it_is_hardened_with_all_that_the_toolchain_has(dll: Any) -> None:
    """Address randomisation, no execution of data, Control Flow Guard, shadow stacks, System32 only."""
    wanted = HIGH_ENTROPY_VA | DYNAMIC_BASE | NX_COMPAT | GUARD_CF
    assert dll.OPTIONAL_HEADER.DllCharacteristics & wanted == wanted
    assert dll.OPTIONAL_HEADER.CheckSum == dll.generate_checksum()
    debug = {entry.struct.Type: entry.struct for entry in dll.DIRECTORY_ENTRY_DEBUG}
    extended = debug[pefile.DEBUG_TYPE["IMAGE_DEBUG_TYPE_EX_DLLCHARACTERISTICS"]]
    assert struct.unpack("<I", dll.get_data(extended.AddressOfRawData, 4))[0] & EX_CET_COMPAT
    load = dll.DIRECTORY_ENTRY_LOAD_CONFIG.struct
    assert load.DependentLoadFlags == SEARCH_SYSTEM32
    assert (
        load.GuardFlags & (GUARD_INSTRUMENTED | GUARD_TABLE_PRESENT)
        == GUARD_INSTRUMENTED | GUARD_TABLE_PRESENT
    )
    assert all(
        not (section.IMAGE_SCN_MEM_WRITE and section.IMAGE_SCN_MEM_EXECUTE) for section in dll.sections
    )


def test_the_stack_cookie_holds_the_value_that_windows_replaces(dll: Any) -> None:
    """Windows' loader fills in a random cookie only if it finds its own default."""
    base = dll.OPTIONAL_HEADER.ImageBase
    cookie = dll.get_data(dll.DIRECTORY_ENTRY_LOAD_CONFIG.struct.SecurityCookie - base, 8)
    assert struct.unpack("<Q", cookie)[0] == 0x00002B992DDFA232


def test_every_function_that_is_called_by_address_is_in_the_guard_table(dll: Any) -> None:
    """Windows ends a process that calls one that is missing: all methods, entry points and threads are there."""
    load, base = dll.DIRECTORY_ENTRY_LOAD_CONFIG.struct, dll.OPTIONAL_HEADER.ImageBase
    table = dll.get_data(load.GuardCFFunctionTable - base, 4 * load.GuardCFFunctionCount)
    guarded = set(struct.unpack(f"<{load.GuardCFFunctionCount}I", table))
    called = {
        dll.OPTIONAL_HEADER.AddressOfEntryPoint,
        *(one.address for one in dll.DIRECTORY_ENTRY_EXPORT.symbols),
    }
    pointers = called | stored_code_pointers(dll) - guard_stubs(dll)
    assert len(pointers) > 40
    assert pointers <= guarded


def stored_code_pointers(dll: Any) -> set[int]:
    """Return the functions whose addresses stand in data: the tables of methods."""
    base = dll.OPTIONAL_HEADER.ImageBase
    text = next(section for section in dll.sections if section.Name.startswith(b".text"))
    end = text.VirtualAddress + text.Misc_VirtualSize
    places = [entry.rva for block in dll.DIRECTORY_ENTRY_BASERELOC for entry in block.entries if entry.type]
    targets = {struct.unpack("<Q", dll.get_data(place, 8))[0] - base for place in places}
    return {target for target in targets if text.VirtualAddress <= target < end}


def guard_stubs(dll: Any) -> set[int]:
    """Return the functions that stand in for the guard's checks until Windows sets its own."""
    load, base = dll.DIRECTORY_ENTRY_LOAD_CONFIG.struct, dll.OPTIONAL_HEADER.ImageBase
    places = (load.GuardCFCheckFunctionPointer, load.GuardCFDispatchFunctionPointer)
    return {struct.unpack("<Q", dll.get_data(place - base, 8))[0] - base for place in places}


def test_it_carries_the_products_version(programs: Path) -> None:
    """Windows Installer compares it to tell old from new."""
    assert file_version(programs / build.DLL) == f"{version()}.0"


def test_it_holds_no_path_of_the_computer_that_built_it(programs: Path) -> None:
    """Neither the checkout's nor the toolchain's."""
    content = (programs / build.DLL).read_bytes()
    for path in (build.SOURCE, Path.home(), Path("/tmp")):  # noqa: S108 - looked for, not used
        assert str(path).encode() not in content


def test_provider_and_agent_call_each_other_by_the_same_names() -> None:
    """Pipe, service and event; the class that the installer registers."""
    limits = (build.SOURCE / "limits.h").read_text()
    for name in (names.PIPE_LOGON, names.SERVICE, names.PERMIT_EVENT):
        assert 'L"' + name.replace("\\", "\\\\") + '"' in limits
    assert provider_registration.CLASS_ID in (build.SOURCE / "module.h").read_text()


def test_the_registration_is_removed_before_the_class() -> None:
    """LogonUI must never find a provider whose class is gone."""
    assert provider_registration.keys_to_remove() == [
        provider_registration.PROVIDER_KEY,
        provider_registration.CLASS_KEY,
    ]
    keys = {value.key for value in provider_registration.values(r"C:\x.dll")}
    assert all(any(key.startswith(gone) for gone in provider_registration.keys_to_remove()) for key in keys)
