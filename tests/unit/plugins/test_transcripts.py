# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.fakes import entries_of, stage

FOLDER = Path(__file__).parent / "transcripts"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.jsonl")), ids=lambda path: path.stem)
def test_a_transcript_ends_as_it_says(path: Path) -> None:
    """Each transcript's first line is the fact; replayed, the task ends with its last line."""
    task, *middle, end = entries_of(path)
    played = stage(middle)

    result = played.run(task["module"], task["args"], check_mode=task.get("check", False))

    assert {name: result.get(name) for name in end["result"]} == end["result"]
    assert_rest(end, result, played.shown, played.time.seconds)
    left = [
        entry for entry in played.connection.entries if "down" not in entry and entry.get("times") != "always"
    ]
    assert left == []
    assert played.connection.options == {"connection_timeout": None}


def assert_rest(end: dict[str, Any], result: dict[str, Any], shown: list[str], seconds: float) -> None:
    """Compare what a transcript says beside the result."""
    assert set(end.get("absent", ())) & set(result) == set()
    assert [text for text in end.get("without", ()) if text in json.dumps(result)] == []
    assert end.get("shown", shown) == shown
    low, high = end.get("seconds", (0, 1e9))
    assert low <= seconds <= high
    for name, (low, high) in end.get("elapsed", {}).items():
        assert low <= result["elapsed"][name] <= high, (name, result["elapsed"])


def test_a_restarting_pc_is_asked_impatiently() -> None:
    """While a restart is followed, requests fail after seconds, and the option is put back afterwards."""
    task, *middle, _end = entries_of(FOLDER / "apply_restart.jsonl")
    played = stage(middle)
    played.run(task["module"], task["args"])
    assert {options["connection_timeout"] for options in played.connection.used_options} == {5}


def test_every_failed_transcript_says_what_to_do() -> None:
    """A failure has its code, sentence, hint and outcome, and none of them is empty."""
    for path in FOLDER.glob("*.jsonl"):
        task, *middle, end = entries_of(path)
        if "error_code" not in end["result"]:
            continue
        result = stage(middle).run(task["module"], task["args"], check_mode=task.get("check", False))
        assert all(result[name] for name in ("msg", "error_code", "hint", "outcome")), path.stem
        assert result["outcome"] in {"refused", "unknown"}


@pytest.mark.parametrize("name", ["connection_lost_and_back", "apply_answer_lost"])
def test_a_call_that_is_sent_again_has_the_same_key(name: str) -> None:
    """By that the agent knows it; the same task run again is another call."""
    keys = [keys_of(name), keys_of(name)]
    assert [len(of_one_run) for of_one_run in keys] == [1, 1]
    assert keys[0] != keys[1]


def test_check_mode_has_no_key() -> None:
    """Nothing is done that could be known again."""
    assert keys_of("session_start_in_check_mode") == {None}


def keys_of(name: str) -> set[str | None]:
    """Replay a transcript; return the keys that the agent was sent."""
    task, *middle, _end = entries_of(FOLDER / f"{name}.jsonl")
    played = stage(middle)
    played.run(task["module"], task["args"], check_mode=task.get("check", False))
    return {said.get("idempotency_key") for said in played.connection.asked}
