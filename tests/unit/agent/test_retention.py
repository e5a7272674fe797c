# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long data stay on the PC, and who reads them: the facts of docs/auditor.md that are limits."""

from __future__ import annotations

from datetime import timedelta

from latchkey_agent.domain.evolve import AT_ONCE, KEPT_SESSIONS
from latchkey_agent.domain.policy import Policy
from latchkey_agent.ports import ProgramOutput
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import NO_INTERVAL, Bench
from tests.unit.agent.world import SECOND_OPERATOR

YEAR = timedelta(days=Policy().receipt_days)


def crowd(bench: Bench) -> None:
    """Start and end so many sessions that the agent puts the older ones aside."""
    for number in range(KEPT_SESSIONS + 2 * AT_ONCE):
        bench.result(rq.SessionStart(session=f"crowd-{number}", reason="Another"))
        bench.ask(rq.SessionEnd(session=f"crowd-{number}"))


def journalled(bench: Bench, request: str) -> int:
    """Return the number of the journal's events that name a request."""
    query = "SELECT count(*) FROM events WHERE instr(CAST(body AS TEXT), ?)"
    return int(bench.database.execute(query, (request,)).fetchone()[0])


def test_the_journal_keeps_the_events_of_a_receipt_that_is_over(bench: Bench, canary: bytearray) -> None:
    """`receipt_days` ends the answers about a request, and deletes nothing: the chain needs each event."""
    bench.lend(canary)
    request = next(iter(bench.state.requests))
    bench.ask(rq.SessionEnd(session="CHG-1"))
    before = journalled(bench, request)
    crowd(bench)
    bench.world.now += YEAR
    assert bench.code(rq.Receipt(request=request)) == "no_request"
    bench.crash()
    assert bench.customer(cm.OwnReceipts()).receipts == []
    assert journalled(bench, request) == before > 3


def test_receipt_days_count_for_sessions_that_were_put_aside(bench: Bench, canary: bytearray) -> None:
    """The receipts of the latest sessions stay, however old they are."""
    bench.lend(canary)
    request = next(iter(bench.state.requests))
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.world.now += 4 * YEAR
    assert bench.result(rq.Receipt(request=request))["receipt"]["request"] == request
    crowd(bench)
    bench.world.now += YEAR
    assert bench.code(rq.Receipt(request=request)) == "no_request"


def test_each_operator_of_a_pc_reads_the_sessions_of_the_others(bench: Bench, canary: bytearray) -> None:
    """Only the session's own accounts use its grants; every operator account of the PC reads its receipts."""
    bench.lend(canary)
    request = next(iter(bench.state.requests))
    answer = bench.ask(rq.Info(receipts=True), SECOND_OPERATOR)
    assert isinstance(answer.result, dict)
    assert [receipt["request"] for receipt in answer.result["receipts"]] == [request]
    assert bench.ask(rq.Receipt(request=request), SECOND_OPERATOR).outcome == "done"


def test_the_operator_reads_the_number_of_wrong_entries(bench: Bench, canary: bytearray) -> None:
    """The answer about a request counts them; the receipt does not."""
    request = bench.shown_request(canary)
    bench.allow(request, b"w\0r\0o\0n\0g\0")
    info = bench.result(rq.Info(receipts=True))
    assert info["requests"][0]["entries_refused"] == 1
    assert "entries" not in str(info["receipts"][0]["document"])


def test_a_receipt_has_no_output_of_a_program(bench: Bench, canary: bytearray) -> None:
    """The operator of the session reads what a program printed; the receipt has its end alone."""
    bench.settings.write_text(f"[policy]\n{NO_INTERVAL}\nallow_programs = true\n")
    bench.lend(canary, programs=True)
    bench.world.exit_codes, bench.world.output = [0], ProgramOutput("a printed line", "a printed fault")
    command = bench.command()["id"]
    bench.follow_programs()
    waited = bench.result(rq.CommandWait(session="CHG-1", command=command, wait=0.0))
    assert waited["command"]["stdout"] == "a printed line"
    document = bench.result(rq.Receipt(request=next(iter(bench.state.requests))))["receipt"]["document"]
    assert document["programs"][0]["end"] == "exited"
    assert "printed" not in str(document)
