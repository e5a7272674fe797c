# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix's PCs in a domain: they share one account there, and are reached by Kerberos."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.packaging.system_tools import DIRECTORY, KERBEROS, missing
from lab.simulated.domain_membership import DOMAIN_CONNECTIONS, join
from lab.simulated.pc_settings import Settings
from tests.domain import OPERATOR, Domain, running_domain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from lab.wsman.service_key import ServiceKey


class Membership(NamedTuple):
    """A domain, and the key of its PCs."""

    domain: Domain
    key: ServiceKey

    def settings(self, connection: str) -> dict[str, Any]:
        """Return the settings of a PC for a name of `DOMAIN_CONNECTIONS`."""
        return {"key": self.key, "listeners": (DOMAIN_CONNECTIONS[connection].listener,)}

    def inventory(self, computer: SimulatedComputer, connection: str) -> dict[str, Any]:
        """Return Ansible's variables of such a PC."""
        return computer.domain_inventory(connection, OPERATOR, self.domain.password)

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the environment of Ansible, with Kerberos's files in a folder that exists."""
        settings = self.domain.controller.settings(folder / "krb5.conf")
        return {"KRB5_CONFIG": str(settings), "KRB5CCNAME": f"FILE:{folder / 'cache'}"}


@contextmanager
def membership(folder: Path) -> Iterator[Membership | None]:
    """Run a domain within the block; say why there is none where this computer lacks a part."""
    if reason := missing(DIRECTORY, KERBEROS):
        print(f"left out: {', '.join(DOMAIN_CONNECTIONS)}, since {reason}", flush=True)
        yield None
        return
    with running_domain(folder / "directory") as domain:
        yield Membership(domain, join(domain.controller, Settings.name, folder / "member"))
