# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's page with a Wine PC: the customer answers in the real windows, with the browser's mouse and keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from agent.packaging.system_tools import BROWSER, PACKAGE, SCREEN, VNC, WINE
from lab.tryout import page_packages
from lab.wine.screenshots import RECEIPTS
from lab.wine.ui_driver import UiDriver
from latchkey_agent.companion.texts import LANGUAGES
from tests.needs import require
from tests.waiting import eventually

pytest.importorskip("selenium", reason=str(BROWSER.missing()))

from selenium.webdriver.common.keys import Keys

from tests.browser.browser import ONLY_LOOPBACK, Shown, browser
from tests.browser.lab_page import CODE, MINUTE, ScreenOnPage, hidden_text, keep, terminal, text
from tests.lab.tryout import played

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.wine.display import Display
    from lab.wine.wine_computer import WineComputer

LEND = """\
- hosts: office_pcs
  gather_facts: false
  module_defaults:
    group/latchkey.consent.consent: {session: CHG-4711}
  tasks:
    - latchkey.consent.support_session: {reason: Monthly updates, ticket: CHG-4711}
    - latchkey.consent.credential_request: {restarts: 2}
    - latchkey.consent.credential_apply: {action: restart}
"""
"""A playbook that leaves the session open, so that something is there to revoke."""


@pytest.fixture
def wine_lab(tmp_path: Path) -> Iterator[tuple[Shown, UiDriver]]:
    """The page of a lab with a Wine PC, and the customer whose mouse and keyboard are the page's."""
    require(BROWSER, WINE, SCREEN, PACKAGE, VNC)
    packages = page_packages.installed(print)
    (tmp_path / "browser").mkdir()
    with (
        played(tmp_path, packages, "wine") as game,
        browser(tmp_path / "browser", ONLY_LOOPBACK) as opened,
    ):
        pc = game.lab.pcs[0]
        game.workspace.make({pc.name: pc.inventory})
        (game.workspace.folder / "lend.yml").write_text(LEND, encoding="utf-8")
        hands = cast("WineComputer", pc.computer).customer
        assert isinstance(hands, UiDriver)
        shown = opened.visit(game.page.address)
        eventually(lambda: "This is the screen" in text(shown, "#remote-status"), "the screen", MINUTE)
        hands.display = hands.seat.display = cast("Display", ScreenOnPage(shown))
        yield shown, hands


def test_the_quick_starts_playbook_in_a_wine_pcs_real_window(wine_lab: tuple[Shown, UiDriver]) -> None:
    """Allow, type the password, revoke and read the receipt in the windows of the real companion, through noVNC."""
    shown, hands = wine_lab
    shown.click("#terminal-enter")
    shown.press("ansible-playbook lend.yml", Keys.ENTER)
    eventually(lambda: CODE.search(terminal(shown)), "the code in the terminal", MINUTE)
    found = CODE.search(terminal(shown))
    assert found is not None
    assert found[1] in hands.request().text, "operator and customer see different codes"
    keep(shown, "lab-wine-asks")
    assert hands.allow() == ""
    eventually(lambda: "is signed in again" in terminal(shown), "the restart", 4 * MINUTE)
    hands.sign_in()
    hands.wait_for("the notices", lambda: hands.seat.find(LANGUAGES["en"]["away_title"]))
    hands.close_notices()
    hands.revoke()
    eventually(lambda: "erased" in hidden_text(shown, "#states"), "the erasure", 2 * MINUTE)
    hands.pick_from_below(RECEIPTS)
    receipt = hands.wait_for("the receipt", lambda: hands.seat.find(LANGUAGES["en"]["menu_receipts"]))
    assert found[1] in receipt.text, "the receipt is of another request"
    assert shown.findings(["violations"]) == []
    keep(shown, "lab-wine-receipt")
    assert shown.complaints() == []
