# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/claims.md holds each claim to the customer: quoted as it stands on its page, with tests that exist."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import pytest
from babel.messages import pofile

from tests.named_tests import ROOT, named, rows, written_tests

TABLE = "docs/claims.md"
PAGES = (
    "README.md",
    *(f"docs/{name}.md" for name in ("security", "customer.en", "customer.de", "report", "auditor")),
    *(
        f"docs/{name}.md"
        for name in ("awx", "fleets", "events", "kerberos", "signing", "execution-environment")
    ),
)
LOCALES = ROOT / "agent/src/latchkey_agent/locales"

ENGLISH = (
    r"never|always|every\w*|only|no|none|nobody|nothing|nowhere|cannot|any\w*"
    r"|proof|proofs|prove\w*|guarantee\w*|impossible"
)
GERMAN = (
    r"nie|niemals|immer|nur|jede\w*|jederzeit|kein\w*|niemand\w*|nichts|nirgend\w*|alle\w?"
    r"|garantier\w*|beweis\w*|unmöglich"
)
ABSOLUTE = re.compile(rf"\b(?:{ENGLISH}|{GERMAN})\b", re.IGNORECASE)
"""Words by which a sentence promises something without exception."""


class Claim(NamedTuple):
    """One row of the table: the quotation, its place, and its tests or its reason."""

    quote: str
    where: str
    rest: str

    @property
    def text(self) -> str:
        """The name of the quoted text of the window; empty if a page is quoted."""
        match = re.fullmatch(r"window, `(\w+)`", self.where)
        return match[1] if match else ""

    @property
    def page(self) -> str:
        """The quoted page, from the root; empty if the window is quoted."""
        name = self.where.strip("`")
        return next((page for page in PAGES if page.endswith(name)), "")


def plain(text: str) -> str:
    """Return a page's sentences in one line: without code, pictures, comments, targets of links and emphasis."""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"```mermaid\n(.*?)```", lambda m: re.sub(r"(?m)^ +", "", m[1]), text, flags=re.DOTALL)
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"(?m)^ {4,}.*$", "", text)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(?m)^\[[^\]]+\]: .*$", "", text)
    return re.sub(r"\s+", " ", re.sub(r"[*`]", "", text))


@cache
def page(name: str) -> str:
    """Return the sentences of a page."""
    return plain((ROOT / name).read_text(encoding="utf-8"))


def table(head: str) -> list[Claim]:
    """Return the rows of the table whose third column has this head."""
    return [Claim(*row) for row in rows(TABLE, head)]


@cache
def window(language: str) -> dict[str, tuple[str, ...]]:
    """Return the forms of each text that the customer reads, by its name."""
    texts: dict[str, tuple[str, ...]] = {}
    with (LOCALES / language / "LC_MESSAGES/companion.po").open("rb") as file:
        for message in pofile.read_po(file):
            if message.id:
                name = message.id if isinstance(message.id, str) else message.id[0]
                forms = message.string or ()
                texts[name] = (forms,) if isinstance(forms, str) else tuple(forms)
    return texts


CLAIMS, HARMLESS = table("tests"), table("reason")
QUOTED = (*CLAIMS, *HARMLESS)


def test_the_tables_are_read() -> None:
    """A table that was moved or renamed does not pass for an empty one."""
    assert len(CLAIMS) > 80
    assert len(HARMLESS) > 10


@pytest.mark.parametrize("claim", QUOTED, ids=lambda claim: f"{claim.where}: {claim.quote[:40]}")
def test_each_claim_stands_where_the_table_says(claim: Claim) -> None:
    """A quotation is word for word the page's or the window's; a shortened one is found out."""
    quote = plain(claim.quote)
    if claim.text:
        assert quote in [plain(form) for form in window("en")[claim.text]]
    else:
        assert quote in page(claim.page)


def test_each_claim_stands_once() -> None:
    """No place is quoted in two rows."""
    quotes = [(claim.where, claim.quote) for claim in QUOTED]
    assert [quote for quote in quotes if quotes.count(quote) > 1] == []


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.where}: {claim.quote[:40]}")
def test_each_claim_has_tests_that_exist(claim: Claim) -> None:
    """Each claim names at least one test, and no test that was removed or renamed."""
    assert named(claim.rest)
    assert named(claim.rest) <= written_tests()


def test_each_other_sentence_has_its_reason() -> None:
    """A sentence that promises nothing says why it does not."""
    assert [claim.quote for claim in HARMLESS if not claim.rest] == []


@pytest.mark.parametrize("name", PAGES)
def test_each_absolute_sentence_of_a_page_is_in_the_table(name: str) -> None:
    """Without the quoted sentences a page has no word such as "never" left."""
    quotes = [plain(claim.quote) for claim in QUOTED if claim.page == name]
    assert absolute(page(name), quotes) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_absolute_text_of_the_window_is_in_the_table(language: str) -> None:
    """The table quotes the English text; the text of the same name says the same in another language."""
    known = {claim.text for claim in QUOTED}
    texts = window(language)
    assert [name for name in texts if name not in known and any(map(ABSOLUTE.search, texts[name]))] == []


def absolute(text: str, quotes: list[str]) -> list[str]:
    """Return the surroundings of each absolute word outside of the quotations."""
    for quote in sorted(quotes, key=len, reverse=True):
        text = text.replace(quote, " ... ")
    return [text[max(0, m.start() - 60) : m.end() + 60] for m in ABSOLUTE.finditer(text)]


def test_an_absolute_word_outside_of_a_quotation_is_found() -> None:
    """A new promise beside a quoted one is found, over a line's end and in both languages."""
    text = plain("It is never shown.\nIt *cannot*\nfail. Niemand sieht es. A second.")
    assert len(absolute(text, ["It is never shown."])) == 2
    assert absolute(text, ["It is never shown.", "It cannot fail. Niemand sieht es."]) == []
