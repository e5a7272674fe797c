# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make certification`: the checks of Red Hat's certification that `make check` is too short for.

These are the sanity tests with each line of ansible-core, and galaxy-importer with the linter that certification pins.
"""

from __future__ import annotations

import re
import subprocess
import sys

from agent.packaging import collection
from agent.packaging.workshop import ROOT, WorkError
from tests.matrix import cores
from tools import importer, setup

WORK = ROOT / "build/certification"
KNOWN = {
    r"jinja\[invalid\].*A template was resolved to an Omit scalar": "that release does not know the `omit` of "
    "ansible-core 2.19 and newer",
}
"""Findings of the pinned linter that the collection cannot avoid, with the reason.

The gate `lint` runs a newer release, which has neither.
"""


def sanity() -> list[str]:
    """Run the sanity tests with each line that this computer has a Python for; return the lines that failed.

    Raises:
        SetupError: a line cannot be installed.
    """
    found = cores.interpreters()
    failed = []
    for core in cores.CORES:
        interpreter = cores.choose(core, found)
        if interpreter is None:
            print(cores.left_out(core), flush=True)
            continue
        python = cores.prepare(core, interpreter)
        done = subprocess.run([python, "tools/sanity.py"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
        print(f"{'FAILED' if done.returncode else 'ok    '} sanity, ansible-core {core.line}", flush=True)
        if done.returncode:
            failed.append(f"the sanity tests failed with ansible-core {core.line}")
    return failed


def unknown(findings: list[str]) -> list[str]:
    """Return the findings that are not known; print a line for each known kind."""
    for pattern, reason in KNOWN.items():
        if count := sum(bool(re.search(pattern, finding)) for finding in findings):
            print(
                f"known: {count} findings of the pinned ansible-lint, {pattern.partition('.*')[0]}: {reason}"
            )
    return [finding for finding in findings if not any(re.search(pattern, finding) for pattern in KNOWN)]


def main() -> int:
    """Run both; return the exit code."""
    try:
        failed = unknown(importer.findings(collection.build(WORK / "built"), WORK / "run", lint=True))
        failed += sanity()
    except (setup.SetupError, WorkError) as error:
        failed = [str(error)]
    print("\n".join(failed or ["certification: nothing was found"]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
