# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make fleet`: the night of a fleet of simulated PCs, through execution nodes, some of which are killed."""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.__main__ import PAGE
from tests.benchmarks.figures import FLEET, NODES, with_section
from tests.benchmarks.machine_words import machine
from tests.fleet.figures_of_fleet import figures, figures_of_nodes, section, section_of_nodes
from tests.fleet.fleet_night import FEW, Plan, compare, play
from tools import setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.figures import Figure

BYTES_OF_A_PC = 22e6
"""Memory of a simulated PC with its listener, and its share of a job."""
SHARE_OF_MEMORY = 0.7


def main(arguments: list[str]) -> int:
    """Play the night, or compare nodes; print the figures; write them down, but not those of fewer than a hundred PCs.

    Returns:
        The exit code: 1 if a PC was not as it must be in the morning, or a goal was missed.
    """
    options = _options(arguments)
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)

    with tempfile.TemporaryDirectory(prefix="fleet-", dir=setup.ROOT / "build") as folder:
        measure = _nodes if options.part == "nodes" else _night
        found, mark, written = measure(options, Path(folder), say)
    print("\n".join(figure.line() for figure in found), flush=True)
    if written:
        PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8"), mark, written), encoding="utf-8")
        print(f"written: {PAGE.relative_to(setup.ROOT)}")
    return int(any(figure.holds is False for figure in found))


def _night(
    options: argparse.Namespace, folder: Path, say: Callable[[str], None]
) -> tuple[list[Figure], str, str]:
    """Play a night; return its figures, and their section with its mark, empty for fewer than a hundred PCs."""
    piece = min(options.slice, options.pcs)
    plan = Plan(
        options.pcs,
        options.workers,
        piece,
        min(options.pcs, options.wave or max(piece, _fitting() // piece * piece)),
        options.forks or piece,
        options.mode,
        options.kills,
        options.outage,
    )
    say(
        f"{plan.pcs} PCs in waves of {plan.wave}, {plan.workers} nodes, slices of {plan.piece}; SEED={options.seed}"
    )
    told = play(folder, plan, random.Random(options.seed), say)  # noqa: S311 - no secret
    found = figures(told, plan)
    return found, FLEET, section(found, machine()) if plan.pcs >= FEW else ""


def _nodes(
    options: argparse.Namespace, folder: Path, say: Callable[[str], None]
) -> tuple[list[Figure], str, str]:
    """Compare one node with all of them; return the figures, and their section with its mark."""
    found = figures_of_nodes(compare(folder, options.workers, say), options.workers)
    return found, NODES, section_of_nodes(found, machine())


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fleet")
    parser.add_argument(
        "--part", choices=["night", "nodes"], default="night", help="a night, or one node against all"
    )
    parser.add_argument("--pcs", type=_at_least_one, default=1000)
    parser.add_argument("--workers", type=_at_least_one, default=4)
    parser.add_argument("--slice", type=_at_least_one, default=25)
    parser.add_argument(
        "--wave", type=_at_least_one, default=0, help="PCs at once; by default as memory allows"
    )
    parser.add_argument(
        "--forks",
        type=_at_least_one,
        default=0,
        help="forks of each slice; by default one for each of its PCs",
    )
    parser.add_argument("--mode", choices=["wait", "begin"], default="wait", help="maintenance_restart_mode")
    parser.add_argument("--kills", type=_at_least_none, default=1, help="nodes that are killed in each wave")
    parser.add_argument("--outage", type=float, default=20.0, help="seconds that a PC is down")
    parser.add_argument("--seed", default=secrets.token_hex(3))
    return parser.parse_args(arguments)


def _at_least_one(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        msg = f"{text!r} is no whole number above 0"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _at_least_none(text: str) -> int:
    return 0 if text == "0" else _at_least_one(text)


def _fitting() -> int:
    """Return the number of PCs that fit into the memory that is available."""
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024
    return int(SHARE_OF_MEMORY * free / BYTES_OF_A_PC)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
