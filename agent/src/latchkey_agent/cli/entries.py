# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of the agent's folder: found without following a link, and checked for other people's."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from latchkey_agent.ports import PortError

_REPARSE_POINT = 0x400
"""FILE_ATTRIBUTE_REPARSE_POINT: symbolic links, junctions, mounted volumes ("File Attribute Constants")."""


class Entry(NamedTuple):
    """A file, a folder, or a link of whatever kind."""

    path: Path
    status: os.stat_result

    @property
    def is_link(self) -> bool:
        """Whether it leads to another place."""
        attributes: int = getattr(self.status, "st_file_attributes", 0)
        return stat.S_ISLNK(self.status.st_mode) or bool(attributes & _REPARSE_POINT)

    @property
    def is_folder(self) -> bool:
        """Whether it is removed as a folder is: a folder, or a junction."""
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_shared(self) -> bool:
        """Whether it is a file with another name somewhere (a hard link)."""
        return not self.is_folder and self.status.st_nlink > 1


def look(path: Path) -> Entry:
    """Return one entry; raises OSError."""
    return Entry(path, path.lstat())


def walk(folder: Path) -> Iterator[Entry]:
    """Yield every entry below a folder, a folder's content before itself. No link is followed.

    Raises:
        OSError: a folder cannot be read.
    """
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names only: each entry is looked at once, by `look`
        entry = look(folder / name)
        if entry.is_folder and not entry.is_link:
            yield from walk(entry.path)
        yield entry


def require_own(folder: Path, owner: Callable[[Path], str], trusted: Collection[str]) -> None:
    """Refuse a folder in which another account, or a link, has put anything.

    Every user may create folders in %ProgramData%, so a folder of the agent's name may be a trap, and so may
    each entry in it: it may belong to somebody who can change it later, or lead to another place.

    Args:
        folder: an existing folder.
        owner: returns the SID of an entry's owner.
        trusted: the SIDs that may own an entry.

    Raises:
        OSError: a folder cannot be read.
        PortError: an entry is a link, has another name, or has another owner.
    """
    for entry in walk(folder):
        _require_own(entry, owner, trusted)


def _require_own(entry: Entry, owner: Callable[[Path], str], trusted: Collection[str]) -> None:
    if entry.is_link or entry.is_shared:
        msg = f"{entry.path} leads to another place, or has another name there: find out who made it, then remove it"
        raise PortError(msg)
    if (whose := owner(entry.path)) not in trusted:
        msg = f"{entry.path} belongs to {whose}, not to the system: find out who made it, then remove it"
        raise PortError(msg)
