# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays many random histories, each with a seed of its own: `python -m tests.unit.agent.histories --count 10000`.

The same acts and the same checks as `test_stateful`. A failure prints its seed and
what happened; `--count 1 --seed SEED` plays that history again.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
import traceback
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.unit.agent.acts import ACTS, Act, prelude
from tests.unit.agent.bench import memory_disk
from tests.unit.agent.play import Play

LENGTH = 60
"""Acts of one history; then all comes to rest."""


def history(seed: int) -> list[Act]:
    """Return what happens in the history with this seed."""
    random = Random(seed)  # noqa: S311 - a history that can be played again
    names = random.choices(list(ACTS), [weight for weight, _ in ACTS.values()], k=LENGTH)
    acts = [Act(name, tuple(random.choice(choices) for choices in ACTS[name][1])) for name in names]
    return [*prelude(random.choice(("ours", "anybody's"))), *acts, Act("settle")]


def play(seed: int) -> list[str]:
    """Play one history; return the lines that tell of its failure, none if all held."""
    acts = history(seed)
    with TemporaryDirectory(dir=memory_disk()) as folder:
        game = Play(Path(folder), Random(seed).randbytes)  # noqa: S311 - as above
        for number, act in enumerate(acts):
            try:
                game.perform(act)
            except Exception:  # noqa: BLE001 - whatever it is, its history is wanted
                told = [f"  {n}. {a.name} {a.arguments}" for n, a in enumerate(acts[: number + 1])]
                return [f"seed {seed} failed at act {number}:", *told, traceback.format_exc()]
        game.bench.stop()
    return []


def main(arguments: list[str] | None = None) -> int:
    """Play as many histories as the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=10_000, help="how many histories")
    parser.add_argument(
        "--seed", type=int, default=0, help="the first one's seed; the next has the next number"
    )
    options = parser.parse_args(arguments)
    logging.disable()
    begun = told = time.monotonic()
    for number, seed in enumerate(range(options.seed, options.seed + options.count), start=1):
        if failure := play(seed):
            print("\n".join(failure), file=sys.stderr)
            return 1
        if time.monotonic() - told > 5 or number == options.count:
            told = time.monotonic()
            print(f"{number} of {options.count} histories, {told - begun:.0f} s, no rule broken", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
