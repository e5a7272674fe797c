# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules: programs run in the customer's name only with their live yes, end with it, and are told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from latchkey_agent.core import program_runner
from latchkey_agent.core.program_runner import KEPT_OUTPUTS
from latchkey_agent.domain import State
from latchkey_agent.domain.programs import LONGEST_LINES, MOST_PROGRAMS, MOST_RUNNING
from latchkey_agent.plain_text import spelled_out
from latchkey_agent.ports import ProgramOrder, ProgramOutput, SignIn
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import NO_INTERVAL, PROGRAM, Bench, cuts
from tests.unit.agent.world import ANNA, BEN, OPERATOR, SECOND_OPERATOR, START

ALLOWED = f"{NO_INTERVAL}\nallow_programs = true"
RUN = rq.SessionCommand(session="CHG-1", program=PROGRAM)
LINE = f'"{PROGRAM}"'


def allow_programs(bench: Bench) -> None:
    """Let the organisation's policy allow programs."""
    bench.settings.write_text(f"[policy]\n{ALLOWED}\n")


def agree(bench: Bench, password: bytes | bytearray, **terms: Any) -> str:
    """Let the customer lend their sign-in and agree to programs; return the grant's id."""
    allow_programs(bench)
    return bench.lend(password, **{"programs": True, **terms})


def wait(bench: Bench, command: str) -> dict[str, Any]:
    """Return the agent's view of a program."""
    view: dict[str, Any] = bench.result(rq.CommandWait(session="CHG-1", command=command))["command"]
    return view


def receipt(bench: Bench) -> dict[str, Any]:
    """Return the newest receipt."""
    request = next(reversed(bench.state.requests))
    view: dict[str, Any] = bench.result(rq.Receipt(request=request))["receipt"]
    return view


def program_notices(bench: Bench) -> list[cm.NoticeItem]:
    """Return the customer's notices about programs."""
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [notice for notice in snapshot.notices if notice.kind == "program"]


def ben_instead(bench: Bench) -> None:
    """Let another account be signed in to the customer's Windows session."""
    bench.world.signed_in = [SignIn(1, BEN, console=True, active=True, locked=False)]


# --- which programs may start -----------------------------------------------------------------------


def test_a_program_runs_in_the_session_of_the_customer_who_agreed(bench: Bench, canary: bytearray) -> None:
    """Windows gets the customer's own session and account, the full path, and the arguments as one quoted line."""
    agree(bench, canary)
    bench.world.sign_in(BEN, session_id=2)
    bench.world.sign_in(ANNA, session_id=7, locked=True)
    view = bench.command(PROGRAM, "/S", "a b", folder="C:\\Users\\anna")
    order = ProgramOrder(7, ANNA, PROGRAM, f'{LINE} /S "a b"', "C:\\Users\\anna")
    assert bench.world.begun == [order]
    assert (view["state"], view["command_line"], view["account"]) == (
        "running",
        order.command_line,
        "PC-07\\anna",
    )


def test_without_the_term_no_program_runs(bench: Bench, canary: bytearray) -> None:
    """A grant without the term is no yes to programs."""
    agree(bench, canary, programs=False)
    assert bench.code(RUN) == "programs_not_agreed"
    assert bench.world.programs == []


def test_without_a_grant_no_program_runs(bench: Bench) -> None:
    """A support session alone is no yes."""
    allow_programs(bench)
    bench.start_session()
    assert bench.code(RUN) == "no_grant"


def test_a_policy_that_became_stricter_holds_for_agreed_programs(bench: Bench, canary: bytearray) -> None:
    """The policy counts at each start, not only at the request."""
    agree(bench, canary)
    bench.settings.write_text(f"[policy]\n{NO_INTERVAL}\n")
    assert bench.code(RUN) == "policy_refuses"
    assert bench.world.programs == []


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (lambda b: b.revoke(), "grant_revoked"),
        (lambda b: b.customer(cm.GrantPause(grant=next(iter(b.state.grants)))), "grant_paused"),
        (lambda b: b.ask(rq.SessionEnd(session="CHG-1")), "no_session"),
        (lambda b: b.world.set_clock(START - timedelta(hours=1)), "clock_behind"),
        (lambda b: b.world.signed_in.clear(), "not_signed_in"),
        (ben_instead, "not_signed_in"),
    ],
    ids=["revoked", "paused", "session ended", "clock behind", "signed out", "other account"],
)
def test_a_program_needs_a_live_grant_and_a_signed_in_customer(
    bench: Bench, canary: bytearray, happens: Callable[[Bench], object], code: str
) -> None:
    """After the end of the yes, in a pause, with a wrong clock or without the customer's session none starts."""
    agree(bench, canary)
    happens(bench)
    assert bench.code(RUN) == code
    assert bench.world.programs == []


def test_a_program_starts_in_the_agreed_time_only(bench: Bench, canary: bytearray) -> None:
    """Before the window the agent says when it begins; after it the grant has expired."""
    agree(bench, canary, not_before="19:00", not_after="20:00")
    refusal = bench.error(RUN)
    assert (refusal.code, refusal.retry_after) == ("too_early", 3600.0)
    bench.world.now += timedelta(hours=1)
    assert bench.command()["state"] == "running"
    bench.world.now += timedelta(hours=1)
    assert bench.code(RUN) == "grant_expired"


def test_no_program_starts_while_the_pc_is_about_to_restart(bench: Bench, canary: bytearray) -> None:
    """It would be cut off."""
    agree(bench, canary)
    bench.restart()
    assert bench.code(RUN) == "restart_in_progress"


def test_a_grant_that_covers_programs_lives_on_after_its_last_restart(
    bench: Bench, canary: bytearray
) -> None:
    """Programs run after the last agreed restart, too. Asked for a restart once more, the agent asks the customer."""
    grant = agree(bench, canary, restarts=1)
    bench.restart()
    covered = bench.result(rq.CredentialRequest(session="CHG-1", restarts=1, programs=True))
    assert covered["grant"]["id"] == grant
    bench.reboot()
    bench.sign_in_with_permit()
    assert bench.command()["state"] == "running"
    asked = bench.result(rq.CredentialRequest(session="CHG-1", restarts=1, programs=True))
    assert asked["request"]["state"] == "pending"
    assert bench.state.grants[grant].ended is None


def test_only_an_operator_of_the_session_starts_and_reads_a_program(bench: Bench, canary: bytearray) -> None:
    """Another operator of the same PC starts none, and reads no output."""
    agree(bench, canary)
    assert bench.code(RUN, SECOND_OPERATOR) == "not_owner"
    command = bench.command()["id"]
    assert bench.code(rq.CommandWait(session="CHG-1", command=command), SECOND_OPERATOR) == "not_owner"


@pytest.mark.parametrize(
    "program",
    [
        "setup.exe",
        "\\setup.exe",
        "C:setup.exe",
        "C:/Tools/setup.exe",
        '"C:\\a.exe"',
        "C:\\a.exe:b",
        "\\\\?\\C:\\a.exe",
    ],
)
def test_a_program_has_a_full_path(bench: Bench, canary: bytearray, program: str) -> None:
    """Windows would look for another one in folders of the agent's, or read the name in its own way."""
    agree(bench, canary)
    assert run_raw(bench, program=program) == "bad_message"
    assert bench.world.programs == []


@pytest.mark.parametrize("program", ["C:\\a.bat", "C:\\a.CMD", "C:\\a.bat. ", "\\\\server\\share\\a.cmd"])
def test_a_batch_file_is_no_program(bench: Bench, canary: bytearray, program: str) -> None:
    """Windows would run cmd.exe, which reads the arguments as commands. No shell runs unless it is asked for."""
    agree(bench, canary)
    assert run_raw(bench, program=program) == "bad_message"
    assert bench.world.programs == []


def test_a_command_line_has_windows_longest_length_at_most(bench: Bench, canary: bytearray) -> None:
    """8,000 letters of any alphabet pass; more than Windows takes are refused before anything starts."""
    agree(bench, canary)
    assert bench.command(PROGRAM, "ä" * 8000)["state"] == "running"
    longest = 32_766 - len(LINE) - 1
    assert run_raw(bench, arguments=["x" * (longest + 1)]) == "bad_message"
    assert bench.command(PROGRAM, "x" * longest)["state"] == "running"
    assert run_raw(bench, arguments=["a\0b"]) == "bad_message"


def run_raw(bench: Bench, **fields: Any) -> str:
    """Send a request that the client's types would not allow; return the error's code."""
    body = {"verb": "session_command", "session": "CHG-1", "program": PROGRAM, **fields}
    answer = msgspec.json.decode(bench.agent.control(msgspec.json.encode(body), OPERATOR), type=ans.Answer)
    assert isinstance(answer.error, ans.ErrorView)
    return answer.error.code


def test_check_mode_starts_nothing_and_tells_a_refusal(bench: Bench, canary: bytearray) -> None:
    """A preview says what would happen."""
    agree(bench, canary)
    check = rq.SessionCommand(session="CHG-1", program=PROGRAM, check=True)
    assert bench.ask(check).changed
    assert (bench.world.programs, bench.state.programs) == ([], {})
    bench.revoke()
    assert bench.code(check) == "grant_revoked"


# --- limits -----------------------------------------------------------------------------------------


def test_a_session_runs_a_few_programs_at_a_time(bench: Bench, canary: bytearray) -> None:
    """One more starts after one has ended."""
    agree(bench, canary)
    for number in range(MOST_RUNNING):
        bench.command(PROGRAM, str(number))
    refusal = bench.error(RUN)
    assert (refusal.code, refusal.retry_after) == ("policy_refuses", 5.0)
    bench.follow_programs()
    assert bench.command()["state"] == "running"


def test_a_session_has_a_bounded_number_of_programs(bench: Bench, canary: bytearray) -> None:
    """The state and the receipts stay small."""
    agree(bench, canary)
    for _ in range(MOST_PROGRAMS):
        bench.command()
        bench.follow_programs()
    assert "at most 200" in bench.error(RUN).message


def test_a_receipt_spells_out_characters_that_change_a_terminal(bench: Bench, canary: bytearray) -> None:
    """An argument with ESC and a mark that turns the text stands in the document with their numbers."""
    agree(bench, canary)
    bench.command(PROGRAM, "a\x1b[2K\tb\u202e")
    [program] = receipt(bench)["document"]["programs"]
    assert program["command_line"].endswith('"a\\u001b[2K\\u0009b\\u202e"')


def test_the_command_lines_of_a_session_fit_into_its_receipts(bench: Bench, canary: bytearray) -> None:
    """The longest answer with the receipts stays below the pipe's limit, whatever the lines hold."""
    agree(bench, canary)
    for _ in range(9):
        bench.command(PROGRAM, "\x01" * 10_000)
        bench.follow_programs()
    left = LONGEST_LINES - sum(len(p.command_line) for p in bench.state.programs.values())
    bench.command(PROGRAM, "\x01" * (left - len(LINE) - 1))
    assert "100000 characters" in bench.error(RUN).message
    body = bench.agent.control(msgspec.json.encode(rq.SessionEnd(session="CHG-1")), OPERATOR)
    assert msgspec.json.decode(body, type=ans.Answer).outcome == "done"


def test_an_answer_about_the_most_programs_fits_into_the_pipe(bench: Bench, canary: bytearray) -> None:
    """Paths, receipts and their texts together stay below its limit, at most programs with the longest lines."""
    agree(bench, canary)
    for _ in range(MOST_PROGRAMS):
        bench.command(PROGRAM, "\x01" * (LONGEST_LINES // MOST_PROGRAMS - len(LINE) - 1))
        bench.follow_programs()
    [grant] = bench.result(rq.Info(session="CHG-1", receipts=True))["grants"]
    assert len(grant["programs"]) == MOST_PROGRAMS
    assert len(bench.raw_answers[-1]) < frames.MAX_BODY


def test_the_operator_reads_a_program_without_its_arguments(bench: Bench, canary: bytearray) -> None:
    """Path, account, step, times and end are told, also of a path with spaces; arguments and output are left out."""
    agree(bench, canary)
    bench.world.exit_codes = [3010]
    path = "C:\\Program Files\\a tool.exe"
    started = bench.command(path, "a secret", 'say "hello"', step="one")
    bench.follow_programs()
    [grant] = bench.result(rq.Info(session="CHG-1"))["grants"]
    [program] = grant["programs"]
    assert (program["command"], program["program"], program["by"]) == (started["id"], path, "PC-07\\admin")
    assert (program["state"], program["exit_code"], program["step"]) == ("exited", 3010, "one")
    assert program["started_at"] == started["started_at"]
    assert "why" not in program
    assert program["ended_at"] >= program["started_at"]
    for part in (b"a secret", b"hello", b"err"):
        assert part not in bench.raw_answers[-1]


# --- journalled before it starts, started once -------------------------------------------------------


def test_a_start_is_journalled_before_the_program_exists(bench: Bench, canary: bytearray) -> None:
    """The journal knows what starts, and by whom, before Windows is asked."""
    agree(bench, canary)
    known: list[State] = []
    bench.world.while_preparing = lambda: known.append(bench.state)
    bench.command()
    [program] = known[0].programs.values()
    assert (program.command_line, program.by.name, program.end) == (LINE, "PC-07\\admin", None)
    assert "program_started" in bench.events()


def test_a_program_that_cannot_be_journalled_does_not_start(bench: Bench, canary: bytearray) -> None:
    """On a full disk nothing runs unseen."""
    agree(bench, canary)
    bench.world.disk = "full"
    assert bench.code(RUN) == "storage_failed"
    assert bench.world.programs == []


def test_a_call_that_is_sent_again_starts_nothing_twice(bench: Bench, canary: bytearray) -> None:
    """It returns the first call's program, also after its end and after a crash."""
    agree(bench, canary)
    call = rq.SessionCommand(session="CHG-1", program=PROGRAM, idempotency_key="k1")
    first = bench.ask(call)
    bench.world.exit_codes = [3]
    bench.follow_programs()
    again = bench.ask(call)
    bench.crash()
    third = bench.ask(call)
    views: list[Any] = [answer.result["command"] for answer in (first, again, third)]  # type: ignore[index]
    assert len({view["id"] for view in views}) == 1
    assert [view["state"] for view in views] == ["running", "exited", "exited"]
    assert again.changed
    assert third.changed
    assert len(bench.world.programs) == 1


def test_a_step_whose_program_runs_or_has_succeeded_is_joined(bench: Bench, canary: bytearray) -> None:
    """A job that is launched again does nothing twice; a failed program, another line or no step starts one."""
    agree(bench, canary)
    first = bench.command(step="one")["id"]
    assert bench.command(step="one")["id"] == first
    bench.world.exit_codes = [0]
    bench.follow_programs()
    assert bench.command(step="one")["id"] == first
    other = bench.command(PROGRAM, "/S", step="one")["id"]
    bench.world.exit_codes = [1]
    bench.follow_programs()
    retried = bench.command(PROGRAM, "/S", step="one")["id"]
    bench.follow_programs()
    assert len({first, other, retried, bench.command()["id"], bench.command()["id"]}) == 5


def test_a_power_cut_at_any_moment_starts_no_program_twice(place: Path, canary: bytearray) -> None:
    """Sent again after the cut, the call starts the program at most once, and never one that the journal lacks."""
    call = rq.SessionCommand(session="CHG-1", program=PROGRAM, idempotency_key="k1")
    for cut in cuts(place, lambda bench: agree(bench, canary), lambda bench: bench.ask(call)):
        was_journalled = bool(cut.bench.state.programs)
        assert was_journalled or not cut.bench.world.programs
        cut.bench.ask(call)
        assert len(cut.bench.world.programs) == 1 or was_journalled
        assert len(cut.bench.world.programs) <= 1
        assert len(cut.bench.state.programs) == 1


# --- ends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 255, 3010, 0xC0000005, 0xFFFFFFFF])
def test_a_program_ends_with_its_exit_code_and_output(bench: Bench, canary: bytearray, code: int) -> None:
    """Windows' unsigned exit code, the times and the output reach the operator. Any code is an end by itself."""
    agree(bench, canary)
    command = bench.command()["id"]
    bench.world.now += timedelta(seconds=5)
    bench.world.exit_codes = [code]
    bench.world.output = ProgramOutput("head", "fault", stdout_cut=True)
    bench.follow_programs()
    view = wait(bench, command)
    assert (view["state"], view["exit_code"], view.get("error")) == ("exited", code, None)
    assert (view["output_kept"], view["stdout"], view["stderr"], view["stdout_cut"]) == (
        True,
        "head",
        "fault",
        True,
    )
    assert "stderr_cut" not in view
    assert (view["started_at"], view["ended_at"]) == (
        "2026-11-23T18:00:00.000+01:00",
        "2026-11-23T18:00:05.000+01:00",
    )


def test_output_is_neither_journalled_nor_told_to_the_customer(bench: Bench, canary: bytearray) -> None:
    """No file of the agent, no receipt and no notice has a word of it."""
    agree(bench, canary)
    bench.world.output = ProgramOutput("the-stdout-words", "the-stderr-words")
    command = bench.command()["id"]
    bench.world.exit_codes = [0]
    bench.follow_programs()
    assert wait(bench, command)["stdout"] == "the-stdout-words"
    told = bench.content() + msgspec.json.encode([receipt(bench), program_notices(bench)])
    assert b"the-std" not in told


def test_the_output_of_the_last_programs_is_kept(bench: Bench, canary: bytearray) -> None:
    """An older output makes way, and the answer says that it is not kept."""
    agree(bench, canary)
    commands = []
    for _ in range(KEPT_OUTPUTS + 1):
        commands.append(bench.command()["id"])
        bench.follow_programs()
    kept = [bool(wait(bench, command).get("output_kept")) for command in commands]
    assert kept == [False, *[True] * KEPT_OUTPUTS]


def test_the_largest_output_fits_into_an_answer(bench: Bench, canary: bytearray) -> None:
    """Both streams full of characters that JSON writes with six stay below the pipe's limit."""
    agree(bench, canary)
    bench.world.output = ProgramOutput("\x01" * 65_536, "\x01" * 65_536, stdout_cut=True, stderr_cut=True)
    command = bench.command()["id"]
    bench.follow_programs()
    body = bench.agent.control(
        msgspec.json.encode(rq.CommandWait(session="CHG-1", command=command)), OPERATOR
    )
    assert len(body) < frames.MAX_BODY
    assert msgspec.json.decode(body, type=ans.Answer).outcome == "done"


def test_a_program_is_ended_when_its_time_is_over(bench: Bench, canary: bytearray) -> None:
    """The program and all that it started are ended, as often as it takes, and the output until then is kept."""
    agree(bench, canary)
    command = bench.command(limit=30)["id"]
    bench.world.survives = 1
    bench.follow_programs()
    view = wait(bench, command)
    assert (view["state"], view["why"], view["error"]["code"]) == ("stopped", "limit", "command_timed_out")
    assert "30 s" in view["error"]["message"]
    assert view["output_kept"]
    assert len(bench.world.killed) >= 2


def a_day_passes(bench: Bench) -> None:
    """Let the time of grant and session end."""
    bench.world.now = START + timedelta(hours=25)
    bench.wake()


REVOKED: dict[str, tuple[Callable[[Bench], object], str]] = {
    "revoked": (lambda b: b.revoke(), "grant_revoked"),
    "revoked by the operator": (lambda b: b.ask(rq.CredentialRevoke(session="CHG-1")), "grant_revoked"),
    "paused": (lambda b: b.customer(cm.GrantPause(grant=next(iter(b.state.grants)))), "grant_paused"),
    "session ended": (lambda b: b.ask(rq.SessionEnd(session="CHG-1")), "no_session"),
    "time over": (a_day_passes, "grant_expired"),
    "erased by an administrator": (lambda b: b.ask(rq.EraseAll()), "grant_revoked"),
}


@pytest.mark.parametrize("how", REVOKED)
def test_the_end_of_the_yes_ends_its_programs_at_once(bench: Bench, canary: bytearray, how: str) -> None:
    """Revoked, paused or over: the program is ended before the answer, and the operator reads why.

    What the program still reports after that changes nothing.
    """
    agree(bench, canary)
    command = bench.command()["id"]
    happens, code = REVOKED[how]
    happens(bench)
    assert len(bench.world.killed) == 1
    bench.follow_programs()
    view = wait(bench, command)
    assert (view["state"], view["error"]["code"]) == ("stopped", code)


def test_the_end_of_one_grant_ends_no_program_of_another(bench: Bench, canary: bytearray) -> None:
    """A program of another session of the same customer goes on."""
    agree(bench, canary)
    bench.command()
    bench.lend(canary, session="CHG-2", programs=True)
    bench.command(session="CHG-2")
    bench.ask(rq.SessionEnd(session="CHG-2"))
    assert len(bench.world.killed) == 1
    assert [p.end for p in bench.state.programs.values()] == [None, "stopped"]


def test_revoking_ends_programs_on_a_full_disk(bench: Bench, canary: bytearray) -> None:
    """Rule 7: nothing that is full or broken keeps a revoked program running, journalled or not."""
    agree(bench, canary)
    bench.command()
    bench.world.disk = "dead"
    assert not bench.revoke()
    assert len(bench.world.killed) == 1


def test_a_program_that_is_revoked_while_windows_loads_it_never_begins(
    bench: Bench, canary: bytearray
) -> None:
    """Windows may take seconds for it. The loaded program is ended before a line of it has run."""
    agree(bench, canary)
    bench.world.while_preparing = bench.revoke
    view = bench.command()
    assert (view["state"], view["error"]["code"]) == ("stopped", "grant_revoked")
    assert bench.world.begun == []
    assert len(bench.world.killed) == 1


@pytest.mark.parametrize("port", ["programs", "resume"])
def test_a_program_that_windows_does_not_start_is_told_with_the_reason(
    bench: Bench, canary: bytearray, port: str
) -> None:
    """The answer has Windows' reason, and so has the receipt. Nothing is left running."""
    agree(bench, canary)
    bench.world.broken.add(port)
    view = bench.command()
    assert (view["state"], view["error"]["code"]) == ("not_started", "command_not_started")
    assert f"the port {port} is broken" in view["error"]["message"]
    assert receipt(bench)["document"]["programs"][0]["detail"] == f"the port {port} is broken"
    assert len(bench.world.killed) == len(bench.world.programs)


def test_a_program_that_cannot_be_discarded_is_told_as_not_started(bench: Bench, canary: bytearray) -> None:
    """A fault while cleaning up hides no result."""
    agree(bench, canary)
    bench.world.broken |= {"resume", "kill"}
    assert bench.command()["state"] == "not_started"


def test_a_failed_start_is_journalled_as_soon_as_the_disk_works(bench: Bench, canary: bytearray) -> None:
    """No program counts as running for ever because a disk was full for a moment."""
    agree(bench, canary)
    bench.world.broken.add("programs")
    core = bench.agent.core

    def fails(seconds: float) -> None:
        del seconds
        bench.world.disk = "well"

    def fill() -> None:
        bench.world.disk = "full"

    core.pause = fails  # type: ignore[method-assign]
    original = core.computer.programs.prepare

    def prepare(order: ProgramOrder) -> Any:
        fill()
        return original(order)

    core.computer.programs.prepare = prepare  # type: ignore[method-assign]
    command = bench.command()["id"]
    assert bench.state.programs[command].end is None
    bench.follow_programs()
    assert bench.state.programs[command].end == "not_started"


def test_an_agent_that_stops_ends_its_programs(bench: Bench, canary: bytearray) -> None:
    """Without the agent no revocation could end them. What ends after that is not journalled any more."""
    agree(bench, canary)
    bench.command()
    bench.agent.core.close()
    assert len(bench.world.killed) == 1
    bench.follow_programs()
    bench.crash()
    assert [p.end for p in bench.state.programs.values()] == ["lost"]


def test_an_agent_that_is_stopping_starts_no_program(bench: Bench, canary: bytearray) -> None:
    """The start was journalled just before: its result counts as not known."""
    agree(bench, canary)
    bench.world.while_preparing = bench.agent.core._stopping.set
    bench.command()
    assert bench.world.begun == []


@pytest.mark.parametrize("how", ["crash", "reboot"])
def test_a_program_is_lost_with_its_agent_or_pc(bench: Bench, canary: bytearray, how: str) -> None:
    """Its end is not known, and operator, receipt and customer are told so."""
    agree(bench, canary)
    command = bench.command()["id"]
    getattr(bench, how)()
    view = wait(bench, command)
    assert (view["state"], view["error"]["code"]) == ("lost", "command_lost")
    bench.world.sign_in(ANNA)
    assert [n.detail for n in program_notices(bench)] == ["lost"]
    assert "result not known" in receipt(bench)["text"]


def test_a_program_whose_end_windows_does_not_tell_is_lost(bench: Bench, canary: bytearray) -> None:
    """It is ended, and counts as of unknown end."""
    agree(bench, canary)
    command = bench.command()["id"]
    bench.world.broken.add("program_wait")
    bench.follow_programs()
    assert wait(bench, command)["state"] == "lost"
    assert len(bench.world.killed) == 1


def test_a_program_that_could_not_be_ended_is_ended_again(
    bench: Bench, canary: bytearray, caplog: pytest.LogCaptureFixture
) -> None:
    """The revocation itself goes through, and the program is ended as soon as Windows does it."""
    agree(bench, canary)
    bench.command()
    bench.world.broken.add("kill")
    assert bench.revoke()
    assert "could not be ended" in caplog.text
    bench.world.broken.clear()
    bench.follow_programs()
    assert bench.world.killed
    assert bench.world.waits == 1


def test_a_program_that_is_not_known_is_not_waited_for(bench: Bench, canary: bytearray) -> None:
    """An id that the agent does not know, or no longer keeps, has its own answer."""
    agree(bench, canary)
    assert bench.code(rq.CommandWait(session="CHG-1", command="unknown")) == "call_forgotten"


def test_a_wait_lasts_while_the_program_runs(bench: Bench, canary: bytearray) -> None:
    """A running program is no error and has no output yet."""
    agree(bench, canary)
    view = wait(bench, bench.command()["id"])
    assert (view["state"], view.get("output_kept")) == ("running", None)


def test_programs_are_followed_beside_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's own way to follow a program is a thread: no call waits for its end."""
    done = threading.Event()
    program_runner._in_thread(done.set)
    assert done.wait(5)


# --- told ------------------------------------------------------------------------------------------


def test_receipt_and_notice_tell_each_program(bench: Bench, canary: bytearray) -> None:
    """Both have the command line, the exit code and the times; the receipt also the account of the operator."""
    agree(bench, canary)
    bench.command(PROGRAM, "/S", step="one")
    assert "running" in receipt(bench)["text"]
    bench.world.now += timedelta(minutes=1)
    bench.world.exit_codes = [3010]
    bench.follow_programs()
    [told] = receipt(bench)["document"]["programs"]
    assert (told["command_line"], told["exit_code"], told["end"], told["step"]) == (
        f"{LINE} /S",
        3010,
        "exited",
        "one",
    )
    assert (told["started_at"], told["ended_at"]) == (
        "2026-11-23T18:00:00+01:00",
        "2026-11-23T18:01:00+01:00",
    )
    assert told["by"]["account"] == "PC-07\\admin"
    text = receipt(bench)["text"]
    assert "exit code 3010" in text
    assert "programs in the customer's name" in text
    [notice] = program_notices(bench)
    assert (notice.program, notice.exit_code, notice.detail) == (f"{LINE} /S", 3010, "exited")
    assert (notice.since, notice.at) == ("2026-11-23T18:00:00+01:00", "2026-11-23T18:01:00+01:00")
    assert notice.while_away


def test_a_notice_shows_the_beginning_of_a_long_line(bench: Bench, canary: bytearray) -> None:
    """A line of any characters is shown as one line of a bounded length; the receipt's document has all of it."""
    agree(bench, canary)
    nasty = "a\r\nb\u202e" + "x" * 8000
    bench.command(PROGRAM, nasty)
    bench.follow_programs()
    [notice] = program_notices(bench)
    assert len(notice.program) <= 301
    assert notice.program.endswith("\u2026")
    assert "a\ufffd\ufffdb\ufffdx" in notice.program
    document = receipt(bench)["document"]
    assert spelled_out(nasty) in document["programs"][0]["command_line"]
    assert "\u202e" not in receipt(bench)["text"]


def test_the_receipt_tells_an_ended_program(bench: Bench, canary: bytearray) -> None:
    """A program that the customer's revocation ended stands there with that reason."""
    agree(bench, canary)
    bench.command()
    bench.revoke()
    assert "ended by the agent (grant_ended)" in receipt(bench)["text"]


def test_receipts_keep_the_programs_of_sessions_that_were_put_aside(bench: Bench, canary: bytearray) -> None:
    """They stay as long as the receipt."""
    agree(bench, canary)
    bench.command()
    request = next(reversed(bench.state.requests))
    bench.ask(rq.SessionEnd(session="CHG-1"))
    for number in range(50):
        bench.ask(rq.SessionStart(session=f"S-{number}", reason="x"))
        bench.ask(rq.SessionEnd(session=f"S-{number}"))
    assert bench.state.programs == {}
    document = bench.result(rq.Receipt(request=request))["receipt"]["document"]
    assert document["programs"][0]["command_line"] == LINE
    assert "no programs" not in codec.encode(bench.ask(rq.Receipt(request=request))).decode()


def test_a_grant_without_programs_says_so(bench: Bench, canary: bytearray) -> None:
    """The receipt tells the absence of the term, too."""
    bench.lend(canary)
    assert "no programs in the customer's name" in receipt(bench)["text"]
