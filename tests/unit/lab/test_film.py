# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The film on docs/customer.en.md, made by `make film`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from agent.packaging.system_tools import FILM_READER
from tests import films
from tests.needs import require

ROOT = Path(__file__).resolve().parents[3]
FILM = ROOT / "docs/images/window.en.webm"
LARGEST = 600_000
SHORTEST = 5.0


def test_the_film_is_a_small_webm() -> None:
    """Its head names the format (RFC 8794: an EBML document of the type webm); it has at most 600 kB."""
    content = FILM.read_bytes()
    assert content.startswith(b"\x1a\x45\xdf\xa3")
    assert b"\x42\x82\x84webm" in content[:64]
    assert len(content) <= LARGEST


def test_the_film_shows_a_screen_without_sound() -> None:
    """It has one stream, the pictures of a whole screen, and takes at least five seconds."""
    require(FILM_READER)
    film = films.read(FILM)
    assert (film.codecs, film.size) == (["vp9"], (1024, 768))
    assert film.seconds >= SHORTEST


def test_the_customers_page_links_to_the_film() -> None:
    """Its paragraph begins with the link, so that the site shows the film there (tools/docs_site/films.py)."""
    assert "\n\n[A short film](images/window.en.webm)" in (ROOT / "docs/customer.en.md").read_text(
        encoding="utf-8"
    )


def test_a_command_makes_the_film() -> None:
    """`make help` names it."""
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert "\nmake film " in shown.stdout
