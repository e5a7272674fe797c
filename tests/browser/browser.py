# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's Chromium, which shows a page: to measure it, to print it, and to ask axe-core about it.

Selenium gets the paths of browser and driver, so its manager, which would download some, is never started. All names
of computers are unknown to the browser, so it reaches none; a test may let it reach this computer's loopback.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PHONE, WIDE = 360, 1200
"""The width in CSS pixels of a narrow phone, and of a wide window."""
NO_COMPUTER = "--host-resolver-rules=MAP * ~NOTFOUND"
ONLY_LOOPBACK = f"{NO_COMPUTER}, EXCLUDE 127.0.0.1"
MODIFIERS = (Keys.CONTROL, Keys.ALT, Keys.SHIFT)
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
"""The sets of axe-core's rules; a rule that is no longer in a later WCAG has none of these tags."""
ARGUMENTS = (
    "--headless=new",
    # The page is ours. Chromium's sandbox needs rights that root and containers lack.
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--hide-scrollbars",
)
AXE = """
const done = arguments[arguments.length - 1];
axe.run({runOnly: {type: "tag", values: arguments[0]}, resultTypes: ["violations", "incomplete"]})
    .then(found => done(JSON.stringify(found)), fault => done(JSON.stringify({fault: String(fault)})));
"""


class Finding(NamedTuple):
    """One rule of axe-core that an element breaks, or that axe-core could not decide."""

    rule: str
    help: str
    element: str
    why: str


class Shown:
    """A page in the browser."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    # --- looking

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script beside the page, whose policy allows none of its own; return its value."""
        return self._driver.execute_script(script, *arguments)

    def size(self, width: int, height: int = 800, *, phone: bool = False) -> None:
        """Give the window a size in CSS pixels."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )

    def media(self, **features: str) -> None:
        """Set features such as `prefers_color_scheme="dark"`; those that are not named get their defaults."""
        self._media("", features)

    def paper(self, **features: str) -> None:
        """Lay the page out as for paper, with features as for `media`."""
        self._media("print", features)

    def picture(self, width: int, height: int | None = None) -> bytes:
        """Return a PNG picture of the page from its top; of all of it without `height`."""
        whole = height or int(self.run("return document.documentElement.scrollHeight"))
        clip = {"x": 0, "y": 0, "width": width, "height": whole, "scale": 1}
        taken = self._call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(taken["data"])

    def printed(self, **options: Any) -> bytes:
        """Return the page as a PDF document on A4 paper, with the page's own margins."""
        size = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True, "printBackground": False}
        return base64.b64decode(self._call("Page.printToPDF", **{**size, **options})["data"])

    # --- asking

    def findings(self, kinds: Sequence[str] = ("violations", "incomplete")) -> list[Finding]:
        """Return what axe-core finds, also what it cannot decide by itself."""
        self.run(axe_core())
        found = json.loads(self._driver.execute_async_script(AXE, RULES))
        assert "fault" not in found, found["fault"]
        return [
            Finding(rule["id"], rule["help"], node["html"], node.get("failureSummary", ""))
            for kind in kinds
            for rule in found[kind]
            for node in rule["nodes"]
        ]

    def requests(self) -> list[str]:
        """Return the addresses that the browser asked for since the last call."""
        logged = [json.loads(line["message"])["message"] for line in self._log("performance")]
        asked = [one["params"] for one in logged if one["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in asked]

    def complaints(self) -> list[str]:
        """Return the lines of the browser's console since the last call, such as breaches of the policy."""
        return [line["message"] for line in self._log("browser")]

    def roles(self) -> list[str]:
        """Return the role of each part that assistive programs see."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        return [str(node["role"]["value"]) for node in nodes if not node["ignored"]]

    def tab(self) -> None:
        """Press the Tab key."""
        self.press(Keys.TAB)

    def enter(self) -> None:
        """Press the Enter key."""
        self.press(Keys.ENTER)

    def press(self, *keys: str) -> None:
        """Press keys as on a keyboard, whatever has the focus; modifiers stay down until the end."""
        held = [key for key in keys if key in MODIFIERS]
        keyboard = ActionChains(self._driver)
        for key in held:
            keyboard.key_down(key)
        keyboard.send_keys(*[key for key in keys if key not in MODIFIERS])
        for key in reversed(held):
            keyboard.key_up(key)
        keyboard.perform()

    def click(self, selector: str) -> None:
        """Click the element that a CSS selector names."""
        element = self._driver.find_element(By.CSS_SELECTOR, selector)
        # A part that stays at the edge of the window may cover it there; a person would scroll on.
        self._driver.execute_script('arguments[0].scrollIntoView({block: "center"})', element)
        element.click()

    def point(self, selector: str, at: tuple[float, float], button: int = 0) -> None:
        """Move the mouse over an element, to `at` in shares of its width and height; click with button 1 or 3."""
        element = self._driver.find_element(By.CSS_SELECTOR, selector)
        self._driver.execute_script('arguments[0].scrollIntoView({block: "center"})', element)
        across, down = (at[0] - 0.5) * element.size["width"], (at[1] - 0.5) * element.size["height"]
        mouse = ActionChains(self._driver).move_to_element_with_offset(element, round(across), round(down))
        if button:
            mouse = mouse.click() if button == 1 else mouse.context_click()
        mouse.perform()

    def _media(self, medium: str, features: dict[str, str]) -> None:
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self._call("Emulation.setEmulatedMedia", media=medium, features=named)

    def _log(self, kind: str) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = self._driver.get_log(kind)  # type: ignore[no-untyped-call]
        return lines

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._driver.execute_cdp_cmd(method, parameters)
        return answer


class Browser:
    """A running browser."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    def show(self, page: Path, width: int = WIDE, **features: str) -> Shown:
        """Show a page from a file in a window of this width."""
        return self.visit(page.as_uri(), width, **features)

    def visit(self, address: str, width: int = WIDE, **features: str) -> Shown:
        """Show the page at an address in a window of this width."""
        shown = Shown(self._driver)
        self._driver.get("about:blank")
        shown.requests()
        shown.complaints()
        shown.size(width, phone=width == PHONE)
        shown.media(**features)
        self._driver.get(address)
        return shown


@contextmanager
def browser(folder: Path, network: str = NO_COMPUTER) -> Iterator[Browser]:
    """Start a browser whose files are in a folder; end it. `network`: the argument that says what it reaches."""
    options = webdriver.ChromeOptions()
    options.binary_location = found("chromium")
    for argument in (*ARGUMENTS, network, f"--user-data-dir={folder}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options, Service(found("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


def found(program: str) -> str:
    """Return the path of a program that is there."""
    path = shutil.which(program)
    assert path is not None
    return path


def axe_core() -> str:
    """Return the script of axe-core, out of a wheel whose own code is not used."""
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.submodule_search_locations
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text(encoding="utf-8")
