# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell round the domain: one transaction per command, state as its fold."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from . import __version__
from .domain import commands as c
from .domain import events as e
from .domain.decide import decide
from .domain.decision import Decision
from .domain.evolve import evolve
from .domain.model import State
from .domain.policy import Policy
from .domain.refusal import Refused
from .domain.transitions import GrantState, IllegalTransitionError
from .journal import Change, Head, Journal, JournalDamagedError, JournalWriteError, scrub_files
from .ports import Computer
from .settings import SettingsError, SettingsFile
from .signing import ReceiptSigner
from .vault import Vault, VaultError

log = logging.getLogger(__name__)
T = TypeVar("T")
JOURNAL_NAME = "journal.db"
UNREPEATED = (c.Tick, c.SeeBoot, c.SeeSignIns, c.RecordErasure, c.CloseDesktop, c.CancelTicket)
"""Commands of the agent's own: a refusal of one is a fault, not something to journal."""


class Core:
    """State, journal and vault of one agent, under one lock.

    Args:
        computer: the ports.
        folder: where the journal lives; only the agent's account may read it.
        settings: the settings file.
        random: returns that many random bytes.

    A journal that is damaged leaves the core without one: `problem` says why,
    every command is refused with `journal_damaged`, and what was sealed in it
    is overwritten.
    """

    def __init__(
        self,
        computer: Computer,
        folder: Path,
        settings: SettingsFile,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.computer = computer
        self.folder = folder
        self.settings = settings
        self.random = random
        self.vault = Vault(computer.keys, random)
        self.changed = threading.Condition(threading.RLock())
        self.state = State()
        self.problem = ""
        self._journal: Journal | None = None
        self._stopping = threading.Event()
        self.signer: ReceiptSigner | None = None

    # --- starting ---------------------------------------------------------------

    def load(self) -> None:
        """Read the journal; end and erase what is over. Runs before any pipe is open."""
        with self.changed:
            path = self.folder / JOURNAL_NAME
            try:
                self._journal = Journal(path, self.computer.anchor)
                for event in self._journal.load():
                    self.state = evolve(self.state, event)
            except (JournalDamagedError, IllegalTransitionError, KeyError) as damage:
                self._give_up(path, damage)
                return
            self.signer = ReceiptSigner.load(self._journal, self.computer.keys, self.random)
            self._recover()

    def _give_up(self, path: Path, damage: Exception) -> None:
        """Use nothing of a journal that cannot be trusted, and leave nothing sealed in it."""
        self.problem = str(damage)
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        scrubbed = scrub_files(path)
        self.state = State()
        log.error("journal damaged: %s; %d sealed records overwritten", damage, scrubbed)

    def _recover(self) -> None:
        now = self.computer.clock.now()
        if self.state.version == 0:
            self._commit(Decision((e.JournalBegun(at=now, agent=__version__, after=self._set_aside()),)))
        self._erase_orphans()
        self.execute(c.SeeBoot(boot_id=self.computer.power.boot_id(), ticket=self.new_id()))

    def _erase_orphans(self) -> None:
        """What is sealed for no live grant should be gone already (rule 8)."""
        live = {g.id for g in self.state.grants.values() if g.state in {GrantState.ACTIVE, GrantState.PAUSED}}
        orphans = [grant for grant in self.journal.sealed_grants() if grant not in live]
        if orphans:
            self.journal.commit(Change(erased=orphans))
            self.journal.truncate_log()

    def _set_aside(self) -> str:
        kept = sorted(self.folder.glob("journal.damaged-*.db"))
        return kept[-1].name if kept else ""

    def reset_journal(self) -> str:
        """Set a damaged journal aside under another name and begin a new one; return that name."""
        with self.changed:
            if not self.problem:
                raise Refused("out_of_order", detail="the journal is intact")
            path = self.folder / JOURNAL_NAME
            stamp = self.computer.clock.now().strftime("%Y%m%d-%H%M%S")
            aside = self.folder / f"journal.damaged-{stamp}.db"
            for suffix in ("-wal", "-shm", ""):
                file = path.with_name(path.name + suffix)
                if file.exists():
                    file.replace(aside.with_name(aside.name + suffix))
            self.computer.anchor.save(b"0 " + bytes(32).hex().encode())
            self.problem, self.state = "", State()
            self.load()
            return aside.name

    # --- what everybody uses ------------------------------------------------------

    @property
    def journal(self) -> Journal:
        """The journal.

        Raises:
            Refused: `journal_damaged`.
        """
        if self._journal is None:
            raise Refused("journal_damaged", detail=self.problem or "it is not open")
        return self._journal

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

    def policy_or_default(self) -> Policy:
        """For commands that only take back: they work with a broken file, too."""
        try:
            return self.settings.current().policy
        except SettingsError:
            return Policy()

    def execute(self, command: c.AnyCommand, *, actor: str = "", sealed: bytes | None = None) -> Decision:
        """Decide a command and make it last; return what was decided.

        `sealed` is the record that goes with a `GiveGrant`.

        Raises:
            Refused: the rules, the journal or the disk do not allow it.
        """
        with self.changed:
            now = self.computer.clock.now()
            self._tick(now)
            try:
                decision = decide(self.state, command, now, self.policy_or_default())
            except (Refused, IllegalTransitionError) as refusal:
                raise self._refuse(command, refusal, actor) from None
            put = (command.grant, sealed) if isinstance(command, c.GiveGrant) and sealed is not None else None
            self._commit(decision, put)
            return decision

    def preview(self, command: c.AnyCommand) -> tuple[Decision, State]:
        """Return what a command would do, and the state after it; change nothing."""
        with self.changed:
            now = self.computer.clock.now()
            self._tick(now)
            try:
                decision = decide(self.state, command, now, self.policy_or_default())
            except IllegalTransitionError as refusal:
                raise Refused("out_of_order", detail=str(refusal)) from None
            state = self.state
            for event in decision.events:
                state = evolve(state, event)
            return decision, state

    def tick(self) -> None:
        """End what is over by now."""
        with self.changed:
            self._tick(self.computer.clock.now())

    def _tick(self, now: datetime) -> None:
        self._commit(decide(self.state, c.Tick(), now, self.policy_or_default()))

    def _refuse(self, command: c.AnyCommand, refusal: Exception, actor: str) -> Refused:
        """Journal a refusal of somebody's command, and return it as one."""
        refused = refusal if isinstance(refusal, Refused) else Refused("out_of_order", detail=str(refusal))
        if not isinstance(command, UNREPEATED):
            event = e.CommandRefused(
                at=self.computer.clock.now(), command=type(command).__name__, code=refused.code, actor=actor
            )
            self._commit(Decision((event,)))
        return refused

    def _commit(self, decision: Decision, put: tuple[str, bytes] | None = None) -> None:
        if not decision.events and not decision.effects:
            return
        ended = [event.grant for event in decision.events if isinstance(event, e.GrantEnded)]
        try:
            self.journal.commit(Change(decision.events, decision.effects, put, ended))
        except JournalWriteError as fault:
            raise Refused("storage_failed", detail=str(fault)) from None
        for event in decision.events:
            self.state = evolve(self.state, event)
            log.info("event %d %s", self.state.version, type(event).__name__)
        self.changed.notify_all()

    def try_tick(self) -> None:
        """Tick for a reader: one who only looks is answered even if nothing can be written."""
        try:
            self.tick()
        except Refused as refusal:
            log.warning("time went on, but could not be journalled: %s", refusal.code)

    def organization(self) -> dict[str, str]:
        """Return who answers for the operators, as the settings say."""
        try:
            found: dict[str, str] = msgspec.to_builtins(self.settings.current().organization)
        except SettingsError:
            return {}
        return found

    def head(self) -> Head:
        """Return the journal's end."""
        with self.changed:
            return self.journal.head

    def unseal(self, grant_id: str, terms: bytes) -> bytearray:
        """Open a grant's secret; the caller overwrites it.

        Raises:
            VaultError: there is none, or it cannot be opened any more.
        """
        with self.changed:
            record = self.journal.sealed(grant_id)
        if record is None:
            msg = "nothing is sealed for this grant"
            raise VaultError(msg)
        return self.vault.open(record, grant_id, terms)

    def wait_for(self, ready: Callable[[], T | None], seconds: float) -> T | None:
        """Return what `ready` returns as soon as it is not None, or None when the time is up."""
        with self.changed:
            found: T | None = None

            def check() -> bool:
                nonlocal found
                found = ready()
                return found is not None

            self.changed.wait_for(check, timeout=seconds)
            return found

    def pause(self, seconds: float) -> None:
        """Wait without holding anything; ends early when the core closes."""
        self._stopping.wait(seconds)

    def close(self) -> None:
        """Close the journal."""
        self._stopping.set()
        with self.changed:
            if self._journal is not None:
                self._journal.close()
                self._journal = None
                self.problem = "the agent has stopped"
            self.changed.notify_all()
