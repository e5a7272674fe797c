# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick start's playbook on the lab's page in a real browser: by mouse, by keyboard, in a Wine PC's windows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import pytest

from agent.packaging.system_tools import BROWSER, PACKAGE, SCREEN, VNC, WINE
from lab.tryout import page_packages
from lab.wine.ui_driver import UiDriver
from tests.needs import require
from tests.waiting import eventually

pytest.importorskip("selenium", reason=str(BROWSER.missing()))

from selenium.webdriver.common.keys import Keys

from tests.browser.browser import ONLY_LOOPBACK, Browser, Shown, browser
from tests.lab.tryout import LabProcess, played

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.wine.display import Display
    from lab.wine.wine_computer import WineComputer

pytestmark = pytest.mark.timeout(400)

TEXT = "return document.querySelector(arguments[0])?.innerText ?? ''"
FOCUS = (
    "return document.activeElement.id || document.activeElement.innerText || document.activeElement.tagName"
)
SCREEN_TEXT = """
const rows = document.querySelectorAll("#terminal .xterm-rows > div");
return [...rows].map(row => row.innerText.replace(/\\u00a0/g, " ").trimEnd()).join("\\n");
"""
HIDDEN_TEXT = "return document.querySelector(arguments[0]).textContent"
PASSWORD = re.compile(r"\b(?:[a-z]{4}[2-9]){3}\b")
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
    eventually(lambda: PASSWORD.search(text(shown, "#password")), "the password")
    [password] = PASSWORD.findall(text(shown, "#password"))
    shown.click("#window input[type=password]")
    shown.press(password)
    shown.click("#window button")
    wait(shown, "#strip", "Allows it")
    eventually(lambda: "is signed in again" in terminal(shown), "the restart", 2 * MINUTE)
    eventually(lambda: "erased" in str(shown.run(HIDDEN_TEXT, "#states")), "the erasure", MINUTE)
    wait(shown, "#journal", "The support session is over")
    assert password not in terminal(shown)
    assert shown.complaints() == []


def test_the_quick_starts_playbook_by_keyboard(opened: Browser, lab: LabProcess) -> None:
    """Tab, Enter and letters do: run the playbook, read the window, type the password, allow, and revoke."""
    shown = page_of(opened, lab)
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


# --- a Wine PC's real windows -------------------------------------------------------------


KEYS = {
    "Return": Keys.ENTER, "Tab": Keys.TAB, "Escape": Keys.ESCAPE, "Delete": Keys.DELETE, "Home": Keys.HOME,
    "End": Keys.END, "Up": Keys.ARROW_UP,
}  # fmt: skip


class ScreenOnPage:
    """`lab.wine.display.Display` with the mouse and the keyboard of the browser, over noVNC."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        size = shown.run(
            "const one = document.querySelector('#remote-screen canvas'); return [one.width, one.height]"
        )
        self._width, self._height = size

    def press(self, *keys: str, at: tuple[int, int]) -> None:
        """Press keys with the mouse at a position of the screen."""
        self._point(at)
        for key in keys:
            *modifiers, last = key.split("+")
            assert modifiers in ([], ["shift"])
            self._shown.press(*[Keys.SHIFT for _ in modifiers], KEYS[last])

    def type(self, text: bytearray, *, at: tuple[int, int]) -> None:
        """Type a text (UTF-16LE)."""
        self._point(at)
        self._shown.press(text.decode("utf-16-le"))

    def click(self, at: tuple[int, int], button: int = 1) -> None:
        """Click at a position of the screen."""
        self._point(at, button)

    def _point(self, at: tuple[int, int], button: int = 0) -> None:
        self._shown.click("#remote-enter")
        self._shown.point("#remote-screen canvas", (at[0] / self._width, at[1] / self._height), button)


def test_the_quick_starts_playbook_in_a_wine_pcs_real_window(opened: Browser, tmp_path: Path) -> None:
    """Allow, type the password, and revoke in the windows of the real companion, through noVNC."""
    require(BROWSER, WINE, SCREEN, PACKAGE, VNC)
    packages = page_packages.installed(print)
    with played(tmp_path, packages, "wine") as game:
        pc = game.lab.pcs[0]
        game.workspace.make({pc.name: pc.inventory})
        hands = cast("WineComputer", pc.computer).customer
        assert isinstance(hands, UiDriver)
        shown = opened.visit(game.page.address)
        eventually(lambda: "This is the screen" in text(shown, "#remote-status"), "the screen", MINUTE)
        hands.display = hands.seat.display = cast("Display", ScreenOnPage(shown))
        shown.click("#commands li button")
        shown.press(Keys.ENTER)
        eventually(lambda: CODE.search(terminal(shown)), "the code in the terminal", MINUTE)
        found = CODE.search(terminal(shown))
        assert found is not None
        assert found[1] in hands.request().text, "operator and customer see different codes"
        assert hands.allow() == ""
        eventually(lambda: "is signed in again" in terminal(shown), "the restart", 4 * MINUTE)
        eventually(lambda: "erased" in str(shown.run(HIDDEN_TEXT, "#states")), "the erasure", 2 * MINUTE)
        assert shown.complaints() == []
