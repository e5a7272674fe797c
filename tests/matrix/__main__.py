# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make matrix`: every connection with every line of ansible-core, other software against the lab's WinRM server.

It writes the page with the results.
"""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from lab.computer import LabError
from lab.ssh.files import SshMissingError, sshd
from tests.matrix import column, cores, distributions, foreign
from tests.matrix.member import membership
from tests.matrix.steps import STEPS
from tests.matrix.table import page
from tools import setup

if TYPE_CHECKING:
    from pathlib import Path

    from tests.matrix.member import Membership

PAGE = setup.ROOT / "docs/compatibility.md"
PARTIAL = setup.ROOT / "build/compatibility.md"
LEFT = setup.ROOT / "build/matrix"
"""The folder with the files of the last run's PCs and jobs."""
AT_ONCE = 2


def run(folder: Path, member: Membership | None) -> dict[str, column.Column]:
    """Run each line for which this computer has a Python, two at a time; by Kerberos where there is a domain."""
    found = cores.interpreters()
    chosen = {core: python for core in cores.CORES if (python := cores.choose(core, found))}
    for core in cores.CORES:
        if core not in chosen:
            print(cores.left_out(core), flush=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def one(core: cores.Core) -> column.Column:
            return column.run(core, cores.prepare(core, chosen[core]), folder / core.line, member)

        return dict(zip((core.line for core in chosen), pool.map(one, chosen), strict=True))


def others(folder: Path) -> foreign.Foreign | None:
    """Run what other software says about the lab; say why it is left out where it cannot be downloaded."""
    try:
        return foreign.run(folder)
    except distributions.Missing as reason:
        print(f"left out: recordings of Windows and the tests of its clients, since {reason}", flush=True)
        return None


def write(columns: dict[str, column.Column], told: foreign.Foreign | None, *, whole: bool) -> None:
    """Write the page; write it outside of the documentation if a part is missing."""
    place = PAGE if len(columns) == len(cores.CORES) and told and whole else PARTIAL
    place.write_text(page(columns, STEPS, told), encoding="utf-8")
    print(f"written: {place.relative_to(setup.ROOT)}")


def main() -> int:
    """Run the matrix; return the exit code."""
    try:
        sshd()
        shutil.rmtree(LEFT, ignore_errors=True)
        told = others(LEFT / "others")
        with membership(LEFT) as member:
            columns = run(LEFT, member)
    except (SshMissingError, setup.SetupError, LabError) as error:
        print(f"matrix: {error}", file=sys.stderr)
        return 1
    if not columns:
        return 1
    write(columns, told, whole=member is not None)
    bad = [
        f"{name}, ansible-core {line}: {cell}"
        for line, one in columns.items()
        for name, cell in one.cells.items()
        if cell != "ok"
    ]
    bad += told.faults if told else []
    print("\n".join([*bad, f"see {LEFT.relative_to(setup.ROOT)}"] if bad else ["every cell is ok"]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
