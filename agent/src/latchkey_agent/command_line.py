# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Writes the command line of a program, which reads its arguments from it again. Pure.

Windows passes one text to a program, and the program splits it. Most do so by the rules of CommandLineToArgvW and of
the C runtime ("Parsing C command-line arguments", Microsoft Learn): spaces and tabs separate arguments, quotation marks
hold one together, and a backslash is only special before a quotation mark. Programs with rules of their own, such as
cmd.exe and msiexec.exe, get the same line and read it in their way.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence

LONGEST = 32_766
"""The most characters of a command line: 32,767 with the zero at its end ("CreateProcessAsUserW", Microsoft Learn).

Windows counts in UTF-16, where a character beyond U+FFFF counts twice.
"""
_ROOT = r"(?:[A-Za-z]:\\|\\\\[^\\/?*.<>|\":\x00-\x1f\x7f][^\\/?*<>|\":\x00-\x1f\x7f]*\\)"
_REST = r"[^/?*<>|\":\x00-\x1f\x7f]"
FULL_PATH = rf"^{_ROOT}{_REST}+$(?!\n)"
"""A full path: on a drive, or of a share. A bare name would be searched for in folders of the agent's."""
FULL_FOLDER = rf"^{_ROOT}{_REST}*$(?!\n)"
"""A folder's full path, which may be a root."""
_BATCH = re.compile(r"\.(?:bat|cmd)[. ]*$", re.IGNORECASE)
"""The name of a batch file. Windows ignores dots and spaces at the end of a name."""


def written(program: str, arguments: Sequence[str]) -> str:
    r"""Return the command line of a program with these arguments.

    The program's path is always in quotation marks: without them Windows would try `C:\Program.exe` first.

    Args:
        program: the full path, which has no quotation mark.
        arguments: the arguments, any text without a zero.
    """
    # list2cmdline doubles the backslashes before a quotation mark, and quotes an argument with a space or a tab.
    return " ".join((f'"{program}"', *(subprocess.list2cmdline([argument]) for argument in arguments)))


def length(line: str) -> int:
    """Return the length of a command line as Windows counts it."""
    return len(line.encode("utf-16-le", "surrogatepass")) // 2


def is_batch(program: str) -> bool:
    """Tell whether a path names a batch file: cmd.exe would run it, and read the arguments as commands.

    "To run a batch file, you must start the command interpreter" ("CreateProcessW", Microsoft Learn).
    """
    return _BATCH.search(program) is not None
