# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogues: every language has every text with the same placeholders, and every text is used."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import get_args

import pytest
from babel.messages import Catalog, pofile

from latchkey_agent.companion import texts
from latchkey_agent.domain import LogonRefusal
from latchkey_agent.domain.model import Action, Closing, NoticeKind, ProgramEnd, Rejection, Revoker
from latchkey_agent.domain.transitions import GrantState, RequestState


def names_in(*sources: Path) -> set[str]:
    """Return every string in these sources that could be the name of a text."""
    return {
        name for path in sources for name in re.findall(r"[\"']([a-z0-9_]+)[\"']", path.read_text("utf-8"))
    }


CODE = Path(texts.__file__).parent
NAMES_IN_CODE = names_in(*CODE.rglob("*.py")) | {
    f"receipt_{name}" for name in names_in(CODE / "receipt_text.py")
}
ENDINGS = [
    *(state for state in GrantState if state is not GrantState.REVOKED),
    *(f"revoked_by_{side}" for side in get_args(Revoker)),
]
REJECTIONS = [f"rejected_{why}" for why in get_args(Rejection) if why != "password_refused"]
FAMILIES = {
    "refused": [*LogonRefusal, "other_account_entered", "agent_failed"],
    "ended": [*ENDINGS, *REJECTIONS, "revoked_by_customer_arso"],
    **{name: ["arso"] for name in ("promise", "restarts", "lent", "lent_paused", "entry_lent")},
    "failed": ["interrupted"],
    "erase_failed": ["lost"],
    "locked": [
        "gone",
        "late",
        "late_disconnected",
        *(
            f"{how}{end}"
            for how in ("unlocked", "by_itself", "unknown", "arso")
            for end in ("", "_gone", "_disconnected")
        ),
    ],
    "used": [*get_args(Action), "by_others", "arso", "arso_open"],
    "restarted": ["signed_in", "begun", "by_others"],
    "program": get_args(ProgramEnd),
    "receipt_program": [*get_args(ProgramEnd), "running"],
    "receipt_use": [*get_args(Action), "restart_by_others"],
    "receipt_answer": [*RequestState, "open", "reported", "reported_elsewhere", "refused"],
    "receipt_ended": [*ENDINGS, *REJECTIONS],
    "receipt": [*get_args(Closing), "open"],
    "decline": ["working", "myself", "unknown", "today", "away"],
}
"""Texts whose name is built from a family and a word of the agent."""
KINDS = get_args(NoticeKind)


def source(language: str) -> Catalog:
    """Return the source catalogue of a language."""
    path = CODE.parent / "locales" / language / "LC_MESSAGES" / "companion.po"
    with path.open("rb") as file:
        return pofile.read_po(file, abort_invalid=True)


def forms(catalogue: Catalog) -> dict[str, tuple[str, ...]]:
    """Return the plural forms of every text by its name."""
    found: dict[str, tuple[str, ...]] = {}
    for message in catalogue:
        if message.id:
            name = message.id if isinstance(message.id, str) else message.id[0]
            found[name] = (
                (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
            )
    return found


def places(text: str) -> set[str]:
    """Return the names of the placeholders in a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


ENGLISH = forms(source("en"))


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_language_has_every_text_with_the_same_placeholders(language: str) -> None:
    """No language lacks a text or a plural form. All have the same placeholders as English."""
    found = forms(source(language))
    assert found.keys() == ENGLISH.keys()
    for name, written in found.items():
        assert all(written), name
        assert len(written) == len(ENGLISH[name]), name
        assert set().union(*map(places, written)) == set().union(*map(places, ENGLISH[name])), name


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_no_text_waits_for_a_translator(language: str) -> None:
    """A text marked as fuzzy would not be compiled."""
    assert not [message.id for message in source(language) if message.id and message.fuzzy]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_a_text_is_read_as_it_is_written(language: str) -> None:
    """The compiled catalogue has the translators' text in each plural form."""
    for name, written in forms(source(language)).items():
        if len(written) == 1:
            assert texts.LANGUAGES[language][name] == written[0]
        else:
            assert [texts.LANGUAGES[language].count(name, number) for number in (1, 2)] == list(written)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_no_text_says_where_the_customer_was(language: str) -> None:
    """The agent does not know it: many a customer stays at the PC while IT works, or waits for the restart."""
    claims = re.compile(r"were away|was away|your absence|weg waren|nicht da waren|Abwesenheit")
    assert not [name for name, written in forms(source(language)).items() if claims.search(" ".join(written))]


def test_every_text_is_used() -> None:
    """Each name occurs in the code or belongs to a family."""
    dynamic = {f"{family}_{word}" for family, words in FAMILIES.items() for word in words}
    assert set(ENGLISH) - NAMES_IN_CODE - dynamic - set(KINDS) == set()


def test_every_refusal_has_its_sentence() -> None:
    """The customer reads the reason for every refusal of an entry."""
    assert {f"refused_{word}" for word in FAMILIES["refused"]} <= set(ENGLISH)


def test_a_text_that_is_not_there_is_an_error() -> None:
    """The customer never reads the name of a text in place of the text."""
    with pytest.raises(KeyError):
        texts.ENGLISH["surprise"]
    with pytest.raises(KeyError):
        texts.ENGLISH.count("surprise", 2)
    with pytest.raises(OSError, match="zz"):
        texts.catalogue("zz")
