# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer at a Wine PC: real windows, read from the screen, answered with real keys and clicks."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from lab.computer import LabError
from latchkey_agent.companion import wording
from latchkey_agent.companion.texts import LANGUAGES
from latchkey_agent.protocol.frames import wipe

from .screen import Seat, Shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from lab.simulated.session_model import Session
    from lab.simulated.windows_model import Windows

    from .agent_pc import Speaker
    from .display import Display
    from .wine_pc import WinePC
    from .wine_windows import WineWindows

PATIENCE = 30.0
"""Seconds until what the customer waits for counts as not happening."""
TRIES, SOON = 3, 10.0
"""How often a key is pressed that seems to be lost, and the seconds until it does."""
READING = 1.3
"""Seconds that a person reads before the first key: until then the request window takes none (`companion.guard`)."""
LAST_LINES = 3
"""Receipts, report and about are the menu's end, below what can be done about a grant."""

T = TypeVar("T")


class WinePCWithAgent(Protocol):
    """What the hands need of a Wine PC; `agent_pc.AgentPC` is one."""

    pc: WinePC

    @property
    def windows(self) -> WineWindows:
        """Its accounts and sessions, with their lock."""

    @property
    def model(self) -> Windows:
        """The same without the lock."""

    def speak(self, pipe: str, sid: str = "", session: int | None = None) -> Speaker:
        """Return a program that speaks with a pipe."""


class WineHands:
    """`lab.computer.Hands` with keyboard and mouse; a context manager.

    Args:
        office: the PC, switched on with a screen.
        display: that screen.
        sid: whose hands these are.
        password: the customer's own (UTF-16LE); a copy is kept.
        language: of the customer's Windows.
    """

    def __init__(
        self,
        office: WinePCWithAgent,
        display: Display,
        sid: str,
        *,
        password: bytearray | None = None,
        language: str = "en",
    ) -> None:
        self._office = office
        self._sid = sid
        self._password = bytearray(password or b"")
        self._texts = LANGUAGES[language]
        self._language = language
        self._news: list[str] = []
        self.display = display
        self.seat = Seat(office.pc, display, language)

    def __enter__(self) -> Self:
        self.sit_down()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seat.leave()
        wipe(self._password)

    def sit_down(self) -> None:
        """Start the companion, as Windows does at each sign-in; nothing changes where it runs."""
        self.seat.start_companion(self._sid, self._session().id)

    # --- the request window -----------------------------------------------------------

    def screen(self) -> str:
        """Return the text of the request window; empty where none is shown."""
        found = self.seat.find(self._texts["title"])
        return found.text if found else ""

    def request(self) -> Shown:
        """Wait for the request window, and until it can have been read."""
        shown = self.wait_for("the request window", lambda: self.seat.find(self._texts["title"]))
        time.sleep(READING)
        return shown

    def allow(self, password: bytearray | None = None) -> str:
        """Choose allow and type a password (UTF-16LE; their own if None); "" or why not."""
        self.type_password(self.open_password(), self._password if password is None else password)
        return self.enter_password()

    def type_password(self, dialog: Shown, password: bytearray) -> None:
        """Type into the password dialog; anew where a busy computer has lost a key.

        Raises:
            LabError: the field does not take it.
        """
        self.wait_for("the keyboard in the password field", lambda: self._typed() >= 0)
        for _ in range(TRIES):
            # Keys arrive in their order: what is late of an earlier try is selected, and goes.
            self.display.press("Home", "shift+End", "Delete", at=dialog.grip)
            self.display.type(password, at=dialog.grip)
            if self._soon(lambda: self._typed() == len(password) // 2, SOON):
                return
        msg = "the password field does not take what is typed"
        raise LabError(msg)

    def _typed(self) -> int:
        """Return how many characters the password field has; -1 where the keyboard is elsewhere."""
        there = self.seat.focus()
        return there.typed if there else -1

    def open_password(self) -> Shown:
        """Choose allow; return the password dialog."""
        self.choose("allow")
        return self.wait_for("the password dialog", lambda: self.seat.find(self._texts["password_title"]))

    def enter_password(self) -> str:
        """Press Enter in the password dialog; "" or why not."""
        told = len(self.seat.balloons())
        self.press(self._texts["password_title"], "Return")
        self._gone(self._texts["password_title"])

        def outcome() -> list[str]:
            if len(self.seat.balloons()) > told:
                return [""]
            shown = self.seat.find(self._texts["title"]) or self.seat.message()
            return [shown.text] if shown else []

        said = self.wait_for("what came of it", outcome)[0]
        message = self.seat.message()
        if message:
            self.display.press("Return", at=message.grip)
        return said

    def later(self, seconds: float = 900.0) -> None:
        """Choose later, and when."""
        choices = {known: text for text, known in wording.later_choices(self._language)}
        if seconds not in choices:
            msg = f"the window offers {list(choices)} seconds, not {seconds}"
            raise LabError(msg)
        self.choose("later")
        self._pick(self._texts["when_later"], choices[seconds])

    def decline(self, why: str = "") -> None:
        """Choose decline; `why` is one of the reasons that the window offers, or none."""
        reasons = wording.decline_choices(self._language)
        if why not in {*reasons, ""}:
            msg = f"the window offers {reasons}, not {why!r}"
            raise LabError(msg)
        self.choose("decline")
        self._pick(self._texts["why_declined"], why or self._texts["no_reason"])

    def report(self) -> None:
        """Choose report."""
        self.choose("report")

    def close_window(self) -> None:
        """Press Esc in the request window."""
        self.request()
        self.press(self._texts["title"], "Escape")
        self._gone(self._texts["title"])

    def choose(self, link: str) -> None:
        """Choose a link of the request window by Tab and Enter: `allow`, `later`, `decline` or `report`."""
        self.request()
        self._pick(self._texts["title"], self._texts[link])

    def _pick(self, title: str, link: str) -> None:
        shown = self.wait_for(f"the window {title!r}", lambda: self.seat.find(title))
        # The focus is on the button below the links; Tab goes round to the first, and round again where a busy
        # window did not tell what has the keyboard.
        for _ in 2 * shown.texts:
            self._move("Tab", shown.grip)
            if self._focused() == link:
                break
        else:
            msg = f"the keyboard does not come to {link!r} in {shown.texts}"
            raise LabError(msg)
        self.display.press("Return", at=shown.grip)
        self._gone(title)

    def _focused(self) -> str:
        """Return the text of what has the keyboard."""
        there = self.seat.focus()
        return there.part if there else ""

    # --- the menu -----------------------------------------------------------------------

    def revoke(self) -> None:
        """Take back everything that is lent: one click opens the menu, one key more takes it back."""
        self.pick_from_below(LAST_LINES + self._lent() + 1)

    def pause(self) -> None:
        """Pause everything that is lent."""
        for number in range(self._lent()):
            self.pick_from_below(LAST_LINES + number + 1)

    def resume(self) -> None:
        """Go on with everything that is paused."""
        self.pause()

    def open_menu(self) -> Shown:
        """Click on the icon by the clock; return its menu."""
        self.wait_for("the icon by the clock", self.seat.click_icon)
        return self.wait_for("the menu", self.seat.menu)

    def pick_from_below(self, line: int) -> None:
        """Open the menu and pick a line, counted from the last."""
        # The mouse is on the last line already.
        self.display.press(*["Up"] * (line - 1), "Return", at=self.open_menu().last_line)
        self.wait_for("the menu to close", lambda: not self.seat.menu())

    def _lent(self) -> int:
        agent = self._office.speak("LatchkeyCustomer", self._sid, self._session().id)
        return len(agent.ask(verb="watch").body["snapshot"].get("lent", []))

    # --- news ---------------------------------------------------------------------------

    def notices(self) -> list[str]:
        """Return the text of every notice that was shown so far."""
        shown = self.seat.find(self._texts["away_title"])
        if shown and shown.text not in self._news:
            self._news.append(shown.text)
        return [*self.seat.balloons(), *self._news]

    def close_notices(self) -> None:
        """Close the window with the news, if it is there."""
        self.notices()
        while shown := self.seat.find(self._texts["away_title"]):
            self.display.press("Return", at=shown.grip)
            self.wait_for("the news to close", partial(self._is_gone, shown))

    def _is_gone(self, shown: Shown) -> bool:
        return all(there.texts != shown.texts for there in self.seat.windows())

    # --- the PC -------------------------------------------------------------------------

    def sign_in(self) -> None:
        """Sign in at the console, or unlock, with the own password."""
        with self._office.windows.lock:
            record = self._office.model.accounts.get(self._sid)
            refusal = (
                "no such account" if record is None else self._office.model.check(record, self._password)
            )
            if record is None or refusal:
                msg = f"Windows does not let the customer sign in: {refusal}"
                raise LabError(msg)
            self._office.model.sessions.sign_in(record.account)
        self.sit_down()

    def lock(self) -> None:
        """Lock the screen and walk away."""
        with self._office.windows.lock:
            self._office.model.sessions.lock(self._session().id)

    def sign_out(self) -> None:
        """Sign out; Windows ends the session's programs."""
        with self._office.windows.lock:
            self._office.model.sessions.sign_out(self._session().id)
        self.seat.leave()

    def change_password(self, new: bytearray) -> None:
        """Change the own Windows password (UTF-16LE)."""
        with self._office.windows.lock:
            record = self._office.model.accounts.get(self._sid)
            if record is None:
                msg = "there is no such account"
                raise LabError(msg)
            record.set_password(new)
        wipe(self._password)
        self._password = bytearray(new)

    def _session(self) -> Session:
        with self._office.windows.lock:
            found = self._office.model.sessions.of(self._sid)
        if found is None:
            msg = "the customer is not signed in"
            raise LabError(msg)
        return found

    # --- keys and waiting ------------------------------------------------------------------------

    def press(self, title: str, *keys: str) -> None:
        """Press keys in the window with this title, once it is there."""
        shown = self.wait_for(f"the window {title!r}", lambda: self.seat.find(title))
        self.display.press(*keys, at=shown.grip)

    def _move(self, key: str, at: tuple[int, int]) -> None:
        """Press a key that moves the focus; again where a busy computer has lost it."""
        before = self.seat.focus()
        for _ in range(TRIES):
            self.display.press(key, at=at)
            if self._soon(lambda: self.seat.focus() != before, SOON):
                return
        msg = f"{key} moves nothing: the keyboard stays at {before}"
        raise LabError(msg)

    def _soon(self, look: Callable[[], T | None], patience: float) -> T | None:
        """Return what `look` finds as soon as it finds something; else what it finds in the end."""
        until = time.monotonic() + patience
        while not (found := look()) and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def wait_for(self, what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
        """Return what `look` finds as soon as it finds something; Windows tells nobody when a window opens.

        Raises:
            LabError: it found nothing in `patience` seconds; the text says what is on the screen.
        """
        found = self._soon(look, patience)
        if not found:
            there = [shown.texts[:1] or shown.title for shown in self.seat.windows()]
            msg = f"{what} did not come within {patience} s; on the screen: {there}; {self.seat.log[-800:]}"
            raise LabError(msg)
        return found

    def _gone(self, title: str) -> None:
        self.wait_for(f"the end of {title!r}", lambda: self.seat.find(title) is None)
