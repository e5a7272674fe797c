# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closes the desktops that logons with permits open (rule 9). Journals nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from latchkey_agent.domain import Closing, Permit, PermitState, opened_by, signed_on
from latchkey_agent.domain import commands as c
from latchkey_agent.ports import PortError, SignIn
from latchkey_agent.storage.lock_duties import LockDuty

from .core import Core

log = logging.getLogger(__name__)
SIGN_IN_TIME = timedelta(minutes=2)
"""A Windows session may be listed as locked for this long before its desktop opens."""
POLL = 0.05
"""Seconds between two looks at a session that is being locked; Windows does not confirm a lock."""


class Target(NamedTuple):
    """A desktop to close.

    Attributes:
        permit: the id of the permit that opened it.
        sid: the account.
        windows_session: the Windows session that the logon opened; until that is seen the one of the logon screen, None
            if unknown.
        since: the moment of the logon, None if unknown.
        locks_itself: Windows signed the account in by itself and locks the desktop at the sign-in (ARSO).
    """

    permit: str
    sid: str
    windows_session: int | None
    since: datetime | None = None
    locks_itself: bool = False

    @classmethod
    def of_permit(cls, permit: Permit) -> Self:
        """Return the desktop of a permit."""
        return cls(
            permit.id,
            permit.account.sid,
            permit.windows_session,
            permit.logged_on_at,
            locks_itself=signed_on(permit),
        )

    @classmethod
    def of_duty(cls, duty: LockDuty) -> Self:
        """Return the desktop of a duty."""
        return cls(duty.permit, duty.sid, duty.windows_session)


def seen_sessions(core: Core) -> tuple[c.SeenSession, ...]:
    """Return the Windows sessions of the signed-in accounts.

    Raises:
        PortError: Windows does not say.
    """
    return tuple(
        c.SeenSession(s.account.sid, s.session_id, s.console, s.is_open)
        for s in core.computer.sessions.signed_in()
    )


def sign_ins(core: Core) -> c.SeeSignIns:
    """Return the command that takes in the Windows sessions of this moment.

    Raises:
        PortError: Windows does not say.
    """
    here = seen_sessions(core)
    return c.SeeSignIns(sessions=here, auto_logon=_auto_logon(core, here))


def _auto_logon(core: Core, here: tuple[c.SeenSession, ...]) -> bool:
    """Tell whether Windows itself may have signed in the account of a permit; a fact that is unknown counts."""
    sids = {session.sid for session in here}
    for permit in core.state.permits.values():
        is_void_or_waits = permit.is_unseen or permit.state is PermitState.ISSUED
        if is_void_or_waits and permit.account.sid in sids:
            return core.computer.accounts.auto_logon() is not False
    return False


def follow_desktops(core: Core, sessions: Sequence[c.SeenSession]) -> None:
    """Note the Windows sessions that logons with permits have opened.

    A logon screen may have a session of its own, which ends when Windows connects the account's disconnected session to
    the PC's screen. Later only its number tells that session, which may go on in a remote desktop.
    """
    for duty in core.duties.all():
        theirs = [s for s in sessions if s.sid == duty.sid]
        is_known = any(s.session_id == duty.windows_session for s in theirs)
        opened = [s.session_id for s in theirs if s.is_open and s.console]
        if opened and not is_known:
            core.duties.follow(duty.permit, opened[0])


class DesktopCloser:
    """Locks desktops, or disconnects them.

    A desktop counts as closed only once the very Windows session of the logon has been seen open and then closed,
    or has been seen and is gone: Windows accepts a logon before it lists or unlocks the session, sometimes minutes
    before. A session that stays locked for `SIGN_IN_TIME` counts as closed, too, but its duty to be locked stays as a
    late one: a first sign-in can take longer, and the desktop opens after it. Windows' own sign-in (ARSO) locks by
    itself, so its session counts as closed once it is listed as locked.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._seen: set[str] = set()
        self._opened: set[str] = set()
        self._awaited: dict[str, datetime] = {}
        self._watched: dict[str, tuple[Target, datetime]] = {}

    def close(self, target: Target) -> Closing:
        """Close the desktop; return how.

        Raises:
            PortError: it is open, or may still open.
        """
        for duty in self._core.duties.all():
            if duty.permit == target.permit:
                target = target._replace(windows_session=duty.windows_session)
        closing = self._lock(target) or self._cut_off(target)
        if closing != "gone" and target.permit not in self._opened:
            self._core.duties.defer(target.permit)
            if target.locks_itself:
                self._watched[target.permit] = target, self._core.now().at + SIGN_IN_TIME
        self._seen.discard(target.permit)
        self._opened.discard(target.permit)
        self._awaited.pop(target.permit, None)
        return closing

    def watch(self) -> None:
        """Lock a desktop of Windows' own sign-in that opens soon after it was listed as locked, once.

        The memory of it is enough: after a crash Windows' own lock stands alone.

        Raises:
            PortError: Windows does not list its sessions, or does not lock.
        """
        for permit, (target, until) in list(self._watched.items()):
            opened = _open(self._sessions(target)) if self._core.now().at < until else []
            for session in opened:
                self._core.computer.sessions.lock(session.session_id)
            if opened or self._core.now().at >= until:
                del self._watched[permit]

    def _lock(self, target: Target) -> Closing | None:
        """Lock the account's open desktops and wait until they are locked, at most the policy's time."""

        def look() -> Closing | None:
            theirs = self._sessions(target)
            closed = self._closed(target, theirs)
            if not (opened := _open(theirs)):
                return closed
            for session in opened:
                self._core.computer.sessions.lock(session.session_id)
            return self._closed(target, self._sessions(target))

        try:
            return self._poll(look) if self._expects(target) else look()
        except PortError as fault:
            log.warning("the session could not be locked: %s", fault)
            self._lock_unseen(target)
            return None

    def _lock_unseen(self, target: Target) -> None:
        """Lock the session of the logon screen although Windows lists no sessions now; nothing confirms it."""
        if target.windows_session is not None:
            with suppress(PortError):
                self._core.computer.sessions.lock(target.windows_session)

    def _expects(self, target: Target) -> bool:
        """Tell whether to wait for a change: for a desktop that is open, and once for one that has not opened."""
        is_first = target.permit not in self._awaited
        self._awaited.setdefault(target.permit, self._core.now().at)
        return is_first or bool(_open(self._sessions(target)))

    def _cut_off(self, target: Target) -> Closing:
        """Disconnect the desktops that could not be locked."""
        theirs = self._sessions(target)
        if not (opened := _open(theirs)):
            if (closed := self._closed(target, theirs)) is not None:
                return closed
            msg = "the desktop has not opened yet"
            raise PortError(msg)
        log.warning("the lock could not be confirmed; the session is disconnected")
        for session in opened:
            self._core.computer.sessions.disconnect(session.session_id)
        if (closed := self._poll(lambda: self._closed(target, self._sessions(target)))) is None:
            msg = "the session could be neither locked nor disconnected"
            raise PortError(msg)
        # Windows also locks a session that it disconnects.
        return closed if closed == "gone" else "disconnected"

    def _sessions(self, target: Target) -> list[SignIn]:
        """Return the account's sessions; Windows' own sign-in has opened the one on the PC's screen only."""
        theirs = [s for s in self._core.computer.sessions.signed_in() if s.account.sid == target.sid]
        return _own(target, theirs) if target.locks_itself else theirs

    def sessions_of(self, target: Target) -> list[SignIn]:
        """Return the sessions that the logon may have opened. Raises PortError."""
        return _own(target, self._sessions(target))

    def _closed(self, target: Target, theirs: list[SignIn]) -> Closing | None:
        """Return how the logon's session is closed; None while a desktop is open, or the session has not been seen.

        `theirs` is one look at the account's sessions: a lock may happen between two.
        """
        its_own = _own(target, theirs)
        if its_own:
            self._seen.add(target.permit)
        if _open(its_own):
            self._opened.add(target.permit)
        if _open(theirs):
            return None
        if not its_own:
            return "gone" if target.permit in self._seen else None
        if target.permit not in self._opened and not (target.locks_itself or self._has_waited(target)):
            return None
        return "locked" if all(s.locked for s in its_own) else "disconnected"

    def _has_waited(self, target: Target) -> bool:
        now = self._core.now().at
        return now - (target.since or self._awaited.get(target.permit, now)) >= SIGN_IN_TIME

    def _poll(self, look: Callable[[], Closing | None]) -> Closing | None:
        within = self._core.settings.policy_or_nothing().lock_within
        for _ in range(max(1, round(within / POLL))):
            if (seen := look()) is not None:
                return seen
            self._core.pause(POLL)
        return None


def _own(target: Target, theirs: list[SignIn]) -> list[SignIn]:
    return [s for s in theirs if opened_by(target.windows_session, s)]


def _open(sessions: list[SignIn]) -> list[SignIn]:
    """Return the sessions whose desktop is open."""
    return [s for s in sessions if s.is_open]
