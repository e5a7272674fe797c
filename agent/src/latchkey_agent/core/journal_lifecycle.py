# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of the journal: opened, unusable for a reason, set aside, closed."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from latchkey_agent.domain import IllegalTransitionError, Refused, State, fold
from latchkey_agent.ports import Anchor, PortError
from latchkey_agent.storage.journal import (
    Head,
    Journal,
    JournalDamagedError,
    JournalNewerError,
    JournalUnavailableError,
    anchored,
)
from latchkey_agent.storage.key_slots import KeySlots
from latchkey_agent.storage.quarantine import last_aside, scrub_files, set_aside

log = logging.getLogger(__name__)
JOURNAL_NAME = "journal.db"
_CODES = {JournalNewerError: "journal_newer", JournalUnavailableError: "storage_failed"}
_LASTING = frozenset({"journal_damaged", "journal_newer", "agent_not_running"})

OpenFault = JournalDamagedError | JournalNewerError | JournalUnavailableError | PortError | Refused


class JournalLifecycle:
    """The journal, or the reason why there is none.

    Args:
        folder: where the journal lives; only the agent's account may read it.
        anchor: keeps the journal's head outside of it.
        boot_anchor: keeps it until the end of this boot.
        slots: keep the erasable halves of the keys.
    """

    def __init__(self, folder: Path, anchor: Anchor, boot_anchor: Anchor, slots: KeySlots) -> None:
        self.path = folder / JOURNAL_NAME
        self._anchors = (anchor, boot_anchor)
        self._slots = slots
        self._journal: Journal | None = None
        self._refusal = Refused("agent_not_running")

    # --- reading ------------------------------------------------------------------

    @property
    def journal(self) -> Journal:
        """The journal.

        Raises:
            Refused: there is none, and why.
        """
        if self._journal is None:
            raise self.refusal()
        return self._journal

    def refusal(self) -> Refused:
        """Return the reason why there is no journal, to raise."""
        return self._refusal.again()

    @property
    def problem(self) -> str:
        """The reason why there is no journal, empty if there is one."""
        return "" if self._journal else str(self._refusal.places.get("detail") or "the agent has stopped")

    @property
    def is_damaged(self) -> bool:
        """Whether the journal cannot be trusted; its sealed records are overwritten."""
        return self._journal is None and self._refusal.code == "journal_damaged"

    @property
    def is_newer(self) -> bool:
        """Whether a newer agent wrote the journal; its sealed records are still there."""
        return self._journal is None and self._refusal.code == "journal_newer"

    @property
    def may_load_again(self) -> bool:
        """Whether the journal is missing for a reason that can pass by itself."""
        return self._journal is None and self._refusal.code not in _LASTING

    def require_readable(self) -> None:
        """Raise Refused while the journal cannot be read for now: an unread journal may hold a grant."""
        if self.may_load_again or self.is_newer:
            raise self.refusal()

    def require_unusable(self) -> None:
        """Raise Refused (`out_of_order`) unless the journal is damaged, or a newer agent's."""
        if not (self.is_damaged or self.is_newer):
            raise Refused("out_of_order", detail="the journal is not damaged")

    def replaced(self) -> str:
        """Return the name of the journal that was set aside last, empty if there is none."""
        return last_aside(self.path)

    # --- opening and losing -------------------------------------------------------

    def open(self) -> State:
        """Read and check the journal; return the state that its events lead to.

        Raises:
            JournalDamagedError: it cannot be trusted.
            JournalNewerError: a newer agent wrote it.
            JournalUnavailableError: the disk does not work.
            PortError: the anchor cannot be read.
        """
        self._journal = Journal(self.path, *self._anchors)
        try:
            return fold(State(), self._journal.load())
        except (IllegalTransitionError, KeyError) as fault:
            msg = f"its events contradict each other ({fault})"
            raise JournalDamagedError(msg) from None

    def fail(self, fault: OpenFault) -> None:
        """Go on without a journal, for this reason; overwrite the keys and sealed records of a damaged one."""
        if isinstance(fault, JournalDamagedError):
            self._give_up(fault)
        elif isinstance(fault, Refused):
            self.close(fault)
        else:
            self.close(Refused(_CODES.get(type(fault), "agent_failed"), detail=str(fault)))

    def _give_up(self, damage: JournalDamagedError) -> None:
        self.close(Refused("journal_damaged", detail=str(damage)))
        try:
            self._slots.overwrite_all()
            scrubbed = scrub_files(self.path)
        except (OSError, JournalUnavailableError) as fault:
            why = fault.strerror if isinstance(fault, OSError) else fault
            reason = f"it is damaged ({damage}), and its sealed records cannot be overwritten ({why})"
            self._refusal = Refused("storage_failed", detail=reason)
            return
        log.error("journal damaged: %s; %d sealed records overwritten", damage, scrubbed)

    def close(self, why: Refused) -> None:
        """Close the journal; from now on `why` is the answer to every use of it."""
        self._refusal = why
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    # --- giving up ------------------------------------------------------------------

    def give_up_newer(self) -> None:
        """Overwrite the sealed records of a newer agent's journal; from then on it counts as damaged.

        Raises:
            Refused: the sealed records cannot be overwritten.
        """
        if self.is_newer:
            self._give_up(JournalDamagedError(f"a newer agent's was given up: {self.problem}"))
            if not self.is_damaged:
                raise self.refusal()

    def set_aside(self, now: datetime) -> str:
        """Keep an unusable journal under another name, and reset the anchors; return that name.

        Raises:
            Refused: the journal is usable, or cannot be set aside.
        """
        self.require_unusable()
        self.give_up_newer()
        try:
            aside = set_aside(self.path, now)
        except OSError as fault:
            raise Refused("storage_failed", detail=str(fault.strerror)) from None
        for anchor in self._anchors:
            anchor.save(anchored(Head(0, bytes(32))))
        return aside.name
