# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows' own sign-in after a restart (ARSO), through the real ansible-playbook: with a yes, without a password."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Grant, Revoke
from lab.simulated.pc_settings import POLICY
from tests.lab import kinds  # noqa: F401 - the condition of a mark names it
from tests.lab.job import apply, end, request, start, task
from tests.lab.maintenance import maintain, prepare, summary_of
from tests.lab.provoked import provokes, see
from tests.lab.scenes import Fails, Played, each, played, when
from tests.lab.unkind import Seen, UnkindScene, at, check_desktops, check_permits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC

pytestmark = pytest.mark.timeout(300)

HOUR = timedelta(hours=1)
LENT = {"script": [Grant()]}
WITHOUT = request(means="arso", restarts=1)
UNUSED = Seen(0)
"""No password is handed out, and the PC restarts once."""


def forbid(computer: SimulatedComputer) -> None:
    """Let an administrator forbid Windows' own sign-in."""

    def change() -> None:
        windows = computer.windows
        windows.facts = windows.facts._replace(restart_sign_on=False)

    computer.on_loop(change)


def sign_out(computer: SimulatedComputer) -> None:
    """Sign the customer out."""
    [session] = computer.windows.sessions.all()
    computer.on_loop(lambda: computer.windows.sessions.sign_out(session.id))


def cut_power(computer: SimulatedComputer) -> None:
    """Cut the power and switch it on again."""
    computer.power_cut()
    computer.power_on()


SCENES = {
    "well": UnkindScene(
        "Windows signs the customer in again and locks the screen.",
        [start(), WITHOUT, apply(), end()],
        LENT,
        seen=UNUSED,
    ),
    "twice": UnkindScene(
        "A grant without a password serves as many restarts as agreed.",
        [start(), request(means="arso"), apply(step="a"), apply(step="b"), apply(step="b"), end()],
        LENT,
        seen=Seen(0, boots=3),
    ),
    "forbidden": UnkindScene(
        "Nobody is asked where a setting of Windows forbids it.",
        [start(), Fails(WITHOUT, "arso_not_possible"), end()],
        {**LENT, "restart_sign_on": "forbidden"},
        seen=Seen(0, boots=1),
    ),
    "not allowed": UnkindScene(
        "Nobody is asked where the policy forbids it.",
        [start(), Fails(WITHOUT, "policy_refuses"), end()],
        {**LENT, "policy": f"{POLICY}\nallow_arso = false"},
        seen=Seen(0, boots=1),
    ),
    "forbidden meanwhile": UnkindScene(
        "A setting that changes before the restart keeps the PC up.",
        [start(), WITHOUT, forbid, Fails(apply(), "arso_not_possible"), end()],
        LENT,
        seen=Seen(0, boots=1),
    ),
    "signed out meanwhile": UnkindScene(
        "Windows signs in only people who are signed in at the restart, so the PC stays up.",
        [start(), WITHOUT, sign_out, Fails(apply(), "not_signed_in"), end()],
        LENT,
        seen=Seen(0, boots=1),
    ),
    "fails": UnkindScene(
        "A sign-in that does not come has its own code, after the PC has restarted.",
        [start(), WITHOUT, Fails(apply(timeout=30), "not_signed_on"), end()],
        {**LENT, "restart_sign_on": "fails"},
        seen=UNUSED,
    ),
    "revoked in the warning": UnkindScene(
        "Windows restarts and signs in all the same; the screen is locked.",
        [start(), request(means="arso", grace=8), Fails(apply(), "grant_revoked"), when("boot", 2), end()],
        {"script": [Grant(), Revoke(when="restart_announced")]},
        seen=UNUSED,
    ),
    "power cut": UnkindScene(
        "The power is cut while the PC comes back: Windows signs in at the next start, and the job goes on.",
        [start(), WITHOUT, at("boot", cut_power), apply(), end()],
        {**LENT, "restart_seconds": 0.5, "auto_logon_at": "up"},
        seen=Seen(0, boots=3),
    ),
    "auto": UnkindScene(
        "The means that need no password come first.",
        [start(), request(means="auto", restarts=1), apply(), end()],
        LENT,
        seen=UNUSED,
    ),
    "auto, forbidden": UnkindScene(
        "Where Windows may not sign in, the customer is asked for the password.",
        [start(), request(means="auto", restarts=1), apply(), end()],
        {**LENT, "restart_sign_on": "forbidden"},
    ),
    "auto, launched again": UnkindScene(
        "A job that is launched again finds its grant, whatever Windows allows meanwhile.",
        [start(), request(means="auto", restarts=1), forbid, request(means="auto", restarts=1), end()],
        LENT,
        seen=Seen(0, boots=1),
    ),
}


@pytest.fixture(scope="module")
def signing_on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play all scenes in one run."""
    with played(tmp_path_factory.mktemp("arso"), SCENES) as all_played:
        yield all_played


@pytest.mark.parametrize("name", each(SCENES))
def test_each_task_ends_with_the_truth(signing_on: Played, name: str) -> None:
    """Each task succeeds, or fails with its own error code."""
    assert signing_on.ends(name) == SCENES[name].ends, signing_on.job.output


@pytest.mark.parametrize("name", SCENES)
def test_no_desktop_stays_open(signing_on: Played, name: str) -> None:
    """Rule 9: a desktop that Windows itself opened ends locked."""
    check_desktops(signing_on, name)


@pytest.mark.parametrize("name", SCENES)
def test_no_password_is_handed_out(signing_on: Played, name: str) -> None:
    """Only the scene that fell back to the password hands one out, and types one."""
    check_permits(signing_on, name, SCENES[name])
    assert signing_on.computers[name].events.count("typed") == SCENES[name].seen.redeemed


def test_the_result_names_the_means_and_the_reason(signing_on: Played) -> None:
    """The operator reads what was asked for, and why."""
    told = {
        name: signing_on.job.results("request", name)[0]
        for name in ("well", "auto", "auto, forbidden", "auto, launched again")
    }
    means = {name: (result["grant"] or result["request"])["terms"]["means"] for name, result in told.items()}
    assert means == {
        "well": "arso",
        "auto": "arso",
        "auto, forbidden": "grant",
        "auto, launched again": "arso",
    }
    assert told["well"]["means_why"] == ""
    assert "no password is needed" in told["auto"]["means_why"]
    assert "a setting of Windows forbids it" in told["auto, forbidden"]["means_why"]


def test_the_receipt_says_that_no_password_was_asked_for(signing_on: Played) -> None:
    """The receipt lists no data and needs no erasure; it is closed at the end of the session."""
    [receipt] = signing_on.job.result("end", "well")["receipts"]
    document = receipt["document"]
    assert (document["terms"]["means"], document["data"], document["erasure"]) == ("arso", [], None)
    assert document["closed"]
    assert [use["signed_in_by_windows_at"] is not None for use in document["uses"]] == [True]


@pytest.mark.also_on_wine
def test_a_night_without_a_password(lab_pc: LabPC) -> None:
    """The role asks for a yes only, restarts twice, and the customer's screen is locked in the morning."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_terms={"means": "arso", "restarts": 3, "grace": 0.5})

    summary = summary_of(maintain(operator).succeed())

    assert (summary["answer"], summary["left_over"], summary["asked"]["means"]) == ("granted", [], "arso")
    assert [computer.events.count(what) for what in ("boot", "permit_redeemed", "typed")] == [3, 0, 0]
    computer.settle()
    sessions: list[Any] = computer.on_loop(computer.windows.sessions.all)
    assert [session.is_open for session in sessions] == [False]


@pytest.mark.parametrize("means", ["auto", "none"])
def test_a_night_without_anybody(lab_pc: LabPC, means: str) -> None:
    """Where nobody is signed in, the role asks nobody, restarts twice, and signs nobody in."""
    operator, computer = lab_pc(signed_in=False)
    prepare(operator, maintenance_terms={"means": means, "restarts": 3, "grace": 0.5})

    job = maintain(operator).succeed()

    summary = summary_of(job)
    assert (summary["answer"], summary["asked"], summary["left_over"]) == (None, None, [])
    counted = [computer.events.count(what) for what in ("boot", "request_shown", "permit_redeemed")]
    assert counted == [3, 0, 0]
    assert computer.on_loop(computer.windows.sessions.all) == []
    again = summary_of(maintain(operator).succeed())
    assert (again["left_over"], computer.events.count("boot")) == ([], 3)


def test_a_night_without_anybody_keeps_to_the_agreed_hours(lab_pc: LabPC) -> None:
    """Nobody is asked, and before the hours of the terms nothing restarts."""
    operator, computer = lab_pc(signed_in=False)
    now = computer.on_loop(computer.windows.clock.now)
    hours = {"not_before": f"{now + 2 * HOUR:%H:%M}", "not_after": f"{now + 6 * HOUR:%H:%M}"}
    prepare(operator, maintenance_terms={"means": "auto", "restarts": 3, "grace": 0.5, **hours})
    job = maintain(operator).fail()
    assert summary_of(job)["failure"]["code"] == "window_not_open"
    assert computer.events.count("boot") == 1
    computer.let_pass(3 * HOUR)
    summary = summary_of(maintain(operator).succeed())
    assert [restart["state"] for restart in summary["restarts"]] == ["restarted"] * 2
    assert computer.events.count("boot") == 3


def test_an_earlier_session_of_that_name_says_nothing_about_this_week(lab_pc: LabPC) -> None:
    """Last week the customer agreed; this week nobody is signed in, so nobody is asked."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_terms={"means": "auto", "restarts": 3, "grace": 0.5})
    assert summary_of(maintain(operator).succeed())["answer"] == "granted"
    sign_out(computer)
    computer.let_pass(7 * 24 * HOUR)
    summary = summary_of(maintain(operator).succeed())
    assert (summary["asked"], summary["left_over"]) == (None, [])
    assert computer.events.count("request_shown") == 1


@provokes("others_signed_in")
def test_nobody_is_signed_out_unasked(lab_pc: LabPC) -> None:
    """With means none the agent does not restart a PC at which a person is signed in."""
    operator, computer = lab_pc()
    prepare(operator, maintenance_terms={"means": "none", "restarts": 3, "grace": 0.5})
    job = maintain(operator).fail()
    [restart] = [one for one in job.results("", "pc1") if one.get("error_code")]
    assert restart["error_code"] == summary_of(job)["failure"]["code"] == "others_signed_in"
    assert computer.events.count("boot") == 1


def test_auto_asks_where_somebody_is_signed_in(lab_pc: LabPC) -> None:
    """With means auto the customer is asked, and the job that is launched in the middle uses the grant."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_terms={"means": "auto", "restarts": 3, "grace": 0.5})
    summary = summary_of(maintain(operator).succeed())
    assert (summary["answer"], summary["asked"]["means"]) == ("granted", "arso")
    assert computer.events.count("boot") == 3


def test_wrong_terms_are_found_before_the_customer_is_asked(lab_pc: LabPC) -> None:
    """An unlock needs the password, which the role says with everything else that is wrong."""
    operator, computer = lab_pc()
    prepare(operator, maintenance_terms={"means": "arso", "restarts": 3, "unlocks": 1})
    job = maintain(operator).fail()
    assert "maintenance_terms.means is arso, and unlocks and foreign_restarts need a password" in job.output
    assert computer.events.count("request_shown") == 0


@pytest.mark.skipif("kinds.chosen() == kinds.WINE", reason="the lab's programs are none of Wine's Windows")
@provokes("customer_not_alone")
def test_a_program_of_it_answers_for_nobody(lab_pc: LabPC) -> None:
    """While a program of IT runs in the customer's name, a yes without a password does not count."""
    tool = "C:\\Lab\\a tool.exe"
    operator, computer = lab_pc(
        script=[Grant()],
        policy=f"{POLICY}\nallow_programs = true",
        programs={tool: "tests.lab.session_program"},
    )
    operator.run(start(), request(means="arso", restarts=1, programs=True)).succeed()
    running = operator.begin([play_program(tool)])
    computer.events.wait_for("program_begun", 1, 60)
    other = {**request(means="arso", restarts=2, programs=True, wait=False), "name": "more"}
    operator.run(other).succeed()
    computer.events.wait_for("request_shown", 2, 60)
    refused = computer.customer.allow()
    assert "a program of IT runs in the customer's name" in refused
    see({"error_code": "customer_not_alone"})
    computer.customer.revoke()
    running.fail()


def play_program(tool: str) -> dict[str, Any]:
    """Return the play that runs a program without an end in the customer's name."""
    command = task("session_command", "hang", program=tool, arguments=["hang"], limit=120, timeout=150)
    return {"hosts": "all", "gather_facts": False, "tasks": [command]}
