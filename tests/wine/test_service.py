# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real service, with the real pipes, journal, vault and DPAPI, on the Windows CPython."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.wine import tools
from lab.wine.agent_pc import SYSTEM, AgentPC, HungUp, Speaker
from latchkey_agent.domain.model import Account
from tests.canary import canary, search

__all__ = ["canary"]
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentPC]:
    """A PC whose service runs; the tests of this file use it one after the other."""
    lacking = tools.missing()
    if lacking:
        pytest.skip(lacking)
    with AgentPC(tmp_path_factory.mktemp("office") / "pc") as made:
        yield made


@pytest.fixture
def anna(office: AgentPC, canary: bytearray) -> Account:
    """A customer who is signed in at the console, with the canary for a password."""
    with office.windows.lock:
        record = office.model.accounts.find("anna")
        if record is None:
            record = office.model.accounts.add("anna", canary)
        record.set_password(canary)
        office.model.sessions.sign_in(record.account)
    return record.account


def session_of(office: AgentPC, account: Account) -> int:
    """Return the number of the account's session."""
    found = office.model.sessions.of(account.sid)
    assert found is not None
    return found.id


def ask(speaker: Speaker, **message: object) -> dict[str, Any]:
    """Ask on the control pipe and return what was done."""
    said = speaker.ask(**message).body
    assert said["outcome"] == "done", said
    result: dict[str, Any] = said["result"]
    return result


def lend(office: AgentPC, anna: Account, canary: bytearray, name: str) -> tuple[Speaker, Speaker]:
    """Open a session, ask, and let the customer type the canary; return operator and customer."""
    operator = office.speak("LatchkeyControl")
    customer = office.speak("LatchkeyCustomer", anna.sid, session_of(office, anna))
    ask(operator, verb="session_start", session=name, reason="Monthly updates")
    asked = ask(operator, verb="credential_request", session=name, restarts=2, unlocks=1)
    request = asked["request"]["id"]
    desktop = customer.ask(verb="watch", seen=0, wait=5).body["desktop"]
    assert [item["request"] for item in desktop["asked"]] == [request]
    text = hashlib.sha256(b"what the window shows").hexdigest()
    assert customer.ask(verb="request_shown", request=request, text_sha256=text).body["done"]
    answer = customer.ask(canary, verb="request_allow", request=request, entered=anna.qualified)
    assert answer.body["done"], answer.body
    return operator, customer


def everywhere(office: AgentPC) -> list[Path]:
    """Return every folder of the PC that anybody writes to."""
    return [office.pc.program_data, office.pc.path(r"C:\users"), office.pc.lab / "service.log"]


def test_a_grant_serves_one_restart_and_is_erased_at_the_end(
    office: AgentPC, anna: Account, canary: bytearray
) -> None:
    """The whole job: asked, typed, sealed, applied, redeemed once after the boot, locked, erased."""
    operator, _ = lend(office, anna, canary, "CHG-1")
    assert not search(everywhere(office), canary)
    applied = ask(operator, verb="credential_apply", session="CHG-1", action="restart", grace=0)
    before = applied["boot_id"]
    assert office.windows.restarts.get(timeout=10).grace == 0
    office.restart()

    logon = office.speak("LatchkeyLogon", SYSTEM)
    ticket = logon.ask(verb="peek").body
    assert (ticket["user"], ticket["action"]) == ("anna", "restart")
    assert office.model.accounts.get(anna.sid) is not None
    redeemed = logon.ask(verb="redeem", ticket=ticket["ticket"])
    assert redeemed.secret == canary
    assert not logon.ask(verb="redeem", ticket=ticket["ticket"]).secret
    with office.windows.lock:
        office.model.sessions.sign_in(anna, attended=False)
    logon.ask(verb="report", ticket=ticket["ticket"], status=0)

    operator = office.speak("LatchkeyControl")
    use = ask(operator, verb="apply_wait", session="CHG-1", ticket=ticket["ticket"], wait=20)
    assert use["finished"], use
    assert use["boot_id"] != before
    assert all(s.locked for s in office.model.sessions.all())
    ended = ask(operator, verb="session_end", session="CHG-1")
    assert ended["erasure"][0]["confirmed"], ended
    assert not search(everywhere(office), canary)
    assert ask(operator, verb="journal_verify")["intact"]


def test_revoked_in_the_power_cut_stays_revoked(office: AgentPC, anna: Account, canary: bytearray) -> None:
    """The customer takes it back, the power goes at once: nothing is lent after the boot."""
    operator, customer = lend(office, anna, canary, "CHG-2")
    assert customer.ask(verb="grant_revoke").body["done"]
    office.cut_power()
    operator = office.speak("LatchkeyControl")
    grants = ask(operator, verb="info", session="CHG-2")["grants"]
    assert [grant["state"] for grant in grants] == ["erased"]
    said = operator.ask(verb="credential_apply", session="CHG-2", action="restart").body
    assert said["outcome"] == "refused"
    ask(operator, verb="session_end", session="CHG-2")


def test_wrong_password_is_refused_and_not_kept(office: AgentPC, anna: Account, canary: bytearray) -> None:
    """The answer says how many tries are left; the entry is found nowhere."""
    operator = office.speak("LatchkeyControl")
    customer = office.speak("LatchkeyCustomer", anna.sid, session_of(office, anna))
    ask(operator, verb="session_start", session="CHG-3", reason="Updates")
    request = ask(operator, verb="credential_request", session="CHG-3", restarts=1)["request"]["id"]
    customer.ask(verb="request_shown", request=request, text_sha256="0" * 64)
    wrong = canary[::-1]
    answer = customer.ask(wrong, verb="request_allow", request=request, entered="anna").body
    assert (answer["done"], answer["tries_left"]) == (False, 1)
    ask(operator, verb="session_end", session="CHG-3")
    assert not search(everywhere(office), wrong)


def test_nobody_answers_for_another_account(office: AgentPC, anna: Account, canary: bytearray) -> None:
    """A second person at the PC neither sees the request nor answers it."""
    with office.windows.lock:
        bernd = office.model.accounts.find("bernd") or office.model.accounts.add("bernd", bytearray(b"x\0"))
        office.model.sessions.sign_in(bernd.account, console=False)
    operator = office.speak("LatchkeyControl")
    ask(operator, verb="session_start", session="CHG-4", reason="Updates")
    request = ask(operator, verb="credential_request", session="CHG-4", account="anna", restarts=1)
    other = office.speak("LatchkeyCustomer", bernd.account.sid, session_of(office, bernd.account))
    number = request["request"]["id"]
    assert not other.ask(verb="watch").body["desktop"].get("asked")
    answer = other.ask(canary, verb="request_allow", request=number, entered="anna").body
    assert not answer["done"]
    ask(operator, verb="session_end", session="CHG-4")
    with office.windows.lock:
        office.model.sessions.sign_out(session_of(office, bernd.account))


def test_a_customer_may_not_use_the_operators_pipe(office: AgentPC, anna: Account) -> None:
    """The agent looks at the groups itself, should the pipe's access list ever fail."""
    said = office.speak("LatchkeyControl", anna.sid, 1).ask(verb="info").body
    assert said["error"]["code"] == "not_permitted"


def test_the_logon_pipe_tells_nothing_to_anybody_but_localsystem(office: AgentPC, anna: Account) -> None:
    """An administrator asks, and a customer: there is no ticket for them."""
    for who in ((), (anna.sid, 1)):
        assert office.speak("LatchkeyLogon", *who).ask(verb="peek").body == {"done": False}


def test_latchkeyctl_prints_one_line_of_ascii(office: AgentPC) -> None:
    """It is started as Ansible starts it: a request on standard input, an answer on standard output."""
    program = office.pc.start("-I", "-B", "-m", "latchkey_agent.ctl", "request")
    out, err = program.communicate(b'{"verb":"session_start","session":"\xc3\xbc"}', timeout=20)
    assert program.returncode == 0
    assert not err
    assert out.isascii()
    assert len(out.splitlines()) == 1


def test_the_service_stops_within_two_seconds_whoever_is_connected(office: AgentPC, anna: Account) -> None:
    """Long polls and silent clients do not hold it up; it starts again."""
    poller = office.speak("LatchkeyCustomer", anna.sid, session_of(office, anna))
    version = poller.ask(verb="watch").body["desktop"]["version"]
    ended: list[str] = []

    def poll() -> None:
        try:
            poller.ask(verb="watch", seen=version + 100, wait=60)
        except HungUp as why:
            ended.append(str(why))

    waiting = threading.Thread(target=poll)
    waiting.start()
    silent = office.pc.start("-I", "-B", "-c", SILENT)
    assert silent.stdout is not None
    assert silent.stdout.readline().strip() == b"connected"
    began = time.monotonic()
    office.stop_service()
    assert time.monotonic() - began < 2.0
    waiting.join(10)
    assert not waiting.is_alive()
    silent.communicate(timeout=10)
    office.start_service()
    assert ask(office.speak("LatchkeyControl"), verb="info")["agent"]["ready"]


SILENT = r"""
import sys
from latchkey_agent.windows import names, pipes
with pipes.connect(names.PIPE_CONTROL, limit=20) as stream:
    print("connected", flush=True)
    try:
        stream.readinto(memoryview(bytearray(1)))
    except OSError:
        pass
"""

KILL = r"""
import win32api, win32event
from latchkey_agent.windows import pipes
TERMINATE_AND_SYNCHRONIZE = 0x100001
process = win32api.OpenProcess(TERMINATE_AND_SYNCHRONIZE, False, pipes.service_process())
win32api.TerminateProcess(process, 1)
assert win32event.WaitForSingleObject(process, 20_000) == win32event.WAIT_OBJECT_0
"""


def test_a_killed_service_loses_nothing(office: AgentPC, anna: Account, canary: bytearray) -> None:
    """What was granted still stands when it is started again, and the journal is whole."""
    lend(office, anna, canary, "CHG-5")
    office.pc.run("-I", "-B", "-c", KILL)
    with pytest.raises(HungUp):
        office.speak("LatchkeyControl").ask(verb="info")
    office.start_service()
    operator = office.speak("LatchkeyControl")
    grants = ask(operator, verb="info", session="CHG-5")["grants"]
    assert [grant["state"] for grant in grants] == ["active"]
    assert ask(operator, verb="journal_verify")["intact"]
    assert ask(operator, verb="session_end", session="CHG-5")["erasure"][0]["confirmed"]
    assert not search(everywhere(office), canary)


def test_no_fault_was_logged_in_all_this(office: AgentPC) -> None:
    """What customers and operators do wrong is no fault of the service."""
    faults = [line for line in office.log.splitlines() if " CRITICAL " in line or " ERROR " in line]
    assert not faults
