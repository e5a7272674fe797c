# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Runs these tests on the delivered runtime: `python.exe -I -B tests\wine\guest\__main__.py FILES OPTIONS`.

That runtime imports only from its own folders; the tests' other packages are in
the folder `packages` beside `tests`.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
OPTIONS = (
    "-q", "-W", "error", "-p", "no:cacheprovider", "-rs", "--import-mode=importlib", "--rootdir", str(ROOT),
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run the named files of this folder, by default all; return pytest's exit code."""
    sys.path[:0] = [str(ROOT), str(ROOT / "packages")]
    import pytest  # noqa: PLC0415 - the search path has it only now

    words = [str(HERE / word) if word.endswith(".py") else word for word in arguments]
    return int(pytest.main([*OPTIONS, *(words or [str(HERE)])]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
