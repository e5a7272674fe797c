# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.canary import canary
from tests.collection import pytest_configure

__all__ = ["canary", "pytest_configure"]


# Folders whose files share something that is slow to make: Wine's prefix, the compiled provider.
WHOLE_FOLDERS = frozenset({"native", "package", "wine"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares fixtures, when several workers share the tests (pytest-xdist)."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        group = folder if folder in WHOLE_FOLDERS else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
