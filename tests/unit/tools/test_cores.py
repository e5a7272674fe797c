# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import tomllib

import pytest
from packaging.requirements import Requirement

from tests.matrix import cores
from tools import setup


@pytest.mark.parametrize("core", cores.CORES, ids=lambda core: core.line)
def test_each_python_gets_the_line_that_the_matrix_expects(core: cores.Core) -> None:
    """On each Python that `make matrix` runs a line on, the group `controller` has a release of that line."""
    groups = tomllib.loads(setup.PROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    releases = [Requirement(entry) for entry in groups["controller"] if entry.startswith("ansible-core")]
    for major, minor in core.pythons:
        environment = {"python_version": f"{major}.{minor}", "python_full_version": f"{major}.{minor}.0"}
        (fit,) = (one for one in releases if one.marker and one.marker.evaluate(environment))
        assert str(fit.specifier).startswith(f"=={core.line}.")
