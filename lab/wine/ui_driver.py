# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer at a Wine PC: reads the real windows from the screen, answers with real keys and clicks."""

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

    from .agent_pc import PipeClient
    from .display import Display
    from .wine_pc import WinePC
    from .wine_windows import WineWindows

PATIENCE = 30.0
"""The most seconds that the customer waits for an event."""
TRIES, SOON = 3, 10.0
"""The number of tries for a lost key, and the seconds after which a key counts as lost."""
READING = 1.3
"""Seconds of reading before the first key: the request window ignores earlier keys (`companion.guard`)."""
LAST_LINES = 3
"""The menu ends with receipts, report and about, below the actions for a grant."""

T = TypeVar("T")


class WinePCWithAgent(Protocol):
    """The interface of a Wine PC for its customer; `agent_pc.AgentPC` implements it."""

    pc: WinePC

    @property
    def windows(self) -> WineWindows:
        """The model of its accounts and sessions, with a lock."""

    @property
    def model(self) -> Windows:
        """The same model without the lock."""

    def pipe_client(self, pipe: str, sid: str = "", session: int | None = None) -> PipeClient:
        """Return a client of a pipe."""


class UiDriver:
    """`lab.computer.CustomerActions` with keyboard and mouse; a context manager.

    Args:
        office: the PC, switched on with a screen.
        display: that screen.
        sid: the customer's account.
        password: the customer's own (UTF-16LE); a copy is kept.
        language: the language of the customer's Windows.
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
        """Start the companion, as Windows does at each sign-in, unless it runs."""
        self.seat.start_companion(self._sid, self._session().id)

    # --- the request window -----------------------------------------------------------

    def screen(self) -> str:
        """Return the text of the request window; empty if none is shown."""
        found = self.seat.find(self._texts["title"])
        return found.text if found else ""

    def request(self) -> Shown:
        """Wait for the request window and for the time to read it."""
        shown = self.wait_for("the request window", lambda: self.seat.find(self._texts["title"]))
        time.sleep(READING)
        return shown

    def allow(self, password: bytearray | None = None, *, reading: float = 0.0) -> str:
        """Choose allow and type a password; return the refusal, "" if none.

        Args:
            password: UTF-16LE; the customer's own if None.
            reading: seconds of reading the password dialog, before and after typing.
        """
        dialog = self.open_password()
        time.sleep(reading)
        self.type_password(dialog, self._password if password is None else password)
        time.sleep(reading)
        return self.enter_password()

    def type_password(self, dialog: Shown, password: bytearray) -> None:
        """Type into the password dialog; type again if a busy computer has lost a key.

        Raises:
            LabError: the field does not accept the text.
        """
        self.wait_for("the keyboard in the password field", lambda: self._typed() >= 0)
        for _ in range(TRIES):
            # Keys arrive in order: the selection also covers late keys of an earlier try, and deletes them.
            self.display.press("Home", "shift+End", "Delete", at=dialog.grip)
            self.display.type(password, at=dialog.grip)
            if self._all_typed(len(password) // 2):
                return
        msg = "the password field does not accept the typed text"
        raise LabError(msg)

    def _typed(self) -> int:
        """Return the number of characters in the password field; -1 if the focus is elsewhere."""
        there = self.seat.focus()
        return there.typed if there else -1

    def open_password(self) -> Shown:
        """Choose allow; return the password dialog."""
        self.choose("allow")
        return self.wait_for("the password dialog", lambda: self.seat.find(self._texts["password_title"]))

    def enter_password(self) -> str:
        """Press Enter in the password dialog; return the refusal, "" if none."""
        told = len(self.seat.balloons())
        self.press(self._texts["password_title"], "Return")
        self._gone(self._texts["password_title"])

        def outcome() -> list[str]:
            if len(self.seat.balloons()) > told:
                return [""]
            shown = self.seat.find(self._texts["title"]) or self.seat.message()
            return [shown.text] if shown else []

        said = self.wait_for("the result of the entry", outcome)[0]
        message = self.seat.message()
        if message:
            self.display.press("Return", at=message.grip)
        return said

    def later(self, seconds: float = 900.0) -> None:
        """Choose later and the time."""
        choices = {known: text for text, known in wording.later_choices(self._language)}
        if seconds not in choices:
            msg = f"the window offers {list(choices)} seconds, not {seconds}"
            raise LabError(msg)
        self.choose("later")
        self._pick(self._texts["when_later"], choices[seconds])

    def decline(self, why: str = "") -> None:
        """Choose decline; `why` is one of the window's reasons, or empty."""
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
        # The focus is on the button below the links; Tab moves to the first link, and cycles again if a busy
        # window did not report the focus.
        for _ in 2 * shown.texts:
            self._move("Tab", shown.grip)
            if self._focused() == link:
                break
        else:
            msg = f"the focus does not reach {link!r} in {shown.texts}"
            raise LabError(msg)
        self.display.press("Return", at=shown.grip)
        self._gone(title)

    def _focused(self) -> str:
        """Return the text of the part with the focus."""
        there = self.seat.focus()
        return there.part if there else ""

    # --- the menu -----------------------------------------------------------------------

    def revoke(self, *, reading: float = 0.0) -> None:
        """Revoke every grant: one click opens the menu, one key revokes. `reading`: see `pick_from_below`."""
        self.pick_from_below(LAST_LINES + self._lent() + 1, reading=reading)

    def pause(self) -> None:
        """Pause every grant."""
        for number in range(self._lent()):
            self.pick_from_below(LAST_LINES + number + 1)

    def resume(self) -> None:
        """Resume every paused grant."""
        self.pause()

    def open_menu(self) -> Shown:
        """Click on the tray icon; return its menu."""
        self.wait_for("the icon by the clock", self.seat.click_icon)
        return self.wait_for("the menu", self.seat.menu)

    def pick_from_below(self, line: int, *, reading: float = 0.0) -> None:
        """Open the menu, read it for some seconds, and pick a line, counted from the last."""
        menu = self.open_menu()
        time.sleep(reading)
        # The mouse is already on the last line.
        self.display.press(*["Up"] * (line - 1), "Return", at=menu.last_line)
        self.wait_for("the menu to close", lambda: not self.seat.menu())

    def _lent(self) -> int:
        agent = self._office.pipe_client("LatchkeyCustomer", self._sid, self._session().id)
        return len(agent.ask(verb="watch").body["snapshot"].get("lent", []))

    # --- notices ------------------------------------------------------------------------

    def notices(self) -> list[str]:
        """Return the text of every notice shown so far."""
        shown = self.seat.find(self._texts["away_title"])
        if shown and shown.text not in self._news:
            self._news.append(shown.text)
        return [*self.seat.balloons(), *self._news]

    def close_notices(self) -> None:
        """Close the window with the notices, if it is open."""
        self.notices()
        while shown := self.seat.find(self._texts["away_title"]):
            self.display.press("Return", at=shown.grip)
            self.wait_for("the notices to close", partial(self._is_gone, shown))

    def _is_gone(self, shown: Shown) -> bool:
        return all(there.texts != shown.texts for there in self.seat.windows())

    # --- the PC -------------------------------------------------------------------------

    def sign_in(self) -> None:
        """Sign in at the console, or unlock it, with the customer's password."""
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
        """Lock the screen and leave."""
        with self._office.windows.lock:
            self._office.model.sessions.lock(self._session().id)

    def sign_out(self) -> None:
        """Sign out; Windows ends the session's programs."""
        with self._office.windows.lock:
            self._office.model.sessions.sign_out(self._session().id)
        self.seat.leave()

    def change_password(self, new: bytearray) -> None:
        """Change the customer's Windows password (UTF-16LE)."""
        with self._office.windows.lock:
            record = self._office.model.accounts.get(self._sid)
            if record is None:
                msg = "the customer's account does not exist"
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
        """Wait for the window with this title, and press keys in it."""
        shown = self.wait_for(f"the window {title!r}", lambda: self.seat.find(title))
        self.display.press(*keys, at=shown.grip)

    def _move(self, key: str, at: tuple[int, int]) -> None:
        """Press a key that moves the focus; press it again if a busy computer has lost it."""
        before = self.seat.focus()
        for _ in range(TRIES):
            self.display.press(key, at=at)
            if self._soon(lambda: self.seat.focus() != before, SOON):
                return
        msg = f"{key} has no effect: the focus stays at {before}"
        raise LabError(msg)

    def _all_typed(self, length: int) -> bool:
        """Tell whether so many letters arrive; give up when no further one has arrived for SOON seconds."""
        last, since = -1, time.monotonic()
        while time.monotonic() < since + SOON:
            if (typed := self._typed()) == length:
                return True
            if typed != last:
                last, since = typed, time.monotonic()
            time.sleep(0.1)
        return False

    def _soon(self, look: Callable[[], T | None], patience: float) -> T | None:
        """Return the first result of `look` that is not empty; at the deadline, its last result."""
        until = time.monotonic() + patience
        while not (found := look()) and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def wait_for(self, what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
        """Poll `look` and return its first result that is not empty; Windows reports no opened windows.

        Raises:
            LabError: it found nothing in `patience` seconds; the text describes the screen.
        """
        found = self._soon(look, patience)
        if not found:
            there = [shown.texts[:1] or shown.title for shown in self.seat.windows()]
            msg = f"{what} did not come within {patience} s; on the screen: {there}; {self.seat.log[-800:]}"
            raise LabError(msg)
        return found

    def _gone(self, title: str) -> None:
        self.wait_for(f"the end of {title!r}", lambda: self.seat.find(title) is None)
