# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows sessions of a simulated PC: their accounts, their screens and their locks.

Pure. At most one session is on the console; a sign-in of another account there
disconnects the previous session (fast user switching), as on Windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from latchkey_agent.ports import SignIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from latchkey_agent.domain import Account

Change = Literal["signed_in", "locked", "unlocked", "disconnected", "connected", "signed_out"]


@dataclass
class Session:
    """One session. A disconnected one has no screen; at an attended one the person is present."""

    id: int
    account: Account
    console: bool = True
    active: bool = True
    locked: bool = False
    attended: bool = True


class Sessions:
    """All sessions of one boot. `changed` is called after each change."""

    def __init__(self, changed: Callable[[Change, Session], None]) -> None:
        self._changed = changed
        self._sessions: dict[int, Session] = {}
        self._next_id = 1

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
        session = Session(self._next_id, account, console=console, attended=attended)
        self._next_id += 1
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
        """Lock a session; do nothing if it is gone or already locked."""
        session = self._sessions.get(session_id)
        if session is not None and not session.locked:
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
