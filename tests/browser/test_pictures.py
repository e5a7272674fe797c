# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of docs/report.md show the report as it is."""

from __future__ import annotations

from pathlib import Path

from tests.browser import pictures

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs/images"


def test_the_pictures_are_current(tmp_path: Path) -> None:
    """Each was taken of the HTML that the report has now: after a change of its look run `make screenshots`."""
    now = pictures.digest(pictures.page(tmp_path))
    assert {name: pictures.mark_of((IMAGES / name).read_bytes()) for name in pictures.NAMES} == dict.fromkeys(
        pictures.NAMES, now
    )


def test_the_page_of_the_pictures_is_the_same_each_time(tmp_path: Path) -> None:
    """Neither the time of day nor a random number is in its upper part; a changed text is."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = (pictures.page(tmp_path / name) for name in ("one", "two"))
    assert pictures.digest(one) == pictures.digest(two)
    text = two.read_text(encoding="utf-8")
    assert text != one.read_text(encoding="utf-8")
    two.write_text(text.replace("Accept the answer.", "Accept it.", 1), encoding="utf-8")
    assert pictures.digest(one) != pictures.digest(two)


def test_the_page_of_the_report_shows_the_pictures() -> None:
    """docs/report.md has both, with a text in their place for whoever does not see them."""
    text = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    for name in pictures.NAMES:
        before, found, _after = text.partition(f"](images/{name})")
        assert found
        assert len(before.rpartition("![")[2]) > 20
