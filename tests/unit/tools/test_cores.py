# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from tests.matrix import cores
from tools import setup


def groups() -> dict[str, list[str]]:
    """Return the groups of requirements."""
    found: dict[str, list[str]] = tomllib.loads(setup.PROJECT.read_text(encoding="utf-8"))[
        "dependency-groups"
    ]
    return found


IN_CONTROLLER = [core for core in cores.CORES if not core.pins.exists()]
WITH_PINS = [core for core in cores.CORES if core.pins.exists()]


@pytest.mark.parametrize("core", WITH_PINS, ids=lambda core: core.line)
def test_each_line_with_pins_has_a_group_of_the_same_versions(core: cores.Core) -> None:
    """The pins of a line are those of its group: its release of ansible-core, each package with hashes."""
    wanted = groups()[f"core-{core.line.replace('.', '-')}"]
    assert wanted[0].startswith(f"ansible-core=={core.line}.")
    entries = re.findall(
        r"^(\S+==\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", core.pins.read_text(), re.MULTILINE
    )
    assert [name for name, _hashes in entries] == wanted


def test_the_collection_asks_for_the_oldest_line_of_the_matrix() -> None:
    """`requires_ansible` and the roles name the oldest line that `make matrix` runs."""
    oldest = min(cores.CORES, key=lambda core: tuple(map(int, core.line.split(".")))).line
    told = yaml.safe_load((setup.ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    assert told == f">={oldest}.0"
    for role in ("agent", "maintenance"):
        meta = yaml.safe_load((setup.ROOT / f"roles/{role}/meta/main.yml").read_text(encoding="utf-8"))
        assert meta["galaxy_info"]["min_ansible_version"] == oldest


@pytest.mark.parametrize("core", IN_CONTROLLER, ids=lambda core: core.line)
def test_each_python_gets_the_line_that_the_matrix_expects(core: cores.Core) -> None:
    """On each Python that `make matrix` runs a line on, the group `controller` has a release of that line."""
    releases = [Requirement(entry) for entry in groups()["controller"] if entry.startswith("ansible-core")]
    for major, minor in core.pythons:
        environment = {"python_version": f"{major}.{minor}", "python_full_version": f"{major}.{minor}.0"}
        (fit,) = (one for one in releases if one.marker and one.marker.evaluate(environment))
        assert str(fit.specifier).startswith(f"=={core.line}.")
