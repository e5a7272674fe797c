# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find faults that Sphinx does not: missing pages, broken links, files loaded from elsewhere, films not shown."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tools.docs_site import sources

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLLOWED = {("a", "href"), ("area", "href")}
"""An address here is not loaded before the reader follows the link."""
ADDRESSES = ("href", "src", "data", "poster", "action", "xlink:href")
STYLE = re.compile(r"""(?:@import\s+|url\(\s*)["']?([^"')\s]+)""")
CONTENT = {
    "plugins/modules/*.py": "module",
    "plugins/lookup/*.py": "lookup",
    "plugins/test/*.py": "test",
    "roles/*": "role",
}
"""The collection's content, and the last word of the name of its page."""


class Page(HTMLParser):
    """A page: its anchors, the addresses that it links to, and the addresses that it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.anchors = {""}
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the anchor and the addresses of a tag."""
        given = {name: value or "" for name, value in attrs}
        self.anchors.add(given.get("id", ""))
        self.loads += STYLE.findall(given.get("style", ""))
        self.loads += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]
        for name in ADDRESSES:
            if name in given:
                (self.links if (tag, name) in FOLLOWED else self.loads).append(given[name])

    def handle_data(self, data: str) -> None:
        """Take the addresses in a style sheet within the page."""
        if self.cdata_elem == "style":
            self.loads += STYLE.findall(data)


def is_elsewhere(address: str) -> bool:
    """Tell whether an address is on another host."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in {"", "data"}


def loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Yield a sentence for each address of another host that a page or a style sheet loads."""
    loads = {path: page.loads for path, page in pages.items()}
    loads |= {path: STYLE.findall(path.read_text(encoding="utf-8")) for path in site.rglob("*.css")}
    for path, addresses in loads.items():
        for address in filter(is_elsewhere, addresses):
            yield f"{path.relative_to(site)} loads {address}"


def broken_links(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Yield a sentence for each address within the site that has no file or no anchor."""
    for path, page in pages.items():
        for address in dict.fromkeys(page.links + page.loads):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else {"", parts.fragment}
            if not target.is_file() or unquote(parts.fragment) not in anchors:
                yield f"{path.relative_to(site)} links to {address}, which is not there"


def unshown_films(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Yield a sentence for each film that a page links to and does not show."""
    for path, page in pages.items():
        for address in dict.fromkeys(page.links):
            if address.endswith(".webm") and address not in page.loads:
                yield f"{path.relative_to(site)} links to {address} and does not show it"


def missing_files(site: Path, root: Path) -> Iterator[str]:
    """Yield a sentence for each guide, module, plugin and role without a page, and for a missing search."""
    names = ["index.html", "searchindex.js"]
    names += [str(page.relative_to(root).with_suffix(".html")) for page in sources.pages(root)]
    for pattern, kind in CONTENT.items():
        names += [f"reference/{path.stem}_{kind}.html" for path in sorted(root.glob(pattern))]
    for name in names:
        if not (site / name).is_file():
            yield f"{name} is missing"


def faults(site: Path, root: Path) -> list[str]:
    """Return a sentence for each fault of the site that was built from a checkout."""
    site = site.resolve()
    downloads = site / "_downloads"
    found = (path for path in sorted(site.rglob("*.html")) if not path.is_relative_to(downloads))
    pages = {path: Page(path) for path in found}
    return [
        *missing_files(site, root),
        *broken_links(site, pages),
        *loaded_from_elsewhere(site, pages),
        *unshown_films(site, pages),
    ]
