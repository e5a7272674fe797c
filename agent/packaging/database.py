# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the MSI with wixl, then corrects its tables with msibuild.

wixl 0.101 has these limits: files get no version and no short name; files with
a version get a hash; actions get a wrong position; there are no secure
properties and no rollback actions; the package has the current date and a
random code. Sources: "File Table", "MsiFileHash Table", "Filename" and "Summary
Information Stream Property Set", Microsoft Learn.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import product_identity
from .actions import ACTIONS
from .installer import HOST, document, identifier
from .resources import file_version
from .workshop import run

_MIN_INCLUSIVE, _MAX_INCLUSIVE = 0x100, 0x200
"""msidbUpgradeAttributesVersionMinInclusive and ...MaxInclusive ("Upgrade Table", Microsoft Learn)."""
_SECURE = ("KEEPRECEIPTS", "NEWER", "OLDER")
"""Properties that msiexec passes to its part that runs as LocalSystem."""
_NEUTRAL = "0"
_REMOVE_EXISTING = ["RemoveExistingProducts", "", "1510"]
"""Right after InstallInitialize: part of the same change, so that a later failure restores the old version."""
_UTC = {"TZ": "UTC"}


@dataclass
class Table:
    """A table of the database in msiinfo's export format (archive format, "Importing and Exporting").

    Attributes:
        name: the table's name.
        columns: the names of the columns.
        head: the three header lines of the format.
        rows: the values of each row.
    """

    name: str
    columns: list[str]
    head: list[str]
    rows: list[list[str]]

    @classmethod
    def exported(cls, database: Path, name: str) -> Table:
        """Read a table from a database.

        Raises:
            WorkError: the file is not a database.
        """
        lines = [line.rstrip("\r") for line in run(["msiinfo", "export", database, name]).split("\n") if line]
        return cls(name, lines[0].split("\t"), lines[:3], [line.split("\t") for line in lines[3:]])

    def at(self, row: list[str], column: str) -> str:
        """Return the value of a column in a row."""
        return row[self.columns.index(column)]

    def put(self, row: list[str], column: str, value: str) -> None:
        """Set the value of a column in a row."""
        row[self.columns.index(column)] = value

    def write(self, folder: Path) -> Path:
        """Write the table for msibuild to import; return the file."""
        target = folder / f"{self.name}.idt"
        lines = [*self.head, *("\t".join(row) for row in self.rows)]
        target.write_text("".join(f"{line}\r\n" for line in lines), encoding="cp1252", newline="")
        return target


def make(target: Path, folder: Path, version: str) -> None:
    """Build the MSI for a folder. The same folder and build time give the same bytes.

    Args:
        target: the file to write.
        folder: the folder with the files to install.
        version: the product's version, as `1.2.3`.

    Raises:
        WorkError: msitools or wixl is missing or failed.
    """
    moment = product_identity.build_moment()
    _date_files(folder, moment)
    product = product_identity.product_code(product_identity.digest_of(folder, version))
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        work = Path(name)
        source, database = work / "latchkey.wxs", work / target.name
        text = document(folder, version, product)
        source.write_text(text, encoding="utf-8")
        # File names are relative to the folder, so the folder's own name does not change the result.
        run(["wixl", "--arch", "x64", "--output", database, source], folder=folder)
        summary = _summary(version, product_identity.digest_of(folder, text), moment)
        changed = [*_tables(database, folder), summary]
        imports = [word for table in changed for word in ("-i", table.write(work))]
        run(["msibuild", database, *imports], environment=os.environ | _UTC)
        database.replace(target)


def _date_files(folder: Path, moment: int) -> None:
    # The cabinet contains each file's date.
    for path in folder.rglob("*"):
        os.utime(path, (moment, moment))


def _tables(database: Path, folder: Path) -> list[Table]:
    names = (
        "File",
        "MsiFileHash",
        "Property",
        "Directory",
        "Component",
        "CustomAction",
        "InstallExecuteSequence",
    )
    files, hashes, properties, directories, components, *steps = (Table.exported(database, n) for n in names)
    _set_versions(files, hashes, folder)
    _add_actions(*steps)
    homes = {components.at(row, "Component"): components.at(row, "Directory_") for row in components.rows}
    _shorten(files, "FileName", [homes[files.at(row, "Component_")] for row in files.rows])
    _shorten(directories, "DefaultDir", [directories.at(row, "Directory_Parent") for row in directories.rows])
    for row in properties.rows:
        if properties.at(row, "Property") == "SecureCustomProperties":
            properties.put(row, "Value", ";".join(_SECURE))
    more = [
        _expandable(Table.exported(database, "Registry")),
        _inclusive(Table.exported(database, "Upgrade")),
    ]
    return [files, hashes, properties, directories, *more, *steps]


def _inclusive(upgrade: Table) -> Table:
    """Also replace another build of the same version: wixl ignores IncludeMaximum."""
    for row in upgrade.rows:
        if upgrade.at(row, "ActionProperty") == "OLDER":
            upgrade.put(row, "Attributes", str(_MIN_INCLUSIVE | _MAX_INCLUSIVE))
    return upgrade


def _expandable(registry: Table) -> Table:
    """Mark values with a variable as REG_EXPAND_SZ. wixl writes them as plain text."""
    for row in registry.rows:
        value = registry.at(row, "Value")
        if re.match(r"%\w+%", value):
            registry.put(row, "Value", f"#%{value}")
    return registry


def _add_actions(actions: Table, sequence: Table) -> None:
    """Add the agent's own steps ("CustomAction Table" and "InstallExecuteSequence Table", Microsoft Learn)."""
    sequence.rows.append(_REMOVE_EXISTING)
    for step in ACTIONS:
        values = {
            "Action": step.name,
            "Type": str(step.type),
            "Source": identifier(HOST),
            "Target": step.command,
        }
        actions.rows.append([values.get(column, "") for column in actions.columns])
        sequence.rows.append([step.name, step.condition, str(step.position)])


def _set_versions(files: Table, hashes: Table, folder: Path) -> None:
    """Set the versions of programs. Windows Installer compares the other files by their hash."""
    versions = {
        identifier(path.relative_to(folder).as_posix()): found
        for path in folder.rglob("*")
        if path.is_file() and (found := file_version(path))
    }
    for row in files.rows:
        if found := versions.get(files.at(row, "File")):
            files.put(row, "Version", found)
            files.put(row, "Language", _NEUTRAL)
    hashes.rows = [row for row in hashes.rows if hashes.at(row, "File_") not in versions]


def _shorten(table: Table, column: str, folders: list[str]) -> None:
    """Add a short name, unique in its folder, before each long name."""
    taken: defaultdict[str, set[str]] = defaultdict(set)
    for row, folder in zip(table.rows, folders, strict=True):
        name = table.at(row, column)
        if short := short_name(name, taken[folder]):
            table.put(row, column, f"{short}|{name}")


def short_name(name: str, taken: set[str]) -> str | None:
    """Return a free short name of at most 8 and 3 characters, and add it to the taken names.

    Args:
        name: the long name.
        taken: the short names in use; the function adds one.

    Returns:
        The short name; None if the name itself is short enough.
    """
    if name in {".", "SourceDir"} or re.fullmatch(r"[A-Za-z0-9_$~-]{1,8}(\.[A-Za-z0-9_$~-]{1,3})?", name):
        taken.add(name.upper())
        return None
    stem, _, suffix = name.rpartition(".") if "." in name.lstrip(".") else (name, "", "")
    plain, end = (re.sub(r"[^A-Z0-9_]", "", part.upper()) for part in (stem, suffix))
    for number in range(1, 10_000):
        tail = f"~{number}"
        short = plain[: 8 - len(tail)] + tail + (f".{end[:3]}" if end else "")
        if short not in taken:
            taken.add(short)
            return short
    raise AssertionError(name)


def _summary(version: str, digest: str, moment: int) -> Table:
    """Return the summary information. The package code depends on the content."""
    date = datetime.fromtimestamp(moment, UTC).strftime("%Y/%m/%d %H:%M:%S")
    values = {
        1: "1252", 2: "Installation Database", 3: f"{product_identity.NAME} {version}",
        4: product_identity.MANUFACTURER, 5: "Installer", 6: "GPL-3.0-or-later", 7: "x64;1033",
        9: product_identity.package_code(digest), 12: date, 13: date,
        14: "500", 15: "2", 18: "msitools", 19: "2",
    }  # fmt: skip
    head = ["PropertyId\tValue", "i2\tl255", "_SummaryInformation\tPropertyId"]
    return Table(
        "_SummaryInformation", ["PropertyId", "Value"], head, [[str(k), v] for k, v in values.items()]
    )
