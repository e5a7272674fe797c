# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide installed Debian packages from every program that is started, without removing them.

A folder of links replaces each folder of the search path that holds a program of a hidden package. The links lead
to all other programs of that folder. So no search for a hidden program finds it, whichever code searches.
"""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_name("system-packages.txt")
ALL = "all"
LONGEST_CHAIN = 40
"""Links that Linux follows in one path (path_resolution(7))."""


class HidingError(Exception):
    """Packages cannot be hidden; the text says why, and what to do."""


def listed() -> list[str]:
    """Return the packages of tools/system-packages.txt."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def named(words: str) -> list[str]:
    """Return the packages that are named, separated by spaces or commas; `all` means the whole list.

    Raises:
        HidingError: a package is not in the list.
    """
    names, known = re.split(r"[\s,]+", words.strip()), listed()
    if unknown := [name for name in names if name not in {*known, ALL}]:
        msg = (
            f"{' '.join(unknown)}: not in {LIST.relative_to(ROOT)}. Name some of: {' '.join(known)}; or {ALL}"
        )
        raise HidingError(msg)
    return known if ALL in names else names


def with_dependants(packages: Iterable[str]) -> list[str]:
    """Return the packages, and those of the list that depend on them: removing one would remove both.

    Debian's `wine64` has no program on the search path, for example, but `wine` is a script that starts it.

    Raises:
        HidingError: this system has no dpkg-query.
    """
    hidden = list(packages)
    needs = {package: _depends(package) for package in listed()}
    for package in hidden:  # grows on the way
        hidden += [name for name, needed in needs.items() if package in needed and name not in hidden]
    return hidden


def _depends(package: str) -> set[str]:
    # "a (>= 1), b | c": deb-control(5). An alternative counts, for whoever hides one has no second one here.
    told = _dpkg_query("--show", "--showformat=${Depends}", package)
    return set(re.findall(r"(?:^|[,|])\s*([a-z0-9.+-]+)", told))


def programs_of(packages: Iterable[str], search_path: str) -> dict[Path, str]:
    """Return the programs of installed packages and links to them, each with its package.

    Args:
        packages: Debian's names. A package that is not installed has no programs.
        search_path: the folders to search, separated as in `PATH`; each `sbin` beside a `bin` is searched, too.

    Raises:
        HidingError: this system has no dpkg-query.
    """
    owners = {place: package for package in packages for place in _files(package)}
    places = dict.fromkeys(one for place in _folders(search_path) for one in _with_services(place))
    programs = (program for place in places for program in _programs(place))
    owned = ((program, _owner(program, owners)) for program in programs)
    return {program: package for program, package in owned if package}


def _files(package: str) -> list[str]:
    return [_real_place(Path(line)) for line in _dpkg_query("--listfiles", package).splitlines()]


def _dpkg_query(*arguments: str) -> str:
    try:
        done = subprocess.run(["dpkg-query", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        msg = "there is no dpkg-query here: packages can be hidden on Debian and its derivatives only"
        raise HidingError(msg) from None
    return done.stdout if done.returncode == 0 else ""


def hide(hidden: Collection[Path], search_path: str, folder: Path) -> str:
    """Return a search path without these programs.

    Args:
        hidden: the programs (`programs_of`).
        search_path: the folders to search, separated as in `PATH`.
        folder: an empty folder for the links; it must stay as long as the search path is used.
    """
    found, places = [], {program.parent for program in hidden}
    for place in _folders(search_path):
        group = _with_services(place)
        changes = not places.isdisjoint(group)
        for one in group if changes else ():
            _link_others(one, _stand_in(one, folder), hidden)
        found.append(str(_stand_in(place, folder) if changes else place))
    return os.pathsep.join(found)


def _folders(search_path: str) -> list[Path]:
    return [Path(place).absolute() for place in dict.fromkeys(search_path.split(os.pathsep)) if place]


def _with_services(place: Path) -> list[Path]:
    """Add the folder of the services' programs, which is beside that of the users' programs."""
    return [place, place.with_name("sbin")] if place.name == "bin" else [place]


def _programs(place: Path) -> list[Path]:
    return [program for program in place.iterdir() if program.is_file()] if place.is_dir() else []


def _stand_in(place: Path, folder: Path) -> Path:
    return folder / place.relative_to("/")


def _link_others(place: Path, target: Path, hidden: Collection[Path]) -> None:
    if target.exists():
        return
    target.mkdir(parents=True)
    for program in _programs(place):
        if program not in hidden:
            (target / program.name).symlink_to(program)


def _owner(program: Path, owners: Mapping[str, str]) -> str | None:
    """Return the package that a program is of, or the one that a link leads to; None where it is of none."""
    return next((owners[place] for place in _chain(program) if place in owners), None)


def _chain(program: Path) -> Iterator[str]:
    """Yield the program's path and the place that each link leads to: /usr/bin/wine, /etc/alternatives/wine, ..."""
    for _ in range(LONGEST_CHAIN):
        yield _real_place(program)
        if not program.is_symlink():
            return
        program = program.parent / program.readlink()


def _real_place(file: Path) -> str:
    """Return a file's path without links in its folder: /bin is a link to /usr/bin."""
    return f"{_resolved(str(file.parent))}/{file.name}"


@cache
def _resolved(folder: str) -> str:
    return os.path.realpath(folder)
