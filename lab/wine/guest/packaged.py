# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Runs a module of the lab on the packaged runtime: `pythonw.exe -I -B C:\lab\lab\wine\guest\packaged.py MODULE`.

The package lacks parts of the standard library that the lab's side needs; they come
last in the search path, so they replace no module of the package.
"""

from __future__ import annotations

import runpy
import sys

if __name__ == "__main__":
    sys.path += ["C:\\lab", "C:\\lab\\library"]
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
