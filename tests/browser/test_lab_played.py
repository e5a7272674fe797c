# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick start's playbook on the lab's page in a real browser: by mouse and by keyboard."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from agent.packaging.system_tools import BROWSER
from lab.tryout.page_server import door
from tests.needs import require
from tests.waiting import eventually

pytest.importorskip("selenium", reason=str(BROWSER.missing()))

from selenium.webdriver.common.keys import Keys

from tests.browser.browser import ONLY_LOOPBACK, Browser, Shown, browser
from tests.browser.lab_page import CODE, MINUTE, hidden_text, keep, page_of, terminal, text
from tests.lab.tryout import LabProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(400)

PASSWORD = re.compile(r"\b(?:[a-z]{4}[2-9]){3}\b")


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


def wait(shown: Shown, selector: str, words: str, seconds: float = MINUTE) -> None:
    """Wait for words on a part of the page."""
    eventually(lambda: words in text(shown, selector), f"{words!r} in {selector}", seconds)


def test_the_quick_starts_playbook_by_mouse(opened: Browser, lab: LabProcess) -> None:
    """The code stands on both sides; the typed password is taken; the PC restarts; the erasure is seen."""
    shown = page_of(opened, lab.address)
    shown.click("#commands li button")
    shown.press(Keys.ENTER)
    wait(shown, "#window", "Check code")
    eventually(lambda: CODE.search(terminal(shown)), "the code in the terminal", MINUTE)
    found = CODE.search(terminal(shown))
    assert found is not None
    assert found[1] in text(shown, "#window"), "operator and customer see different codes"
    shown.click("#password-show")
    eventually(lambda: PASSWORD.search(text(shown, "#password")), "the password")
    [password] = PASSWORD.findall(text(shown, "#password"))
    shown.click("#window input[type=password]")
    shown.press(password)
    shown.click("#window button")
    wait(shown, "#strip", "Allows it")
    eventually(lambda: "is signed in again" in terminal(shown), "the restart", 2 * MINUTE)
    eventually(lambda: "erased" in hidden_text(shown, "#states"), "the erasure", MINUTE)
    wait(shown, "#journal", "The support session is over")
    assert password not in terminal(shown)
    assert shown.findings(["violations"]) == []
    keep(shown, "lab-by-mouse")
    assert shown.complaints() == []


def test_the_quick_starts_playbook_by_keyboard(opened: Browser, lab: LabProcess) -> None:
    """Tab, Enter and letters do: run the playbook, read the window, type the password, allow, and revoke."""
    shown = page_of(opened, lab.address)
    tab_to(shown, "#commands li button")
    shown.enter()
    shown.press(Keys.ENTER)
    wait(shown, "#window", "Check code")
    shown.press(Keys.CONTROL, Keys.ALT, Keys.SHIFT)
    tab_to(shown, "#password-show")
    shown.enter()
    eventually(lambda: PASSWORD.search(text(shown, "#password")), "the password")
    found = PASSWORD.search(text(shown, "#password"))
    assert found is not None
    tab_to(shown, "#window input[type=password]")
    shown.press(found[0])
    tab_to(shown, "#window button")
    shown.enter()
    wait(shown, "#strip", "Allows it")
    tab_to(shown, "#deeds-customer button", "Revoke")
    shown.enter()
    wait(shown, "#strip", "Takes the sign-in back")
    wait(shown, "#said-customer", "took the sign-in back")
    eventually(lambda: "revoked" in terminal(shown), "the operator's error", 2 * MINUTE)
    assert shown.complaints() == []


def test_a_private_file_leads_to_the_page(opened: Browser, lab: LabProcess, tmp_path: Path) -> None:
    """The browser is started with this file, so the token stands in no argument of a program."""
    file = door(lab.address, tmp_path)
    shown = opened.visit(file.as_uri())
    eventually(lambda: text(shown, "#facts"), "the PC", MINUTE)
    assert lab.address.split("/")[-2] not in str(file)


def tab_to(shown: Shown, selector: str, label: str = "") -> None:
    """Press Tab until an element, whose text begins with a label, has the focus."""
    focused = (
        "const one = document.activeElement; return one.matches(arguments[0]) ? one.innerText || ' ' : ''"
    )
    for _ in range(150):
        shown.tab()
        there = str(shown.run(focused, selector))
        if there and there.strip().startswith(label):
            return
    pytest.fail(f"Tab does not reach {selector} {label}")
