# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each file of tests/wine/guest passes on the Windows CPython."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.packaging.workshop import WorkError
from lab.wine.wine_pc import WinePC

GUEST = Path(__file__).parent / "guest"
MAIN = r"C:\lab\tests\wine\guest\__main__.py"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("file", sorted(path.name for path in GUEST.glob("test_*.py")))
def test_guest_file_passes_on_windows_cpython(pc: WinePC, file: str) -> None:
    """The file passes on the Windows CPython."""
    for source in GUEST.glob("*.py"):
        pc.put(source, rf"C:\lab\tests\wine\guest\{source.name}")
    try:
        output = pc.run("-I", "-B", MAIN, file, limit=200)
    except WorkError as failure:
        pytest.fail(str(failure), pytrace=False)
    print(output)
