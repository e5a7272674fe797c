# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package, made once for the tests that inspect it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from agent.packaging import database, product, product_identity, provider_build, workshop
from tests.lab.provoked import pytest_runtest_call

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["package", "product_folder", "pytest_runtest_call"]


@pytest.fixture(scope="session")
def product_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all installed files."""
    if command := workshop.lacking(workshop.PACKAGES):
        pytest.skip(f"no package is made here: {command}")
    if find_spec("ziglang") is None or find_spec("cyclonedx") is None:
        pytest.skip("no package is made here: make package installs what it needs")
    folder = tmp_path_factory.mktemp("package") / "product"
    product.lay_out(folder, product_identity.version(), provider_build.build_provider())
    return folder


@pytest.fixture(scope="session")
def package(product_folder: Path) -> Path:
    """The MSI."""
    target = product_folder.with_name("agent.msi")
    database.make(target, product_folder, product_identity.version())
    return target
