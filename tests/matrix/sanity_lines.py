# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make sanity`: ansible-test's sanity tests with each line of ansible-core.

Words choose lines, options go to ansible-test.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.matrix import cores
from tools import sanity, setup


def main(words: list[str]) -> int:
    """Run the tests with each chosen line, all of them by default; return the exit code."""
    options = [word for word in words if word.startswith("-")]
    chosen = set(words) - set(options)
    found = cores.interpreters()
    failed = []
    for core in (core for core in cores.CORES if not chosen or core.line in chosen):
        interpreter = cores.choose(core, found)
        if interpreter is None:
            print(cores.left_out(core), flush=True)
            continue
        setup.say(f"ansible-test sanity of ansible-core {core.line}")
        scripts = Path(cores.prepare(core, interpreter)).parent
        if sanity.run(scripts, "{}.{}".format(*interpreter.version[:2]), options):
            failed.append(core.line)
    print(
        f"sanity failed with ansible-core {', '.join(failed)}" if failed else "sanity passed with each line"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
