# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package, made once for the tests that inspect it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.packaging import database, product, product_identity, provider_build
from agent.packaging.system_tools import PACKAGE
from tests.lab.provoked import pytest_runtest_call
from tests.needs import require

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["package", "product_folder", "pytest_runtest_call"]


@pytest.fixture(scope="session")
def product_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all installed files."""
    require(PACKAGE)
    folder = tmp_path_factory.mktemp("package") / "product"
    product.lay_out(folder, product_identity.version(), provider_build.build_provider())
    return folder


@pytest.fixture(scope="session")
def package(product_folder: Path) -> Path:
    """The MSI."""
    target = product_folder.with_name("agent.msi")
    database.make(target, product_folder, product_identity.version())
    return target
