# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real service, with the real pipes, journal, vault and DPAPI, on the Windows CPython."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

import pytest

from agent.packaging.system_tools import WINE
from lab.simulated.pc_services import SETTINGS_FILE
from lab.wine.agent_pc import SYSTEM, AgentPC, DisconnectedError, PipeClient
from latchkey_agent.domain.model import Account
from latchkey_agent.protocol.logon_messages import LogonAnswer, Peek, Redeem, ReportResult
from tests.canary import canary, search
from tests.needs import require
from tests.waiting import eventually
from tests.wine.scene import (
    Scene,
    ask,
    asked,
    clients_of,
    declined,
    ended,
    lent,
    paused,
    put_off,
    redeemed,
    restarting,
    session_of,
    shown,
    snapshot,
    states,
    taken_back,
    unlocking,
    until,
)

__all__ = ["canary"]
# The first test waits until a disk with Wine is made; other programs can keep the processors busy.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentPC]:
    """A PC with a running service; the tests of this file use it one after the other."""
    require(WINE)
    with AgentPC(tmp_path_factory.mktemp("office") / "pc") as made:
        # The tests restart sooner than customers' PCs allow.
        settings = made.pc.program_data / SETTINGS_FILE
        settings.write_text("[policy]\nmin_restart_interval = 0\n", encoding="utf-8")
        yield made


@pytest.fixture
def anna(office: AgentPC, canary: bytearray) -> Account:
    """A customer, signed in at the console; the canary is the password."""
    with office.windows.lock:
        record = office.model.accounts.find("anna")
        if record is None:
            record = office.model.accounts.add("anna", canary)
        record.set_password(canary)
        office.model.sessions.sign_in(record.account)
    return record.account


Clients = Callable[[Account], tuple[PipeClient, PipeClient, PipeClient]]


@pytest.fixture(scope="module")
def clients(office: AgentPC) -> Clients:
    """Returns the same clients for every scene: otherwise the Wine PC would fill with client programs."""
    return cache(partial(clients_of, office))


@pytest.fixture
def scene(
    office: AgentPC,
    anna: Account,
    canary: bytearray,
    clients: Clients,
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """A session with the test's name; it ends with the test."""
    made = Scene(office, anna, canary, request.node.name[:80], *clients(anna))
    rest(made)
    yield made
    made.operator.ask(verb="session_end", session=made.session)


def rest(scene: Scene) -> None:
    """Let half a day pass: after a scene without a yes the agent refuses further questions of its operator."""
    before = ask(scene.operator, verb="info")["agent"]["now"]
    scene.office.windows.let_pass(timedelta(hours=13))
    eventually(
        lambda: ask(scene.operator, verb="info")["agent"]["now"][:13] != before[:13], "the new time", 20
    )


def lend(office: AgentPC, anna: Account, canary: bytearray, name: str) -> tuple[PipeClient, PipeClient]:
    """Start a session, request, and let the customer type the canary; return operator and customer."""
    made = Scene(office, anna, canary, name, *clients_of(office, anna))
    lent(made)
    return made.operator, made.customer


def everywhere(office: AgentPC) -> list[Path]:
    """Return every folder of the PC that programs write to."""
    return [office.pc.program_data, office.pc.path(r"C:\users"), office.pc.lab / "service.log"]


def test_a_grant_serves_one_restart_and_is_erased_at_the_end(
    office: AgentPC, anna: Account, canary: bytearray
) -> None:
    """A grant is sealed, applied to one restart, redeemed once after the boot, locked, and erased at the end."""
    operator, _ = lend(office, anna, canary, "CHG-1")
    assert not search(everywhere(office), canary)
    applied = ask(operator, verb="credential_apply", session="CHG-1", action="restart")
    before = applied["boot_id"]
    assert office.windows.restarts.get(timeout=10).grace == 60
    office.restart()

    logon = office.pipe_client("LatchkeyLogon", SYSTEM)
    waiting, _ = logon.ask_logon(Peek())
    assert (waiting.user, waiting.action) == ("anna", "restart")
    assert office.model.accounts.get(anna.sid) is not None
    redeem = Redeem(permit=waiting.permit)
    assert [secret for _, secret in (logon.ask_logon(redeem), logon.ask_logon(redeem))] == [
        canary,
        bytearray(),
    ]
    with office.windows.lock:
        office.model.sessions.sign_in(anna, attended=False)
    logon.ask_logon(ReportResult(permit=waiting.permit, status=0))

    operator = office.pipe_client("LatchkeyControl")
    use = ask(operator, verb="apply_wait", session="CHG-1", permit=waiting.permit, wait=20)
    assert use["finished"], use
    assert use["boot_id"] != before
    assert all(s.locked for s in office.model.sessions.all())
    ended = ask(operator, verb="session_end", session="CHG-1")
    assert ended["erasure"][0]["confirmed"], ended
    assert not search(everywhere(office), canary)
    assert ask(operator, verb="journal_verify")["intact"]


def test_revoked_in_the_power_cut_stays_revoked(office: AgentPC, anna: Account, canary: bytearray) -> None:
    """A grant revoked just before a power cut is still revoked after the boot."""
    operator, customer = lend(office, anna, canary, "CHG-2")
    assert customer.ask(verb="grant_revoke").body["done"]
    office.cut_power()
    operator = office.pipe_client("LatchkeyControl")
    grants = ask(operator, verb="info", session="CHG-2")["grants"]
    assert [grant["state"] for grant in grants] == ["erased"]
    said = operator.ask(verb="credential_apply", session="CHG-2", action="restart").body
    assert said["outcome"] == "refused"
    ask(operator, verb="session_end", session="CHG-2")


def test_wrong_password_is_refused_and_not_kept(office: AgentPC, anna: Account, canary: bytearray) -> None:
    """The answer has the remaining tries, and no file contains the wrong password."""
    operator = office.pipe_client("LatchkeyControl")
    customer = office.pipe_client("LatchkeyCustomer", anna.sid, session_of(office, anna))
    ask(operator, verb="session_start", session="CHG-3", reason="Updates")
    request = ask(operator, verb="credential_request", session="CHG-3", restarts=1)["request"]["id"]
    customer.ask(verb="request_shown", request=request, text_sha256="0" * 64)
    wrong = canary[::-1]
    answer = customer.ask(wrong, verb="request_allow", request=request, entered="anna").body
    assert (answer["done"], answer["tries_left"]) == (False, 1)
    ask(operator, verb="session_end", session="CHG-3")
    assert not search(everywhere(office), wrong)


def kim_of(office: AgentPC) -> Account:
    """Return another operator, whom no earlier no of the customer makes wait."""
    with office.windows.lock:
        kim = office.model.accounts.find("kim") or office.model.accounts.add("kim", bytearray(b"x\0"))
        kim.administrator = True
    return kim.account


def test_no_account_answers_for_another(office: AgentPC, anna: Account, canary: bytearray) -> None:
    """A second person at the PC can neither see nor answer the request."""
    with office.windows.lock:
        bernd = office.model.accounts.find("bernd") or office.model.accounts.add("bernd", bytearray(b"x\0"))
        office.model.sessions.sign_in(bernd.account, console=False)
    operator = office.pipe_client("LatchkeyControl", kim_of(office).sid)
    ask(operator, verb="session_start", session="CHG-4", reason="Updates")
    request = ask(operator, verb="credential_request", session="CHG-4", account="anna", restarts=1)
    other = office.pipe_client("LatchkeyCustomer", bernd.account.sid, session_of(office, bernd.account))
    number = request["request"]["id"]
    assert not other.ask(verb="watch").body["snapshot"].get("asked")
    answer = other.ask(canary, verb="request_allow", request=number, entered="anna").body
    assert not answer["done"]
    ask(operator, verb="session_end", session="CHG-4")
    with office.windows.lock:
        office.model.sessions.sign_out(session_of(office, bernd.account))


def test_a_customer_may_not_use_the_operators_pipe(office: AgentPC, anna: Account) -> None:
    """The agent checks the client's groups itself, in addition to the pipe's access list."""
    said = office.pipe_client("LatchkeyControl", anna.sid, 1).ask(verb="info").body
    assert said["error"]["code"] == "not_permitted"


def test_the_logon_pipe_answers_only_localsystem(office: AgentPC, anna: Account) -> None:
    """Administrators and customers get no permit on the logon pipe."""
    for who in ((), (anna.sid, 1)):
        assert office.pipe_client("LatchkeyLogon", *who).ask_logon(Peek()) == NOTHING


def test_latchkeyctl_prints_one_line_of_ascii(office: AgentPC) -> None:
    """latchkeyctl, started like Ansible does, answers a request with one line of ASCII."""
    program = office.pc.start("-I", "-B", "-m", "latchkey_agent.cli.ctl", "request")
    out, err = program.communicate(b'{"verb":"session_start","session":"\xc3\xbc"}', timeout=20)
    assert program.returncode == 0
    assert not err
    assert out.isascii()
    assert len(out.splitlines()) == 1


def test_the_service_stops_within_two_seconds_whoever_is_connected(office: AgentPC, anna: Account) -> None:
    """Long polls and silent clients do not delay the service's stop. The best of three tries counts."""
    assert any(seconds_to_stop(office, anna) < 2.0 for _ in range(3))


def seconds_to_stop(office: AgentPC, anna: Account) -> float:
    """Stop the service while one client polls and another is silent, and start it again."""
    operator = office.pipe_client("LatchkeyControl")
    poller = office.pipe_client("LatchkeyCustomer", anna.sid, session_of(office, anna))
    version = poller.ask(verb="watch").body["snapshot"]["version"]
    waiting = threading.Thread(target=poll, args=(poller, version))
    stop, silent = (office.pc.start("-I", "-B", "-c", program) for program in (STOP, SILENT))
    try:
        waiting.start()
        assert silent.stdout is not None
        assert silent.stdout.readline().strip() == b"connected"
        seconds, fault = stop.communicate(b"now\n", timeout=60)
    finally:
        start_again(office, operator)
    waiting.join(10)
    assert not waiting.is_alive()
    silent.communicate(timeout=10)
    assert stop.returncode == 0, fault
    return float(seconds)


def poll(poller: PipeClient, seen: int) -> None:
    """Wait for a change that does not come, until the agent disconnects."""
    with pytest.raises(DisconnectedError):
        poller.ask(verb="watch", seen=seen + 100, wait=60)


def start_again(office: AgentPC, operator: PipeClient) -> None:
    """Start the service and wait until it answers: net.exe under Wine does not."""
    office.start_service()
    last = time.monotonic() + 30
    while True:
        try:
            assert ask(operator, verb="info")["agent"]["ready"]
        except DisconnectedError:
            assert time.monotonic() < last, office.log
            time.sleep(0.05)
        else:
            return


NOTHING = (LogonAnswer(done=False), bytearray())
STOP = """
import sys, time, win32service as w
manager = w.OpenSCManager(None, None, w.SC_MANAGER_CONNECT)
service = w.OpenService(manager, "LatchkeyAgent", w.SERVICE_STOP | w.SERVICE_QUERY_STATUS)
sys.stdin.readline()
began = time.monotonic()
w.ControlService(service, w.SERVICE_CONTROL_STOP)
while w.QueryServiceStatus(service)[1] != w.SERVICE_STOPPED and time.monotonic() < began + 30:
    time.sleep(0.01)
print(time.monotonic() - began)
"""

SILENT = r"""
import sys
from latchkey_agent.windows import names
from latchkey_agent.windows.pipes import client_stream
with client_stream.connect(names.PIPE_CONTROL, limit=20) as stream:
    print("connected", flush=True)
    try:
        stream.readinto(memoryview(bytearray(1)))
    except OSError:
        pass
"""

KILL = r"""
import win32api, win32event
from latchkey_agent.windows.pipes import client_stream
TERMINATE_AND_SYNCHRONIZE = 0x100001
process = win32api.OpenProcess(TERMINATE_AND_SYNCHRONIZE, False, client_stream.service_process())
win32api.TerminateProcess(process, 1)
assert win32event.WaitForSingleObject(process, 20_000) == win32event.WAIT_OBJECT_0
"""


PHASES = [
    (asked, "started pending"),
    (shown, "started shown"),
    (put_off, "started later"),
    (declined, "started denied"),
    (lent, "started granted active"),
    (paused, "started granted paused"),
    (restarting, "started granted active issued"),
    (taken_back, "started granted erased"),
    (ended, "ended granted erased"),
]
"""The phases in which the service is killed, and the journalled states."""


def kill(scene: Scene) -> None:
    """Kill the service, start it again, and check that its state is the same."""
    known = snapshot(scene)
    killed(scene)
    assert snapshot(scene) == known


def killed(scene: Scene) -> None:
    """Kill the service and start it again."""
    scene.office.pc.run("-I", "-B", "-c", KILL)
    with pytest.raises(DisconnectedError):
        scene.operator.ask(verb="info")
    start_again(scene.office, scene.operator)
    assert ask(scene.operator, verb="journal_verify")["intact"]


@pytest.mark.parametrize(("phase", "journalled"), PHASES)
def test_a_killed_service_continues_with_the_same_state(
    scene: Scene, phase: Callable[[Scene], object], journalled: str
) -> None:
    """A killed service keeps its state, grants nothing by itself, and still erases at the end."""
    phase(scene)
    assert states(snapshot(scene)) == journalled
    kill(scene)
    assert scene.logon.ask_logon(Peek()) == NOTHING
    erasures = ask(scene.operator, verb="session_end", session=scene.session)["erasure"]
    assert [erased["confirmed"] for erased in erasures] == [True] * journalled.count("granted")
    assert not search(everywhere(scene.office), scene.password)


def test_an_unlock_does_not_outlive_the_service(scene: Scene) -> None:
    """The customer may unlock and lock while no service runs: the new one hands out no password, and counts no use."""
    permit = unlocking(scene)
    killed(scene)
    assert scene.logon.ask_logon(Redeem(permit=permit)) == NOTHING
    use = ask(scene.operator, verb="apply_wait", session=scene.session, permit=permit, wait=20)
    assert (use["finished"], use["use"]["state"], use["left"]["unlocks"]) == (True, "cancelled", 1), use
    ask(scene.operator, verb="session_end", session=scene.session)
    assert not search(everywhere(scene.office), scene.password)


def test_a_permit_is_used_once_even_if_the_service_is_killed(scene: Scene) -> None:
    """A kill before the report does not lead to a second use, and a late report still counts."""
    permit = redeemed(scene)
    kill(scene)
    assert [scene.logon.ask_logon(Redeem(permit=permit)) for _ in range(2)] == [NOTHING, NOTHING]
    with scene.office.windows.lock:
        scene.office.model.sessions.sign_in(scene.anna, attended=False)
    scene.logon.ask_logon(ReportResult(permit=permit, status=0))
    use = ask(scene.operator, verb="apply_wait", session=scene.session, permit=permit, wait=20)
    assert (use["finished"], use["use"]["state"]) == (True, "logged_on"), use
    ask(scene.operator, verb="session_end", session=scene.session)
    until(scene, lambda grant: "locked_at" in grant["uses"][0])
    assert not search(everywhere(scene.office), scene.password)


def test_mistakes_of_clients_are_not_logged_as_faults(office: AgentPC) -> None:
    """The service logs no fault of its own for mistakes of customers and operators."""
    faults = [line for line in office.log.splitlines() if " CRITICAL " in line or " ERROR " in line]
    assert not faults
