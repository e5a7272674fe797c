# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that Sphinx reads: the repository's pages in the repository's layout, so that their links hold there."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PAGES = ("*.md", "docs/*.md", "roles/*/README.md", "agent/packaging/README.md", "lab/*/README.md")
INDEX = "tools/docs_site/index.md"
CHANGES = ("galaxy.yml", "changelogs/*.yaml", "changelogs/fragments/*.yml")
"""The files that antsibull-changelog reads."""
LINK = re.compile(r"\]\(([^)\s#:]+)\)")
ENTRY = re.compile(r"^    (\w+)_(module|lookup|role|test)$", re.MULTILINE)


def pages(root: Path) -> list[Path]:
    """Return the pages of the repository that the site shows."""
    return sorted(page for pattern in PAGES for page in root.glob(pattern))


def linked_files(page: Path) -> list[Path]:
    """Return the files, other than pages, that a page links to or shows."""
    found = (page.parent / link for link in LINK.findall(page.read_text(encoding="utf-8")))
    return [path.resolve() for path in found if path.is_file() and path.suffix != ".md"]


def copy_pages(root: Path, target: Path) -> None:
    """Make the folder anew: all pages, the files that they link to, the index, the notes of the changes."""
    shutil.rmtree(target, ignore_errors=True)
    shown = pages(root)
    files = {*shown, *(path for page in shown for path in linked_files(page))}
    files |= {path for pattern in CHANGES for path in root.glob(pattern)}
    for path in files:
        copy = target / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    shutil.copyfile(root / INDEX, target / "index.md")


def shorten_entries(index: Path) -> None:
    """Let the menu name modules and roles by their short names, not by antsibull-docs' long titles."""
    text = index.read_text(encoding="utf-8")
    index.write_text(ENTRY.sub(r"    \1 (\2) <\1_\2>", text), encoding="utf-8")
