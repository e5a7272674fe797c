# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""A temporary folder on the PC for one task, made by Ansible's own methods."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ansible.errors import AnsibleError

from ._connection import ConnectionLost
from ._failure import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ansible.plugins.action import ActionBase

    from ._connection import Link
    from ._package_file import PackageFile


@contextlib.contextmanager
def _transfer() -> Iterator[None]:
    try:
        yield
    except (ConnectionLost, AnsibleError) as fault:
        if isinstance(fault, ConnectionLost) and (fault.rejected or fault.final):
            raise
        raise failure("package_not_sent", detail=str(fault).rstrip(".")) from fault


class RemoteFolder:
    """Made at its first use; `local` is its counterpart on the controller. `link` counts rejected credentials."""

    def __init__(self, action: ActionBase, link: Link, local: Path, find: Callable[[str], str]) -> None:
        self._action = action
        self._link = link
        self._local = local
        self._find = find
        self._made: str | None = None

    def put(self, package: PackageFile) -> str:
        """Copy the package to the PC; return its path there.

        Raises:
            Failure: the package cannot be read, does not match the checksum, or could not be copied.
        """
        file = package.bring(self._find, self._local)
        target = self.path(package.name)
        with _transfer():
            connection = self._action._connection  # noqa: SLF001 - an action's own way to it
            self._link.guarded(lambda: connection.put_file(str(file), target))
        return target

    def path(self, name: str) -> str:
        """Return the path of a file in the folder; make the folder if necessary. Raises Failure."""
        if self._made is None:
            with _transfer():
                make = self._action._make_tmp_path  # noqa: SLF001 - an action's own way
                self._made = self._link.guarded(make)
        return str(self._action._connection._shell.join_path(self._made, name))  # noqa: SLF001 - the same

    def read(self, path: str) -> bytes:
        """Return a file's content; empty if it cannot be read, since it only explains a failure."""
        copy = self._local / "fetched"
        with contextlib.suppress(Exception):
            self._action._connection.fetch_file(path, str(copy))  # noqa: SLF001 - an action's own way
            return copy.read_bytes()
        return b""

    def remove(self) -> None:
        """Remove the folder with its content, if the PC can be reached."""
        if self._made is not None:
            with contextlib.suppress(Exception):
                self._action._remove_tmp_path(self._made, force=True)  # noqa: SLF001 - an action's own way
