# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of the documentation site, and the checks of the built site; the gate `site` builds the real one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.docs_site import built, films, sources

ROOT = Path(__file__).resolve().parents[3]
INDEX = (ROOT / sources.INDEX).read_text(encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a guide, a module, a lookup plugin and a role."""
    for name in ("docs/guide.md", "plugins/modules/ask.py", "plugins/lookup/find.py", "roles/keep/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


PAGES = (
    "index",
    "docs/guide",
    "roles/keep/README",
    "reference/ask_module",
    "reference/find_lookup",
    "reference/keep_role",
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The whole site of that checkout."""
    folder = tmp_path / "build/docs"
    for name in PAGES:
        write(folder / f"{name}.html", '<h1 id="top">A page</h1>')
    write(folder / "searchindex.js", "")
    return folder


def write(path: Path, text: str) -> None:
    """Write a file of the site."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_menu_has_each_page() -> None:
    """No guide and no README is left out of the index, and none is there twice."""
    menu = "\n".join(re.findall(r"```\{toctree\}\n(.*?)```", INDEX, re.DOTALL))
    listed = re.findall(r"^(?!:)(?:.*<)?([\w./-]+)>?$", menu, re.MULTILINE)
    pages = [page.relative_to(ROOT).with_suffix("").as_posix() for page in sources.pages(ROOT)]
    assert sorted(listed) == sorted([*pages, "CHANGELOG", "reference/index"])


def test_a_whole_site_has_no_fault(checkout: Path, site: Path) -> None:
    """Pages, links within the site and links to other hosts are accepted."""
    write(
        site / "index.html",
        '<a href="docs/guide.html#top">the guide</a> <a href="#">up</a> <a href="https://example.org/">other</a>'
        '<img src="data:image/png;base64,AAAA">',
    )
    assert built.faults(site, checkout) == []


@pytest.mark.parametrize("name", [*(f"{page}.html" for page in PAGES), "searchindex.js"])
def test_a_missing_page_is_found(name: str, checkout: Path, site: Path) -> None:
    """A guide, the page of a module, a plugin or a role, and the index of the search."""
    (site / name).unlink()
    assert built.faults(site, checkout) == [f"{name} is missing"]


@pytest.mark.parametrize("link", ["gone.html", "docs/guide.html#gone", "#gone", "docs/gone.png"])
def test_a_broken_link_is_found(link: str, checkout: Path, site: Path) -> None:
    """A missing page, a missing heading and a missing file."""
    write(site / "index.html", f'<a href="{link}">a link</a>')
    assert built.faults(site, checkout) == [f"index.html links to {link}, which is not there"]


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="{}"></script>',
        '<link rel="stylesheet" href="{}">',
        '<link rel="preconnect" href="{}">',
        '<img src="{}">',
        '<img srcset="{} 2x">',
        '<iframe src="{}"></iframe>',
        '<video poster="{}"></video>',
        '<object data="{}"></object>',
        '<form action="{}"></form>',
        '<svg><use xlink:href="{}"/></svg>',
        '<p style="background: url({})">text</p>',
        "<style>@import '{}';</style>",
    ],
)
@pytest.mark.parametrize("address", ["https://example.org/x", "http://example.org/x", "//example.org/x"])
def test_a_page_loads_nothing_from_another_host(tag: str, address: str, checkout: Path, site: Path) -> None:
    """A browser shows the site without a network."""
    write(site / "index.html", tag.format(address))
    assert built.faults(site, checkout) == [f"index.html loads {address}"]


def test_a_style_sheet_loads_nothing_from_another_host(checkout: Path, site: Path) -> None:
    """Neither a font nor another style sheet."""
    write(site / "_static/site.css", '@font-face { src: url("https://example.org/font.woff2") }')
    assert built.faults(site, checkout) == ["_static/site.css loads https://example.org/font.woff2"]


def test_a_file_to_download_is_no_page(checkout: Path, site: Path) -> None:
    """A page of the lab that a README links to may need other files of the lab."""
    write(site / "_downloads/1/index.html", '<script src="page.js"></script>')
    assert built.faults(site, checkout) == []


def test_a_film_that_is_not_shown_is_found(checkout: Path, site: Path) -> None:
    """A page that links to a film has a player for it, too."""
    write(site / "window.webm", "")
    link, player = '<a href="window.webm">A film</a>', '<video src="window.webm"></video>'
    write(site / "index.html", link + player)
    assert built.faults(site, checkout) == []
    write(site / "index.html", link)
    assert built.faults(site, checkout) == ["index.html links to window.webm and does not show it"]


def test_the_copied_pages_keep_their_links(tmp_path: Path) -> None:
    """A file that a page links to is copied beside it, as in the repository; files of an earlier copy go."""
    write(tmp_path / "docs/gone.md", "an old page")
    sources.copy_pages(ROOT, tmp_path)
    assert not (tmp_path / "docs/gone.md").exists()
    for name in ("docs/images/request.de.png", "docs/examples/night.yml", "lab/wsman/README.md"):
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()


def test_a_film_is_shown_below_its_link() -> None:
    """A paragraph that begins with a link to a film is followed by a player; other links stay as they are."""
    link = (
        '<a class="reference download internal" download="" href="../_downloads/1/{}"><span>A file</span></a>'
    )
    body = f"<p>{link.format('window.webm')} shows\na window.</p>\n<p>{link.format('night.yml')}</p>"
    before, player, after = films.show_films(body).partition(
        '<video controls preload="metadata" src="../_downloads/1/window.webm"></video>'
    )
    assert player
    assert before.rstrip().endswith("a window.</p>")
    assert f"{before.rstrip()}{after}" == body


def test_the_menu_names_a_module_shortly(tmp_path: Path) -> None:
    """Modules, plugins and roles have their short names there."""
    write(tmp_path / "index.rst", ".. toctree::\n\n    ask_again_module\n    keep_role\n    other\n")
    sources.shorten_entries(tmp_path / "index.rst")
    text = (tmp_path / "index.rst").read_text(encoding="utf-8")
    assert text.endswith(
        "    ask_again (module) <ask_again_module>\n    keep (role) <keep_role>\n    other\n"
    )
