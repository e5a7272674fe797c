# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the pictures of docs/report.md again: `python -m tests.browser.pictures FOLDER`, or `make screenshots`.

Each picture carries the hash of the HTML that it shows, so a test can tell without a browser that it is current.
"""

from __future__ import annotations

import hashlib
import struct
import sys
import tempfile
import zlib
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from agent.packaging.system_tools import BROWSER, missing
from lab.canary import make
from tests import collection
from tests.unit.agent.world import ZONE

NAMES = {"report.en.png": 1200, "report-phone.en.png": 360}
"""The pictures with their widths in CSS pixels."""
LANGUAGE = "en"
MORNING = datetime(2026, 11, 28, 6, 2, tzinfo=ZONE)
KEY = b"Source"
SIGNATURE, HEAD = b"\x89PNG\r\n\x1a\n", 33
"""A PNG file begins with its signature; with the first chunk, IHDR, it has 33 bytes (RFC 2083, 3.1 and 4.1.1)."""


class _Clock:
    """The controller's clock in the morning."""

    @staticmethod
    def now(_zone: object) -> _Clock:
        return _Clock()

    @staticmethod
    def astimezone() -> datetime:
        return MORNING


def page(folder: Path) -> Path:
    """Write the report that the pictures show, the same each time down to the PCs' own sections.

    Ansible's finder of collections has to be in place.
    """
    from ansible_collections.latchkey.consent.plugins.action import report  # noqa: PLC0415 - needs the finder

    from tests.browser import story  # noqa: PLC0415 - as above

    with patch.object(report, "datetime", _Clock):
        return story.write(folder / "night", story.ordinary, make(), LANGUAGE)


def digest(page: Path) -> str:
    """Return the SHA-256 of the part of a report that the pictures show. The sections of the PCs have random keys."""
    shown, found, _rest = page.read_text(encoding="utf-8").partition('<section id="pcs"')
    if not found:
        msg = "the report has no section with its PCs"
        raise ValueError(msg)
    return hashlib.sha256(shown.encode()).hexdigest()


def marked(picture: bytes, text: str) -> bytes:
    """Return a PNG picture with a text in it (RFC 2083, 4.2.7, the chunk tEXt)."""
    checked = b"tEXt" + KEY + b"\0" + text.encode("ascii")
    chunk = struct.pack(">I", len(checked) - 4) + checked + struct.pack(">I", zlib.crc32(checked))
    return picture[:HEAD] + chunk + picture[HEAD:]


def mark_of(picture: bytes) -> str:
    """Return the text of a marked picture, empty if it has none."""
    _before, found, rest = picture.partition(b"tEXt" + KEY + b"\0")
    return rest[:64].decode("ascii") if found and picture.startswith(SIGNATURE) else ""


def main(folder: Path) -> int:
    """Take the pictures; return the exit code."""
    if lacking := missing(BROWSER):
        print(f"no pictures: {lacking}", file=sys.stderr)
        return 1
    from tests.browser.browser import browser  # noqa: PLC0415 - needs what the test of the pictures does without

    collection.put_finder_in_place()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        made = page(place)
        with browser(place / "browser") as opened:
            for picture, width in NAMES.items():
                shown = opened.show(made, width)
                end = shown.run('return document.querySelector(".legend").getBoundingClientRect().bottom')
                taken = shown.picture(width, int(end) + 16)
                (folder / picture).write_bytes(marked(taken, digest(made)))
                print(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
