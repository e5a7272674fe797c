# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module as a command of the Makefile: `python -m tools.run_command NAME MODULE [ARGUMENT ...]`.

Interruption, a full disk and missing permissions end the command with a sentence. Two runs with equal arguments use
the same folders below `build/`, so the second one is refused.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import runpy
import sys
from typing import TYPE_CHECKING

from tools import setup

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED = 130
"""The exit code of a shell's command that Ctrl-C ended: 128 and the number of SIGINT."""


class RunningError(Exception):
    """The same command runs already."""


@contextlib.contextmanager
def alone(words: list[str]) -> Iterator[None]:
    """Hold the lock of a command with its arguments.

    Raises:
        RunningError: another process holds the lock.
    """
    name = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    folder = setup.ROOT / "build" / "running"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunningError from None
        yield


def main(words: list[str]) -> int:
    """Run the module that the words name; return the exit code."""
    name, module, *arguments = words
    sys.argv = [module, *arguments]
    try:
        with alone(words):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except RunningError:
        reason = "the same command already runs in this checkout. Wait for its end, or use a second clone"
        print(f"{name}: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        sentence = setup.explain_os_error(error)
        if sentence is None:
            raise
        print(f"{name}: {sentence}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
