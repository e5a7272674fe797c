# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo BROWSER=1`: the demo begins when its page is opened, and shows itself there."""

from __future__ import annotations

import http.client
import io
import json
import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from lab.computer import LabError
from lab.demo import on_page
from lab.demo.endings import ENDINGS
from lab.demo.lanes import Lanes
from lab.demo.operator import COLLECTIONS
from lab.demo.stage import Stage
from lab.simulated.simulated_pc import pc
from lab.tryout import page_packages
from tests.lab.tryout import ask
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not COLLECTIONS.is_dir(), reason="the collection's path is not set up: run make test"
)


class Reader(threading.Thread):
    """Opens the page as soon as the demo names it, and reads its events to their end."""

    def __init__(self, stream: io.StringIO) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self.began_before = False
        self.password: tuple[int, str] = (0, "")
        self.said = ""

    def run(self) -> None:
        """Read."""
        eventually(lambda: "http://" in self._stream.getvalue(), "the page's address", 60)
        self.began_before = "Sees this window" in self._stream.getvalue()
        found = re.search(r"http://\S+", self._stream.getvalue())
        assert found is not None
        self.password = ask(found[0], "GET", "pcs/pc1/password")
        place = urlsplit(found[0])
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        connection.request("GET", f"{place.path}events")
        self.said = connection.getresponse().read().decode()
        connection.close()


@pytest.mark.timeout(200)
def test_the_demo_is_shown_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The reader sees window, restarts and journal; every promise is kept; the page does not know the password."""
    monkeypatch.setattr(page_packages, "installed", lambda _say: tmp_path)
    monkeypatch.setattr(on_page, "LAST_LOOK", 1.5)
    stream = io.StringIO()
    viewer, ending = Lanes(stream), ENDINGS["grant"]
    reader = Reader(stream)
    reader.start()
    with Stage(ending, tmp_path / "demo", viewer, on_page.on_page(pc, "simulated", viewer)).played() as story:
        verdicts = [check(story) for check in ending.promises]
        password = story.password.decode("utf-16-le")
    reader.join(30)

    assert all(verdict.kept for verdict in verdicts)
    assert not reader.began_before
    assert reader.password[0] == 409
    assert "the demo types" in json.loads(reader.password[1])["error"].casefold()
    whats = re.findall(r'"what": "(\w+)"', reader.said)
    assert {"request_shown", "typed", "restart_announced", "locked"} <= set(whats)
    assert "asks for the sign-in" in reader.said
    assert "event: ended" in reader.said
    assert password not in reader.said
    assert not caplog.records


def test_a_page_that_nobody_opens_ends_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says why, and what to do."""
    monkeypatch.setattr(page_packages, "installed", lambda _say: tmp_path)
    monkeypatch.setattr(on_page, "LONGEST_WAIT", 0.3)
    viewer = Lanes(io.StringIO())
    stage = Stage(ENDINGS["grant"], tmp_path / "demo", viewer, on_page.on_page(pc, "simulated", viewer))
    with pytest.raises(LabError, match="was not opened within"), stage.played():
        pass
