# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A domain for tests: Samba's domain controller with an operator's account; left out where Samba is missing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from agent.packaging.system_tools import DIRECTORY
from lab.directory.domain_controller import Directory, directory, random_password
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPERATOR = "operations"
"""Not the name of a PC's local account: `negotiate` and CredSSP would try the local password in the domain first."""
LOCKOUT = 3
"""Wrong passwords after which the domain locks an account."""


class Domain(NamedTuple):
    """A running domain controller, and the password of the account `OPERATOR` in it."""

    controller: Directory
    password: str


@contextmanager
def running_domain(folder: Path) -> Iterator[Domain]:
    """Run a domain within the block. Raises LabError: Samba is missing or fails."""
    password = random_password()
    with directory(folder) as controller:
        controller.add_users({OPERATOR: password}, lockout=LOCKOUT)
        yield Domain(controller, password)


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Domain]:
    """A domain for the tests of a module: provisioning it takes some seconds."""
    require(DIRECTORY)
    with running_domain(tmp_path_factory.mktemp("domain")) as running:
        yield running
