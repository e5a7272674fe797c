# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's page in the browser, for tests: what stands on it, and a Wine PC's screen on it as a display."""

from __future__ import annotations

import re

from selenium.webdriver.common.keys import Keys

from tests.browser.browser import WIDE, Browser, Shown
from tests.lab.job import ROOT
from tests.waiting import eventually

TEXT = "return document.querySelector(arguments[0])?.innerText ?? ''"
HIDDEN_TEXT = "return document.querySelector(arguments[0]).textContent"
SCREEN_TEXT = """
const rows = document.querySelectorAll("#terminal .xterm-rows > div");
return [...rows].map(row => row.innerText.replace(/\\u00a0/g, " ").trimEnd()).join("\\n");
"""
CODE = re.compile(r"code (\d{4})")
MINUTE = 60.0
PICTURES = ROOT / "build/pictures"


def text(shown: Shown, selector: str) -> str:
    """Return the text of an element; empty if there is none."""
    return str(shown.run(TEXT, selector))


def hidden_text(shown: Shown, selector: str) -> str:
    """Return the text of an element with its parts that are not on the screen."""
    return str(shown.run(HIDDEN_TEXT, selector))


def terminal(shown: Shown) -> str:
    """Return the lines on the terminal."""
    return str(shown.run(SCREEN_TEXT))


def page_of(opened: Browser, address: str) -> Shown:
    """Open the lab's page; return it when its terminal waits for a command."""
    shown = opened.visit(address)
    eventually(lambda: "$" in terminal(shown), "the prompt", MINUTE)
    eventually(lambda: text(shown, "#facts"), "the PC", MINUTE)
    return shown


def keep(shown: Shown, name: str) -> None:
    """Keep a picture of the page in build/pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(shown.picture(WIDE))


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
