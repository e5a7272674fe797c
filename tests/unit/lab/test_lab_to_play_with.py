# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of `make lab` that need no PC."""

from __future__ import annotations

import re
import string
import typing
from pathlib import Path

import msgspec
import pytest
import yaml

from lab.computer import LabError
from lab.simulated.connections import CONNECTIONS
from lab.tryout import journal_reader, play_password
from lab.tryout.choice import Choice, chosen
from lab.tryout.command_server import sentence
from lab.tryout.feed import Feed
from lab.tryout.journal_reader import WORDS
from lab.tryout.only_one import alone
from lab.tryout.workspace import EXAMPLES
from latchkey_agent.domain import events
from tests.lab.job import ROOT

KINDS = {
    msgspec.inspect.type_info(kind).tag: kind  # type: ignore[attr-defined]
    for kind in typing.get_args(events.AnyEvent)
}


def test_each_event_of_the_journal_has_its_words() -> None:
    """The page words every kind of event, and no other."""
    assert set(WORDS) == set(KINDS)


@pytest.mark.parametrize("what", sorted(WORDS))
def test_the_words_name_fields_of_the_event(what: str) -> None:
    """Each place in a sentence is a field of this event."""
    places = {name for _, name, _, _ in string.Formatter().parse(WORDS[what][1]) if name}
    assert places <= set(KINDS[what].__struct_fields__)


def test_a_journal_that_is_no_database_is_left_for_the_next_look(tmp_path: Path) -> None:
    """Half a copy gives no entries and no error; without a journal there are none."""
    assert journal_reader.entries(tmp_path) == []
    (tmp_path / "journal.db").write_bytes(b"SQLite format 3\0" + bytes(200))
    assert journal_reader.entries(tmp_path) is None


@pytest.mark.parametrize("given", ["winrm", "psrp", "ssh", "PSRP, ntlm", *CONNECTIONS])
def test_a_connection_is_chosen_by_its_beginning(given: str) -> None:
    """Each whole name chooses itself; a beginning chooses the first of them."""
    found = chosen({"CONNECTION": given}).connection
    assert found.casefold().startswith(given.casefold())
    assert found == given or given not in CONNECTIONS


def test_the_usual_choice() -> None:
    """Three simulated PCs, or one Wine PC; empty variables, as make sets them, are no choices."""
    empty = dict.fromkeys(("PC", "PCS", "CONNECTION", "PORT", "BROWSER", "FOLDER"), "")
    assert chosen(empty) == chosen({}) == Choice(3, "simulated", next(iter(CONNECTIONS)))
    assert chosen({"PC": "wine"}).pcs == 1
    assert not chosen({"BROWSER": "0"}).browser


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "three", "21", "\u0663", "9" * 30])
def test_a_number_that_is_none_is_refused(given: str) -> None:
    """The sentence says which variable, and the numbers that there are."""
    with pytest.raises(LabError, match=r"PCS=.* is not a number from 1 to 20"):
        chosen({"PCS": given})


def test_the_feed_tells_each_news_once_and_in_order() -> None:
    """A state that is the same is no news, a new one replaces the old one; the end comes last."""
    feed, woken = Feed(), []
    stop = feed.watch(lambda: woken.append(1))
    feed.happened("pc1", "pc", "boot", "Boot 1.")
    feed.state("pc1", {"power": "up"})
    feed.state("pc1", {"power": "up"})
    feed.state("pc1", {"power": "off"})
    feed.happened("pc1", "pc", "off", "Off.")
    feed.end()
    stop()
    feed.happened("pc1", "pc", "late", "Late.")
    assert len(woken) == 5
    kinds = [news.kind for news in feed.after(0)]
    assert kinds == ["happened", "state", "happened", "ended", "happened"]
    assert feed.last_state("pc1") == {"power": "off"}
    assert feed.last_state("pc2") == {}
    numbers = [news.number for news in feed.after(0)]
    assert numbers == sorted(set(numbers))
    assert [news.number for news in feed.after(numbers[2])] == numbers[3:]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("pc1 is off", "pc1 is off."),
        ("no window", "No window."),
        ("What?", "What?"),
        ("two lines\nb", "Two lines\nb"),
    ],
)
def test_a_message_is_a_sentence(text: str, whole: str) -> None:
    """The name of a PC stays as it is typed."""
    assert sentence(text) == whole


def test_a_play_password_is_typed_alike_on_every_keyboard() -> None:
    """It has lower-case letters and digits only, none of them at another place on a German keyboard."""
    password = play_password.make().decode("utf-16-le")
    assert re.fullmatch(r"(?:[a-hkm-npr-x]{4}[2-9]){3}", password)
    assert not set(password) & set("yzilo01")


def test_the_first_playbook_is_the_quick_starts() -> None:
    """The lab's first.yml has the tasks of the quick start's."""
    text = (ROOT / "docs/quickstart.md").read_text(encoding="utf-8")
    [block] = re.findall(r"`first\.yml`:\n\n```yaml\n(.*?)```", text, re.DOTALL)
    assert yaml.safe_load(block) == yaml.safe_load((EXAMPLES / "first.yml").read_text(encoding="utf-8"))


def test_only_one_lab_uses_a_folder_and_a_killed_one_is_cleaned_up(tmp_path: Path) -> None:
    """The second is refused; the private folder that a killed lab has left is gone after the next start."""
    folder = tmp_path / "lab"
    with alone(folder) as private:
        assert private.stat().st_mode & 0o077 == 0
        with pytest.raises(LabError, match="a lab runs already"), alone(folder):
            pass
    assert not private.exists()
    with alone(folder) as killed:
        killed.rename(killed.with_name(killed.name + "x"))
    left = killed.with_name(killed.name + "x")
    (tmp_path / "lab.lock").write_text(str(left), encoding="utf-8")
    with alone(folder):
        assert not left.exists()


def test_a_lock_file_names_no_other_folder_to_remove(tmp_path: Path) -> None:
    """A name that is no lab's private folder is left alone."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / "lab.lock").write_text(str(precious), encoding="utf-8")
    with alone(tmp_path / "lab"):
        pass
    assert precious.exists()
