# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Play many random histories, each with its own seed: `python -m tests.unit.agent.histories --count 10000`.

The acts and the checks are those of `test_stateful`. A failure prints its seed and its
acts; `--count 1 --seed SEED` plays that history again.
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

from tests.unit.agent.acts import ACTS, WHOSE, Act, prelude
from tests.unit.agent.bench import memory_disk
from tests.unit.agent.play import Play

LENGTH = 60
"""Number of acts in one history, before it settles."""


def history(seed: int) -> list[Act]:
    """Return the acts of the history with this seed."""
    random = Random(seed)  # noqa: S311 - a history that can be played again
    names = random.choices(list(ACTS), [weight for weight, _ in ACTS.values()], k=LENGTH)
    acts = [Act(name, tuple(random.choice(choices) for choices in ACTS[name][1])) for name in names]
    return [*prelude(random.choice(WHOSE)), *acts, Act("settle")]


def play(seed: int) -> list[str]:
    """Play one history; return the lines that describe its failure, none if every check held."""
    acts = history(seed)
    with TemporaryDirectory(dir=memory_disk()) as folder:
        game = Play(Path(folder), Random(seed).randbytes)  # noqa: S311 - as above
        for number, act in enumerate(acts):
            try:
                game.perform(act)
            except Exception:  # noqa: BLE001 - any failure needs its history
                acts_so_far = [f"  {n}. {a.name} {a.arguments}" for n, a in enumerate(acts[: number + 1])]
                return [f"seed {seed} failed at act {number}:", *acts_so_far, traceback.format_exc()]
        game.bench.stop()
    return []


def main(arguments: list[str] | None = None) -> int:
    """Play the requested number of histories; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=10_000, help="number of histories")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first history; each next one adds 1")
    options = parser.parse_args(arguments)
    logging.disable()
    started = reported = time.monotonic()
    for number, seed in enumerate(range(options.seed, options.seed + options.count), start=1):
        if failure := play(seed):
            print("\n".join(failure), file=sys.stderr)
            return 1
        if time.monotonic() - reported > 5 or number == options.count:
            reported = time.monotonic()
            print(
                f"{number} of {options.count} histories, {reported - started:.0f} s, no rule broken",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
