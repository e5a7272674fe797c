# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong or changed credentials cost the operator's account two tries in a whole task, counted at the server.

All connections in one play: on each PC the account is locked after the third refused logon.
"""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging import system_tools
from lab.canary import make
from lab.simulated.connections import CONNECTIONS, certificate_variables
from lab.simulated.customer_script import Grant
from lab.simulated.listeners import PRINCIPAL
from lab.simulated.simulated_pc import SimulatedComputer
from lab.wsman.faults import Faults
from lab.wsman.requestlog import read_log
from lab.wsman.tls import make_client_certificate
from tests.lab.job import Job, Operator, apply, end, play, request, start
from tests.lab.kinds import pcs_for
from tests.lab.provoked import by_code
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.computer import Event

pytestmark = pytest.mark.timeout(400)

SSH = [name for name in CONNECTIONS if name.startswith("ssh")]
ON_WINRM = [name for name in CONNECTIONS if name not in SSH]
BY_CERTIFICATE = [name for name in ON_WINRM if "certificate" in name]
CODES = {
    name: "client_certificate_rejected" if name in BY_CERTIFICATE else "credentials_rejected"
    for name in CONNECTIONS
}
THRESHOLD = 3


@dataclass
class Day:
    """The PCs by connection, and the jobs on all of them."""

    computers: dict[str, SimulatedComputer]
    wrong: Job
    changed: Job
    right: Job


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Connect with a wrong password; then change it while PCs restart; then connect with the right one again."""
    require(system_tools.SSH)
    folder = tmp_path_factory.mktemp("credentials")
    with ExitStack() as stack:
        settings = {"password": make(), "script": [Grant()], "lockout_tries": THRESHOLD}
        computers = pcs_for(stack, folder, CONNECTIONS, **settings)
        wrong = _operator(stack, folder / "wrong", computers, spoiled=True).run(start())
        wrong.wait()
        for name in ON_WINRM:
            computers[name].events.subscribe(partial(_change, computers[name]))
        operator = _operator(stack, folder / "right", computers, spoiled=False)
        changed = operator.begin([play(start(), request(), apply())])
        changed.wait(300)
        for name in ON_WINRM:
            computers[name].listener_faults.unlink()
        yield Day(computers, wrong, changed, operator.run(end()))


def _operator(
    stack: ExitStack, folder: Path, computers: dict[str, SimulatedComputer], *, spoiled: bool
) -> Operator:
    variables = {name: computer.inventory(name) for name, computer in computers.items()}
    if spoiled:
        for name in ON_WINRM:
            wrong = _other_certificate(folder, name, computers[name]) if name in BY_CERTIFICATE else {}
            variables[name] |= wrong or {"ansible_password": "wrong"}
        for name in SSH:
            key = computers[name].ssh_log(name).with_name("host_key")
            variables[name]["ansible_ssh_private_key_file"] = str(key)
    operator = Operator(folder, computers, host_variables=variables)
    stack.callback(operator.stop)
    return operator


def _other_certificate(folder: Path, name: str, computer: SimulatedComputer) -> dict[str, str]:
    """Return the variables of a certificate of the PC's issuer: expired for winrm, without a mapping for psrp.

    TLS refuses the first one by an alert, the PC the second one by the status 401.
    """
    psrp = name.startswith("psrp")
    place = folder.with_name("certificates") / name.replace(", ", "-")
    place.mkdir(parents=True)
    principal = "nobody@latchkey.test" if psrp else PRINCIPAL
    valid = dt.timedelta(days=1 if psrp else -1)
    return certificate_variables(
        make_client_certificate(place, principal, computer.tls_files, valid), psrp=psrp
    )


def _change(computer: SimulatedComputer, event: Event) -> None:
    """Change the operator's password while the PC restarts."""
    if event.what == "going_down":
        Faults(rejecting=True).write(computer.listener_faults)


def _refused(day: Day, name: str) -> int:
    """Return the number of logons that the server has refused."""
    computer = day.computers[name]
    if name in SSH:
        log = computer.ssh_log(name).read_text(encoding="utf-8")
        return sum("authenticating user" in line for line in log.splitlines())
    return sum(entry.rejected for entry in read_log(computer.request_log))


@pytest.mark.parametrize("name", by_code(CODES))
def test_wrong_credentials_have_their_own_error(day: Day, name: str) -> None:
    """The error says that the PC refuses the account or the certificate, and why no third try follows."""
    result: dict[str, Any] = day.wrong.result("start", name)
    assert (result["status"], result["error_code"], result["outcome"]) == (
        "unreachable",
        CODES[name],
        "refused",
    )
    assert "twice at most" in result["hint"]


@pytest.mark.parametrize("name", ON_WINRM)
def test_a_password_that_changes_in_the_middle_ends_the_task(day: Day, name: str) -> None:
    """The task that was following a restart ends with the same error, which says that the restart may have happened."""
    result = day.changed.result("apply", name)
    assert (result["error_code"], result["outcome"]) == (CODES[name], "unknown")


@pytest.mark.parametrize("name", CONNECTIONS)
def test_two_tries_at_most_reach_the_server(day: Day, name: str) -> None:
    """Each of the two tasks cost two refused logons at most; with a right logon between them nothing is locked.

    With Basic and with certificates, each message of a command is a logon: a change between two of them may cost a
    third.
    """
    most = 2 if name in SSH else 5 if "basic" in name or name in BY_CERTIFICATE else 4
    assert 0 < _refused(day, name) <= most
    assert day.right.result("end", name)["erasure"]["confirmed"]
