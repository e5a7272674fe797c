# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One column of the matrix: a line of ansible-core against a PC for each connection, in one job.

A further PC is for the collection's playbooks.
"""

from __future__ import annotations

import json
import subprocess
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.canary import make, search
from lab.simulated.connections import CONNECTIONS
from lab.simulated.customer_script import Grant
from lab.simulated.domain_membership import DOMAIN_CONNECTIONS
from lab.simulated.simulated_pc import pc
from latchkey_agent.protocol.frames import wipe
from tests.lab.installer import NEW, USUAL, packages
from tests.lab.job import Operator, play
from tests.matrix import night
from tests.matrix.steps import STEPS, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.job import Job
    from tests.matrix.cores import Core
    from tests.matrix.member import Membership

LIMIT_SECONDS = 300.0
BRIEF = ("winrm, ntlm, HTTPS", "psrp, negotiate, HTTP", "ssh, PowerShell", "ssh, cmd")
"""The connections of a line that is not run with all of them: one of each plugin and of each shell."""
PLAYBOOKS = "the playbooks, winrm"
"""The row of the collection's own playbooks."""
_NIGHT = "winrm, basic, HTTP"
_making = threading.Lock()

VERSIONS = """
import importlib.metadata as m, json, sys
names = ("ansible-core", "pypsrp", "pywinrm")
print(json.dumps({"Python": "%d.%d" % sys.version_info[:2], **{n: m.version(n) for n in names}}))
"""


@dataclass(frozen=True)
class Column:
    """The results of a line of ansible-core for each connection, and the versions in use."""

    versions: dict[str, str]
    cells: dict[str, str]


def run(core: Core, python: str, folder: Path, member: Membership | None) -> Column:
    """Run every step on a PC for each connection, and the playbooks on one; the PCs end with it.

    With a domain a line with all connections has those by Kerberos, too.
    """
    versions = subprocess.run([python, "-I", "-c", VERSIONS], capture_output=True, check=True).stdout
    hosts = {connection: HOSTS[connection] for connection in _connections(core, member)}
    password = make()
    try:
        with ExitStack() as stack:
            operator = _operator(stack, Place(folder, python, member), password, hosts)
            job = operator.begin([play(*(step.named() for step in STEPS))])
            cells = _cells(job, hosts)
            one = _operator(stack, Place(folder / "playbooks", python), password, {_NIGHT: "pc1"})
            cells[PLAYBOOKS] = night.verdict(one, LIMIT_SECONDS)
            for find in search([folder], password):
                cells[next(iter(cells))] = f"a password was found in {find.place} ({find.encoding})"
    finally:
        wipe(password)
    return Column(json.loads(versions), cells)


def _connections(core: Core, member: Membership | None) -> tuple[str, ...]:
    if core.brief:
        return BRIEF
    return (*CONNECTIONS, *(DOMAIN_CONNECTIONS if member else ()))


class Place(NamedTuple):
    """Where a job runs: its folder, its Python, and the domain of PCs that are reached by Kerberos."""

    folder: Path
    python: str
    member: Membership | None = None

    def settings(self, connection: str) -> dict[str, Any]:
        """Return the settings of the PC for a connection."""
        if self.member and connection in DOMAIN_CONNECTIONS:
            return self.member.settings(connection)
        return {"listeners": (CONNECTIONS[connection].listener,)}

    def inventory(self, computer: SimulatedComputer, connection: str) -> dict[str, Any]:
        """Return Ansible's variables of that PC."""
        if self.member and connection in DOMAIN_CONNECTIONS:
            return self.member.inventory(computer, connection)
        return computer.inventory(connection)


def _operator(stack: ExitStack, place: Place, password: bytearray, hosts: Mapping[str, str]) -> Operator:
    folder = place.folder
    with _making:
        computers = {
            name: stack.enter_context(
                pc(
                    folder / name,
                    password=password,
                    script=[Grant()],
                    **USUAL,
                    **place.settings(connection),
                )
            )
            for connection, name in hosts.items()
        }
    packages(folder, NEW)
    variables = {name: place.inventory(computers[name], connection) for connection, name in hosts.items()}
    operator = Operator(folder / "operator", computers, host_variables=variables, python=place.python)
    if place.member:
        operator.environment = place.member.environment(folder)
    operator.variables["package"] = str(folder / f"latchkey-agent-{NEW}-x64.msi")
    stack.callback(operator.stop)
    return operator


HOSTS = {
    connection: connection.replace(", ", "-").lower() for connection in (*CONNECTIONS, *DOMAIN_CONNECTIONS)
}
"""The inventory's name for the PC of each connection."""


def _cells(job: Job, hosts: Mapping[str, str]) -> dict[str, str]:
    try:
        job.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        job.kill()
    return {connection: verdict(job, name) for connection, name in hosts.items()}
