# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site in a real browser, opened from its folder: no server, no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.packaging.system_tools import BROWSER
from tests.needs import require

pytest.importorskip("selenium", reason=str(BROWSER.missing()))

from tests.browser.browser import PHONE, Browser, Shown, browser
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "build/docs"

pytestmark = pytest.mark.skipif(
    not (SITE / "index.html").is_file(), reason="the documentation site is not built; build it: make docs"
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of this file."""
    require(BROWSER)
    with browser(tmp_path_factory.mktemp("browser")) as made:
        yield made


def found(shown: Shown, selector: str) -> list[str]:
    """Return the texts of the elements that a selector finds."""
    texts: list[str] = shown.run(
        "return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", selector
    )
    return texts


def assert_alone(shown: Shown) -> None:
    """Check that the page asked no server, and that the browser complained of nothing."""
    assert [url for url in shown.requests() if not url.startswith(("file:", "data:", "blob:"))] == []
    assert shown.complaints() == []


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("revoke", "latchkey.consent.credential_revoke module"),
        ("Prüfcode", "Wenn die IT um Ihre Freigabe bittet"),
    ],
)
def test_the_search_needs_no_server(word: str, title: str, chromium: Browser) -> None:
    """A word leads to the page of a module, a German word to the customer's page."""
    shown = chromium.show(SITE / "search.html")
    shown.run("location.search = new URLSearchParams({q: arguments[0]})", word)
    eventually(lambda: any(text.startswith(title) for text in found(shown, "ul.search li a")), title, 60)
    assert_alone(shown)


def test_the_diagrams_are_drawn(chromium: Browser) -> None:
    """Each diagram of a page is a drawing."""
    diagrams = (ROOT / "docs/states.md").read_text(encoding="utf-8").count("```mermaid")
    shown = chromium.show(SITE / "docs/states.html")
    eventually(lambda: len(found(shown, "pre.mermaid > svg")) == diagrams, f"{diagrams} drawings", 60)
    assert_alone(shown)


def test_the_recorded_run_plays(chromium: Browser) -> None:
    """The player shows the run once it is started."""
    shown = chromium.show(SITE / "docs/recorded-run.html")
    eventually(lambda: found(shown, ".ap-overlay-start"), "the button to start", 60)
    shown.run("document.querySelector('.ap-overlay-start').click()")
    eventually(lambda: "The customer allows it" in "".join(found(shown, ".ap-term")), "the first line", 60)
    assert_alone(shown)


def test_a_page_fits_a_phone(chromium: Browser) -> None:
    """The customer's page does not scroll sideways on a narrow phone, with its pictures."""
    shown = chromium.show(SITE / "docs/customer.de.html", PHONE)
    assert shown.run("return document.documentElement.scrollWidth") <= PHONE
    assert (
        shown.run("return [...document.images].filter(one => one.complete && !one.naturalWidth).length") == 0
    )
    assert shown.run("return document.documentElement.lang") == "de"
