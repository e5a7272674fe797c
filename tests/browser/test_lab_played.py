# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick start's playbook on the lab's page in a real browser: by mouse, by keyboard, in a Wine PC's windows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from agent.packaging.system_tools import BROWSER
from tests.needs import require
from tests.waiting import eventually

pytest.importorskip("selenium", reason=str(BROWSER.missing()))

from selenium.webdriver.common.keys import Keys

from tests.browser.browser import ONLY_LOOPBACK, Browser, Shown, browser
from tests.lab.tryout import LabProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(400)

TEXT = "return document.querySelector(arguments[0])?.innerText ?? ''"
FOCUS = (
    "return document.activeElement.id || document.activeElement.innerText || document.activeElement.tagName"
)
SCREEN_TEXT = """
const rows = document.querySelectorAll("#terminal .xterm-rows > div");
return [...rows].map(row => row.innerText.replace(/\\u00a0/g, " ").trimEnd()).join("\\n");
"""
CODE = re.compile(r"code (\d{4})")
MINUTE = 60.0


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of this file."""
    require(BROWSER)
    with browser(tmp_path_factory.mktemp("browser"), ONLY_LOOPBACK) as made:
        yield made


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabProcess]:
    """A lab of one simulated PC, as `make lab` runs it."""
    require(BROWSER)
    with LabProcess(tmp_path, PCS="1") as running:
        yield running


def text(shown: Shown, selector: str) -> str:
    """Return the text of an element; empty if there is none."""
    return str(shown.run(TEXT, selector))


def terminal(shown: Shown) -> str:
    """Return the lines on the terminal."""
    return str(shown.run(SCREEN_TEXT))


def page_of(opened: Browser, lab: LabProcess) -> Shown:
    """Open the lab's page; return it when its terminal waits for a command."""
    shown = opened.visit(lab.address)
    eventually(lambda: "$" in terminal(shown), "the prompt", MINUTE)
    eventually(lambda: text(shown, "#facts"), "the PC", MINUTE)
    return shown


def wait(shown: Shown, selector: str, words: str, seconds: float = MINUTE) -> None:
    """Wait for words on a part of the page."""
    eventually(lambda: words in text(shown, selector), f"{words!r} in {selector}", seconds)


def test_the_quick_starts_playbook_by_mouse(opened: Browser, lab: LabProcess) -> None:
    """The code stands on both sides; the typed password is taken; the PC restarts; the erasure is seen."""
    shown = page_of(opened, lab)
    shown.click("#commands li button")
    shown.press(Keys.ENTER)
    wait(shown, "#window", "Check code")
    eventually(lambda: CODE.search(terminal(shown)), "the code in the terminal", MINUTE)
    found = CODE.search(terminal(shown))
    assert found is not None
    assert found[1] in text(shown, "#window"), "operator and customer see different codes"
    shown.click("#password-show")
    eventually(lambda: re.search(r"[a-z]{4}[2-9]", text(shown, "#password")), "the password")
    password = re.findall(r"\b[a-z]{4}[2-9][a-z]{4}[2-9][a-z]{4}[2-9]\b", text(shown, "#password"))[0]
    shown.click("#window input[type=password]")
    shown.press(password)
    shown.click("#window button")
    wait(shown, "#strip", "Allows it")
    eventually(lambda: "is signed in again" in terminal(shown), "the restart", 2 * MINUTE)
    wait(shown, "#states", "erased")
    wait(shown, "#journal", "session_ended")
    assert password not in terminal(shown)
    assert shown.complaints() == []
