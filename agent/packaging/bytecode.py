# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Byte code in place of sources, made by the very version of CPython that is delivered.

The header says that it is never compared with a source ("unchecked-hash",
PEP 552), so nothing on the customer's PC makes it stale. The names of the
files in it are relative: the same bytes whoever builds, and wherever.
"""

from __future__ import annotations

from pathlib import Path

from .artefacts import LINUX_PYTHON, unpacked
from .workshop import run

_COMPILE = """\
import pathlib, py_compile, sys
root = pathlib.Path(sys.argv[1])
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for source in sorted(root.rglob("*.py")):
    name = str(source.relative_to(root)).replace("/", "\\\\")
    py_compile.compile(str(source), str(source.with_suffix(".pyc")), name, doraise=True, invalidation_mode=mode)
    source.unlink()
"""


def compile_tree(root: Path) -> None:
    """Replace every source file below a folder by its byte code.

    Raises:
        WorkError: a file is no Python, or CPython cannot be had.
    """
    home = unpacked(LINUX_PYTHON)
    python = home / "bin" / "python3.13"
    # The jar does not keep that it is a program.
    python.chmod(0o755)
    # A fixed seed and a fresh process: what is marshalled depends on both.
    environment = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    run([python, "-I", "-S", "-B", "-c", _COMPILE, root], environment=environment)
