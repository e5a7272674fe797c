# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contents of the package: files, tables, codes, licences, signatures, and reproducible bytes."""

from __future__ import annotations

import ast
import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.native import provider_registration
from agent.packaging import (
    bytecode,
    collection,
    database,
    leftout,
    product,
    product_identity,
    provider_build,
    sbom,
)
from agent.packaging.actions import ACTIONS
from agent.packaging.artefacts import LINUX_PYTHON, PINS, pins, unpacked
from agent.packaging.database import Table, short_name
from agent.packaging.resources import file_version
from agent.packaging.runtime import LEFT_OUT, runtime
from agent.packaging.system_tools import CPYTHON, DLL_READER
from agent.packaging.workshop import ROOT, WorkError, run
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(900)

MOST_BYTES = 16_000_000
WINDOWS = frozenset({
    "advapi32", "bcrypt", "bcryptprimitives", "comctl32", "comdlg32", "crypt32", "gdi32", "iphlpapi", "kernel32",
    "msimg32", "mswsock", "netapi32", "ntdll", "ntdsapi", "ole32", "oleaut32", "rpcrt4", "secur32", "sfc", "shell32",
    "user32", "userenv", "version", "ws2_32", "wtsapi32",
})  # fmt: skip
"""DLLs of Windows itself that the delivered programs may call."""


def rows(package: Path, name: str) -> list[dict[str, str]]:
    """Return a table of the package."""
    table = Table.exported(package, name)
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def programs(folder: Path) -> list[Path]:
    """Return every program and DLL of a folder."""
    return [path for path in folder.rglob("*") if path.suffix in {".dll", ".exe", ".pyd"}]


def test_package_is_small_enough(package: Path) -> None:
    """The package has at most 16 MB."""
    assert package.stat().st_size <= MOST_BYTES


def test_package_has_exactly_the_files_of_the_product(
    package: Path, product_folder: Path, tmp_path: Path
) -> None:
    """The cabinet has exactly the files of the product folder, unchanged."""
    run(["msiextract", "--directory", tmp_path, package])
    (root,) = tmp_path.rglob("Latchkey")
    extracted = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}
    laid_out = {
        p.relative_to(product_folder).as_posix(): p.read_bytes()
        for p in product_folder.rglob("*")
        if p.is_file()
    }
    assert extracted == laid_out


def test_same_content_gives_the_same_bytes(package: Path, product_folder: Path, tmp_path: Path) -> None:
    """A second build in another folder has the same bytes."""
    again = tmp_path / "again"
    product.lay_out(again, product_identity.version(), provider_build.build_provider())
    database.make(tmp_path / "agent.msi", again, product_identity.version())
    assert (tmp_path / "agent.msi").read_bytes() == package.read_bytes()


def test_other_content_gives_other_codes(package: Path, product_folder: Path, tmp_path: Path) -> None:
    """Packages with other content have other codes: Windows Installer treats equal codes as the same package."""
    other = tmp_path / "other"
    shutil.copytree(product_folder, other)
    (other / "licences" / "notices.txt").write_text("other")
    database.make(tmp_path / "agent.msi", other, product_identity.version())
    codes = [
        (
            next(row["Value"] for row in rows(msi, "Property") if row["Property"] == "ProductCode"),
            revision(msi),
        )
        for msi in (package, tmp_path / "agent.msi")
    ]
    assert codes[0][0] != codes[1][0]
    assert codes[0][1] != codes[1][1]


def revision(package: Path) -> str:
    """Return the package code."""
    found = re.search(r"Revision number \(UUID\): (\S+)", run(["msiinfo", "suminfo", package]))
    assert found
    return found[1]


def test_dates_are_the_given_ones(
    product_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SOURCE_DATE_EPOCH sets all dates, and a value that is not a number is refused."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    database.make(tmp_path / "agent.msi", product_folder, product_identity.version())
    summary = run(["msiinfo", "suminfo", tmp_path / "agent.msi"])
    assert summary.count("Sep  9 01:46:40 2001") == 2
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(WorkError, match="'yesterday'"):
        product_identity.build_moment()


def test_only_unchecked_byte_code_is_delivered(product_folder: Path) -> None:
    """The package has only byte code with the flag "unchecked hash" (PEP 552), which never becomes stale."""
    assert not list(product_folder.rglob("*.py"))
    codes = [path.read_bytes() for path in product_folder.rglob("*.pyc")]
    for name, archive in archives(product_folder):
        assert name.endswith((".pyc", ".mo")), name
        if name.endswith(".pyc"):
            codes.append(archive.read(name))
    assert len(codes) > 300
    magic = codes[0][:4]
    assert all(code[:8] == magic + b"\x01\0\0\0" for code in codes)


def archives(folder: Path) -> Iterator[tuple[str, zipfile.ZipFile]]:
    """Yield each member of each archive, with the archive."""
    for file in (product.LIBRARY, product.AGENT_ARCHIVE):
        with zipfile.ZipFile(folder / file) as archive:
            for name in archive.namelist():
                yield name, archive


def test_modules_come_from_three_places(product_folder: Path) -> None:
    """The search path has three entries, because each costs time at every import, and archives hold all byte code."""
    places = (product_folder / "python313._pth").read_text(encoding="ascii").splitlines()
    assert places == [product.LIBRARY, product.AGENT_ARCHIVE, "lib"]
    assert {path.name for path in (product_folder / "lib").iterdir() if path.suffix not in {".dll", ".pyd"}} == {
        "cryptography", "msgspec",
    }  # fmt: skip


def test_byte_code_does_not_contain_the_build_folder(tmp_path: Path) -> None:
    """File names in byte code, and so in tracebacks, are relative."""
    require(CPYTHON)
    made = []
    for name in ("here", "somewhere_else"):
        (tmp_path / name / "package").mkdir(parents=True)
        (tmp_path / name / "package" / "module.py").write_text("FACTS = {'a', 'b', 'c'}\n")
        bytecode.compile_tree(tmp_path / name)
        made.append((tmp_path / name / "package" / "module.pyc").read_bytes())
    assert made[0] == made[1]
    assert b"package\\module.py" in made[0]


def test_excluded_modules_are_not_delivered(product_folder: Path) -> None:
    """No excluded module is delivered, and each name in the lists exists in the runtime."""
    names = [name for name, _archive in archives(product_folder)]
    names += [path.name for path in (product_folder / "lib").iterdir()]
    delivered = {name.partition("/")[0].partition(".")[0] for name in names}
    assert not delivered & (leftout.names(leftout.STANDARD_LIBRARY) | leftout.names(leftout.PYWIN32))
    known = {path.name.partition(".")[0] for path in (runtime() / "lib").iterdir()}
    assert leftout.names(leftout.STANDARD_LIBRARY) <= known
    readme = (ROOT / "agent/packaging/README.md").read_text(encoding="utf-8")
    assert all(reason in readme for reason in (*leftout.STANDARD_LIBRARY, *leftout.PYWIN32))


def test_no_delivered_module_imports_an_excluded_one(product_folder: Path) -> None:
    """No delivered module imports an excluded one, not even inside a function."""
    packages, library = runtime() / "packages", product_folder / "lib"
    delivered = {name for name, _archive in archives(product_folder)}
    delivered |= {path.relative_to(library).as_posix() for path in library.rglob("*.pyc")}
    gone = leftout.names(leftout.STANDARD_LIBRARY) | set(LEFT_OUT)
    sources = {path: path.relative_to(packages) for path in packages.rglob("*.py")}
    sources |= {
        path: Path("latchkey_agent", path.relative_to(product.AGENT)) for path in product.AGENT.rglob("*.py")
    }
    looked_at = {
        source: importable(name) for source, name in sources.items() if importable(name) in delivered
    }
    assert set(looked_at.values()) >= {"latchkey_agent/core/core.pyc", "msgspec/json.pyc", "pywintypes.pyc"}
    found = {
        (name, module) for source, name in looked_at.items() for module in imported(source) if module in gone
    }
    assert found == set()


def importable(name: Path) -> str:
    """Return the delivered name of a package's module; pywin32's are in earlier folders of the search path."""
    return name.with_suffix(".pyc").as_posix().removeprefix("win32/").removeprefix("lib/")


def imported(source: Path) -> Iterator[str]:
    """Yield the first name of every module that a file imports anywhere."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def test_every_import_of_a_program_is_delivered_or_windows_own(product_folder: Path) -> None:
    """No program needs a DLL that the PC may lack."""
    pefile = pytest.importorskip("pefile", reason=str(DLL_READER.missing()))
    delivered = {path.stem.lower() for path in programs(product_folder)}
    missing = set()
    for program in programs(product_folder):
        with pefile.PE(str(program), fast_load=True) as image:
            image.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_IMPORT"]])
            for entry in getattr(image, "DIRECTORY_ENTRY_IMPORT", ()):
                name = entry.dll.decode().lower().rpartition(".")[0]
                if not name.startswith("api-ms-win-") and name not in delivered | WINDOWS:
                    missing.add((program.name, name))
    assert missing == set()


def test_every_delivered_part_has_its_licence(product_folder: Path) -> None:
    """The package has the licences of Latchkey, CPython with its libraries, and each wheel."""
    there = {path.name for path in (product_folder / "licences").iterdir()}
    wheels = {line.partition("==")[0] for line in pins(PINS).splitlines() if re.match(r"\w+==", line)}
    assert {"Latchkey.txt", "CPython.txt", "notices.txt"} <= there
    assert all(any(name.startswith(f"{wheel}-") for name in there) for wheel in wheels)
    notices = product.NOTICES.read_text(encoding="utf-8")
    for library in ("sqlite3.dll", "libffi-8.dll", "vcruntime140.dll", "_decimal.pyd"):
        assert library in notices


def test_every_component_has_its_own_stable_code(package: Path, product_folder: Path) -> None:
    """Each path has the same code in every version, and no two components share a code."""
    components = rows(package, "Component")
    codes = [row["ComponentId"] for row in components]
    assert len(set(codes)) == len(codes) == len(rows(package, "File"))
    assert product_identity.component_code("pythonw.exe") == "{76E2C930-3462-5E8B-BAA7-DEE5E7705B46}"
    assert all(int(row["Attributes"]) & 256 for row in components)


def test_programs_carry_their_version_and_other_files_a_hash(package: Path, product_folder: Path) -> None:
    """Programs have versions and other files hashes, by which Windows Installer finds files to replace."""
    versions = {path.name: found for path in programs(product_folder) if (found := file_version(path))}
    files = rows(package, "File")
    delivered = {row["FileName"].rpartition("|")[2]: row["Version"] for row in files if row["Version"]}
    assert delivered == versions
    assert delivered["latchkeyctl.exe"] == f"{product_identity.version()}.0"
    hashed = {row["File_"] for row in rows(package, "MsiFileHash")}
    assert hashed == {row["File"] for row in files if not row["Version"]}


def test_short_names_are_short_and_unique(package: Path) -> None:
    """Each long file name has a unique short name, as Windows Installer requires."""
    homes = {row["Component"]: row["Directory_"] for row in rows(package, "Component")}
    seen = set()
    for row in rows(package, "File"):
        short = row["FileName"].partition("|")[0]
        assert re.fullmatch(r"[^.]{1,8}(\.[^.]{1,3})?", short), short
        assert (homes[row["Component_"]], short.upper()) not in seen
        seen.add((homes[row["Component_"]], short.upper()))


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("python3.dll", None),
        ("python313.dll", "PYTHON~1.DLL"),
        ("python313._pth", "PYTHON~1._PT"),
        ("latchkey_agent", "LATCHK~1"),
        ("a.b.json", "AB~1.JSO"),
        (".", None),
    ],
)
def test_short_names_are_as_windows_makes_them(name: str, short: str | None) -> None:
    """Short names have up to six letters, a number and three letters."""
    assert short_name(name, set()) == short
    if short:
        assert short_name(name, {short}) == short.replace("~1", "~2")


def test_steps_have_the_required_order(package: Path) -> None:
    """The removal erases before the service stops and deletes the data afterwards; hardening precedes the start."""
    order = {row["Action"]: int(row["Sequence"]) for row in rows(package, "InstallExecuteSequence")}
    places = [
        "InstallInitialize", "RemoveExistingProducts", "EraseSecrets", "StopServices", "DeleteServices", "RemoveData",
        "RemoveRegistryValues", "RemoveFiles", "InstallFiles", "WriteRegistryValues", "InstallServices",
        "UndoConfigure", "ConfigureService", "HardenService", "StartServices",
    ]  # fmt: skip
    assert sorted(places, key=order.__getitem__) == places
    steps = {row["Action"]: row for row in rows(package, "CustomAction")}
    assert set(steps) == {action.name for action in ACTIONS}
    # msidefs.h: an installed program, in the script, as LocalSystem; the undoing one on rollback.
    assert {name: int(row["Type"]) for name, row in steps.items()} == {
        name: 0x12 | 0x400 | 0x800 | (0x100 if name == "UndoConfigure" else 0) for name in steps
    }


def test_provider_is_registered_after_its_file_and_removed_before_it(package: Path) -> None:
    """The package registers the provider after its file, removes it before, and has it in an optional feature."""
    (file,) = [row["File"] for row in rows(package, "File") if product.PROVIDER in row["FileName"]]
    written = {
        (row["Key"].rstrip("\\"), row["Name"], row["Value"])
        for row in rows(package, "Registry")
        if provider_registration.CLASS_ID in row["Key"]
    }
    assert written == {tuple(value) for value in provider_registration.values(f"[#{file}]")}
    features = {
        row["Feature_"] for row in rows(package, "FeatureComponents") if row["Component_"] == f"c{file[1:]}"
    }
    assert features == {"CredentialProvider"}


def test_event_source_is_expanded_by_windows(package: Path) -> None:
    """The event source has the type REG_EXPAND_SZ: otherwise Windows would not expand `%SystemRoot%`."""
    (value,) = [row["Value"] for row in rows(package, "Registry") if row["Name"] == "EventMessageFile"]
    assert value == r"#%%SystemRoot%\System32\EventCreate.exe"


def test_only_named_properties_reach_the_part_that_runs_as_localsystem(package: Path) -> None:
    """The part that runs as LocalSystem gets only the named properties."""
    properties = {row["Property"]: row["Value"] for row in rows(package, "Property")}
    assert properties["SecureCustomProperties"] == "KEEPRECEIPTS;NEWER;OLDER"
    assert properties["ALLUSERS"] == "1"


def test_the_package_never_restarts_the_pc(package: Path) -> None:
    """Without `/norestart`, too: no restart comes without the agent's warning and the customer's grant.

    A silent installation restarts the PC by itself if a file is in use, unless REBOOT is ReallySuppress ("REBOOT
    Property", Microsoft Learn). The package has no action that restarts it either.
    """
    properties = {row["Property"]: row["Value"] for row in rows(package, "Property")}
    assert properties["REBOOT"] == "ReallySuppress"
    actions = {row["Action"] for row in rows(package, "InstallExecuteSequence")}
    assert not actions & {"ForceReboot", "ScheduleReboot"}


def test_bill_of_materials_is_the_lock_file(package: Path, tmp_path: Path) -> None:
    """The bill of materials has each pinned wheel, CPython and the package, each with its hash."""
    sbom.write(tmp_path / "sbom.json", package, product_identity.version())
    document = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    parts = {part["name"]: part for part in document["components"]}
    pins = dict(pinned())
    assert {part["name"]: part["version"] for part in parts.values() if "pypi" in part.get("purl", "")} == {
        name: version for name, (version, _hashes) in pins.items()
    }
    for name, (_version, hashes) in pins.items():
        assert parts[name]["hashes"][0]["content"] in hashes
    assert document["metadata"]["component"]["hashes"][0]["content"] == product_identity.file_digest(package)
    sqlite = file_version(runtime() / "lib" / "sqlite3.dll") or ""
    assert sqlite.startswith(parts["SQLite"]["version"])


def pinned() -> Iterator[tuple[str, tuple[str, set[str]]]]:
    """Yield each pinned wheel with its version and hashes."""
    for entry in re.split(r"\n(?=\w)", pins(PINS)):
        if found := re.match(r"(\w+)==(\S+)", entry):
            yield found[1], (found[2], set(re.findall(r"sha256:([0-9a-f]{64})", entry)))


def test_collection_builds_are_reproducible(tmp_path: Path) -> None:
    """Two builds of the collection are equal, with fixed dates, owners and order."""
    one, two = (tmp_path / name for name in ("one", "two"))
    for folder in (one, two):
        folder.mkdir()
    first, second = collection.build(one), collection.build(two)
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in one.iterdir()] == [first.name]


def test_licence_of_cpython_is_its_own() -> None:
    """CPython's licence comes from the Linux artefact, because the Windows one lacks it."""
    require(CPYTHON)
    text = (unpacked(LINUX_PYTHON) / "lib/python3.13/LICENSE.txt").read_text(encoding="utf-8")
    assert "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2" in text
