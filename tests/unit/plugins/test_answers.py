# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answer_reader, _answers
from ansible_collections.latchkey.consent.plugins.plugin_utils._erasure import summary, unconfirmed
from ansible_collections.latchkey.consent.plugins.plugin_utils._progress import (
    LONGEST_SILENCE,
    Progress,
    later,
    span,
)

from tests.unit.plugins.fakes import ANSWERS, FakeTime, entries_of

FOLDER = Path(__file__).parent / "transcripts"
ANSWERED = [
    (entry["ask"]["verb"], entry["answer"]["result"])
    for path in sorted(FOLDER.glob("*.jsonl"))
    for entry in entries_of(path)[1:-1]
    if "result" in entry.get("answer", {})
]


def test_what_is_read_is_what_the_protocol_means() -> None:
    """Every answer of every transcript, read here, is the same message to the agent's own types."""
    assert len(ANSWERED) > 50
    for verb, result in ANSWERED:
        read = _answer_reader.read(getattr(_answers, ANSWERS[verb].__name__), result)
        assert msgspec.convert(asdict(read), ANSWERS[verb]) == msgspec.convert(result, ANSWERS[verb])


@pytest.mark.parametrize(("value", "place"), [
    ([], "CheckpointView is no dict"),
    ({"at": "x"}, "CheckpointView.state is missing"),
    ({"state": 1, "at": "x"}, "CheckpointView.state is no str"),
    ({"state": "done", "at": "x", "restarted": 1}, "CheckpointView.restarted is no bool"),
    ({"state": "done", "at": None}, "CheckpointView.at is no str"),
    ({"state": None, "at": "x"}, "CheckpointView.state is no str"),
])  # fmt: skip
def test_what_is_something_else_is_named_by_its_place(value: Any, place: str) -> None:
    """The place is told, and the value is not."""
    with pytest.raises(_answer_reader.AnswerError, match=f"^{place}$"):
        _answer_reader.read(_answers.CheckpointView, value)


def test_a_truth_is_no_number() -> None:
    """JSON's true is not 1, though Python's is."""
    with pytest.raises(_answer_reader.AnswerError, match=r"LeftView\.restarts is no int"):
        _answer_reader.read(_answers.LeftView, {"restarts": True, "unlocks": 0})


@pytest.mark.parametrize(("value", "place"), [
    ({"ready": True, "findings": [{}]}, r"ForecastView\.findings\[0\]\.code is missing"),
    ({"ready": True, "findings": {}}, r"ForecastView\.findings is no list"),
    ({"ready": True, "findings": ["x"]}, r"ForecastView\.findings\[0\] is no dict"),
])  # fmt: skip
def test_a_place_inside_a_list_is_named(value: Any, place: str) -> None:
    """The place tells which of many items is malformed."""
    with pytest.raises(_answer_reader.AnswerError, match=f"^{place}$"):
        _answer_reader.read(_answers.ForecastView, value)


def test_an_optional_field_may_be_null_and_has_its_type_otherwise() -> None:
    """Seconds may be whole numbers; a text is refused."""
    error = {"code": "c", "message": "m", "hint": "h"}
    for value in (None, 1, 1.5):
        assert _answer_reader.read(_answers.ErrorView, {**error, "retry_after": value}).retry_after == value
    with pytest.raises(_answer_reader.AnswerError, match=r"^ErrorView\.retry_after is no float$"):
        _answer_reader.read(_answers.ErrorView, {**error, "retry_after": "1"})


def test_a_field_that_the_protocol_lacks_is_dropped() -> None:
    """No other data of the PC gets into a result."""
    read = _answer_reader.read(_answers.LeftView, {"restarts": 1, "unlocks": 0, "password": "x"})
    assert asdict(read) == {"restarts": 1, "unlocks": 0}


def test_a_default_is_each_answer_s_own() -> None:
    """What one task does to its result does not show in the next one's."""
    texts = ["id", "name", "state", "reason", "ticket", "owner", "started_at", "ends_at"]
    session = {**dict.fromkeys(texts, "x"), "requester": {}, "operators": []}
    first = _answer_reader.read(_answers.SessionView, session)
    first.checkpoints["a"] = _answers.CheckpointView(state="done", at="")
    assert _answer_reader.read(_answers.SessionView, session).checkpoints == {}


def test_a_check_passed_if_it_passed_for_every_grant() -> None:
    """The checks over all grants show the bad one's detail."""
    good = _answers.ErasureCheck(name="log", passed=True, detail="empty")
    bad = _answers.ErasureCheck(name="log", passed=False, detail="18 bytes")
    one = _answers.ErasureView(grant="1", confirmed=True, checked_at="1", checks=[good])
    other = _answers.ErasureView(grant="2", confirmed=False, checked_at="2", checks=[bad])
    assert summary([one, other])["checks"] == [asdict(bad)]
    assert (summary([one, other])["confirmed"], summary([one])["confirmed"]) == (False, True)
    assert unconfirmed([one, other]) == "log: 18 bytes"
    assert unconfirmed([one]) == ""
    assert unconfirmed([replace(other, checks=[])]) == "it has not been checked yet"


def test_a_line_is_shown_once() -> None:
    """Only what is new is shown, with the PC's name."""
    shown: list[str] = []
    progress = Progress("pc1", shown.append, FakeTime().clock())
    for line in ("a", "a", "b", "a"):
        progress.show(line)
    assert shown == ["[pc1] a", "[pc1] b", "[pc1] a"]


def test_a_wait_is_never_silent_for_long() -> None:
    """Whatever a task waits for, its line comes again within minutes, in a pause of hours too.

    Programs that run jobs end one that prints nothing: ansible-runner after its `idle_timeout`, many CI services
    after ten minutes.
    """
    time = FakeTime()
    shown: list[tuple[float, str]] = []
    progress = Progress("pc1", lambda line: shown.append((time.seconds, line)), time.clock())

    progress.show("a")
    time.pass_by(LONGEST_SILENCE - 1)
    progress.show("a")
    assert len(shown) == 1
    time.pass_by(1)
    progress.show("a")
    progress.pause(2 * 3600, "b")

    moments = [moment for moment, _line in shown]
    assert {line for _moment, line in shown} == {"[pc1] a", "[pc1] b"}
    assert max(after - before for before, after in pairwise([0.0, *moments, time.seconds])) <= 240
    assert time.seconds == LONGEST_SILENCE + 2 * 3600


def test_times_are_the_pc_s() -> None:
    """A span of one day shows times, one over midnight dates too, and what cannot be read as it is."""
    assert span("2026-11-23T22:00:05+01:00", "2026-11-23T22:10:05+01:00") == "since 22:00:05, until 22:10:05"
    assert "2026-11-24 00:10" in span("2026-11-23T23:59:00+01:00", "2026-11-24T00:10:00+01:00")
    assert span("soon", "later") == "since soon, until later"
    assert later("2026-11-23T22:00:00+01:00", "2026-11-23T20:59:00+00:00")
    assert not later("soon", "2026-11-23T20:59:00+00:00")
