# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows sessions of a simulated PC: their accounts, their screens and their locks.

Pure. At most one session is on the console; a sign-in of another account there
disconnects the previous session (fast user switching), as on Windows. While no account is on the
console, a session of its own shows the logon screen there; the next account to sign in gets that session.
A remote sign-in of an account takes the account's session from the console, and leaves a new logon screen there
("Remote Desktop Sessions", Microsoft Learn).
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from latchkey_agent.ports import SignIn

if TYPE_CHECKING:
    from latchkey_agent.domain import Account

HIGHEST_NUMBER = 0xFFFF
Change = Literal["signed_in", "locked", "unlocked", "disconnected", "connected", "signed_out"]


def counted() -> Iterator[int]:
    """Return the numbers of a boot's sessions as most PCs give them: 1, 2, 3, ..."""
    return itertools.count(1)


def changing() -> Iterator[int]:
    """Return the numbers of a boot's sessions in no order, each once.

    No page promises an order: a number only identifies a session while it exists.
    """
    given: set[int] = set()
    while True:
        if (number := secrets.randbelow(HIGHEST_NUMBER) + 1) not in given:
            given.add(number)
            yield number


NUMBERS: dict[str, Callable[[], Iterator[int]]] = {"counted": counted, "changing": changing}
"""The orders of numbers, by the names in the settings."""


@dataclass
class Session:
    """One session. A disconnected one has no screen; at an attended one the person is present.

    While its desktop is being prepared, a request to lock it is lost.
    """

    id: int
    account: Account
    console: bool = True
    active: bool = True
    locked: bool = False
    attended: bool = True
    preparing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its desktop is on a screen, and not locked."""
        return self.active and not self.locked


class Sessions:
    """All sessions of one boot. `changed` is called after each change; `numbers` gives their numbers."""

    def __init__(
        self, changed: Callable[[Change, Session], None], numbers: Iterator[int] | None = None
    ) -> None:
        self._changed = changed
        self._sessions: dict[int, Session] = {}
        self._numbers = numbers or counted()
        self._waiting = next(self._numbers)

    def all(self) -> list[Session]:
        """Return the sessions, the console's first."""
        return sorted(self._sessions.values(), key=lambda session: not session.console)

    def signed_in(self) -> list[SignIn]:
        """Return the sessions in the form of the agent's port."""
        return [SignIn(s.id, s.account, s.console, s.active, s.locked) for s in self.all()]

    def get(self, session_id: int) -> Session | None:
        """Return one session, if it still exists."""
        return self._sessions.get(session_id)

    def on_console(self) -> Session | None:
        """Return the session on the console, if there is one."""
        return next((s for s in self._sessions.values() if s.console and s.active), None)

    @property
    def logon_screen(self) -> int:
        """The number of the session whose logon screen is on the console."""
        console = self.on_console()
        return self._waiting if console is None else console.id

    def of(self, sid: str) -> Session | None:
        """Return a session of the account with this SID."""
        return next((s for s in self.all() if s.account.sid == sid), None)

    def sign_in(self, account: Account, *, console: bool = True, attended: bool = True) -> Session:
        """Start or resume the account's session; on the console the previous one disconnects.

        `attended`: the person signs in, not a permit; the lab knows this, Windows does not.
        """
        known = self.of(account.sid)
        before = self.on_console()
        if console and before is not None and before is not known:
            self.disconnect(before.id)
        if known is not None:
            known.attended = attended
            return self._take_up(known, console=console)
        return self._begin(account, console=console, attended=attended)

    def sign_in_again(self, account: Account) -> Session:
        """Start one more session of a signed-in account, remotely.

        A server allows it without the policy "Restrict Remote Desktop Services users to a single Remote Desktop
        Services session" (ADMX_TerminalServer, Microsoft Learn).
        """
        return self._begin(account, console=False, attended=True)

    def begin_sign_in(self, account: Account, *, locked: bool) -> Session:
        """Start the console's session of an account whose desktop is still being prepared; list it as locked or not."""
        return self._begin(account, console=True, attended=False, locked=locked, preparing=True)

    def end_sign_in(self, session_id: int) -> None:
        """Let the desktop of a session appear, unlocked unless the session was disconnected meanwhile."""
        session = self._sessions.get(session_id)
        if session is None:
            return
        session.preparing = False
        if session.active and session.locked:
            session.locked = False
            self._changed("unlocked", session)

    def _begin(self, account: Account, *, console: bool, attended: bool, **screen: bool) -> Session:
        number = self._waiting if console else next(self._numbers)
        if console:
            self._waiting = next(self._numbers)
        session = Session(number, account, console=console, attended=attended, **screen)
        self._sessions[session.id] = session
        self._changed("signed_in", session)
        return session

    def _take_up(self, session: Session, *, console: bool) -> Session:
        connected = not session.active or session.console != console
        session.active, session.console = True, console
        if connected:
            self._changed("connected", session)
        if session.locked:
            session.locked = False
            self._changed("unlocked", session)
        return session

    def lock(self, session_id: int) -> None:
        """Lock a session; do nothing if it is gone, already locked, or still being prepared."""
        session = self._sessions.get(session_id)
        if session is not None and not session.locked and not session.preparing:
            session.locked = True
            self._changed("locked", session)

    def disconnect(self, session_id: int) -> None:
        """Disconnect a session from its screen; it stays signed in and is locked."""
        session = self._sessions.get(session_id)
        if session is not None and session.active:
            session.active = False
            session.locked = True
            self._changed("disconnected", session)

    def sign_out(self, session_id: int) -> None:
        """End a session."""
        session = self._sessions.pop(session_id, None)
        if session is not None:
            self._changed("signed_out", session)
