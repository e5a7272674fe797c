# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in a real browser: on a phone, in a wide window and on paper, in both languages.

The small night is the one of the pictures in docs/report.md. The large one has each result, long names, texts that
would run, load or float over the page, and a PC that lies.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from agent.packaging.system_tools import BROWSER
from lab.canary import make
from tests.needs import require

pytest.importorskip("pypdf", reason=str(BROWSER.missing()))
pytest.importorskip("selenium", reason=str(BROWSER.missing()))

import pypdf
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_result import OUTCOMES
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_style import THEMES
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_texts import LANGUAGES

from tests.browser import story
from tests.browser.browser import PHONE, WIDE, Browser, Shown, browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REFLOW = 320
"""The width at which a page must not scroll sideways (WCAG 2.2, 1.4.10): 1280 pixels enlarged to 400 %."""
A4 = 680
"""The width of A4 paper without the page's margins, in CSS pixels: 180 of 25.4 x 96 mm."""
SYSTEM = {"Canvas", "CanvasText", "LinkText"}

STICKING_OUT = """
const width = document.documentElement.clientWidth;
return [...document.querySelectorAll("body *")]
    .filter(one => !one.closest(".night") && !one.closest("thead") && !one.matches(".skip"))
    .filter(one => {const box = one.getBoundingClientRect(); return box.right > width + 0.5 || box.left < -0.5})
    .map(one => one.outerHTML.slice(0, 80));
"""
BROKEN_WORDS = r"""
const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest("svg, code, pre")) continue;
    for (const word of node.data.replace(/\S*\\\S*/g, path => " ".repeat(path.length)).matchAll(/\p{L}+/gu)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) found.push(word[0]);
    }
}
return found;
"""
TEXTS = """
const leaves = "h1, h2, h3, h4, caption, th, td, dt, dd, li, p:not(.hint, .back), pre";
return [...document.querySelectorAll(leaves)].filter(one => !one.querySelector("li")).map(one => one.innerText);
"""
ROWS = 'return [...document.querySelectorAll("tr")].map(row => [...row.cells].map(one => one.innerText))'
FOCUSED = """
const one = document.activeElement, look = getComputedStyle(one), box = one.getBoundingClientRect();
return [one.getAttribute("href") || one.getAttribute("role") || one.tagName,
        look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2,
        box.width > 0 && box.left >= 0 && box.top >= 0 && box.top < innerHeight];
"""
REACHABLE = """
return [...document.querySelectorAll("a[href], [tabindex]")].map(one => one.getAttribute("href") || one.role);
"""
COLOURS = """
const probe = document.createElement("p"), seen = new Set();
document.body.append(probe);
const system = arguments[0].map(name => {probe.style.color = name; return getComputedStyle(probe).color});
for (const one of document.querySelectorAll("svg *, svg.names"))
    for (const name of ["fill", "stroke"]) seen.add(getComputedStyle(one)[name]);
return [system, [...seen].filter(one => one !== "none" && one !== "rgb(0, 0, 0)")];
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of this file."""
    require(BROWSER)
    with browser(tmp_path_factory.mktemp("browser")) as made:
        yield made


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of both nights in both languages."""
    folder, password = tmp_path_factory.mktemp("nights"), make()
    nights = {"small": story.ordinary, "large": story.everything}
    return {
        f"{name} {language}": story.write(folder / f"{name}-{language}", entries, password, language)
        for name, entries in nights.items()
        for language in LANGUAGES
    }


@pytest.fixture
def show(opened: Browser, pages: dict[str, Path]) -> Callable[..., Shown]:
    """Shows one of the pages."""

    def shown(name: str, width: int = WIDE, **features: str) -> Shown:
        return opened.show(pages[name], width, **features)

    return shown


def damaged(page: Path, *changes: tuple[str, str]) -> Path:
    """Return a page of its own with parts replaced."""
    text = page.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    other = page.with_name("damaged.html")
    other.write_text(text, encoding="utf-8")
    return other


# --- accessible -----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [PHONE, WIDE])
@pytest.mark.parametrize("name", ["small de", "large en"])
def test_axe_core_finds_nothing(show: Callable[..., Shown], name: str, width: int) -> None:
    """WCAG 2.2 A and AA and the best practices hold; undecided is only the contrast of texts over pictures.

    The unit tests compute that contrast from the sheet.
    """
    shown = show(name, width)
    assert shown.findings(["violations"]) == []
    assert {one.rule for one in shown.findings(["incomplete"])} <= {"color-contrast"}


@pytest.mark.parametrize("name", ["large de", "small en"])
def test_axe_core_finds_nothing_in_the_dark(show: Callable[..., Shown], name: str) -> None:
    """The dark colours have their contrast, too."""
    shown = show(name, PHONE, prefers_color_scheme="dark")
    assert shown.run("return getComputedStyle(document.body).backgroundColor") == rgb(THEMES["dark"]["back"])
    assert shown.findings(["violations"]) == []


def test_axe_core_finds_faults(opened: Browser, pages: dict[str, Path]) -> None:
    """A page without its language, with a heading left out and a pale text is not called faultless."""
    [policy] = re.findall(r"<meta http-equiv[^>]*>", pages["small en"].read_text(encoding="utf-8"))
    page = damaged(
        pages["small en"],
        (policy, ""),
        ('<html lang="en">', "<html>"),
        ("<h2", "<h5"),
        ("--text:#1b1f24", "--text:#dddddd"),
    )
    rules = {one.rule for one in opened.show(page).findings(["violations"])}
    assert {"html-has-lang", "heading-order", "color-contrast"} <= rules


def test_a_table_of_blocks_is_still_a_table(show: Callable[..., Shown]) -> None:
    """On a phone, where rows are blocks, assistive programs find as many tables, rows and cells as elsewhere."""
    names = ("table", "row", "cell", "columnheader", "rowheader")
    found = []
    for width in (PHONE, WIDE):
        roles = Counter(show("small en", width).roles())
        found.append({name: roles[name] for name in names})
    assert found[0] == found[1]
    assert min(found[0].values()) > 3


def test_the_keyboard_reaches_every_link(show: Callable[..., Shown]) -> None:
    """Tab goes to each link and to the timeline in their order; what has the focus is in sight and marked."""
    shown = show("small en", PHONE)
    wanted = shown.run(REACHABLE)
    assert len(wanted) > 20
    reached = []
    for _stop in wanted:
        shown.tab()
        name, is_marked, is_in_sight = shown.run(FOCUSED)
        assert (name, is_marked, is_in_sight) == (name, True, True)
        reached.append(name)
    assert reached == wanted
    assert reached[0] == "#pcs"


def test_the_first_link_skips_to_the_pcs(show: Callable[..., Shown]) -> None:
    """Enter on it brings the PCs' sections to the top, and the next Tab stop is behind them."""
    shown = show("small en", PHONE)
    shown.tab()
    shown.enter()
    assert abs(shown.run('return document.getElementById("pcs").getBoundingClientRect().top')) < 2
    shown.tab()
    assert "receipt" in shown.run(FOCUSED)[0]


def test_the_readers_own_colours_are_kept(show: Callable[..., Shown]) -> None:
    """Where the reader has forced colours (a contrast theme of Windows), each shape has one of these."""
    shown = show("large en", forced_colors="active")
    system, seen = shown.run(COLOURS, sorted(SYSTEM))
    assert seen
    assert set(seen) <= set(system)


# --- narrow and wide ------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [REFLOW, PHONE, 600, 768, WIDE])
@pytest.mark.parametrize("name", ["small en", "small de", "large en", "large de"])
def test_nothing_is_wider_than_the_screen(show: Callable[..., Shown], name: str, width: int) -> None:
    """The page never scrolls sideways, whatever a PC is called and whatever it says."""
    shown = show(name, width)
    page = shown.run("const d = document.documentElement; return [d.scrollWidth, d.clientWidth]")
    assert page == [width, width]
    assert shown.run(STICKING_OUT) == []


@pytest.mark.parametrize("width", [REFLOW, PHONE, 768, WIDE])
@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_whole(show: Callable[..., Shown], language: str, width: int) -> None:
    """No column is so narrow that an ordinary word is broken; identifiers, keys and paths may be."""
    broken = show(f"small {language}", width).run(BROKEN_WORDS)
    assert [word for word in broken if len(word) > 1] == []


def test_the_names_stay_while_the_timeline_moves(show: Callable[..., Shown]) -> None:
    """On a phone the timeline is wider than the screen: a sentence says so, and the PCs' names stay at its left."""
    shown = show("small en", PHONE)
    places = """
    const box = document.querySelector(".night"), left = () => [
        document.querySelector(".names").getBoundingClientRect().left - box.getBoundingClientRect().left,
        document.querySelector("[role=img]").getBoundingClientRect().left - box.getBoundingClientRect().left];
    const before = left(); box.scrollLeft = 300; return [before, left()];
    """
    assert shown.run(places) == [[0, 0], [0, -300]]
    assert "move it sideways" in shown.run("return document.body.innerText")
    wide = show("small en", WIDE)
    assert "move it sideways" not in wide.run("return document.body.innerText")
    assert wide.run('return getComputedStyle(document.querySelector(".names")).display') == "none"


# --- nothing from elsewhere -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["large en", "large de"])
def test_the_browser_asks_for_the_page_alone(
    show: Callable[..., Shown], pages: dict[str, Path], name: str
) -> None:
    """It loads one file and has nothing to complain of; a hostile text has run nothing and is shown as it is."""
    shown = show(name)
    assert shown.requests() == [pages[name].as_uri()]
    assert shown.complaints() == []
    assert (
        shown.run('return document.querySelectorAll("script, img, link, iframe, [style], [onload]").length')
        == 0
    )
    assert "<script>alert(1)</script>" in shown.run("return document.body.innerText")


def test_the_policy_forbids_what_would_be_added(opened: Browser, pages: dict[str, Path]) -> None:
    """A script, a handler, a style or a picture that someone wrote into the file does nothing, and is complained of."""
    added = (
        "<script>document.title='run'</script><img src='data:,' onerror=\"document.title='run'\">"
        "<img src='https://example.org/a.png'><p id='added' style='position:fixed'>x</p>"
        "<link rel='stylesheet' href='data:text/css,p{position:fixed}'>"
    )
    shown = opened.show(damaged(pages["small en"], ("</header>", f"</header>{added}")))
    complaints = shown.complaints()
    for directive in ("script-src", "img-src", "style-src"):
        assert directive in " ".join(complaints)
    [picture] = [one for one in complaints if "example.org" in one]
    assert "Content Security Policy" in picture
    assert shown.run("return document.title") != "run"
    assert shown.run('return getComputedStyle(document.getElementById("added")).position') == "static"


# --- on paper -------------------------------------------------------------------------------------


def packed(text: str) -> str:
    """Return a text without what paper has elsewhere or in another form: spaces, line ends, ligatures, quotes."""
    return re.sub(r"[\s\u201c-\u201f\u00ad\u200b-\u200f\ufeff]+", "", unicodedata.normalize("NFKC", text))


def sheets(shown: Shown, **options: float) -> list[str]:
    """Print a page; return the text of each sheet of paper, packed."""
    document = pypdf.PdfReader(io.BytesIO(shown.printed(**options)))
    return [packed(sheet.extract_text()) for sheet in document.pages]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_paper_has_all_of_the_page(show: Callable[..., Shown], language: str) -> None:
    """Each heading, cell, entry and line that the screen shows is on the paper."""
    shown = show(f"small {language}")
    texts = shown.run(TEXTS)
    assert len(texts) > 200
    told = sheets(shown)
    assert 3 < len(told) < 20
    whole = "".join(told)
    assert [line for text in texts for line in text.splitlines() if packed(line) not in whole] == []


def test_no_row_is_torn(show: Callable[..., Shown]) -> None:
    """Whatever the height of the paper, all cells of a table's row are on one sheet. A narrow one has high rows."""
    shown = show("small de")
    rows = shown.run(ROWS)
    for height in (11.69, 11.0, 9.7, 8.4, 7.1):
        told = sheets(shown, paperWidth=5.0, paperHeight=height)
        assert [
            row for row in rows if not any(all(packed(cell) in one for cell in row) for one in told)
        ] == []


def test_the_paper_is_a4(show: Callable[..., Shown]) -> None:
    """The page prescribes no other paper, so the printer's own is used."""
    document = pypdf.PdfReader(io.BytesIO(show("small en").printed()))
    sizes = {tuple(round(side / 72 * 25.4) for side in sheet.mediabox[2:]) for sheet in document.pages}
    assert sizes == {(210, 297)}


@pytest.mark.parametrize("name", ["small de", "large en"])
def test_nothing_sticks_out_of_the_paper(show: Callable[..., Shown], name: str) -> None:
    """Laid out for paper, no table and no text is wider than the sheet, the timeline neither."""
    shown = show(name)
    shown.size(A4)
    shown.paper()
    assert shown.run("return document.documentElement.scrollWidth") <= A4
    assert shown.run(STICKING_OUT) == []
    assert shown.run('return document.querySelector("[role=img]").getBoundingClientRect().right') <= A4


def test_paper_is_light(show: Callable[..., Shown]) -> None:
    """A page that is dark on the screen is printed dark on white."""
    shown = show("small en", prefers_color_scheme="dark")
    shown.paper(prefers_color_scheme="dark")
    look = "const look = getComputedStyle(document.body); return [look.color, look.backgroundColor]"
    assert shown.run(look) == [rgb(THEMES["light"]["text"]), rgb(THEMES["light"]["back"])]


def rgb(colour: str) -> str:
    """Return a colour as the browser computes it."""
    return f"rgb({', '.join(str(int(colour[n : n + 2], 16)) for n in (1, 3, 5))})"


def test_the_large_night_tells_every_result(pages: dict[str, Path]) -> None:
    """The large night has each result that a PC can have."""
    assert set(story.results(pages["large en"]).values()) == set(OUTCOMES)
