# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source's parts without PCs: arguments, places and their files, the forms of an event, the queue."""

from __future__ import annotations

import asyncio
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "extensions/eda/plugins/event_source/grants.py"
MARK = "0123456789abcdef0123456789abcdef"
TOLD = {
    "event": "granted",
    "id": MARK,
    "position": 7,
    "session": "CHG-4711",
    "request": "7f01",
    "at": "2026-11-23T22:00",
}


@pytest.fixture(scope="module")
def source() -> dict[str, Any]:
    """The names of the source, as ansible-rulebook loads it."""
    return runpy.run_path(str(FILE))


def given(tmp_path: Path, **more: object) -> dict[str, Any]:
    """Return the least arguments, and more."""
    return {"inventory": "pcs.yml", "state": str(tmp_path), **more}


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"inventory": ""}, "inventory"),
        ({"state": None}, "state"),
        ({"connections": 1}, "connections"),
        ({"connections": "many"}, "connections"),
        ({"patience": 0}, "patience"),
        ({"longest_pause": "nan"}, "longest_pause"),
        ({"start": "yesterday"}, "start"),
        ({"host": "pc1"}, "host"),
    ],
)
def test_a_wrong_argument_is_named(
    source: dict[str, Any], tmp_path: Path, more: dict[str, Any], word: str
) -> None:
    """The rulebook ends at its start with a sentence."""
    with pytest.raises(source["SourceError"], match=word):
        source["options"](given(tmp_path, **more))


def test_the_documented_arguments_are_the_accepted_ones(source: dict[str, Any], tmp_path: Path) -> None:
    """Each has the documented default, and the page has a row for it."""
    documented = yaml.safe_load(source["DOCUMENTATION"])["options"]
    chosen = source["options"](given(tmp_path))
    assert set(documented) == set(source["Options"].__dataclass_fields__)
    page = (ROOT / "docs/events.md").read_text(encoding="utf-8")
    for name, option in documented.items():
        assert option.get("required") or getattr(chosen, name) == option["default"]
        assert f"| `{name}` |" in page


def test_a_place_survives_and_remembers(source: dict[str, Any], tmp_path: Path) -> None:
    """The file gives back what was stored; a host's name with odd characters has a file, too."""
    file, cursor = source["CursorFile"](tmp_path, "pc/1 ü"), source["Cursor"]()
    cursor.advance(7, MARK)
    file.save(cursor)
    file.save(cursor)
    assert file.load() == cursor
    assert file.load().has(MARK)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", "null", "\x00\x00", '{"position": -1, "mark": null, "recent": []}',
     '{"position": 3, "mark": null, "recent": []}', '{"position": 3, "mark": "no hash", "recent": []}',
     '{"position": 3, "mark": "' + MARK + '", "recent": [[1]]}'],
)  # fmt: skip
def test_a_damaged_file_is_noticed(source: dict[str, Any], tmp_path: Path, content: str) -> None:
    """The file before it takes its place; without that it is damage, and no new PC."""
    file, cursor = source["CursorFile"](tmp_path, "pc1"), source["Cursor"]()
    assert file.load() is None
    cursor.advance(7, MARK)
    file.save(cursor)
    file.save(cursor)
    (tmp_path / "pc1.json").write_text(content)
    assert file.load() == cursor
    (tmp_path / "pc1.before").write_text(content)
    with pytest.raises(source["CursorDamaged"]):
        file.load()
    file.set_aside()
    assert file.load() is None


def test_an_unknown_place_leads_to_the_oldest_one_and_then_to_the_beginning(source: dict[str, Any]) -> None:
    """The kept ids are those of the latest events."""
    cursor = source["Cursor"]()
    for number in range(1, source["KEPT"] + 11):
        cursor.advance(number, f"{number:032x}")
    cursor.step_back()
    assert (cursor.position, cursor.mark) == (11, f"{11:032x}")
    cursor.step_back()
    assert (cursor.position, cursor.mark) == (0, None)
    assert cursor.has(f"{12:032x}")
    assert not cursor.has(f"{10:032x}")


@pytest.mark.parametrize(
    "change",
    [{"event": "other"}, {"id": "x"}, {"id": None}, {"request": "a b"}, {"grant": "{{ 1 }}"}, {"at": "$(date)"},
     {"reason": "Anna"}, {"session": 5}, {"session": "two\nlines"}, {"session": "x" * 81}, {"position": "many"}],
)  # fmt: skip
def test_a_text_of_another_form_is_no_event(source: dict[str, Any], change: dict[str, Any]) -> None:
    """A PC in wrong hands cannot put its own texts into a rule."""
    with pytest.raises((ValueError, TypeError)):
        source["event_of"]("pc1", {**TOLD, **change})


@pytest.mark.parametrize("name", ["{{ lookup('pipe', 'id') }}", "{% if x %}", "a {# b"])
def test_a_name_that_looks_like_a_template_is_left_out(source: dict[str, Any], name: str) -> None:
    """The event itself comes."""
    assert source["event_of"]("pc1", {**TOLD, "session": name})["latchkey"]["session"] == ""


def test_an_event_has_its_fields(source: dict[str, Any]) -> None:
    """Its id is also the one by which ansible-rulebook knows it."""
    event = source["event_of"]("pc1", {**TOLD, "more": "left out"})
    assert event["latchkey"] == {**TOLD, "host": "pc1", "grant": "", "reason": ""}
    assert event["meta"]["hosts"] == "pc1"
    assert event["meta"]["uuid"].replace("-", "") == MARK


def test_an_event_counts_as_taken_when_the_rulebook_has_taken_it(source: dict[str, Any]) -> None:
    """Until then its place is not stored."""

    async def play() -> list[bool]:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(1)
        emitting = asyncio.create_task(source["Outlet"](queue, None).emit({}))
        await asyncio.sleep(0.1)
        before = emitting.done()
        queue.get_nowait()
        await asyncio.wait_for(emitting, 5)
        return [before, emitting.done()]

    assert asyncio.run(play()) == [False, True]


def test_with_feedback_an_event_counts_as_taken_when_the_rulebook_says_so(source: dict[str, Any]) -> None:
    """ansible-rulebook with persistence answers each event in a queue of its own."""

    async def play() -> list[bool]:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(1)
        feedback: asyncio.Queue[dict[str, Any]] = asyncio.Queue(1)
        emitting = asyncio.create_task(source["Outlet"](queue, feedback).emit({}))
        await queue.get()
        await asyncio.sleep(0.1)
        before = emitting.done()
        await feedback.put({})
        await asyncio.wait_for(emitting, 5)
        return [before, emitting.done()]

    assert asyncio.run(play()) == [False, True]


def test_a_pause_grows_to_its_limit_and_a_refused_account_ends_the_tries(
    source: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer begins the pauses anew."""
    pc, time = source["Pc"]("pc1", tmp_path, "now"), source["time"]
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    pauses = []
    for _ in range(8):
        pc.failed({"msg": "off"}, 300)
        pauses.append(pc.due - 1000)
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]
    pc.answered()
    assert pc.failures == 0
    assert not pc.rejected
    pc.failed({"error_code": "credentials_rejected", "msg": "no"}, 300)
    assert pc.rejected
