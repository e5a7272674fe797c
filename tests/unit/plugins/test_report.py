# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's facts: the same as the agent's, over several runs, whole on the disk."""

from __future__ import annotations

import copy
import csv
import dataclasses
import errno
import html
import io
import json
import os
import re
import resource
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _armored_signature
from ansible_collections.latchkey.consent.plugins.plugin_utils import _report_files as files
from ansible_collections.latchkey.consent.plugins.plugin_utils import _report_model as model
from ansible_collections.latchkey.consent.plugins.plugin_utils._answers import ProgramView
from ansible_collections.latchkey.consent.plugins.plugin_utils._known_pcs import line_for
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_csv import harmless
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_result import OUTCOMES

from latchkey_agent.domain import LogonRefusal
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import PROGRAM, Bench
from tests.unit.agent.world import ANNA
from tests.unit.plugins.report_night import (
    OFF,
    POLICY,
    SECRET,
    SESSION,
    declined,
    entry,
    info,
    later,
    omitted,
    report,
    row,
    step,
    stored,
    worked,
)
from tests.unit.plugins.ssh_keys import DeviceKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def pc(tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """Makes PCs with the real agent."""
    made: list[Bench] = []

    def make() -> Bench:
        folder = tmp_path / f"pc-{len(made)}"
        folder.mkdir()
        made.append(Bench(folder, policy=POLICY))
        return made[-1]

    yield make
    for bench in made:
        bench.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the report's path in a folder of its own."""
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports/night"


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of the CSV file."""
    text = path.with_name(path.name + ".csv").read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


# --- the facts are the agent's --------------------------------------------------------------------


def test_the_report_has_what_the_agent_journalled(
    pc: Callable[[], Bench], path: Path, canary: bytearray
) -> None:
    """Each use, answer, step, receipt and erasure of the agent's state is in the report, with its time."""
    bench = worked(pc(), canary)
    result = report(path, entry("pc1", info(bench)))
    assert result["results"] == {"pc1": "done"}
    found, state = row(path, "pc1"), bench.state
    [request], [grant] = state.requests.values(), state.grants.values()
    permits = list(state.permits.values())
    assert [(use["permit"], use["action"], use["foreign"]) for use in found["uses"]] == [
        (one.id, one.action, one.foreign) for one in permits
    ]
    assert [one.foreign for one in permits] == [False, True, False]
    for use, permit in zip(found["uses"], permits, strict=True):
        assert permit.issued_at is not None
        assert permit.logged_on_at is not None
        assert permit.closed_at is not None
        assert use["issued_at"] == permit.issued_at.isoformat(timespec="seconds")
        assert use["signed_in_at"] == permit.logged_on_at.isoformat(timespec="seconds")
        assert use["closed_at"] == permit.closed_at.isoformat(timespec="seconds")
    assert found["open_seconds"] == 900.0
    assert [one["id"] for one in found["requests"]] == [request.id]
    assert [(one["id"], one["ended"]) for one in found["grants"]] == [(grant.id, "session_ended")]
    assert [(one["name"], one["state"]) for one in found["steps"]] == [
        ("Windows updates", "done"), ("Accounting", "done"),
    ]  # fmt: skip
    assert [one["confirmed"] for one in found["erasure"]] == [True]
    assert result["summary"] == {
        "pcs": 1, "outcomes": {"done": 1}, "restarts": 1, "restarts_by_others": 1, "restarts_without_sign_in": 0,
        "unlocks": 1, "programs": 1, "open_seconds": 900.0, "receipts": 1, "receipts_valid": 1, "erasures": 1,
        "erasures_confirmed": 1,
    }  # fmt: skip


def test_a_program_is_told_without_its_arguments(
    pc: Callable[[], Bench], path: Path, canary: bytearray
) -> None:
    """Path, account, step, times and exit code are the agent's; the arguments stand in the receipt only."""
    bench = worked(pc(), canary)
    report(path, entry("pc1", info(bench)))
    [program], found = bench.state.programs.values(), row(path, "pc1")
    assert program.command_line == f'"{PROGRAM}" "{SECRET}"'
    assert program.ended_at is not None
    assert found["programs"] == [
        {
            "command": program.id, "program": PROGRAM, "state": "exited", "by": "PC-07\\admin", "step": "Accounting",
            "started_at": program.started_at.isoformat(timespec="milliseconds"),
            "ended_at": program.ended_at.isoformat(timespec="milliseconds"), "exit_code": 3010, "why": "",
        }
    ]  # fmt: skip
    assert table(path)[0]["programs"] == f"{PROGRAM} 3010"
    assert SECRET in json.dumps(found.pop("receipts"))
    assert SECRET not in json.dumps(found)
    assert SECRET not in path.with_name(path.name + ".csv").read_text("utf-8-sig")
    page = path.with_name(path.name + ".html").read_text("utf-8")
    assert SECRET in page
    assert SECRET not in re.sub("<pre.*?</pre>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize(("act", "end"), [
    (lambda bench: None, "running"),
    (lambda bench: bench.revoke(), "stopped"),
    (lambda bench: bench.crash(), "lost"),
])  # fmt: skip
def test_each_end_of_a_program_is_told(
    pc: Callable[[], Bench], path: Path, canary: bytearray, act: Callable[[Bench], object], end: str
) -> None:
    """One that runs, that the customer ended, or whose end nobody saw has no exit code, and its state in its place."""
    bench = pc()
    bench.lend(canary, restarts=1, programs=True)
    bench.command(PROGRAM)
    act(bench)
    report(path, entry("pc1", info(bench)))
    [found] = row(path, "pc1")["programs"]
    assert (found["state"], found["exit_code"]) == (end, None)
    assert table(path)[0]["programs"] == f"{PROGRAM} {end}"


def test_each_row_of_the_table_is_one_pc(pc: Callable[[], Bench], path: Path, canary: bytearray) -> None:
    """Granted, declined, off and a restart by others: the CSV file has one row each, with the reasons."""
    failure = {"step": "Windows updates", "msg": "non-zero return code"}
    skipped = [{"step": "Virus scan", "task": "scan", "code": "", "msg": "no licence", "hint": ""}]
    steps = {"done": [], "skipped": skipped, "left_over": ["Windows updates", "Inventory", "Virus scan"]}
    report(
        path,
        entry("one", info(worked(pc(), canary))),
        entry("two", info(declined(pc())), failure={"error_code": "denied", "msg": "The customer declined."}),
        entry("three", OFF),
        entry("four", info(omitted(pc(), canary)), failure=failure, summary=steps),
        lost=["five"],
    )
    rows = {one["name"]: one for one in table(path)}
    assert {name: one["result"] for name, one in rows.items()} == {
        "one": "done", "two": "declined", "three": "unreachable", "four": "failed", "five": "unread",
    }  # fmt: skip
    assert (rows["two"]["reason"], rows["two"]["failed_code"]) == ("I am still writing", "")
    assert rows["three"]["not_read"] == "pc_unreachable"
    assert rows["five"]["not_read"] == "lost"
    assert (rows["four"]["left_over"], rows["four"]["skipped"], rows["four"]["failed_step"]) == (
        "Windows updates; Inventory", "Virus scan", "Windows updates",
    )  # fmt: skip
    assert (rows["four"]["restarts"], rows["four"]["restarts_without_sign_in"]) == ("0", "1")
    assert (rows["one"]["restarts"], rows["one"]["restarts_by_others"], rows["one"]["unlocks"]) == (
        "1",
        "1",
        "1",
    )


def without_answer(bench: Bench) -> None:
    """Let a request's time pass."""
    bench.start_session()
    bench.show(bench.request(answer_within=60.0))
    later(bench, minutes=5)


def entered_wrongly(bench: Bench) -> None:
    """Let the customer enter passwords that Windows refuses."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.world.verdicts = [LogonRefusal.WRONG_PASSWORD] * 9
    for _entry in range(2):
        bench.allow(request, bytearray(b"not the password"))


def revoked(bench: Bench) -> None:
    """Let the customer agree and take it back."""
    bench.lend(bytearray(b"a password of theirs"))
    assert bench.revoke()


def asked(bench: Bench) -> None:
    """Show a request."""
    bench.start_session()
    bench.show(bench.request())


def unasked(bench: Bench) -> None:
    """Start the session only."""
    bench.start_session()


@pytest.mark.parametrize(("act", "result", "todo"), [
    (without_answer, "no_answer", ["ask_again"]),
    (entered_wrongly, "unusable", ["ask_again"]),
    (revoked, "revoked", ["accept"]),
    (asked, "waiting", ["wait"]),
    (unasked, "nothing", ["check_session"]),
    (lambda bench: declined(bench, report=True), "reported", ["call"]),
    (lambda bench: bench.lend(bytearray(b"a password of theirs")), "agreed", ["run"]),
    (lambda bench: None, "nothing", ["check_session"]),
])  # fmt: skip
def test_each_answer_has_its_result_and_its_next_step(
    pc: Callable[[], Bench], path: Path, act: Callable[[Bench], object], result: str, todo: list[str]
) -> None:
    """The agent's answers lead to the results; a no leads to accepting it, never to asking again."""
    bench = pc()
    act(bench)
    report(path, entry("pc", info(bench)))
    assert (row(path, "pc")["outcome"], row(path, "pc")["next"]) == (result, todo)
    assert result in OUTCOMES


def test_a_customer_who_is_not_there_was_not_asked(pc: Callable[[], Bench], path: Path) -> None:
    """No request was made, so the failure of the task is the reason."""
    bench = pc()
    bench.start_session()
    report(path, entry("pc", info(bench), failure={"error_code": "nobody_signed_in", "msg": "m"}))
    assert row(path, "pc")["outcome"] == "not_asked"


def test_a_missed_quorum_leaves_the_work_over(pc: Callable[[], Bench], path: Path, canary: bytearray) -> None:
    """The customer agreed, and nothing is to be repaired on this PC: the job runs again when enough have agreed."""
    bench = pc()
    bench.lend(canary)
    report(path, entry("pc", info(bench), failure={"error_code": "quorum_missed", "msg": "m"}))
    assert (row(path, "pc")["outcome"], row(path, "pc")["next"]) == ("left_over", ["run_again"])


def test_a_running_session_and_an_unconfirmed_erasure_are_next_steps(
    pc: Callable[[], Bench], path: Path, canary: bytearray
) -> None:
    """All is done, and still something is to do: the session runs, an erasure is open, Windows waits."""
    bench = pc()
    bench.start_session()
    step(bench, "Only step")
    known = info(bench)
    known["erasure"] = [
        {"grant": "g", "confirmed": False, "checked_at": "2026-11-23T22:00:00+01:00", "checks": []}
    ]
    known["pending_restart"] = {"pending": True, "reasons": ["Windows Update"]}
    report(path, entry("pc", known))
    assert (row(path, "pc")["outcome"], row(path, "pc")["next"]) == (
        "done", ["check_erasure", "pending_restart", "end_session"],
    )  # fmt: skip


def test_skipped_steps_need_another_session(pc: Callable[[], Bench], path: Path) -> None:
    """A job that is launched again leaves them alone, so the advice is not to launch it; a step left over wins."""
    bench = pc()
    bench.start_session()
    step(bench, "One")
    skipped = {"done": ["One"], "skipped": [{"step": "Two", "msg": "broken"}], "left_over": ["Two"]}
    report(path, entry("pc", info(bench), summary=skipped))
    assert (row(path, "pc")["outcome"], row(path, "pc")["next"]) == ("left_over", ["new_session"])
    report(path, entry("pc", info(bench), summary={**skipped, "left_over": ["Two", "Three"]}))
    assert row(path, "pc")["next"] == ["run_again"]


def test_the_summary_serves_where_the_pc_is_off_again(
    pc: Callable[[], Bench], path: Path, canary: bytearray
) -> None:
    """The role has seen the end, and then the PC went off: its summary has steps, restarts and erasure."""
    bench = worked(pc(), canary)
    [receipt] = info(bench)["receipts"]
    uses = [use for use in receipt["document"]["uses"] if use["action"] == "restart"]
    erased = receipt["document"]["erasure"]
    summary = {
        "account": "PC-07\\anna", "answer": "granted", "code": "1234", "asked": None, "done": ["A"], "left_over": [],
        "restarts": uses, "receipts": [receipt["request"]], "erasure": {**erased, "grants": []},
    }  # fmt: skip
    report(path, entry("pc", OFF, summary=summary))
    found = row(path, "pc")
    assert found["outcome"] == "done"
    assert [use["permit"] for use in found["uses"]] == [use["permit"] for use in uses]
    assert found["erasure"][0]["confirmed"] is True
    report(path, entry("pc", info(bench)))
    found = row(path, "pc")
    assert [one["id"] for one in found["requests"]] == [receipt["request"]]
    assert len(found["erasure"]) == 1


# --- signatures -----------------------------------------------------------------------------------


def checks(path: Path) -> list[str]:
    """Return the results of the receipts' signatures."""
    return [receipt["signature_check"] for pc in stored(path)["pcs"] for receipt in pc["receipts"]]


def test_the_signature_of_the_real_agent_is_verified(
    pc: Callable[[], Bench], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed document, a changed key and a document of another request are seen; the receipt itself is kept."""
    known = info(declined(pc()))
    report(path, entry("pc", known))
    assert checks(path) == ["valid"]
    assert stored(path)["pcs"][0]["receipts"][0]["document"] == known["receipts"][0]["document"]

    changed = copy.deepcopy(known)
    changed["receipts"][0]["document"]["answer"]["why"] = "with pleasure"
    other_key = copy.deepcopy(known)
    other_key["receipts"][0]["public_key"] = DeviceKey().line
    no_key = copy.deepcopy(known)
    no_key["receipts"][0]["public_key"] = "no key"
    other = copy.deepcopy(known)
    other["receipts"][0]["request"] = "another"
    for n, (one, check) in enumerate([
        (changed, "invalid"), (other_key, "invalid"), (no_key, "invalid"), (other, "other"),
    ]):  # fmt: skip
        report(path.with_name(f"r{n}"), entry("pc", one))
        assert checks(path.with_name(f"r{n}")) == [check]
        assert "check_receipt" in row(path.with_name(f"r{n}"), "pc")["next"]
    monkeypatch.setattr(_armored_signature, "HAS_CRYPTOGRAPHY", False)
    report(path, entry("pc", known))
    assert checks(path) == ["unchecked"]


def test_known_pcs_tells_whose_key_signed(pc: Callable[[], Bench], path: Path, tmp_path: Path) -> None:
    """With `known_pcs` a receipt counts as valid only by the key of its own PC; the page says why not."""
    known = info(declined(pc()))
    blob = _armored_signature.key_of_line(known["receipts"][0]["public_key"])
    file = tmp_path / "known_pcs"
    for name, line, check, valid, text in (
        ("own", line_for("pc", blob), "known", 1, "signature valid, by the PC's key in known_pcs"),
        ("none", line_for("pc2", blob), "not_enrolled", 0, "but known_pcs has no key of this PC"),
        ("other", line_for("pc", DeviceKey().blob), "foreign", 0, "SIGNED BY A KEY THAT KNOWN_PCS DOES NOT"),
        ("over", f'pc valid-before="20200101" {_armored_signature.line_of(blob)}', "foreign", 0, "NOT ALLOW"),
    ):
        file.write_text(line + "\n")
        place = path.with_name(name)
        result = report(place, entry("pc", known), known_pcs=str(file))
        assert checks(place) == [check]
        assert result["summary"]["receipts_valid"] == valid
        assert ("check_receipt" in row(place, "pc")["next"]) is (check == "foreign")
        page = html.unescape(place.with_name(f"{name}.html").read_text(encoding="utf-8"))
        assert text in page
        assert _armored_signature.fingerprint(blob) in page
    file.write_text("a damaged line\n")
    assert report(path, entry("pc", known), known_pcs=str(file))["error_code"] == "known_pcs_unusable"
    assert not path.with_name("night.json").exists()


# --- habits ---------------------------------------------------------------------------------------


def test_nothing_of_the_customers_habits_is_in_the_report(
    pc: Callable[[], Bench], path: Path, canary: bytearray
) -> None:
    """Shown, postponed, waiting for somebody and a sign-in by hand are left out; only the receipt has its own times."""
    bench = pc()
    bench.lend(canary, restarts=2)
    bench.restart(step="one")
    bench.reboot()
    later(bench, minutes=3, seconds=13)
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    request = bench.request(restarts=2, unlocks=2)
    later(bench, seconds=11)
    bench.show(request)
    later(bench, minutes=1)
    bench.customer(cm.RequestLater(request=request, seconds=2837.0))
    known = info(bench)
    [use] = known["grants"][0]["uses"]
    asked = known["requests"][-1]
    assert use["why"] == "signed_in"
    use.update(logged_on_at=known["agent"]["now"], locked_at=known["agent"]["now"], desktop_open_seconds=7.0)
    known["receipts"] = []
    report(path, entry("pc", known))
    told = "".join(path.with_name(path.name + suffix).read_text("utf-8") for suffix in files.SUFFIXES)
    for habit in (asked["shown_at"][11:19], asked["later_until"][11:19], asked["waiting_for"]):
        assert habit not in told
    assert "shown_at" not in told
    assert "entries_refused" not in told
    [kept] = row(path, "pc")["uses"]
    assert (kept["signed_in_at"], kept["closed_at"], kept["open_seconds"]) == (None, None, None)


# --- several runs ---------------------------------------------------------------------------------


def test_runs_of_a_session_merge(pc: Callable[[], Bench], path: Path, canary: bytearray) -> None:
    """A PC of the new run has its newer state, the others keep their row, and the first failure stays."""
    one, two = pc(), declined(pc())
    one.lend(canary, restarts=1)
    step(one, "Updates", "started")
    report(
        path,
        entry("one", info(one), failure={"step": "Updates", "error_code": "", "msg": "no disk"}),
        entry("two", info(two)),
        entry("three", OFF),
    )
    assert row(path, "one")["outcome"] == "failed"
    before = row(path, "two")
    step(one, "Updates")
    one.result(rq.SessionEnd(session=SESSION))
    one.effects()
    result = report(path, entry("one", info(one)), language="de")
    assert result["results"] == {"one": "done", "two": "declined", "three": "unreachable"}
    assert row(path, "two") == before
    assert [failure["msg"] for failure in row(path, "one")["failures"]] == ["no disk"]
    assert [run["pcs"] for run in stored(path)["runs"]] == [["one", "two", "three"], ["one"]]
    assert len(row(path, "one")["receipts"]) == 1


def test_a_pc_that_is_off_keeps_what_an_earlier_run_has_read(
    pc: Callable[[], Bench], path: Path, canary: bytearray
) -> None:
    """Its facts stay; the row says that the last run did not read it, and later that it once did not."""
    bench = worked(pc(), canary)
    report(path, entry("pc", info(bench)))
    before = row(path, "pc")
    report(path, entry("pc", OFF))
    found = row(path, "pc")
    assert {name for name in before if before[name] != found[name]} == {"run_at", "missed", "next"}
    assert (found["outcome"], found["missed"]["error_code"]) == ("done", "pc_unreachable")
    assert len(found["uses"]) == 3
    assert "read_again" in found["next"]
    report(path, entry("pc", info(bench)))
    assert row(path, "pc")["missed"] is None
    assert [one["error_code"] for one in row(path, "pc")["failures"]] == ["pc_unreachable"]


def test_the_last_job_s_failure_counts_until_the_next_job(pc: Callable[[], Bench], path: Path) -> None:
    """A run that only reads the PC changes nothing about it; a job that goes on without a failure does."""
    bench = pc()
    bench.start_session()
    step(bench, "Updates", "started")
    left = {"left_over": ["Updates"]}
    report(
        path,
        entry("pc", info(bench), summary={**left, "failure": {"code": "x", "msg": "no disk", "task": "t"}}),
    )
    assert row(path, "pc")["failures"][0]["error_code"] == "x"
    report(path, entry("pc", info(bench)))
    assert row(path, "pc")["outcome"] == "failed"
    report(path, entry("pc", info(bench), summary=left))
    assert row(path, "pc")["outcome"] == "left_over"
    assert len(row(path, "pc")["failures"]) == 1


def test_a_receipt_that_the_pc_has_forgotten_stays(pc: Callable[[], Bench], path: Path) -> None:
    """The agent keeps 32 ended sessions for its rules; the report keeps what an earlier run has read."""
    known = info(declined(pc()))
    report(path, entry("pc", known))
    forgotten = {**known, "sessions": [], "requests": [], "grants": [], "erasure": [], "receipts": []}
    report(path, entry("pc", forgotten))
    assert checks(path) == ["valid"]
    assert row(path, "pc")["outcome"] == "declined"


def test_the_json_file_is_read_as_it_was_written(
    pc: Callable[[], Bench], path: Path, canary: bytearray
) -> None:
    """Nothing is lost or changed by reading the file again: the facts of the PC are the same after ten runs."""
    report(path, entry("pc", info(worked(pc(), canary))))
    first = row(path, "pc")
    for _run in range(10):
        report(path, entry("other", OFF))
    assert row(path, "pc") == first
    assert len(stored(path)["runs"]) == 11


# --- files ----------------------------------------------------------------------------------------


def content(path: Path) -> dict[str, bytes]:
    """Return the content of all files in the report's folder."""
    return {one.name: one.read_bytes() for one in sorted(path.parent.iterdir())}


GOOD: dict[str, Any] = {
    "schema": "latchkey-report-1", "session": SESSION, "written_at": "2026-11-23T22:00:00+01:00", "language": "en",
    "runs": [], "pcs": [{"name": "pc", "run_at": "2026-11-23T22:00:00+01:00"}],
}  # fmt: skip


@pytest.mark.parametrize(("found", "part"), [
    (b"", "no JSON"),
    (b"\xff\xfe", "no JSON"),
    (json.dumps(GOOD).encode()[:-9], "no JSON"),
    (b"[" * 100_000, "recursion"),
    (b"[]", "form"),
    (b'{"title": "holiday"}', "form"),
    (json.dumps({**GOOD, "schema": "latchkey-report-2"}).encode(), "form"),
    (json.dumps({**GOOD, "session": "CHG-2"}).encode(), "CHG-2"),
    (json.dumps({**GOOD, "runs": 3}).encode(), "runs"),
    (json.dumps({**GOOD, "pcs": [{"name": "pc"}]}).encode(), "run_at"),
    (json.dumps({**GOOD, "pcs": [{**GOOD["pcs"][0], "uses": [{"permit": 1}]}]}).encode(), "permit"),
    (json.dumps({**GOOD, "pcs": GOOD["pcs"] * 2}).encode(), "twice"),
])  # fmt: skip
def test_a_file_that_is_no_report_of_the_session_stays(path: Path, found: bytes, part: str) -> None:
    """Damaged, cut, newer, another session's: the task fails, and each byte is as it was."""
    path.with_name("night.json").write_bytes(found)
    before = content(path)
    result = report(path, entry("pc", OFF))
    assert (result["error_code"], result["outcome"]) == ("report_foreign", "refused")
    assert part in result["msg"]
    assert content(path) == before


def test_a_good_file_is_accepted(path: Path) -> None:
    """The cases above are refused for their fault alone."""
    path.with_name("night.json").write_bytes(json.dumps(GOOD).encode())
    assert report(path, entry("pc", OFF))["failed"] is False


@pytest.mark.parametrize("suffix", [".html", ".csv"])
def test_a_page_without_its_report_is_not_overwritten(path: Path, suffix: str) -> None:
    """Somebody's own page of that name is no file of ours."""
    path.with_name("night" + suffix).write_text("mine")
    result = report(path, entry("pc", OFF))
    assert result["error_code"] == "report_foreign"
    assert f"night{suffix} is in the way" in result["msg"]
    assert path.with_name("night" + suffix).read_text() == "mine"


def test_a_thing_that_is_no_file_stays(path: Path) -> None:
    """A folder, a pipe and a link into nothing are named, and nobody waits for a pipe's other end."""
    for make in (
        lambda one: one.mkdir(),
        os.mkfifo,
        lambda one: one.symlink_to("nowhere"),
    ):
        place = path.with_name("night.json")
        make(place)
        assert report(path, entry("pc", OFF))["error_code"] == "report_foreign"
        place.rmdir() if place.is_dir() else place.unlink()


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """Let no file grow beyond a number of bytes: writing more fails as on a full disk (setrlimit(2), EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing(pc: Callable[[], Bench], path: Path) -> None:
    """The system refuses to write: the earlier files are whole, and no half file is left."""
    known = info(declined(pc()))
    report(path, entry("pc", known))
    before = content(path)
    with small_files(4096):
        result = report(path, entry("pc", known))
    assert (result["error_code"], result["outcome"]) == ("report_not_written", "refused")
    assert content(path) == before


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_fault_at_any_moment_leaves_whole_files(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Each file is the earlier or the newer one; the JSON file, which the next run reads, comes first."""
    report(path, entry("old", OFF))
    before = content(path)
    owner: Any = Path if call == "replace" else os
    real = getattr(owner, call)
    seen: list[Any] = []
    for fails_at in range(1, 12):
        seen.clear()

        def broken(*args: Any, fails_at: int = fails_at, **named: Any) -> Any:
            seen.append(args)
            if len(seen) == fails_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*args, **named)

        with monkeypatch.context() as patch:
            patch.setattr(owner, call, broken)
            result = report(path, entry("new", OFF))
        after = content(path)
        assert set(after) == set(before)
        newer = [name for name in after if after[name] != before[name]]
        assert set(newer) <= {"night.csv", "night.html", "night.json"}
        assert not newer or "night.json" in newer
        if len(seen) < fails_at:
            assert result["failed"] is False
            break
        assert result["error_code"] == "report_not_written"
        for name, text in before.items():
            path.with_name(name).write_bytes(text)
    else:
        pytest.fail("the call never succeeded")
    assert len(seen) >= 3


def test_the_umask_decides_who_reads(path: Path) -> None:
    """The files are as readable as any other file of this account."""
    before = os.umask(0o027)
    try:
        report(path, entry("pc", OFF))
    finally:
        os.umask(before)
    assert {one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {0o640}


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    """Nothing is made in a place that the operator mistyped."""
    result = report(tmp_path / "missing/night", entry("pc", OFF))
    assert result["error_code"] == "report_not_written"
    assert "missing" in result["msg"]
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("written", ["night", "night.html", "night.json", "night.csv"])
def test_the_suffix_may_be_written(path: Path, written: str) -> None:
    """A path with the suffix of one of the files means the same three files; dots of a name stay."""
    result = report(path.with_name(written), entry("pc", OFF))
    assert sorted(Path(one).name for one in result["files"].values()) == [
        "night.csv",
        "night.html",
        "night.json",
    ]
    assert sorted(content(path)) == ["night.csv", "night.html", "night.json"]
    assert files.base_of("/x/CHG-1.2").name == "CHG-1.2"


def test_check_mode_writes_nothing(path: Path) -> None:
    """It reads, and says what it would do."""
    assert report(path, entry("pc", OFF), check=True)["changed"] is True
    assert content(path) == {}


@pytest.mark.parametrize(("options", "part"), [
    ({"pcs": []}, "no PC"),
    ({"pcs": [{"name": "a"}, {"name": "a"}]}, "twice"),
    ({"pcs": [{"name": "a"}], "lost": ["a"]}, "twice"),
    ({"pcs": [{"name": "a", "info": {"agent": {}}}]}, "session"),
    ({"pcs": [{"name": "a", "info": {"agent": {}, "session": SESSION}}]}, "missing"),
    ({"pcs": [{"name": "a", "summary": {"done": 3}}]}, "done"),
    ({"language": "fr"}, "fr"),
    ({"pcs": [{"nick": "a"}]}, "nick"),
])  # fmt: skip
def test_a_wrong_option_is_named(path: Path, options: dict[str, Any], part: str) -> None:
    """The task's author reads which value is wrong; nothing is written."""
    given = {"pcs": [entry("pc", OFF)], **options}
    result = report(path, *given.pop("pcs"), **given)
    assert result["error_code"] == "bad_option"
    assert part in result["msg"]
    assert content(path) == {}


def test_the_page_names_each_field_of_the_file(
    pc: Callable[[], Bench], path: Path, canary: bytearray
) -> None:
    """docs/report.md has each class with its fields, and the fields that are computed beside them."""
    page = (Path(__file__).parents[3] / "docs/report.md").read_text(encoding="utf-8")
    tables = dict(re.findall(r"\| `(\w+)` \| meaning \|\n\| --- .*\n((?:\|.*\n)+)", page))
    told = {
        name: {field for line in body.splitlines() for field in re.findall(r"`(\w+)`", line.split("|")[1])}
        for name, body in tables.items()
    }
    kinds = (
        model.Report,
        model.Run,
        model.Row,
        model.Step,
        model.Asked,
        model.Lent,
        model.Use,
        model.Trouble,
        ProgramView,
    )
    assert told == {kind.__name__: {field.name for field in dataclasses.fields(kind)} for kind in kinds}
    report(path, entry("pc", info(worked(pc(), canary))))
    whole = stored(path)
    computed = {"summary", "outcome", "next", "open_seconds", "signature_check"}
    assert set(whole) - told["Report"] == {"summary"}
    assert set(whole["pcs"][0]) - told["Row"] == {"outcome", "next", "open_seconds"}
    assert all(f"| `{name}` of " in page for name in computed)


# --- spreadsheets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "a;=1", "a, +1", "\uff1d1"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    """An apostrophe stands before each beginning of a formula, also where another separator would split the line.

    OWASP, "CSV Injection": = + - @, tab and carriage return, and their full-width forms.
    """
    made = harmless(text)
    for part in made.replace(",", ";").split(";"):
        assert part.lstrip()[:1] not in {"=", "+", "-", "@", "\uff1d"}
    assert not {"\t", "\r", "\n"} & set(made)


def test_a_hostile_name_is_no_formula_in_the_file(pc: Callable[[], Bench], path: Path) -> None:
    """The customer's words, a step's name and an error of the PC are made harmless; the rest of the row is right."""
    bench = declined(pc(), why='=HYPERLINK("http://x")')
    known = info(bench)
    report(
        path,
        entry(
            "=cmd|' /C calc'!A0", known, summary={"left_over": ["@step", "b"]}, failure={"msg": "-2\r\n=3"}
        ),
    )
    [cells] = table(path)
    assert [name for name, cell in cells.items() if cell[:1] in set("=+-@\t\r")] == []
    assert cells["reason"] == "'" + '=HYPERLINK("http://x")'
    assert cells["left_over"] == "'@step; b"
    assert cells["result"] == "declined"


def test_the_last_request_counts_also_in_the_hour_that_occurs_twice(
    pc: Callable[[], Bench], path: Path
) -> None:
    """The newest request is the one that was last asked, not the one whose text sorts last."""
    bench = declined(pc())
    known = info(bench)
    first = known["requests"][0]
    again = {
        **first,
        "id": "again",
        "state": "expired",
        "why": "",
        "asked_at": "2026-10-25T02:10:00.000+01:00",
    }
    first["asked_at"] = "2026-10-25T02:30:00.000+02:00"
    report(path, entry("pc", {**known, "requests": [again, first], "receipts": []}))
    assert row(path, "pc")["outcome"] == "no_answer"
