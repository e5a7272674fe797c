# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Runs a module of the lab: `python.exe -I -B C:\lab\lab\wine\guest\run_module.py MODULE [ARGUMENTS]`.

The delivered runtime imports only from its own folders; this program does not change that.
"""

from __future__ import annotations

import runpy
import sys

if __name__ == "__main__":
    sys.path.insert(0, "C:\\lab")
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
