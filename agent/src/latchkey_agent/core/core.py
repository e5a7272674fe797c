# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell round the domain: one transaction per command, state as its fold."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from latchkey_agent import __version__
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import events as e
from latchkey_agent.domain.decide import decide
from latchkey_agent.domain.decision import Decision, live_grants
from latchkey_agent.domain.evolve import fold
from latchkey_agent.domain.idempotency import with_call
from latchkey_agent.domain.model import State
from latchkey_agent.domain.policy import Policy
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.terms import fixed
from latchkey_agent.domain.transitions import IllegalTransitionError
from latchkey_agent.ports import Computer, PortError
from latchkey_agent.storage.journal import (
    Change,
    Head,
    Journal,
    JournalDamagedError,
    JournalNewerError,
    JournalUnavailableError,
    anchored,
)
from latchkey_agent.storage.quarantine import last_aside, scrub_files, set_aside
from latchkey_agent.storage.signing import ReceiptSigner
from latchkey_agent.storage.vault import Vault, VaultError

from .refusal_throttle import Asked, RefusalThrottle
from .settings import SettingsError, SettingsFile

log = logging.getLogger(__name__)
T = TypeVar("T")
JOURNAL_NAME = "journal.db"
_CODES = {JournalNewerError: "journal_newer", JournalUnavailableError: "storage_failed"}
_LASTING = frozenset({"journal_damaged", "journal_newer", "agent_not_running"})


class Core:
    """State, journal and vault of one agent, under one lock.

    Args:
        computer: the ports.
        folder: where the journal lives; only the agent's account may read it.
        settings: the settings file.
        random: returns that many random bytes.

    A core without a journal refuses every command, and `problem` says why. What
    is sealed in a damaged one is overwritten; only `reset_journal` begins a new
    one in its place, or in that of a newer agent's, which is left as it is. If
    the disk or a port failed, `load` may be called again.
    """

    def __init__(
        self,
        computer: Computer,
        folder: Path,
        settings: SettingsFile,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.computer = computer
        self.settings = settings
        self.random = random
        self.vault = Vault(computer.keys, random)
        self.lock = threading.RLock()
        self.state_changed = threading.Condition(self.lock)
        self.state = State()
        self.signer: ReceiptSigner | None = None
        self._path = folder / JOURNAL_NAME
        self._journal: Journal | None = None
        self._refusal = Refused("agent_not_running")
        self._noted = RefusalThrottle()
        self._stopping = threading.Event()

    # --- starting ---------------------------------------------------------------

    def load(self) -> None:
        """Read the journal; end and erase what is over. Runs before any pipe is open.

        Never raises: without a journal, `problem` says why.
        """
        with self.lock:
            try:
                self._load()
            except JournalDamagedError as damage:
                self._give_up(damage)
            except (JournalNewerError, JournalUnavailableError, PortError) as fault:
                self._lose(Refused(_CODES.get(type(fault), "agent_failed"), detail=str(fault)))
            except Refused as refusal:
                self._lose(refusal)
            self.state_changed.notify_all()

    def _load(self) -> None:
        self._journal = Journal(self._path, self.computer.anchor)
        try:
            self.state = fold(State(), self._journal.load())
        except (IllegalTransitionError, KeyError) as fault:
            msg = f"its events contradict each other ({fault})"
            raise JournalDamagedError(msg) from None
        self.signer = ReceiptSigner.load(self._journal, self.computer.keys, self.random)
        self._recover()

    def _recover(self) -> None:
        if self.state.version == 0:
            after = last_aside(self._path)
            self._commit(Decision((e.JournalBegun(at=self.now(), agent=__version__, after=after),)))
        sealed = tuple(self.journal.sealed_grants())
        self.execute(c.Recover(sealed=sealed))
        self.execute(c.SeeBoot(boot_id=self.computer.power.boot_id(), permit=self.new_id()))
        self.tick()
        self._erase_orphans(sealed)

    def _erase_orphans(self, sealed: Sequence[str]) -> None:
        """What is sealed for no live grant, and what a crash has left of an erased one (rule 8)."""
        live = {grant.id for grant in live_grants(self.state)}
        if orphans := [grant for grant in sealed if grant not in live]:
            self.journal.commit(Change(erased=orphans))
        self.journal.truncate_log()
        self.journal.keep_reserve()

    def _give_up(self, damage: JournalDamagedError) -> None:
        """Use nothing of a journal that cannot be trusted, and leave nothing sealed in it."""
        self._lose(Refused("journal_damaged", detail=str(damage)))
        try:
            scrubbed = scrub_files(self._path)
        except OSError as fault:
            reason = f"it is damaged ({damage}), and what is sealed cannot be overwritten ({fault.strerror})"
            self._refusal = Refused("storage_failed", detail=reason)
            return
        log.error("journal damaged: %s; %d sealed records overwritten", damage, scrubbed)

    def _lose(self, why: Refused) -> None:
        """Go on without a journal, and without what it said."""
        self.state = State()
        self._close_journal(why)

    def _close_journal(self, why: Refused) -> None:
        self._refusal = why
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    @property
    def is_damaged(self) -> bool:
        """Whether the journal cannot be trusted, and what was sealed in it is overwritten."""
        return self._journal is None and self._refusal.code == "journal_damaged"

    @property
    def is_newer(self) -> bool:
        """Whether a newer agent wrote the journal; what is sealed in it is still there."""
        return self._journal is None and self._refusal.code == "journal_newer"

    def must_know(self) -> None:
        """Raise Refused while the journal cannot be read for now: nothing known is not nothing lent."""
        if self.may_load_again or self.is_newer:
            raise self._refusal.again()

    def must_be_unusable(self) -> None:
        """Raise Refused (`out_of_order`) unless the journal is damaged, or a newer agent's."""
        if not (self.is_damaged or self.is_newer):
            raise Refused("out_of_order", detail="the journal is not damaged")

    def give_up_newer(self) -> None:
        """Leave nothing sealed in a newer agent's journal; from then on it counts as damaged.

        Raises:
            Refused: what is sealed cannot be overwritten.
        """
        with self.lock:
            if self.is_newer:
                self._give_up(JournalDamagedError(f"a newer agent's was given up: {self.problem}"))
                if not self.is_damaged:
                    raise self._refusal.again()

    def reset_journal(self) -> str:
        """Set an unusable journal aside under another name and begin a new one; return that name.

        Raises:
            Refused: it is neither damaged nor a newer agent's, or cannot be set aside.
        """
        with self.lock:
            self.must_be_unusable()
            self.give_up_newer()
            try:
                aside = set_aside(self._path, self.now())
            except OSError as fault:
                raise Refused("storage_failed", detail=str(fault.strerror)) from None
            self.computer.anchor.save(anchored(Head(0, bytes(32))))
            self.load()
            return aside.name

    # --- what everybody uses ------------------------------------------------------

    @property
    def problem(self) -> str:
        """Why there is no journal, empty if there is one."""
        return "" if self._journal else str(self._refusal.places.get("detail") or "the agent has stopped")

    @property
    def may_load_again(self) -> bool:
        """Whether the journal is missing for a reason that can pass by itself."""
        return self._journal is None and self._refusal.code not in _LASTING

    @property
    def journal(self) -> Journal:
        """The journal.

        Raises:
            Refused: there is none, and why.
        """
        if self._journal is None:
            raise self._refusal.again()
        return self._journal

    def now(self) -> datetime:
        """Return the present moment, fit for reckoning."""
        return fixed(self.computer.clock.now())

    def new_id(self) -> str:
        """Return a new random id (RFC 9562, version 4)."""
        return str(uuid.UUID(bytes=self.random(16), version=4))

    def policy(self) -> Policy:
        """Return the organisation's policy.

        Raises:
            Refused: `policy_invalid`.
        """
        try:
            return self.settings.current().policy
        except SettingsError as fault:
            raise Refused("policy_invalid", detail=str(fault)) from None

    def execute(
        self, command: c.AnyCommand, *, actor: str = "", key: str = "", sealed: bytes | None = None
    ) -> Decision:
        """Decide a command and make it last; return what was decided.

        `key` is the operator's call's; `sealed` is the record that goes with a `GiveGrant`.

        Raises:
            Refused: the rules, the journal or the disk do not allow it.
        """
        with self.lock:
            decision = with_call(self._decide(command, actor), key)
            put = (command.grant, sealed) if isinstance(command, c.GiveGrant) and sealed is not None else None
            self._commit(decision, put)
            return decision

    def preview(self, command: c.AnyCommand) -> tuple[Decision, State]:
        """Return what a command would do, and the state after it; change nothing.

        Raises:
            Refused: the rules or the journal do not allow it.
        """
        with self.lock:
            decision = self._decide(command, None)
            return decision, fold(self.state, decision.events)

    def _decide(self, command: c.AnyCommand, actor: str | None) -> Decision:
        """Decide at the present moment; a refusal is journalled unless it is only looked at."""
        self._tick_before(command)
        try:
            return decide(self.state, command, self.now(), self.settings.policy_or_nothing())
        except (Refused, IllegalTransitionError) as fault:
            refusal = fault if isinstance(fault, Refused) else Refused("out_of_order", detail=str(fault))
            if actor is not None and not isinstance(command, c.OWN):
                self.note_refusal(type(command).__name__, refusal, actor)
            raise refusal from None

    def _tick_before(self, command: c.AnyCommand) -> None:
        try:
            if not isinstance(command, c.AT_START):
                self.tick()
        except Refused as full:
            # Space is kept for what takes back: that must not wait for what else is due (rule 7).
            if full.code != "storage_failed" or not isinstance(command, c.TAKING_BACK):
                raise

    def note_refusal(self, command: str, refusal: Refused, actor: str) -> None:
        """Journal that somebody asked for what the rules do not allow."""
        with self.lock:
            now, asked = self.now(), Asked(command, refusal.code, actor)
            if not self._noted.is_due(asked, now):
                return
            refused = e.CommandRefused(at=now, command=command, code=refusal.code, actor=actor)
            try:
                self._commit(Decision((refused,)))
                self._noted.note(asked, now)
            except Refused as fault:
                log.warning("the refusal of %s could not be journalled: %s", command, fault.code)

    def tick(self) -> None:
        """End what is over by now.

        Raises:
            Refused: there is no journal, or it cannot be written.
        """
        with self.lock:
            self.journal.catch_up()
            try:
                decision = decide(self.state, c.Tick(), self.now(), self.settings.policy_or_nothing())
            except IllegalTransitionError as fault:
                raise Refused("agent_failed", detail=f"a rule contradicts the tables: {fault}") from None
            self._commit(decision)

    def _commit(self, decision: Decision, put: tuple[str, bytes] | None = None) -> None:
        if not decision.events:
            return
        # First of all the state after it: what it cannot take must not get into the journal.
        try:
            state = fold(self.state, decision.events)
        except IllegalTransitionError as fault:
            raise Refused("agent_failed", detail=f"a rule contradicts the tables: {fault}") from None
        ended = [event.grant for event in decision.events if isinstance(event, e.GrantEnded)]
        with self.storage() as journal:
            journal.commit(Change(decision.events, decision.effects, put, ended))
        self.state = state
        for event in decision.events:
            log.info("%s", type(event).__name__)
        self.state_changed.notify_all()

    @contextmanager
    def storage(self) -> Iterator[Journal]:
        """Use the journal; what becomes of its faults is decided here.

        Raises:
            Refused: there is none, it is damaged, or the disk does not work.
        """
        with self.lock:
            try:
                yield self.journal
            except JournalUnavailableError as fault:
                raise Refused("storage_failed", detail=str(fault)) from None
            except JournalDamagedError as damage:
                self._give_up(damage)
                self.state_changed.notify_all()
                raise self._refusal.again() from None

    def try_tick(self) -> None:
        """Tick for a reader: one who only looks is answered even if nothing can be written."""
        try:
            self.tick()
        except Refused as refusal:
            log.warning("time went on, but it could not be noted: %s", refusal.code)

    def head(self) -> Head:
        """Return the journal's end."""
        with self.lock:
            return self.journal.head

    def unseal(self, grant_id: str, terms: bytes) -> bytearray:
        """Open a grant's secret; the caller overwrites it.

        Raises:
            Refused: the journal cannot be read.
            VaultError: there is none, or it cannot be opened any more.
        """
        with self.storage() as journal:
            record = journal.sealed(grant_id)
        if record is None:
            msg = "nothing is sealed for this grant"
            raise VaultError(msg)
        return self.vault.open(record, grant_id, terms)

    def wait_for(self, ready: Callable[[], T | None], seconds: float) -> T | None:
        """Return what `ready` returns as soon as it is not None; None when the time is up, or the core closes."""
        with self.lock:
            found: T | None = None

            def check() -> bool:
                nonlocal found
                found = ready()
                return found is not None or self._stopping.is_set()

            self.state_changed.wait_for(check, timeout=seconds)
            return found

    def pause(self, seconds: float) -> None:
        """Wait without holding anything; ends early when the core closes."""
        self._stopping.wait(seconds)

    def close(self) -> None:
        """Close the journal. Who waits for something is answered with what is known."""
        self._stopping.set()
        with self.lock:
            self._close_journal(Refused("agent_not_running"))
            self.state_changed.notify_all()
