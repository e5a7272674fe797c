# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The agent's package on the controller: its source, its version and its checksum."""

from __future__ import annotations

import hashlib
import re
import shutil
import urllib.error
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.errors import AnsibleError
from ansible.module_utils.urls import ConnectionError as UrlConnectionError
from ansible.module_utils.urls import open_url

from ._failure import failure

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.client import HTTPResponse

_NAMED = re.compile(r"latchkey-agent-(\d+(?:\.\d+){2})-x64\.msi", re.IGNORECASE)
_VERSION = re.compile(r"\d+(?:\.\d+){2}")
_CHECKSUM = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)
_SERVER_SECONDS = 60

Version = tuple[int, ...]


def version_of(text: str) -> Version:
    """Return a version as comparable numbers."""
    return tuple(int(part) for part in text.split("."))


@dataclass(frozen=True)
class PackageFile:
    """The package as the task's options describe it, not yet read."""

    path: str | None
    url: str | None
    checksum: str | None
    version: str

    @property
    def name(self) -> str:
        """The file's name on the PC."""
        return f"latchkey-agent-{self.version}-x64.msi"

    def bring(self, find: Callable[[str], str], folder: Path) -> Path:
        """Return the package on the controller, checked.

        Args:
            find: returns the path of a file of the playbook or role.
            folder: the folder for a download.

        Raises:
            Failure: the package cannot be read, or does not match the checksum.
        """
        file = self._found(find) if self.path else self._download(folder / self.name)
        if self.checksum:
            found = _sha256(file)
            if found != self.checksum:
                raise failure("package_checksum_wrong", found=found, wanted=self.checksum)
        return file

    def _found(self, find: Callable[[str], str]) -> Path:
        try:
            return Path(find(str(self.path)))
        except AnsibleError as fault:
            raise failure(
                "package_unreadable", detail=f"there is no {self.path} on the controller"
            ) from fault

    def _download(self, target: Path) -> Path:
        try:
            with self._served() as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
        except (urllib.error.URLError, UrlConnectionError, OSError, ValueError) as fault:
            raise failure("package_unreadable", detail=f"{self.url}: {fault}") from fault
        return target

    def _served(self) -> HTTPResponse:
        response: HTTPResponse = open_url(self.url, timeout=_SERVER_SECONDS, follow_redirects="safe")
        return response


def package_file(options: dict[str, Any]) -> PackageFile:
    """Return the package that the task's options describe.

    Raises:
        Failure: `bad_option`: the options contradict each other or are incomplete.
    """
    path, url, checksum = options["path"], options["url"], options["checksum"]
    if bool(path) == bool(url):
        raise failure("bad_option", detail="state present requires either path or url")
    if url and not checksum:
        raise failure("bad_option", detail="url requires checksum, the package's SHA-256")
    digest = _CHECKSUM.fullmatch(checksum) if checksum else None
    if checksum and digest is None:
        raise failure("bad_option", detail="checksum must be a SHA-256: 64 hexadecimal digits")
    return PackageFile(
        path, url, digest[1].lower() if digest else None, _version(options["version"], path or url)
    )


def _version(given: str | None, source: str) -> str:
    if given:
        if not _VERSION.fullmatch(given):
            raise failure("bad_option", detail="version must be of the form 1.2.3")
        return given
    named = _NAMED.search(source)
    if named is None:
        raise failure("bad_option", detail="version is required, because the file's name does not contain it")
    return named[1]


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as fault:
        raise failure("package_unreadable", detail=f"{file}: {fault.strerror}") from fault
