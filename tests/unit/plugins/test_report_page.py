# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report's page: well formed, self-contained, readable by everybody, in both languages."""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import html
import html.parser
import itertools
import re
import string
import typing
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import (
    _answers,
    _report_html,
    _report_result,
    _report_style,
    _report_timeline,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._receipt_verdict import Check
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_events import KINDS
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_markup import escaped, lines, tag
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_model import Asked, Row, Step
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_result import PcResult
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_texts import (
    LANGUAGES,
    TEXTS,
    Texts,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._report_timeline import timeline

from latchkey_agent.domain.model import Omission, StopReason
from tests.unit.agent.bench import Bench
from tests.unit.plugins.report_night import (
    OFF,
    POLICY,
    declined,
    entry,
    info,
    omitted,
    report,
    stored,
    worked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLUGINS = Path(__file__).resolve().parents[3] / "plugins/plugin_utils"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Return the entries of a night: done, declined, off, failed with a restart by others."""
    made = [Bench(tmp_path_factory.mktemp("pc"), policy=POLICY) for _pc in range(3)]
    yield [
        entry("pc1", info(worked(made[0], bytearray(b"a password of theirs")))),
        entry("pc2", info(declined(made[1]))),
        entry("pc3", OFF),
        entry(
            "pc4",
            info(omitted(made[2], bytearray(b"a password of theirs"))),
            failure={"step": "Windows updates", "msg": "non-zero return code"},
            summary={
                "left_over": ["Windows updates"],
                "skipped": [{"step": "Inventory", "task": "t", "msg": "not needed"}],
            },
        ),
    ]
    for bench in made:
        bench.stop()


@pytest.fixture
def page(tmp_path: Path, night: list[dict[str, Any]]) -> Callable[..., str]:
    """Makes the page of a night, or of these entries."""

    def make(*pcs: dict[str, Any], **options: Any) -> str:
        assert report(tmp_path / "r", *(pcs or night), **options)["failed"] is False
        return (tmp_path / "r.html").read_text(encoding="utf-8")

    return make


@pytest.mark.parametrize(
    ("language", "words"), [("en", "signature checked: Olga"), ("de", "Unterschrift geprüft: Olga")]
)
def test_the_page_says_whose_signature_was_checked(
    tmp_path: Path, page: Callable[..., str], language: str, words: str
) -> None:
    """A row with a signed request has the certificate's name, one without has no such words."""
    (tmp_path / "pc").mkdir()
    bench = Bench(tmp_path / "pc", policy=POLICY)
    known = info(declined(bench))
    bench.stop()
    assert words not in page(entry("pc", known), language=language)
    signer = {"name": "Olga", "organization": "C", "role": "r", "serial": "7", "key": "k", "authority": "a"}
    known["requests"][0]["signed_by"] = signer
    assert words in page(entry("pc", known), language=language)


class Reader(html.parser.HTMLParser):
    """Reads a page as a browser does, and keeps its elements and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """Leave the sheet."""
        self._style = False

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += "" if self._style else data


def tree(text: str) -> ET.Element:
    """Return the page as XML."""
    return ET.fromstring(text.removeprefix("<!DOCTYPE html>\n"))  # noqa: S314 - our own page


# --- form -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_well_formed_and_names_its_language(page: Callable[..., str], language: str) -> None:
    """It is XML as well as HTML, so that nothing of a text has become an element."""
    root = tree(page(language=language))
    assert (root.tag, root.get("lang")) == ("html", language)
    assert [one.tag for one in root] == ["head", "body"]
    heads = [int(one.tag[1]) for one in root.iter() if re.fullmatch("h[1-6]", one.tag)]
    assert heads[0] == 1
    assert heads.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(heads))


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(page: Callable[..., str]) -> None:
    """No script, no handler, no address but an anchor of the page itself; the policy forbids all but this sheet."""
    text = page()
    reader = Reader(text)
    names = {name for name, _attributes in reader.elements}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base", "use", "image"}
    for _name, attributes in reader.elements:
        assert not [
            key for key in attributes if key.startswith("on") or key in {"src", "style", "action", "srcset"}
        ]
        if "href" in attributes:
            assert str(attributes["href"]).startswith("#")
    assert not re.search(r"url\(|@import|https?://", text)
    [policy] = [
        one["content"] for name, one in reader.elements if one.get("http-equiv") == "Content-Security-Policy"
    ]
    [sheet] = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_anchors_and_tables_are_whole(page: Callable[..., str]) -> None:
    """Each link leads to one place, each label to its text; a table has a caption and heads for columns and rows."""
    root = tree(page())
    ids = [one.get("id") for one in root.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    links = [str(one.get("href"))[1:] for one in root.iter("a")]
    labels = [name for one in root.iter() for name in str(one.get("aria-labelledby") or "").split()]
    assert set(links + labels) <= set(ids)
    assert sum(link.startswith("receipt-") for link in links) == 3
    regions = [one.get("aria-label") for one in root.iter() if one.get("role") == "region"]
    assert len(regions) == len(set(regions))
    for table in root.iter("table"):
        assert table.find("caption") is not None
        assert {one.get("scope") for one in table.iter("th")} == {"col", "row"}
        heads = table.findall("thead/tr/th")
        assert {len(line) for line in table.findall("tbody/tr")} == {len(heads)}


def test_a_table_without_its_layout_is_still_one(page: Callable[..., str]) -> None:
    """Each part of a table has its role, and each cell its column's head: a narrow screen shows rows as blocks."""
    roles = {
        "table": {"table"}, "thead": {"rowgroup"}, "tbody": {"rowgroup"}, "tr": {"row"}, "td": {"cell"},
        "th": {"columnheader", "rowheader"},
    }  # fmt: skip
    root = tree(page())
    found = {name: {one.get("role") for one in root.iter(name)} for name in roles}
    assert found == roles
    for table in root.iter("table"):
        heads = [one.text for one in table.findall("thead/tr/th")]
        for line in table.findall("tbody/tr"):
            assert [one.get("data-label") for one in line.findall("td")] == [f"{one}: " for one in heads[1:]]


def test_what_is_wider_than_a_phone_can_be_scrolled(page: Callable[..., str]) -> None:
    """The picture stands in a box that scrolls and that the keyboard reaches; a sentence says so."""
    root = tree(page())
    parents = {child: parent for parent in root.iter() for child in parent}
    [picture] = [one for one in root.iter("svg") if one.get("role") == "img"]
    box = parents[picture]
    assert "scroll" in str(box.get("class"))
    assert (box.get("role"), box.get("tabindex")) == ("region", "0")
    assert box.get("aria-label")
    [hint] = [one for one in root.iter("p") if one.get("class") == "hint"]
    assert "move it sideways" in str(hint.text)
    assert "@media print" in _report_style.SHEET
    assert "prefers-color-scheme:dark" in _report_style.SHEET
    assert [one.get("name") for one in root.iter("meta")].count("viewport") == 1


# --- content --------------------------------------------------------------------------------------


def test_the_page_tells_the_night(page: Callable[..., str]) -> None:
    """The answer with the reason, each restart with its maker, the open time, failures, erasure, receipts."""
    text = Reader(page()).text
    for part in (
        "I am still writing", "ordered by PC-07\\admin, with the grant", "by others, with the grant",
        "by others, without a sign-in", "the terms cover no such restart", "open for at most 15 min",
        "non-zero return code", "Inventory, not needed", "The PC could not be reached.",
        "signature valid", "sealed record deleted", "Receipt ", "step done: Accounting", "3 of 3 signatures valid",
        "exit code 3010", "program in the customer's name, \u201cC:\\Tools\\setup.exe\u201d",
    ):  # fmt: skip
        assert part in text
    german = Reader(page(language="de")).text
    for part in (
        "in eigenen Worten:", "von anderen, ohne Anmeldung", "höchstens 15 min", "Signatur gültig",
        "23.11.2026 22:00:00",
    ):  # fmt: skip
        assert part in german


def test_all_terms_are_told(page: Callable[..., str], night: list[dict[str, Any]]) -> None:
    """What else the customer agreed to stands beside the counts, and only what they agreed to."""
    further = ("also after restarts by others", "programs in the customer's name", "without a password")
    known = copy.deepcopy(night[0]["info"])
    for values in itertools.product([False, True], repeat=3):
        terms = known["requests"][0]["terms"]
        terms |= {
            "foreign_restarts": values[0],
            "programs": values[1],
            "means": "arso" if values[2] else "grant",
        }
        [told] = re.findall("<dt>Agreed terms</dt><dd>(.*?)</dd>", page(entry("pc1", known)))
        assert tuple(f"; {text}" in html.unescape(told) for text in further) == values


def test_the_summary_comes_first_and_names_no_customer(page: Callable[..., str]) -> None:
    """The counts stand above the PCs; before the PCs' own sections stand no account and no reason."""
    text = Reader(page()).text
    above = text[: text.index("Timeline of 4 PCs")]
    assert "1 of 4 PCs" in above
    for part in ("anna", "I am still writing"):
        assert part not in above


def test_a_no_has_no_colour_of_a_failure(page: Callable[..., str]) -> None:
    """A declined request is shown plainly; a failure and a PC that is off are marked."""
    root = tree(page())
    looks = {one.text: one.get("class") for one in root.iter("span") if one.get("class")}
    assert looks["declined"] == "plain"
    assert (looks["failed"], looks["not reached"], looks["done"]) == ("bad", "warn", "good")
    assert not {"declined", "reported", "revoked", "no_answer", "unusable"} & set(_report_html._LOOKS)


def test_the_language_of_foreign_words_is_marked(page: Callable[..., str]) -> None:
    """In the German page the agent's words are English, and the customer's words of no known language."""
    root = tree(page(language="de"))
    assert {one.get("lang") for one in root.iter("pre")} == {"en"}
    assert [one.get("lang") for one in root.iter("q")] == [""]
    [message] = [one for one in root.iter("span") if one.text == "non-zero return code"]
    assert message.get("lang") == "en"


# --- hostile texts --------------------------------------------------------------------------------

HOSTILE = "</style></q><script>alert(1)</script>\" onload='x' \u202egnp.\x1b[2J\x07\u2028&amp;\ufffe]]>"


def poisoned(value: object) -> object:
    """Return a value with the hostile text in each of its texts that is no time, no state and no key."""
    if isinstance(value, dict):
        kept = {
            "session",
            "state",
            "action",
            "asked_at",
            "issued_at",
            "not_before",
            "not_after",
            "started_at",
        }
        return {key: part if key in kept else poisoned(part) for key, part in value.items()}
    if isinstance(value, list):
        return [poisoned(part) for part in value]
    return HOSTILE if isinstance(value, str) else value


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_a_pc_becomes_markup(
    page: Callable[..., str], night: list[dict[str, Any]], language: str
) -> None:
    """A PC that lies in each field makes no element, no attribute, no turned line; the page stays XML."""
    pcs = [
        {"name": f"{HOSTILE}{n}", "info": poisoned(one["info"]), "failure": {"step": HOSTILE, "msg": HOSTILE}}
        for n, one in enumerate(night)
        if "agent" in one["info"]
    ]
    pcs.append({"name": HOSTILE, "info": poisoned(OFF), "summary": {"left_over": [HOSTILE]}})
    text = page(*pcs, language=language, title=HOSTILE, organization=HOSTILE)
    reader = Reader(text)
    assert "script" not in {name for name, _attributes in reader.elements}
    assert not [key for _name, attributes in reader.elements for key in attributes if key.startswith("on")]
    assert "alert(1)" in reader.text
    assert not {"\u202e", "\x1b", "\x07", "\u2028", "\ufffe"} & set(text)
    root = tree(text)
    clean = tree(page(language=language, title="t", organization="o"))
    assert {one.tag for one in root.iter()} <= {one.tag for one in clean.iter()}


def test_only_markup_is_not_escaped() -> None:
    """A text is escaped in an element and in an attribute; a name that is no name is refused."""
    assert tag("p", "<b>", title='"&') == '<p title="&quot;&amp;">&lt;b&gt;</p>'
    assert tag("p", tag("b", "x"), escaped("<")) == "<p><b>x</b>&lt;</p>"
    with pytest.raises(ValueError, match="a b"):
        tag("a b")


def test_lines_keep_their_ends_and_tabs_alone() -> None:
    """A receipt's text keeps its lines and their tabs; every other sign is escaped or made visible."""
    assert lines("a\t<b>\nc\x1b\f\ufffe") == "a\t&lt;b&gt;\nc\ufffd\ufffd\ufffd"


# --- the timeline ---------------------------------------------------------------------------------


def drawn(*rows: Row, language: str = "en") -> ET.Element:
    """Return the timeline of these rows as XML."""
    made = timeline(
        [PcResult(row=row, outcome="done", checks=[], next_steps=[]) for row in rows], Texts(language)
    )
    assert made is not None
    return ET.fromstring(made)  # noqa: S314 - our own picture


def row(name: str, *times: str) -> Row:
    """Return a row with steps that were done at these times."""
    steps = [Step(name=f"step {n}", state="done", at=at) for n, at in enumerate(times)]
    return Row(name=name, run_at="", steps=steps)


TERMS = _answers.TermsView(
    restarts=1,
    unlocks=0,
    foreign_restarts=False,
    programs=False,
    not_before="2026-11-20T00:00:00+01:00",
    not_after="2026-11-27T00:00:00+01:00",
)


def places(root: ET.Element) -> list[float]:
    """Return the places of the steps on the axis, from left to right of the text."""
    return [
        float(str(one.get("d")).split()[0][1:]) for one in root.iter("path") if one.get("class") == "step"
    ]


def test_the_timeline_is_described(page: Callable[..., str]) -> None:
    """It has a name and a description, and the course of each PC says the same as text."""
    root = tree(page())
    [picture] = [one for one in root.iter("svg") if one.get("role") == "img"]
    assert picture[0].tag == "title"
    assert picture[1].tag == "desc"
    assert picture.get("aria-labelledby") == f"{picture[0].get('id')} {picture[1].get('id')}"
    titles = [one.text or "" for one in picture.iter("title")][1:]
    course = Reader(page()).text
    for title in titles:
        if re.match(r"\d{4}-", title):
            assert title[27:] in course
    assert [one.text for one in picture.iter("text") if one.get("class") == "name"] == [
        "pc1",
        "pc2",
        "pc3",
        "pc4",
    ]
    kinds = {str(one.get("class")) for one in picture.iter()} & set(KINDS)
    assert kinds == set(KINDS)


def test_pcs_in_several_zones_stand_at_the_same_moment() -> None:
    """The axis counts moments, and is labelled once for each offset from UTC, with the same lines."""
    root = drawn(
        row("berlin", "2026-11-23T22:00:00+01:00", "2026-11-24T04:00:00+01:00"),
        row("london", "2026-11-23T21:00:00+00:00"),
    )
    first, last, london = places(root)
    assert first == london < last
    texts = [one.text for one in root.iter("text") if one.get("class") != "name"]
    assert [text for text in texts if str(text).startswith("UTC")] == ["UTC+01:00", "UTC+00:00"]
    assert "22:00" in texts
    assert "21:00" in texts


def test_a_window_beyond_the_night_ends_with_the_axis() -> None:
    """A grant's window of a week does not stretch the night, and is not drawn beyond it."""
    asked = Asked(id="r", state="granted", terms=TERMS)
    root = drawn(dataclasses.replace(row("pc", "2026-11-23T22:00:00+01:00"), requests=[asked]))
    [window] = [one for one in root.iter("rect") if one.get("class") == "window"]
    left, width = float(str(window.get("x"))), float(str(window.get("width")))
    assert 130 <= left < left + width <= 740


def test_the_night_of_daylight_saving_has_its_length() -> None:
    """02:30 summer time and 02:30 winter time are an hour apart (25 October 2026, Europe/Berlin)."""
    summer, winter, end = places(
        drawn(
            row("pc", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T04:30:00+01:00")
        )
    )
    assert winter - summer == pytest.approx((end - winter) / 2, abs=0.2)


@pytest.mark.parametrize("times", [
    ["2026-11-23T22:00:00+01:00"],
    ["2026-11-23T22:00:00+01:00", "2026-11-23T22:00:09+01:00"],
    ["2026-11-23T22:00:00+01:00", "2026-12-30T22:00:00+01:00"],
    ["2000-01-01T00:00:00+14:00", "2999-12-31T23:59:59-12:00"],
    ["2026-11-23T22:00:00+01:00", "nonsense", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"],
    [f"2026-11-23T22:00:00+{hours:02}:{minutes:02}" for hours in range(14) for minutes in (0, 7, 30)],
])  # fmt: skip
def test_the_axis_fits_each_length(times: list[str]) -> None:
    """From a second to a thousand years: two to nine labels, all within the picture; nonsense is left out."""
    root = drawn(row("pc", *times))
    width, height = map(float, str(root.get("viewBox")).split()[2:])
    labels = [one for one in root.iter("text") if re.fullmatch(r"\d\d:\d\d", one.text or "")]
    zones = sum(str(one.text).startswith("UTC") for one in root.iter("text"))
    assert zones <= 6
    assert 1 <= len(labels) / zones <= 9
    for one in root.iter():
        for name, most in (("x", width), ("x1", width), ("x2", width), ("y", height), ("y2", height)):
            assert 0 <= float(one.get(name, 0)) <= most


def test_a_night_without_times_has_no_timeline(page: Callable[..., str]) -> None:
    """All PCs are off: a sentence stands in place of the picture."""
    text = page(entry("pc", OFF))
    assert "<svg" not in text
    assert "No PC has told a time yet." in text


# --- texts ----------------------------------------------------------------------------------------


def names(text: str) -> set[str | None]:
    """Return the places of a text."""
    return {name for _before, name, _form, _kind in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", TEXTS)
def test_each_text_is_in_each_language(key: str) -> None:
    """No text is missing, and the languages have the same places."""
    texts = [getattr(TEXTS[key], language) for language in LANGUAGES]
    assert all(texts)
    assert len({frozenset(names(text)) for text in texts}) == 1


def test_each_key_in_the_code_is_a_text_and_each_text_is_used() -> None:
    """A key that is misspelt or left over is found: the code names keys as words or as a group and a state."""
    code = "".join(
        path.read_text(encoding="utf-8") for path in PLUGINS.glob("_report_*.py") if "texts" not in path.name
    )
    named = set(re.findall(r'"([a-z_]+)"', code))
    groups = set(re.findall(r'f"([a-z]+_)\{', code)) | {
        f"{one}_" for one in re.findall(r't\.word\("(\w+)"', code)
    }
    groups |= {"request_"}
    unused = {key for key in TEXTS if key not in named and not any(key.startswith(group) for group in groups)}
    assert unused - {"date", "short_date", "seconds", "minutes", "minutes_seconds"} == set()
    said = set(re.findall(r'\bt\("([a-z_]+)"', code))
    assert said <= set(TEXTS)


def test_each_state_of_the_protocol_has_its_text() -> None:
    """Requests, uses, ends of grants and restarts without a sign-in; results and next steps of the report itself."""
    request, use, grant = (
        typing.get_args(typing.get_type_hints(view)["state"])
        for view in (_answers.RequestView, _answers.UseView, _answers.GrantView)
    )
    assert {f"request_{state}" for state in request} <= set(TEXTS)
    assert {f"use_{state}" for state in use} <= set(TEXTS)
    ends = set(grant) - {"active", "paused", "erased", "erase_failed"}
    assert {f"ended_{state}" for state in ends} <= set(TEXTS)
    assert {f"omitted_{why}" for why in typing.get_args(Omission)} <= set(TEXTS)
    program = typing.get_type_hints(_answers.ProgramView)["state"]
    assert {f"program_{state}" for state in typing.get_args(program)} <= set(TEXTS)
    assert {f"stop_{why}" for why in typing.get_args(StopReason)} <= set(TEXTS)
    assert {f"outcome_{name}" for name in _report_result.OUTCOMES} <= set(TEXTS)
    assert {f"next_{name}" for name in (*_report_result._NEXT.values(), "new_session")} <= set(TEXTS)
    assert {f"signature_{name}" for name in typing.get_args(Check)} <= set(TEXTS)
    assert set(_report_result._NEXT) == set(_report_result.OUTCOMES) - {"done"}
    assert Texts("de").word("use", "of a later agent") == "of a later agent"


def test_a_report_can_change_its_language(page: Callable[..., str], tmp_path: Path) -> None:
    """The last run's language counts; the words of the other files stay."""
    page()
    before = [one["outcome"] for one in stored(tmp_path / "r")["pcs"]]
    table = (tmp_path / "r.csv").read_bytes()
    assert 'lang="de"' in page(language="de")
    assert (tmp_path / "r.csv").read_bytes() == table
    assert [one["outcome"] for one in stored(tmp_path / "r")["pcs"]] == before


# --- colours --------------------------------------------------------------------------------------

ON_TEXT = ("text", "muted", "link", "good", "warn", "bad")
ON_SHAPE = ("text", "good", "bad", "restart", "others", "unlock", "muted")


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2, definition of "relative luminance")."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2, definition of "contrast ratio")."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", _report_style.THEMES)
def test_texts_and_shapes_have_enough_contrast(theme: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for texts on page and panel (1.4.3), 3 to 1 for shapes, also on the window (1.4.11)."""
    colours = _report_style.THEMES[theme]
    for ground in ("back", "panel"):
        assert min(contrast(colours[name], colours[ground]) for name in ON_TEXT) >= 4.5
    for ground in ("back", "window"):
        assert min(contrast(colours[name], colours[ground]) for name in ON_SHAPE) >= 3.0


def test_the_themes_have_the_same_colours_and_the_sheet_uses_no_other() -> None:
    """A colour that a theme lacks, or that stands in a rule itself, would be unreadable in the other."""
    assert set(_report_style.THEMES["light"]) == set(_report_style.THEMES["dark"])
    used = set(re.findall(r"var\(--(\w+)\)", _report_style.SHEET))
    assert used == set(_report_style.THEMES["light"])
    assert not re.search(r"#[0-9a-f]{3,6}", _report_style._LOOK)
    classes = set(
        re.findall(r'class_="(\w+)"', (PLUGINS / "_report_timeline.py").read_text(encoding="utf-8"))
    )
    assert {f".{name}{{" in _report_style.SHEET for name in KINDS} == {True}
    assert classes


def test_the_modules_need_ansible_s_packages_only() -> None:
    """No module of the report imports anything but the standard library, the collection and cryptography."""
    code = "".join(path.read_text(encoding="utf-8") for path in PLUGINS.glob("_report_*.py"))
    tops = {
        name.split(".")[0] for name in re.findall(r"^\s*(?:import|from) ([a-z_][\w.]*)", code, re.MULTILINE)
    }
    assert tops <= {
        "__future__", "base64", "collections", "contextlib", "cryptography", "csv", "dataclasses", "datetime", "fcntl",
        "hashlib", "html", "io", "json", "os", "pathlib", "re", "secrets", "stat", "typing",
    }  # fmt: skip
    assert _report_timeline.__doc__
