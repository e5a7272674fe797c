# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's page in a real browser, with a stand-in for the lab: its looks, its keyboard, and the requests it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.packaging.system_tools import BROWSER
from tests.needs import require
from tests.waiting import eventually

pytest.importorskip("selenium", reason=str(BROWSER.missing()))

from selenium.webdriver.common.keys import Keys

from tests.browser.browser import ONLY_LOOPBACK, PHONE, Browser, Shown, browser
from tests.browser.lab_page import text
from tests.browser.lab_stand_in import HOSTILE, WINDOW, StandIn, happening, served, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REFLOW, WIDE = 320, 1280
LOOKS = ({"prefers_color_scheme": "light"}, {"prefers_color_scheme": "dark"}, {"forced_colors": "active"})
FOCUS = "return document.activeElement.id || document.activeElement.tagName"
STOPS = """
const wanted = "a[href], button, input, select, summary, [tabindex='0']";
return [...document.querySelectorAll(wanted)].filter(one => one.checkVisibility() && one.tabIndex === 0).length;
"""
FOCUSED = """
const one = document.activeElement, look = getComputedStyle(one), box = one.getBoundingClientRect();
const top = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 8));
return [one.outerHTML.slice(0, 90), look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 2,
        top !== null && (one.contains(top) || top.contains(one) || top.closest("label")?.contains(one) === true)];
"""
COLOURS = """
const found = [...document.querySelectorAll(arguments[0].join())];
return [...new Set(found.map(one => getComputedStyle(one).color))];
"""
SYSTEM = """
const probe = document.createElement("p");
probe.style.color = arguments[0];
document.body.append(probe);
const colour = getComputedStyle(probe).color;
probe.remove();
return [colour];
"""
STICKING_OUT = """
const width = document.documentElement.clientWidth;
return [...document.querySelectorAll("body *")]
    .filter(one => !one.closest(".scroll, #terminal, .unseen") && one.checkVisibility())
    .filter(one => {const box = one.getBoundingClientRect(); return box.right > width + 0.5 || box.left < -0.5})
    .map(one => one.outerHTML.slice(0, 80));
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of this file."""
    require(BROWSER)
    with browser(tmp_path_factory.mktemp("browser"), ONLY_LOOPBACK) as made:
        yield made


@pytest.fixture(scope="module")
def serving() -> Iterator[StandIn]:
    """The stand-in, which serves for all tests of this file."""
    with served() as made:
        yield made


@pytest.fixture
def lab(serving: StandIn) -> StandIn:
    """The stand-in with a window on the screen of pc1, and nothing noted yet."""
    for noted in (serving.posted, serving.typed, serving.keys):
        noted.clear()
    serving.states = [state("pc1", window=WINDOW), state("pc2")]
    return serving


@pytest.fixture
def show(opened: Browser, lab: StandIn) -> Iterator[Callable[..., Shown]]:
    """Shows the page until its terminal is there. At the end the browser must have nothing to complain of."""
    pages: list[Shown] = []

    def shown(width: int = WIDE, **features: str) -> Shown:
        page = opened.visit(lab.address, width, **features)
        # xterm.js draws while it is in sight.
        page.run('document.getElementById("terminal").scrollIntoView()')
        eventually(lambda: "failed" in text(page, "#terminal"), "the terminal is there")
        eventually(lambda: text(page, "#strip") and text(page, "#facts"), "the lab's data is there")
        page.run("scrollTo(0, 0)")
        pages.append(page)
        return page

    yield shown
    for page in pages:
        assert page.complaints() == []
        known = (lab.address, "data:image/", "about:blank")
        assert [address for address in page.requests() if not address.startswith(known)] == []


def real_screen(shown: Shown) -> None:
    """Choose the PC whose screen noVNC shows, and wait for it."""
    shown.click("input[value=pc2]")
    eventually(lambda: text(shown, "#remote-status") == "This is the screen of pc2.", "the screen is there")


# --- looks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [PHONE, WIDE])
@pytest.mark.parametrize("look", LOOKS, ids=lambda look: next(iter(look.values())))
def test_axe_core_finds_nothing(show: Callable[..., Shown], look: dict[str, str], width: int) -> None:
    """WCAG 2.2 A and AA and the best practices hold, with a request window as with a real screen.

    Where the reader has forced colours, axe-core compares the page's text colours with the reader's background.
    """
    beside = {"color-contrast"} if "forced_colors" in look else set()
    shown = show(width, **look)
    assert [one for one in shown.findings(["violations"]) if one.rule not in beside] == []
    shown.click("#terminal-reader")
    real_screen(shown)
    assert [one for one in shown.findings(["violations"]) if one.rule not in beside] == []


def test_the_readers_own_colours_are_kept(show: Callable[..., Shown]) -> None:
    """Where the reader has forced colours (a contrast theme of Windows), each text has one, also in the terminal."""
    shown = show(forced_colors="active")
    assert shown.run(COLOURS, [".xterm-rows span", ".party", ".machine li", ".hint", "button"]) == [
        "rgb(0, 0, 0)"
    ]
    assert shown.run(COLOURS, ["nav a"]) == shown.run(SYSTEM, "LinkText")


@pytest.mark.parametrize("width", [REFLOW, PHONE, 768, WIDE])
def test_nothing_is_wider_than_the_screen(show: Callable[..., Shown], width: int) -> None:
    """The page never scrolls sideways, whatever a PC says; journal and terminal scroll by themselves."""
    shown = show(width)
    sizes = "const d = document.documentElement; return [d.scrollWidth, d.clientWidth]"
    assert shown.run(sizes) == [width, width]
    assert shown.run(STICKING_OUT) == []
    real_screen(shown)
    assert shown.run(STICKING_OUT) == []


def test_hostile_texts_are_shown_as_they_are(show: Callable[..., Shown]) -> None:
    """A text of a PC with HTML in it stays a text in each part of the page."""
    shown = show()
    for place in ("#window", "#notices", "#strip", "#machines", "#entries"):
        assert HOSTILE.partition(" \u202e")[0] in text(shown, place)
    assert shown.run('return document.querySelectorAll("main img, main b, [onerror]").length') == 0


def test_the_four_answers_have_the_same_weight(show: Callable[..., Shown]) -> None:
    """The buttons differ in nothing but their label."""
    look = """
    return [...document.querySelectorAll(".answers button")].map(one => {
        const look = getComputedStyle(one);
        return [look.color, look.backgroundColor, look.border, look.font, one.offsetWidth, one.offsetHeight].join();
    });
    """
    looks = show().run(look)
    assert len(looks) == 4
    assert len(set(looks)) == 1


# --- by keyboard ----------------------------------------------------------------------------------


def test_the_keyboard_reaches_every_control(show: Callable[..., Shown]) -> None:
    """Tab goes once through all of them, marked and in sight, and is never held; a radio group is one stop."""
    shown = show()
    wanted = shown.run(STOPS) - 1
    assert wanted > 20
    reached: list[tuple[str, bool, bool]] = []
    while not reached or shown.run(FOCUS) != "BODY":
        shown.tab()
        reached.append(shown.run(FOCUSED))
        assert len(reached) <= wanted + 1
    assert reached.pop()[0].startswith("<body")
    assert [one for one in reached if not (one[1] and one[2])] == []
    assert len(reached) == wanted


@pytest.mark.parametrize("reader", [False, True])
def test_the_terminal_is_left_by_three_keys(
    show: Callable[..., Shown], lab: StandIn, *, reader: bool
) -> None:
    """Tab belongs to the shell; Ctrl + Alt + Shift, as the page says, leads to the button behind the terminal."""
    shown = show()
    if reader:
        shown.click("#terminal-reader")
    shown.run('document.getElementById("terminal-enter").focus()')
    shown.enter()
    shown.tab()
    shown.press("x")
    eventually(lambda: typed(lab) == "\tx", "the terminal has the keys")
    assert shown.run(FOCUS) == "TEXTAREA"
    shown.press(Keys.CONTROL, Keys.ALT, Keys.SHIFT)
    assert shown.run(FOCUS) == "terminal-leave"
    assert typed(lab) == "\tx"
    assert "Ctrl + Alt + Shift" in text(shown, "#terminal-hint")


def test_the_screen_is_left_by_three_keys(show: Callable[..., Shown], lab: StandIn) -> None:
    """Tab belongs to the PC; Ctrl + Alt + Shift, as the page says, leads to the button behind the screen."""
    shown = show()
    real_screen(shown)
    shown.run('document.getElementById("remote-enter").focus()')
    shown.enter()
    eventually(lambda: shown.run(FOCUS) == "CANVAS", "the screen has the focus")
    shown.tab()
    shown.press("x")
    eventually(lambda: lab.keys[-2:] == [0xFF09, ord("x")], "the PC has the keys")
    assert shown.run(FOCUS) == "CANVAS"
    shown.press(Keys.CONTROL, Keys.ALT, Keys.SHIFT)
    assert shown.run(FOCUS) == "remote-leave"
    assert "Ctrl + Alt + Shift" in text(shown, "#remote-hint")


def typed(lab: StandIn) -> str:
    """Return the text that the terminal has got from the page."""
    return "".join(message["data"] for message in lab.typed if message["type"] == "input")


# --- the page's requests --------------------------------------------------------------------------


def test_an_answer_is_sent_as_typed(show: Callable[..., Shown], lab: StandIn) -> None:
    """The password goes out with "Allow" alone and leaves the field at once; Enter answers nothing."""
    shown = show()
    secret = 'p"\u00e4 <b>ss'
    shown.click(".window input[type=password]")
    shown.press(secret)
    shown.enter()
    assert lab.posted == []
    shown.click(".answers button:nth-child(1)")
    eventually(lambda: text(shown, ".window [role=alert]") == lab.refusal, "the refusal is shown")
    assert lab.posted == [("/pcs/pc1/answer", {"answer": "allow", "password": secret})]
    for number, answer in ((2, "later"), (3, "decline"), (4, "report")):
        lab.posted.clear()
        shown.click(".window input[type=password]")
        shown.press(secret)
        shown.click(f".answers button:nth-child({number})")
        eventually(lambda: lab.posted, "the answer is sent")
        eventually(lambda: text(shown, ".window [role=alert]") == lab.refusal, "the refusal is shown")
        assert lab.posted == [("/pcs/pc1/answer", {"answer": answer, "password": ""})]
        assert shown.run('return document.querySelector(".window input[type=password]").value') == ""


def test_a_window_comes_and_goes(show: Callable[..., Shown], lab: StandIn) -> None:
    """The window follows the state and needs no field without a password. Other news keep the typed text."""
    shown = show()
    shown.click(".window input[type=password]")
    shown.press("half")
    lab.send("state", state("pc1", window=WINDOW, lent=["One restart"]))
    eventually(lambda: "One restart" in text(shown, "#lent"), "the state is shown")
    assert shown.run('return document.querySelector(".window input[type=password]").value') == "half"
    lab.send("state", state("pc1", window={**WINDOW, "field": "", "error": "Too late."}))
    eventually(lambda: text(shown, ".window [role=alert]") == "Too late.", "the error is shown")
    assert shown.run('return document.querySelectorAll(".window input").length') == 0
    lab.send("state", state("pc1", console={"user": "PC-1\\anna", "locked": True}))
    eventually(lambda: text(shown, "#window") == "", "the window is gone")
    assert text(shown, "#screen-status") == "The screen of pc1 is locked. PC-1\\anna is signed in."
    lab.send("state", state("pc1", power="off", console=None))
    eventually(lambda: "does not run" in text(shown, "#screen-status"), "the PC is down")
    assert "off" in text(shown, "#chooser")


def test_deeds_are_posted_and_their_result_is_said(show: Callable[..., Shown], lab: StandIn) -> None:
    """A deed goes to the PC that is chosen, with its argument; a refusal is shown as a sentence."""
    shown = show()
    shown.click("#deeds-pc input")
    shown.press("+2h")
    shown.enter()
    eventually(lambda: text(shown, "#said-pc") == "pc1: That is done.", "the result is said")
    shown.click("#deeds-pc form:nth-child(2) button")
    eventually(lambda: "not done. The PC is off." in text(shown, "#said-pc"), "the refusal is said")
    real_screen(shown)
    shown.click("#deeds-customer button")
    eventually(lambda: text(shown, "#said-customer") == "pc2: That is done.", "the result is said")
    assert lab.posted == [
        ("/pcs/pc1/deeds/clock", {"argument": "+2h"}),
        ("/pcs/pc1/deeds/refused", {"argument": ""}),
        ("/pcs/pc2/deeds/lock", {"argument": ""}),
    ]
    [refused] = [line for line in shown.complaints() if "409" in line]
    assert refused.startswith(lab.address)


def test_the_password_is_fetched_and_hidden_on_demand(show: Callable[..., Shown], lab: StandIn) -> None:
    """The page has it neither before the button nor after it, nor for another PC."""
    shown = show()
    page = "return document.documentElement.outerHTML"
    assert lab.posted == []
    shown.click("#password-show")
    eventually(lambda: lab.password in text(shown, "#password"), "the password is shown")
    shown.click("#password-show")
    assert lab.password not in shown.run(page)
    shown.click("#password-show")
    eventually(lambda: lab.password in text(shown, "#password"), "the password is shown")
    shown.click("input[value=pc2]")
    assert lab.password not in shown.run(page)
    assert lab.posted == [("/pcs/pc1/password", None)] * 2


def test_a_command_is_typed_and_not_run(show: Callable[..., Shown], lab: StandIn) -> None:
    """The button empties the line and types the command without Enter; the focus is in the terminal.

    A wide window has the 80 columns that Ansible's lines need.
    """
    shown = show()
    shown.click("#commands button")
    eventually(lambda: typed(lab) == "\x15ansible-playbook first.yml", "the command is typed")
    assert shown.run(FOCUS) == "TEXTAREA"
    assert [one for one in lab.typed if one["type"] == "resize" and one["columns"] >= 80]


# --- what the lab sends ---------------------------------------------------------------------------


def test_events_are_shown_once_and_filtered(show: Callable[..., Shown], lab: StandIn) -> None:
    """Each line names its party; an event that comes again is not repeated; one sentence is said for many."""
    shown = show()
    lines = "return [...document.querySelectorAll('#strip li')].filter(one => one.checkVisibility()).length"
    assert shown.run(lines) == 3
    lab.send("happened", happening(3, "again", pc="pc2"))
    lab.send("happened", happening(4, "Restarts the PC.", party="customer"))
    eventually(lambda: shown.run(lines) == 4, "the event is shown")
    assert text(shown, "#strip li:first-child").split() == [
        "Customer",
        "pc1",
        "01:02:04",
        "Restarts",
        "the",
        "PC.",
    ]
    eventually(lambda: "Restarts the PC." in text(shown, "#newest"), "the event is said")
    shown.run("""
        const filter = document.getElementById("filter");
        filter.value = "pc2"; filter.dispatchEvent(new Event("change"));
    """)
    assert shown.run(lines) == 1


def test_states_are_drawn_from_the_tables(show: Callable[..., Shown], lab: StandIn) -> None:
    """The page marks the present state, names the inputs of the next ones, and lists ended objects in one line."""
    shown = show()
    drawn = """
    const heading = [...document.querySelectorAll("#machines h4")].find(one => one.textContent === "Grant g1");
    return [...heading.parentElement.querySelectorAll("li")].map(one => [one.innerText, one.ariaCurrent]);
    """
    assert shown.run(drawn) == [
        ["active now", "step"],
        ["paused by pause", None],
        ["revoked by revoke", None],
        ["erased final", None],
    ]
    assert "Ended before: 1" in text(shown, "#machines")
    grant = {"id": "g1", "state": "revoked"}
    lab.send("state", state("pc1", grants=[grant]))
    eventually(lambda: shown.run(drawn)[3][0] == "erased by erased final", "the state is drawn")
    assert [name for name, current in shown.run(drawn) if current] == ["revoked now"]
    lab.send("state", state("pc1", grants=[{"id": "g0", "state": "erased"}, {**grant, "state": "erased"}]))
    eventually(lambda: shown.run(drawn)[3] == ["erased now final", "step"], "the newest end is drawn")
    assert "Grant g0" not in text(shown, "#machines")


def test_a_page_that_is_left_holds_no_connection(show: Callable[..., Shown], lab: StandIn) -> None:
    """The browser keeps a page for the way back, but not its stream of events; the way back makes the page anew."""
    show()
    show()
    shown = show()
    eventually(lambda: len(lab.streams) == 1, "the other pages' streams have ended")
    shown.run("location.href = 'about:blank'")
    eventually(lambda: lab.streams == [], "the stream has ended")
    shown.run("history.back()")
    eventually(lambda: len(lab.streams) == 1, "the page has a stream again")
    lab.send("happened", happening(4, "Goes on."))
    eventually(lambda: "Goes on." in text(shown, "#strip"), "the event is shown")
    assert [
        line for line in shown.complaints() if not line.endswith("Page entered Back-Forward Cache.")
    ] == []


def test_the_end_of_the_lab_is_said(show: Callable[..., Shown], lab: StandIn) -> None:
    """The page says that the lab has ended."""
    shown = show()
    lab.send("ended", {})
    eventually(lambda: "The lab has ended." in text(shown, "#connection"), "the end is said")
