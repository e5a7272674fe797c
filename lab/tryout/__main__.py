# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the lab to play with until Ctrl-C: `python -m lab.tryout`, with the variables that `choice` reads."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""The exit code of a shell's command that Ctrl-C ended: 128 and the number of SIGINT."""

if __name__ == "__main__":
    try:
        # The imports take a second, in which Ctrl-C is no fault.
        from lab.tryout.run import run

        sys.exit(run())
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
