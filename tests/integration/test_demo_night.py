# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's night with the real ansible-playbook: its output, its report, and checks that can fail."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lab.demo.job_file import NIGHT_JOB
from lab.demo.lanes import Lanes
from lab.demo.night import CAST, Night
from lab.demo.night_promises import NIGHT_PROMISES, NightStory
from lab.demo.operator import COLLECTIONS
from tests import demo_output

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not COLLECTIONS.is_dir(), reason="the collection's path is not set up: run make test"
)

ANNA, BEN, CARLA = CAST
CONTINUES, STEPS, LOCKED, NO, SECRET, ERASED, JOURNAL, RECEIPT, REPORT, NOTICES = range(len(NIGHT_PROMISES))
"""The places of the promises."""
FALSE_REPORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a restart by others": lambda rows: rows[CARLA]["uses"][0].update(foreign=False),
    "a sign-in": lambda rows: rows[ANNA]["uses"].pop(),
    "a lock": lambda rows: rows[ANNA]["uses"][0].update(closing="gone"),
    "the words of a no": lambda rows: rows[BEN]["requests"][0].update(why=""),
    "an answer": lambda rows: rows[ANNA]["requests"][0].update(state="denied"),
    "a step": lambda rows: rows[ANNA]["steps"][0].update(state="left_over"),
    "a PC": lambda rows: rows[BEN].update(name="PC-DORA"),
}
"""What a report tells otherwise than it was, and the change of its rows."""


def broken(night: NightStory) -> set[int]:
    """Return the places of the promises that are broken."""
    return {place for place, check in enumerate(NIGHT_PROMISES) if not check(night).kept}


def changed(night: NightStory, name: str, **facts: Any) -> NightStory:
    """Return the night with other facts about one PC whose customer agreed; `erasure` and its like are of its info."""
    story = night.agreed[name]
    own = {fact: facts.pop(fact) for fact in ("erasure", "receipts", "sessions") if fact in facts}
    info = msgspec.structs.replace(story.info, **own)
    return replace(night, agreed={**night.agreed, name: replace(story, info=info, **facts)})


@pytest.mark.timeout(600)
def test_the_night_keeps_its_promises_and_each_check_can_fail(tmp_path: Path) -> None:
    """Every promise holds after the night; each fact behind them, changed on one PC, breaks its own promise."""
    stream = io.StringIO()
    with Night(tmp_path, Lanes(stream)).played() as night:
        verdicts = [check(night) for check in NIGHT_PROMISES]
        assert all(verdict.kept for verdict in verdicts), (verdicts, stream.getvalue())
        demo_output.check(stream.getvalue(), NIGHT_JOB, most=90)
        assert night.agreed[CARLA].count("updates_begun") == 2
        assert all(path.stat().st_size for path in night.report_files())
        _break_what_is_known(night)
        _break_report(night)
        _break_what_happened(night)
    for lane in ("operator |", "customer |", "PC       |"):
        assert all(f"{lane} {name}" in stream.getvalue() for name in (ANNA, CARLA))


def _break_what_is_known(night: NightStory) -> None:
    """Other facts about one PC break the promise that they belong to."""
    anna = night.agreed[ANNA]
    [session] = anna.info.sessions
    fewer = msgspec.structs.replace(session, checkpoints=dict(list(session.checkpoints.items())[1:]))
    damaged = msgspec.structs.replace(anna.journal, intact=False)
    assert broken(replace(night, killed=0)) == {CONTINUES}
    assert CONTINUES in broken(changed(night, CARLA, exit_code=2))
    assert broken(changed(night, CARLA, console=("carla", False))) == {LOCKED}
    assert broken(changed(night, CARLA, console=("anna", True))) == {LOCKED}
    assert broken(changed(night, ANNA, erasure=[])) == {ERASED}
    assert broken(changed(night, ANNA, receipts=[])) == {RECEIPT}
    assert broken(changed(night, ANNA, journal=damaged)) == {JOURNAL}
    assert broken(changed(night, ANNA, sessions=[fewer])) == {STEPS, REPORT}


def _break_report(night: NightStory) -> None:
    """The report tells one fact otherwise, or one of its files is missing."""
    path = night.report.with_suffix(".json")
    whole = path.read_text(encoding="utf-8")
    for fact, change in FALSE_REPORTS.items():
        report = json.loads(whole)
        change({row["name"]: row for row in report["pcs"]})
        path.write_text(json.dumps(report), encoding="utf-8")
        assert broken(night) == {REPORT}, fact
    path.write_text(whole, encoding="utf-8")
    table = night.report.with_suffix(".csv").rename(path.with_name("elsewhere"))
    assert broken(night) == {REPORT}
    table.rename(night.report.with_suffix(".csv"))


def _break_what_happened(night: NightStory) -> None:
    """One customer's password lies on another's PC, and further events happen on the PCs."""
    anna, ben = night.agreed[ANNA].computer, night.declined[BEN].computer
    leak = anna.disk / "leak.txt"
    leak.write_bytes(night.declined[BEN].password)
    assert broken(night) == {SECRET}
    leak.unlink()
    assert broken(night) == set()
    anna.events.add("customer", "notice_used", "")
    assert broken(night) == {NOTICES}
    anna.events.add("pc", "updates_begun", "")
    assert broken(night) == {STEPS, NOTICES}
    ben.events.add("pc", "boot", "")
    assert broken(night) == {STEPS, NO, NOTICES}
