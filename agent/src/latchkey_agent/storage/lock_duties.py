# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The duties to lock a desktop, in a file beside the journal.

From the moment at which a password leaves the agent until the desktop is seen closed, one entry says whose desktop
must end locked. It does not depend on the journal: a journal can be damaged, set aside, or forget an old session.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from latchkey_agent.ports import PortError

from . import atomic_file

log = logging.getLogger(__name__)


class LockDuty(Struct, frozen=True):
    """A desktop that must end locked.

    Attributes:
        permit: the permit whose password left the agent.
        sid: the account.
        boot_id: the boot; no desktop outlives it.
        windows_session: the Windows session that the logon opened; until that is seen the one of the logon screen, None
            if unknown.
        late: the desktop counts as closed, though it was never open: if it opens after all, it is locked once.
    """

    permit: str
    sid: str
    boot_id: str
    windows_session: int | None
    late: bool = False


class LockDuties:
    """The entries of the file, which is made if it is missing. A file that cannot be read counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._duties = self._read()

    def _read(self) -> tuple[LockDuty, ...]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=tuple[LockDuty, ...])
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.DecodeError) as fault:
            log.error("the duties to lock a desktop cannot be read: %s", fault)
            return ()

    def all(self) -> tuple[LockDuty, ...]:
        """Return all duties."""
        return self._duties

    @property
    def is_empty(self) -> bool:
        """Whether no desktop is to be locked; a late one may never open."""
        return all(duty.late for duty in self._duties)

    def is_late(self, permit: str) -> bool:
        """Tell whether the desktop of a permit counts as closed, though it was never open."""
        return any(duty.late for duty in self._duties if duty.permit == permit)

    @contextmanager
    def taken(self, duty: LockDuty) -> Iterator[None]:
        """Take a duty, which is safe from a power cut when the block begins; give it up if the block fails.

        It stands for the late duties of its account, too: they would lock the desktop that an unlock opens.
        A duty that was there before stays: its permit's password may have left the agent already.

        Raises:
            PortError: it cannot be written.
        """
        before = self._duties
        late = [other.permit for other in before if other.late and other.sid == duty.sid]
        if duty not in before:
            self._write((*before, duty))
        try:
            yield
        except Exception:
            if duty not in before:
                self._try_write(tuple(one for one in self._duties if one != duty))
            raise
        for permit in late:
            self.settle(permit)

    def settle(self, permit: str) -> None:
        """Remove the duty of a permit; if that cannot be written, the duty is met once more at the next start."""
        self._try_write(tuple(duty for duty in self._duties if duty.permit != permit))

    def defer(self, permit: str) -> None:
        """Make the duty of a permit a late one; if that cannot be written, it is met once more at the next start."""
        self._change(permit, late=True)

    def follow(self, permit: str, windows_session: int) -> None:
        """Note the Windows session that a logon was seen to open; if that cannot be written, a crash forgets it."""
        self._change(permit, windows_session=windows_session)

    def _change(self, permit: str, **fields: object) -> None:
        self._try_write(tuple(replace(d, **fields) if d.permit == permit else d for d in self._duties))

    def _try_write(self, duties: tuple[LockDuty, ...]) -> None:
        if duties == self._duties:
            return
        try:
            self._write(duties)
        except PortError as fault:
            log.warning("%s", fault)
            self._duties = duties

    def _write(self, duties: tuple[LockDuty, ...]) -> None:
        try:
            atomic_file.replace(self._path, msgspec.json.encode(duties))
        except OSError as fault:
            msg = f"the duty to lock a desktop cannot be written ({fault.strerror})"
            raise PortError(msg) from None
        self._duties = duties
