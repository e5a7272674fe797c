# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator connects by Kerberos, with an account of a real directory: the job, and each reason to get no ticket.

Left out where Samba's domain controller or the packages of Kerberos are missing.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging.system_tools import DIRECTORY, KERBEROS, PSRP, WRONG_CLOCK
from lab.directory.domain_controller import principal, random_password
from lab.directory.kdc_log import LOCKED, RIGHT, WRONG
from lab.simulated.connections import CONNECTIONS
from lab.simulated.customer_script import Grant, Ignore
from lab.simulated.domain_membership import DOMAIN_CONNECTIONS, join
from lab.simulated.pc_settings import OPERATOR as LOCAL_OPERATOR
from lab.wsman.faults import Drop, Faults
from lab.wsman.requestlog import STARTED, read_log
from tests.domain import OPERATOR, Domain, domain
from tests.lab.job import Operator, apply, end, play, start
from tests.lab.job import request as asking
from tests.lab.kinds import SIMULATED, pc, pc_name
from tests.lab.provoked import provokes
from tests.needs import require
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from lab.wsman.service_key import ServiceKey
    from tests.lab.job import Job

    Member = Callable[..., tuple[Operator, SimulatedComputer]]

__all__ = ["domain"]
pytestmark = pytest.mark.timeout(300)

PLUGINS = ("winrm, kerberos, HTTP", "psrp, kerberos, HTTP")
NAME = "PC-ANNA"
MAY_HAVE = "may have happened"
PATIENCE = {"latchkey_first_contact": 1}
"""Each fault could pass, so that a task waits for it."""


@pytest.fixture(scope="module")
def key(domain: Domain, tmp_path_factory: pytest.TempPathFactory) -> ServiceKey:
    """The key of the PC, which all tests of this module call by the same name."""
    require(DIRECTORY, KERBEROS, PSRP)
    return join(domain.controller, NAME, tmp_path_factory.mktemp("member"))


@pytest.fixture
def member(domain: Domain, key: ServiceKey, tmp_path: Path, canary: bytearray) -> Iterator[Member]:
    """Makes a PC in the domain and its operator, whose Kerberos files are in the operator's folder."""
    with ExitStack() as stack:

        def begin(
            connection: str, *, password: str | None = None, **settings: Any
        ) -> tuple[Operator, SimulatedComputer]:
            listener = DOMAIN_CONNECTIONS[connection].listener
            given = {"password": canary, "key": key, "listeners": (listener,), **settings}
            computer = stack.enter_context(pc(tmp_path / "pc", SIMULATED, **given))
            secret = domain.password if password is None else password
            operator = Operator(
                tmp_path / "operator",
                {"pc1": computer},
                host_variables={"pc1": computer.domain_inventory(connection, OPERATOR, secret)},
                environment=kerberos(domain, tmp_path),
            )
            stack.callback(operator.stop)
            return operator, computer

        yield begin


def kerberos(domain: Domain, folder: Path, **lookup: Any) -> dict[str, str]:
    """Return the environment with Kerberos's files in a folder."""
    settings = domain.controller.settings(folder / "krb5.conf", **lookup)
    return {"KRB5_CONFIG": str(settings), "KRB5CCNAME": f"FILE:{folder / 'cache'}"}


def kinit(domain: Domain, operator: Operator, lifetime: str) -> None:
    """Get the operator's Kerberos ticket for so long."""
    subprocess.run(
        ["kinit", "-l", lifetime, principal(OPERATOR)],
        input=f"{domain.password}\n".encode(),
        env={"PATH": os.environ["PATH"], **operator.environment},
        capture_output=True,
        check=True,
    )


def refused(job: Job, code: str) -> dict[str, Any]:
    """Return the result of a task that ended with this code before anything was sent; check what it says."""
    assert job.wait() == 4, job.output
    result = job.result("start")
    assert (result["status"], result["error_code"], result["outcome"]) == ("unreachable", code, "refused")
    assert "Nothing was sent" in result["msg"]
    assert MAY_HAVE not in result["msg"]
    return result


def rejections(computer: SimulatedComputer) -> int:
    """Return how many logons the PC has refused."""
    return sum(entry.rejected for entry in read_log(computer.request_log))


@pytest.mark.parametrize("connection", DOMAIN_CONNECTIONS)
def test_the_job_runs_with_a_restart(domain: Domain, member: Member, connection: str) -> None:
    """Over HTTP with encrypted messages, over HTTPS with TLS: no task differs from that of another connection."""
    operator, computer = member(connection, script=[Grant()])
    job = operator.run(start(), asking(), apply(), end()).succeed()
    assert job.result("apply")["changed"]
    assert job.result("end")["erasure"]["confirmed"]
    assert computer.events.count("up") == 2
    assert domain.password not in job.output
    assert rejections(computer) == 0


@pytest.mark.parametrize("connection", PLUGINS)
@provokes("kerberos_kdc_unreachable")
def test_an_absent_controller_has_its_own_error(domain: Domain, member: Member, connection: str) -> None:
    """Nothing was sent: no request of the operator got further than the question for the schemes."""
    operator, computer = member(connection)
    operator.variables |= PATIENCE
    domain.controller.stop()
    try:
        refused(operator.run(start()), "kerberos_kdc_unreachable")
    finally:
        domain.controller.start()
    # psrp asks which schemes there are before it asks for its ticket.
    assert {entry.status for entry in read_log(computer.request_log)} <= {STARTED.status, 401}


@pytest.mark.parametrize("connection", PLUGINS)
def test_a_controller_that_comes_back_is_waited_for(domain: Domain, member: Member, connection: str) -> None:
    """Right after a restart of everything the controller may be the last: the task goes on by itself, and says so."""
    operator, _ = member(connection)
    domain.controller.stop()
    try:
        job = operator.begin([play(start(), end())])
        line = "waiting: the connection to the PC (kerberos_kdc_unreachable)"
        eventually(lambda: line in job.output, "the wait for the controller", 60)
    finally:
        domain.controller.start()
    job.succeed()


@pytest.mark.parametrize("connection", PLUGINS)
@provokes("kerberos_clock_skew")
def test_a_wrong_clock_has_its_own_error(
    domain: Domain, member: Member, tmp_path: Path, connection: str
) -> None:
    """Of a client that takes its own clock for right (`kdc_timesync = 0`)."""
    require(WRONG_CLOCK)
    operator, computer = member(connection)
    operator.variables |= PATIENCE
    operator.environment = kerberos(domain, tmp_path, corrects_clock=False)
    domain.controller.stop()
    domain.controller.start(clock_error=timedelta(minutes=20))
    try:
        refused(operator.run(start()), "kerberos_clock_skew")
    finally:
        domain.controller.stop()
        domain.controller.start()
    assert rejections(computer) == 0


@pytest.mark.parametrize("connection", PLUGINS)
@provokes("kerberos_spn_missing")
def test_a_name_that_the_domain_does_not_know_has_its_own_error(member: Member, connection: str) -> None:
    """For example the PC's address, or an alias."""
    operator, computer = member(connection)
    operator.variables |= PATIENCE
    variables = operator.host_variables["pc1"]
    variables |= {name: "pc-nobody.lab.test" for name in variables if name.endswith("hostname_override")}
    refused(operator.run(start()), "kerberos_spn_missing")
    assert rejections(computer) == 0


@pytest.mark.parametrize("connection", PLUGINS)
@provokes("kerberos_no_ticket")
def test_no_ticket_and_an_expired_one_have_their_own_error(
    domain: Domain, member: Member, connection: str
) -> None:
    """Without a password Ansible takes the ticket of the account that runs it."""
    operator, computer = member(connection, password="")
    operator.variables |= PATIENCE
    refused(operator.run(start()), "kerberos_no_ticket")
    kinit(domain, operator, "4s")
    time.sleep(6)
    refused(operator.run(start()), "kerberos_no_ticket")
    assert rejections(computer) == 0


@pytest.mark.parametrize("connection", PLUGINS)
@provokes("kerberos_no_ticket")
def test_a_ticket_that_expires_in_a_long_poll(domain: Domain, member: Member, connection: str) -> None:
    """The error is that of the ticket, and says that the request goes on: its window is on the customer's screen.

    MIT Kerberos gets no service with a ticket of under two minutes. So a long one is replaced by one that expires soon.
    """
    operator, computer = member(connection, password="", script=[Ignore()])
    kinit(domain, operator, "1h")
    job = operator.begin([play(start(), asking(timeout=25))])
    computer.events.wait_for("request_shown", timeout=90)
    kinit(domain, operator, "4s")
    time.sleep(6)
    Faults(drop=Drop.UNPROCESSED, operation="Receive").write(computer.listener_faults)
    result = job.fail().result("request")
    assert (result["error_code"], result["outcome"]) == ("kerberos_no_ticket", "unknown")
    assert "goes on there" in result["msg"]
    assert MAY_HAVE not in result["msg"]
    assert rejections(computer) == 0


SHORTEST = timedelta(seconds=200)
"""MIT Kerberos gets no service ticket in the last two minutes of a ticket; a busy machine needs some time before."""


@pytest.mark.parametrize("connection", PLUGINS)
def test_a_ticket_comes_to_its_own_end_in_a_long_poll(
    domain: Domain, member: Member, connection: str, request: pytest.FixtureRequest
) -> None:
    """The task waits for a new ticket, names the code, and the customer's yes comes.

    An open connection of winrm outlives the ticket, until it is cut. That of psrp ends with the ticket.
    """
    if not request.config.getoption("nights"):
        pytest.skip("takes four minutes: `make nights` runs it")
    operator, computer = member(connection, password="")
    kinit(domain, operator, f"{SHORTEST.seconds}s")
    over = time.monotonic() + SHORTEST.seconds
    job = operator.begin([play(start(), asking(timeout=SHORTEST.seconds + 120))])
    computer.events.wait_for("request_shown", timeout=90)
    time.sleep(over - time.monotonic() + 20)
    if connection.startswith("winrm"):
        polls = receives(computer)
        eventually(lambda: receives(computer) > polls, "the open connection polls on", 60)
        Faults(drop=Drop.UNPROCESSED, operation="Receive").write(computer.listener_faults)
    line = "waiting: the connection to the PC (kerberos_no_ticket)"
    eventually(lambda: line in job.output, "the wait for a ticket", 90)
    kinit(domain, operator, "1h")
    computer.customer.allow()
    assert job.succeed().result("request")["answer"] == "granted"
    assert rejections(computer) == 0


def receives(computer: SimulatedComputer) -> int:
    """Return how often the PC was asked for a program's output."""
    return sum(entry.operation == "Receive" for entry in read_log(computer.request_log))


@pytest.mark.parametrize("connection", PLUGINS)
@provokes("kerberos_not_configured")
def test_a_missing_realm_has_its_own_error(member: Member, tmp_path: Path, connection: str) -> None:
    """At once: no try can help."""
    operator, _ = member(connection)
    (tmp_path / "krb5.conf").write_text("[libdefaults]\n", encoding="utf-8")
    operator.host_variables["pc1"]["ansible_user"] = OPERATOR
    operator.variables |= {"latchkey_first_contact": 150}
    before = time.monotonic()
    refused(operator.run(start(timeout=150)), "kerberos_not_configured")
    assert time.monotonic() - before < 100


@pytest.mark.parametrize("connection", PLUGINS)
@provokes("credentials_rejected")
def test_a_wrong_password_costs_two_tries_at_the_controller(
    domain: Domain, member: Member, connection: str
) -> None:
    """Counted in the controller's own log, ten seconds apart; the account is not locked, and the right one works."""
    operator, computer = member(connection, password=random_password())
    before = len(domain.controller.logons())
    job = operator.run(start())
    tries = domain.controller.logons()[before:]
    assert job.wait() == 4, job.output
    result = job.result("start")
    assert (result["error_code"], result["outcome"]) == ("credentials_rejected", "refused")
    assert [(one.account, one.status) for one in tries] == [(OPERATOR, WRONG)] * 2
    assert tries[1].at - tries[0].at >= timedelta(seconds=9.5)
    assert rejections(computer) == 0

    operator.host_variables["pc1"]["ansible_password"] = domain.password
    operator.run(start(), end()).succeed()
    assert {one.status for one in domain.controller.logons()[before + 2 :]} == {RIGHT}


NEGOTIATING = (
    "psrp, negotiate, HTTP",
    "psrp, negotiate, HTTPS",
    "winrm, credssp, HTTP",
    "psrp, credssp, HTTP",
)


@pytest.fixture(scope="module")
def namesake(domain: Domain) -> Domain:
    """The domain, with an account that is named like the local operator of the PCs."""
    require(KERBEROS, PSRP)
    domain.controller.add_users({LOCAL_OPERATOR: random_password()})
    return domain


@pytest.mark.parametrize("connection", NEGOTIATING)
def test_a_local_account_named_like_a_domain_account(
    namesake: Domain, tmp_path: Path, canary: bytearray, connection: str
) -> None:
    """Its bare name makes the client try the local password at the domain first.

    With the PC's name before it no account of the domain is tried.
    """
    before = len(namesake.controller.logons())
    kind = CONNECTIONS[connection]
    with pc(tmp_path / "local", SIMULATED, password=canary, listeners=(kind.listener,)) as computer:
        local = computer.inventory(connection)
        operator = Operator(
            tmp_path / "operator",
            {"pc1": computer},
            host_variables={"pc1": local},
            environment=kerberos(namesake, tmp_path),
        )
        operator.run(start(), end()).succeed()
        tries = namesake.controller.logons()[before:]
        assert {one.status for one in tries if one.account == LOCAL_OPERATOR} & {WRONG, LOCKED}

        local["ansible_user"] = rf"{pc_name()}\{LOCAL_OPERATOR}"
        after = len(namesake.controller.logons())
        operator.run(start(), end()).succeed()
        assert LOCAL_OPERATOR not in {one.account for one in namesake.controller.logons()[after:]}
