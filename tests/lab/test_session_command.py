# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs in the customer's name, through the real ansible-playbook: whatever a program does, the task ends."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Grant
from lab.simulated.pc_settings import POLICY
from tests.lab import kinds
from tests.lab.job import apply, end, request, start, task
from tests.lab.provoked import provokes
from tests.lab.scenes import Fails, Played, Scene, each, played, when

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.job import Task
    from tests.lab.scenes import Act

pytestmark = pytest.mark.timeout(240)

TOOL = "C:\\Lab\\a tool.exe"
NONE = "C:\\windows\\system32\\none.exe"
HOSTNAME = "C:\\windows\\system32\\hostname.exe"
ALLOWED = f"{POLICY}\nallow_programs = true"
PC: dict[str, Any] = {
    "script": [Grant()],
    "policy": ALLOWED,
    "programs": {TOOL: "tests.lab.session_program"},
}
# A program that prints and then hangs needs this long, in seconds, to have printed on a busy machine.
TIME_TO_PRINT = 15
NASTY = [
    "",
    "a b",
    'say "hello"',
    "ends with a backslash\\",
    'a\\"b\\\\" c\\\\',
    "%PATH% %1 $env:PATH `n",
    "| & < > ^ ! ; ( ) *?",
    "Grüße, Łódź, 日本, \U0001f600",
    "tab\tnew\nline",
    "'single'",
    "x" * 2000 + "ä" * 6000,
]
CODES = (0, 1, 255, 3010, 4294967295, 0xC0000005, 0xC000013A)


def run(name: str, *arguments: str, **options: Any) -> Task:
    """Return the task that runs the tool in the customer's session."""
    given = {"program": TOOL, "arguments": list(arguments), "timeout": 60, **options}
    return task("session_command", name, **given)


def passing(step: Task) -> Task:
    """Return a task that succeeds with any exit code, as a playbook says it."""
    return {**step, "register": "ran", "failed_when": "ran.rc is not defined or ran.rc == none"}


def lent(*steps: Task | Fails | Act, **options: Any) -> list[Any]:
    """Return the steps of a scene between the customer's yes and the end of the session."""
    return [start(), request(programs=True, **options), *steps, end()]


def revoke_once_it_runs(computer: SimulatedComputer) -> None:
    """Let the customer take everything back while the program runs."""
    computer.events.wait_for("program_begun", 1, 60)
    computer.customer.revoke()


def crash_once_it_runs(computer: SimulatedComputer) -> None:
    """Kill the agent's process while the program runs; the service manager starts it again."""
    computer.events.wait_for("program_begun", 1, 60)
    computer.crash_agent()


def sign_out(computer: SimulatedComputer) -> None:
    """Sign the customer out."""
    [session] = computer.windows.sessions.all()
    computer.on_loop(lambda: computer.windows.sessions.sign_out(session.id))


SCENES = {
    "arguments": Scene("Arguments arrive letter by letter.", lent(run("say", "say", *NASTY)), PC),
    "codes": Scene(
        "Each exit code is returned as Windows has it; failed_when decides.",
        lent(
            *(passing(run(f"code {code}", "end", str(code))) for code in CODES),
            Fails(run("fails", "end", "7"), "command_failed"),
        ),
        PC,
    ),
    "hangs": Scene(
        "A program that hangs is ended at its limit.",
        lent(Fails(run("hang", "hang", limit=TIME_TO_PRINT), "command_timed_out")),
        PC,
    ),
    "floods": Scene("A flood of output ends, and is cut.", lent(run("flood", "flood")), PC),
    "reads": Scene("Standard input is empty.", lent(run("read", "read")), PC),
    "prints": Scene("Both streams come back.", lent(run("both", "both")), PC),
    "locked": Scene(
        "It runs in the session that a restart has signed in and locked, also after the last agreed restart.",
        lent(apply(), run("locked", "both"), restarts=1),
        PC,
    ),
    "not agreed": Scene(
        "Without the term nothing runs.",
        [start(), request(), Fails(run("no", "both"), "programs_not_agreed"), end()],
        PC,
    ),
    "not allowed": Scene(
        "By default the policy does not allow to ask for it.",
        [start(), Fails(request(programs=True), "policy_refuses"), end()],
        {"script": [Grant()]},
    ),
    "signed out": Scene(
        "Without the customer's session nothing runs.",
        lent(sign_out, Fails(run("no", "both"), "not_signed_in")),
        PC,
    ),
    "not there": Scene(
        "A program that is not there has Windows' reason.",
        lent(
            Fails(run("missing", program="C:\\Lab\\none.exe"), "command_not_started"),
            Fails(run("nowhere", "both", folder="C:\\none"), "command_not_started"),
        ),
        PC,
    ),
    "wrong": Scene(
        "A bare name and a batch file are refused.",
        lent(
            Fails(run("bare", program="tool.exe"), "bad_message"),
            Fails(run("batch", program="C:\\Lab\\a.bat"), "bad_message"),
        ),
        PC,
    ),
    "step": Scene(
        "A step that has succeeded is not run again.",
        lent(run("first", "both", step="one"), run("again", "both", step="one")),
        PC,
    ),
    "revoked": Scene(
        "The customer takes the yes back while the program runs.",
        [start(), request(programs=True), Fails(run("revoked", "hang"), "grant_revoked"), end()],
        PC,
    ),
    "revoked, second": Scene("They do so.", [when("typed"), revoke_once_it_runs], on="revoked"),
    "crashed": Scene(
        "The agent crashes while the program runs.",
        lent(Fails(run("crashed", "hang"), "command_lost")),
        PC,
    ),
    "crashed, second": Scene("It does so.", [crash_once_it_runs], on="crashed"),
}


def skip_on_wine() -> None:
    """Leave a test out on Wine PCs, which run programs of their own Windows; tests/wine/guest has their tests."""
    if kinds.chosen() == kinds.WINE:
        pytest.skip("the lab's programs are none of Wine's Windows")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """All scenes in one job."""
    skip_on_wine()
    with played(tmp_path_factory.mktemp("programs"), SCENES) as found:
        yield found


@pytest.mark.parametrize("name", each(SCENES))
def test_each_program_ends_as_its_scene_says(programs: Played, name: str) -> None:
    """No program makes a task wait for ever, and each end has its code."""
    # A result that failed_when calls a success keeps the module's error code.
    ends = [(status, code if status != "ok" else None) for status, code in programs.ends(name)]
    assert ends == SCENES[name].ends, programs.job.output


def result(programs: Played, scene: str, name: str) -> dict[str, Any]:
    """Return a task's result."""
    return programs.job.result(name, scene)


def test_arguments_arrive_letter_by_letter(programs: Played) -> None:
    """Quotation marks, spaces, umlauts, percent signs, line breaks and 8,000 letters reach the program as they are."""
    assert json.loads(result(programs, "arguments", "say")["stdout"]) == NASTY


@pytest.mark.parametrize("code", CODES)
def test_the_exit_code_is_windows_own(programs: Played, code: int) -> None:
    """Unsigned, up to 4294967295; 0 alone is a success without failed_when."""
    ran = result(programs, "codes", f"code {code}")
    assert (ran["rc"], ran["status"]) == (code, "ok")


def test_a_failed_program_returns_code_and_output(programs: Played) -> None:
    """The task fails, and has the whole result."""
    ran = result(programs, "codes", "fails")
    assert (ran["rc"], ran["outcome"], ran["changed"]) == (7, "unknown", True)
    assert ran["started_at"] <= ran["ended_at"]


def test_a_program_that_hangs_is_ended_with_its_output(programs: Played) -> None:
    """What it had printed until then is returned."""
    ran = result(programs, "hangs", "hang")
    assert (ran.get("rc"), ran["stdout"]) == (None, "before")


def test_a_flood_is_cut_at_64_kib(programs: Played) -> None:
    """The program is read to its end, and the beginning of each stream is kept."""
    ran = result(programs, "floods", "flood")
    assert (ran["stdout"], ran["stderr"]) == ("x" * 65_536, "y" * 65_536)
    assert (ran["stdout_cut"], ran["stderr_cut"]) == (True, True)


def test_standard_input_is_empty(programs: Played) -> None:
    """A program that asks gets the end of the file at once."""
    assert result(programs, "reads", "read")["stdout"] == "''"


def test_both_streams_come_back(programs: Played) -> None:
    """Letters beyond ASCII, tabs and line ends, too."""
    ran = result(programs, "prints", "both")
    assert (ran["stdout"], ran["stderr"], ran["stdout_cut"]) == ("to stdout,\tä\nline 2", "to\tstderr", False)


def test_the_reason_of_windows_is_told(programs: Played) -> None:
    """A missing program and a missing folder have their own."""
    assert "cannot find the file" in result(programs, "not there", "missing")["msg"]
    assert "directory name is invalid" in result(programs, "not there", "nowhere")["msg"]


def test_a_step_is_run_once(programs: Played) -> None:
    """The second task returns the first program, and changes nothing."""
    first, again = (result(programs, "step", name) for name in ("first", "again"))
    assert (again["changed"], again["command"], again["rc"]) == (False, first["command"], 0)


def test_the_customer_and_the_auditor_read_each_program(programs: Played) -> None:
    """The receipt has the command line, the exit code and the times, and no output."""
    [receipt] = result(programs, "prints", "end")["receipts"]
    [program] = receipt["document"]["programs"]
    assert program["command_line"] == f'"{TOOL}" both'
    assert (program["exit_code"], program["end"]) == (0, "exited")
    assert "to stdout" not in json.dumps(receipt)


def test_a_program_ends_with_all_that_it_started(tmp_path: Path, lab_pc: Any) -> None:
    """The task waits for the whole tree; at the limit none of it is left, nor of a revoked one."""
    skip_on_wine()
    operator, computer = lab_pc(**PC)
    short, long = tmp_path / "short", tmp_path / "long"
    job = operator.run(
        start(),
        request(programs=True),
        run("short", "fork", str(short), "1"),
        {**run("long", "fork", str(long), "600", limit=TIME_TO_PRINT), "ignore_errors": True},
        end(),
    ).succeed()
    assert short.read_text(encoding="ascii").endswith(" ended")
    assert job.result("short")["rc"] == 0
    assert job.result("long")["error_code"] == "command_timed_out"
    assert_gone(int(long.read_text(encoding="ascii")))
    assert computer.events.wait_for("program_killed", 1, 5)


def assert_gone(pid: int) -> None:
    """Fail unless the process has ended."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} still runs")


@provokes("command_lost")
def test_a_power_cut_loses_the_program(lab_pc: Any) -> None:
    """The job gets over it, and the operator reads that the result is not known."""
    skip_on_wine()
    operator, computer = lab_pc(**PC)
    with operator.begin(
        [
            {
                "hosts": "all",
                "gather_facts": False,
                "tasks": [start(), request(programs=True), run("cut", "hang")],
            }
        ]
    ) as job:
        computer.events.wait_for("program_begun", 1, 60)
        computer.power_cut()
        computer.power_on()
        job.fail()
        assert job.result("cut")["error_code"] == "command_lost"


@pytest.mark.also_on_wine
def test_a_program_of_windows_runs_as_the_customer(tmp_path: Path, lab_pc: Any) -> None:
    """On a Wine PC the product's own port starts it, with the only token that Wine has.

    The operator, the report and the receipt tell it, also one that did not start.
    """
    operator, _ = lab_pc(**{**PC, "programs": {HOSTNAME: "lab.simulated.programs.hostname"}})
    ran = run("name", program=HOSTNAME)
    missing = {**run("missing", program=NONE), "ignore_errors": True}
    known = {**task("credential_info", "info"), "register": "known"}
    pcs = [{"name": "pc1", "info": "{{ known }}"}]
    told = task("report", path=str(tmp_path / "report"), pcs=pcs)
    job = operator.run(start(), request(programs=True), ran, missing, known, told, end()).succeed()
    assert (job.result("name")["rc"], job.result("name")["stderr"]) == (0, "")
    assert job.result("name")["stdout"].strip()
    assert job.result("missing")["error_code"] == "command_not_started"
    [receipt] = job.result("end")["receipts"]
    assert [program["end"] for program in receipt["document"]["programs"]] == ["exited", "not_started"]
    [grant] = job.result("info")["grants"]
    assert [(one["program"], one["state"], one["exit_code"]) for one in grant["programs"]] == [
        (HOSTNAME, "exited", 0),
        (NONE, "not_started", None),
    ]
    [row] = json.loads((tmp_path / "report.json").read_bytes())["pcs"]
    assert row["programs"] == grant["programs"]
