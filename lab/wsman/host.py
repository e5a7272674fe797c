# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""The computer behind the server: the protocol that it implements, and one made of plain data.

Windows paths are text such as C:\Users\x; they are compared without regard to case.
"""

from __future__ import annotations

import hmac
import ntpath
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from lab.wsman.local_program import Program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_VARIABLE = re.compile("%([^%]+)%")
_DRIVE = re.compile("[A-Za-z]:")
_FORBIDDEN = re.compile('[\\x00-\\x1f<>:"|?*]')
"""Characters that are not allowed in Windows file names (Microsoft, Naming Files, Paths, and Namespaces)."""

VARIABLES = {
    "SystemRoot": "C:\\Windows",
    "ProgramFiles": "C:\\Program Files",
    "ProgramW6432": "C:\\Program Files",
}
"""The variables of a 64-bit process on a PC with the usual places (Microsoft, WOW64 Implementation Details)."""


class ProgramNotFoundError(Exception):
    """The computer knows no program of this name or path."""


class InvalidPathError(ValueError):
    """The text is not an absolute Windows path of a file or folder on a drive of the computer."""


class StandIn(NamedTuple):
    """A program that is run in place of a script which the lab does not understand.

    `form` is a regular expression that the whole script has to match; its groups are the
    program's arguments. It must match only scripts that the program answers as Windows would.
    """

    form: str
    program: str


class Process(Protocol):
    """A running program, as subprocess.Popen[bytes] is one."""

    @property
    def stdin(self) -> IO[bytes] | None:
        """Its standard input."""
        ...

    @property
    def stdout(self) -> IO[bytes] | None:
        """Its standard output."""
        ...

    @property
    def stderr(self) -> IO[bytes] | None:
        """Its standard error output."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code (negative: ended by that signal)."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...


class Host(Protocol):
    """A computer behind the server. Methods are called from many threads at once."""

    @property
    def name(self) -> str:
        """The computer's name."""
        ...

    def check_password(self, user: str, password: str) -> bool:
        """Return whether `user` may connect with this password."""
        ...

    def accounts(self) -> Mapping[str, str]:
        """Return the password of each user; NTLM proves it without sending it."""
        ...

    def start(self, program: str, arguments: Sequence[str]) -> Process:
        """Start a program by its Windows path or name. Raises ProgramNotFoundError."""
        ...

    def knows_program(self, program: str) -> bool:
        """Return whether `start` would find the program."""
        ...

    def variable(self, name: str) -> str:
        """Return a variable of a script's environment, without regard to case; empty if there is none."""
        ...

    def stand_in(self, script: str) -> tuple[str, tuple[str, ...]] | None:
        """Return the program and arguments to run in place of a script; None to run the script itself."""
        ...

    def is_file(self, path: str) -> bool:
        """Return whether the Windows path is an existing file; a known program's path is one."""
        ...

    def is_folder(self, path: str) -> bool:
        """Return whether the Windows path is an existing folder."""
        ...

    def create(self, path: str) -> IO[bytes]:
        """Open a new or emptied file for writing. Raises OSError, InvalidPathError."""
        ...

    def read(self, path: str, offset: int, size: int) -> bytes:
        """Read at most `size` bytes from `offset` on. Raises OSError, InvalidPathError."""
        ...

    def make_folder(self, path: str) -> None:
        """Make a new folder and its missing parents. Raises OSError, InvalidPathError."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all in it. Raises OSError, InvalidPathError."""
        ...

    def expand(self, text: str, user: str) -> str:
        """Replace %NAME% by the user's environment variables; unknown ones stay as they are."""
        ...

    def home(self, user: str) -> str:
        """Return the user's profile folder as a Windows path."""
        ...


@dataclass(frozen=True)
class LocalHost:
    """A computer of plain data on this machine; it can be pickled for a listener's process.

    `root` holds one folder for each drive (root/C). `programs` maps Windows paths or names to the
    argument lists that start them here. `passwords` are those of the accounts that may connect.
    `environment` is the whole environment of every program; no other variable of this process reaches it.
    `stand_ins` answer scripts that the lab does not understand. `variables` are those that scripts read.
    """

    kind: ClassVar[type[Program]] = Program
    """The class that runs a program."""

    root: Path
    programs: Mapping[str, Sequence[str]]
    passwords: Mapping[str, str] = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = "LAB-PC"
    stand_ins: Sequence[StandIn] = ()
    variables: Mapping[str, str] = field(default_factory=lambda: VARIABLES)

    def check_password(self, user: str, password: str) -> bool:
        """Return whether `user`, with or without the computer's name before it, has this password."""
        known = self.accounts().get(self._account(user))
        given = password.encode()
        return hmac.compare_digest(given, (known or "").encode()) and known is not None

    def accounts(self) -> Mapping[str, str]:
        """Return the password of each user, user names in lower case."""
        return {user.casefold(): password for user, password in self.passwords.items()}

    def _account(self, user: str) -> str:
        domain, _, account = user.rpartition("\\")
        local = domain.casefold() in {"", ".", self.name.casefold()}
        return account.casefold() if local else user.casefold()

    def start(self, program: str, arguments: Sequence[str]) -> Program:
        """Start a program of `programs` with pipes. Raises ProgramNotFoundError."""
        prefix = self._program(program)
        if prefix is None:
            raise ProgramNotFoundError(program)
        return self.kind([*prefix, *arguments], self.environment)

    def knows_program(self, program: str) -> bool:
        """Return whether `programs` has it."""
        return self._program(program) is not None

    def _program(self, program: str) -> Sequence[str] | None:
        wanted = ntpath.normcase(ntpath.normpath(program))
        for known, prefix in self.programs.items():
            if ntpath.normcase(ntpath.normpath(known)) == wanted:
                return prefix
        return None

    def variable(self, name: str) -> str:
        """Return one of `variables`."""
        known = {key.casefold(): text for key, text in self.variables.items()}
        return known.get(name.casefold(), "")

    def stand_in(self, script: str) -> tuple[str, tuple[str, ...]] | None:
        """Return the first of `stand_ins` whose form matches the whole script."""
        for form, program in self.stand_ins:
            if found := re.fullmatch(form, script, re.DOTALL):
                return program, found.groups()
        return None

    def is_file(self, path: str) -> bool:
        """Return whether the path is a known program's or an existing file below the root."""
        if ntpath.basename(path) != path and self.knows_program(path):
            return True
        return self._exists(path, Path.is_file)

    def is_folder(self, path: str) -> bool:
        """Return whether the path is an existing folder below the root."""
        return self._exists(path, Path.is_dir)

    def _exists(self, path: str, test: PathTest) -> bool:
        try:
            return test(self.locate(path))
        except (InvalidPathError, OSError):
            return False

    def create(self, path: str) -> IO[bytes]:
        """Open a new or emptied file for writing. Raises OSError, InvalidPathError."""
        return self.locate(path).open("wb")

    def read(self, path: str, offset: int, size: int) -> bytes:
        """Read at most `size` bytes from `offset` on. Raises OSError, InvalidPathError."""
        with self.locate(path).open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def make_folder(self, path: str) -> None:
        """Make a new folder and its missing parents. Raises OSError, InvalidPathError."""
        self.locate(path).mkdir(parents=True)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all in it. Raises OSError, InvalidPathError."""
        target = self.locate(path)
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink()

    def expand(self, text: str, user: str) -> str:
        """Replace %TEMP%, %TMP% and %USERPROFILE%; other names stay as they are."""
        home = self.home(user)
        temporary = ntpath.join(home, "AppData", "Local", "Temp")
        known = {"TEMP": temporary, "TMP": temporary, "USERPROFILE": home}
        return _VARIABLE.sub(lambda match: known.get(match[1].upper(), match[0]), text)

    def home(self, user: str) -> str:
        r"""Return C:\Users and the user's name."""
        return ntpath.join("C:\\Users", user.rpartition("\\")[2])

    def locate(self, path: str) -> Path:
        """Return the place below `root` that stands for a Windows path; it need not exist.

        Raises InvalidPathError: the path is not absolute, or would lead out of `root`.
        """
        drive, rest = ntpath.splitdrive(ntpath.normpath(path))
        parts = [part for part in rest.split("\\") if part]
        if not _DRIVE.fullmatch(drive) or not rest.startswith("\\"):
            raise InvalidPathError(f"{path!r} is not an absolute path on a drive, such as C:\\Users\\x")
        if any(_FORBIDDEN.search(part) or part in {".", ".."} or "/" in part for part in parts):
            raise InvalidPathError(f"{path!r} holds a name that Windows does not allow")
        place = self.root
        for part in (drive[0].upper(), *parts):
            place = _child(place, part)
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(self.root)):
            raise InvalidPathError(f"{path!r} leads out of the computer's drives")
        return place


class PathTest(Protocol):
    """Path.is_file or Path.is_dir."""

    def __call__(self, path: Path, /) -> bool:
        """Test the path."""
        ...


def _child(folder: Path, name: str) -> Path:
    exact = folder / name
    if exact.exists() or not folder.is_dir():
        return exact
    same = (entry for entry in folder.iterdir() if entry.name.casefold() == name.casefold())
    return next(same, exact)
