# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles sources to byte code, with the same version of CPython as the delivered one.

The header marks the byte code as never compared with a source
("unchecked-hash", PEP 552), so it never becomes stale on the customer's PC. It
contains relative file names, so every build machine gives the same bytes.
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
    """Replace every source file below a folder with its byte code.

    Raises:
        WorkError: a file is not valid Python, or CPython cannot be downloaded.
    """
    home = unpacked(LINUX_PYTHON)
    python = home / "bin" / "python3.13"
    # The jar does not store file modes.
    python.chmod(0o755)
    # The marshalled bytes depend on the hash seed and on the process's history: fix the one, avoid the other.
    environment = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    run([python, "-I", "-S", "-B", "-c", _COMPILE, root], environment=environment)
