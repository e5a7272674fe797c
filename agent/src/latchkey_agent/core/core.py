# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell around the domain: one transaction for each command; the state is the fold of the events."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from latchkey_agent import __version__
from latchkey_agent.domain import (
    AGENT,
    Actor,
    Authorities,
    Decision,
    Grant,
    IllegalTransitionError,
    Now,
    Policy,
    Refused,
    Request,
    State,
    canonical,
    caused_by,
    decide,
    fixed,
    fold,
    live_grants,
    pin_authorities,
    read_clock,
    settled,
    with_call,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import events as e
from latchkey_agent.ports import Computer, PortError, StartedProgram
from latchkey_agent.storage import key_slots, operator_half
from latchkey_agent.storage.device_key import DeviceKey, DeviceKeyFile
from latchkey_agent.storage.journal import (
    Change,
    Head,
    Journal,
    JournalDamagedError,
    JournalNewerError,
    JournalUnavailableError,
)
from latchkey_agent.storage.key_slots import KeySlots
from latchkey_agent.storage.lock_duties import LockDuties
from latchkey_agent.storage.vault import Vault, VaultError, sealed_half, tag_of

from .call_limit import CALLS, CallLimit, is_limited
from .copy_guard import CopyGuard
from .halves import Halves
from .journal_lifecycle import JournalLifecycle
from .receipt_store import ReceiptStore
from .refusal_throttle import Asked, RefusalThrottle
from .settings import Settings, SettingsError, SettingsFile, older_keys

log = logging.getLogger(__name__)
T = TypeVar("T")
_SETTINGS_SET = "settings_set"
_KEY_IN_JOURNAL = "receipts"
"""The name of the device key in the journal of an earlier agent."""
BREATH = 0.002
"""Seconds between two portions of the journal that is read as a whole."""


class Core:
    """State, journal and vault of one agent, under one lock.

    Args:
        computer: the ports.
        folder: where the journal lives; only the agent's account may read it.
        settings: the settings file.
        random: returns that many random bytes.

    Attributes:
        lock: held while the state is read or changed. It is reentrant.
        state_changed: a condition of `lock`, notified with every change that somebody may wait for.
        running: the started programs whose end is not known yet, by their ids.
        halves: the operator's halves that are awaited, or here for a logon.
        closings: the permits whose desktop is to be closed now, though the journal could not note that.
        is_disk_failing: the last access to the journal failed; the desktops are closed without it then.
        journal_life: the journal, or the reason why there is none. Without a journal every command is refused.
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
        self.slots = KeySlots(folder / key_slots.NAME, computer.disk, random)
        self.vault = Vault(computer.keys, self.slots, random)
        self.halves = Halves(random)
        self.lock = threading.RLock()
        self.state_changed = threading.Condition(self.lock)
        self.state = State()
        self._key_file = DeviceKeyFile(folder, computer.keys, random)
        self._device_key: DeviceKey | None = None
        self._key_problem = ""
        self.receipts = ReceiptStore(computer.device)
        self.journal_life = JournalLifecycle(folder, computer.anchor, computer.boot_anchor, self.slots)
        self._copies = CopyGuard(computer.counter)
        self._settings_noted = False
        self.duties = LockDuties(folder / "lock-duties.json")
        self.boot_id = ""
        self.is_disk_failing = False
        self.running: dict[str, StartedProgram] = {}
        self.closings: set[str] = set()
        self._closed_early: dict[str, datetime] = {}
        self._journalled_refusals = RefusalThrottle()
        self._calls = CallLimit()
        self._stopping = threading.Event()

    # --- starting ---------------------------------------------------------------

    def load(self) -> None:
        """Read the journal; end everything whose time is over. Call it before any pipe is open.

        If the disk or a port failed, `load` may be called again. It never raises:
        `journal_life.problem` gives the reason why there is no journal.
        """
        with self.lock:
            # Look for the file before the journal, which may be damaged and begun anew.
            self.settings.policy_or_nothing()
            try:
                self._load()
            except (
                JournalDamagedError,
                JournalNewerError,
                JournalUnavailableError,
                PortError,
                Refused,
            ) as fault:
                self.state = State()
                self.halves.settle(self.state)
                self.journal_life.fail(fault)
            self.state_changed.notify_all()

    def _load(self) -> None:
        self.boot_id = self.computer.power.boot_id()
        self.state = self.journal_life.open()
        self._settings_noted = self.journal.key(_SETTINGS_SET) is not None
        self.settings.was_set |= self._settings_noted
        self._load_device_key()
        self.receipts.load(self.journal)
        if self.state.version == 0:
            begun = e.JournalBegun(
                at=self.now().at,
                agent=__version__,
                after=self.journal_life.replaced(),
                device_key=self._device_key.public_key if self._device_key is not None else "",
            )
            self._commit(Decision((begun,)))
        sealed, with_half = tuple(self.journal.sealed_grants()), self.slots.tags()
        keyless = tuple(g.id for g in self._lent() if bytes.fromhex(g.tag) not in with_half)
        restored = self._copies.is_restored(self.journal)
        self.execute(c.Recover(sealed=sealed, keyless=keyless, restored=restored))
        self._copies.settle(self.journal)
        self.execute(c.SeeBoot(boot_id=self.boot_id, permit=self.new_id()))
        self.tick()
        self._erase_orphans(sealed)

    def _erase_orphans(self, sealed: Sequence[str]) -> None:
        """Delete the records of no live grant, and the remains of an erasure that a crash interrupted (rule 8)."""
        live = {grant.id for grant in self._lent()}
        if orphans := [grant for grant in sealed if grant not in live]:
            self.journal.commit(Change(erased=orphans))
        self.slots.keep({bytes.fromhex(grant.tag) for grant in self._lent()})
        self.journal.empty_log()
        self.journal.keep_reserve()
        self._keep_receipts()

    def _load_device_key(self) -> None:
        """Load the device key, which an earlier agent kept in its journal.

        Without the key the agent signs nothing until a later look finds it: revoking needs no signature (rule 7).
        """
        in_journal = self.journal.key(_KEY_IN_JOURNAL)
        try:
            self._device_key = self._key_file.load(in_journal)
        except (OSError, PortError) as fault:
            reason = ((fault.strerror if isinstance(fault, OSError) else None) or str(fault)).rstrip(".")
            # Each call looks again, so the log has each reason once.
            if reason != self._key_problem:
                log.warning("the device key cannot be used: %s", reason)
            self._key_problem = reason
            return
        self._key_problem = ""
        if in_journal is not None:
            # A full disk keeps it until the next start: revoking must work now (rule 7).
            with suppress(JournalUnavailableError):
                self.journal.forget_key(_KEY_IN_JOURNAL)

    def _look_for_device_key(self) -> None:
        """Load the device key if it is not at hand, and journal a change of it; the caller holds the lock."""
        if self._device_key is None:
            self._load_device_key()
        # A disk that is full now is no reason to stop: revoking must work (rule 7).
        with suppress(Refused):
            self._note_device_key()

    def replace_device_key(self, actor: Actor, call: str) -> str:
        """Let a new key sign for this PC; return the public key before it.

        A key that does not open is replaced, too. The new key is on the disk before the event. After a crash in
        between, the next start journals the event.

        Args:
            actor: the account that asks.
            call: the key of its call, empty without one.

        Raises:
            Refused: the journal or the disk does not allow it; the old key stays.
            PortError: the PC protects no new key; the old one stays.
        """
        with self.lock:
            old, known = self._device_key, self.state.device_key
            if self.problem:
                raise self.journal_life.refusal()
            try:
                content = self._key_file.content()
                self._device_key = self._key_file.replace(old)
            except OSError as fault:
                raise Refused(
                    "storage_failed", detail=f"the device key cannot be written ({fault.strerror})"
                ) from None
            try:
                self._note_device_key(actor, call)
            except Refused:
                with suppress(OSError):
                    self._key_file.put_back(content)
                    self._device_key = old
                raise
            return old.public_key if old is not None else known

    def _note_device_key(self, actor: Actor = AGENT, call: str = "") -> None:
        """Journal a change of the device key that the journal does not know.

        Raises:
            Refused: it cannot be journalled.
        """
        key, known = self._device_key, self.state.device_key
        if key is None or key.public_key == known:
            return
        old = known or key.replaces
        changed = e.DeviceKeyChanged(
            at=self.now().at,
            actor=actor,
            old=old,
            new=key.public_key,
            endorsement=key.endorsement if old == key.replaces else "",
        )
        self._commit(with_call(Decision((changed,)), call, changed.at))

    def give_up_newer_journal(self) -> None:
        """Overwrite the sealed records of a newer agent's journal.

        Raises:
            Refused: the sealed records cannot be overwritten.
        """
        with self.lock:
            self.journal_life.give_up_newer()

    def reset_journal(self) -> str:
        """Set an unusable journal aside and begin a new one; return the name that the old one has now.

        Raises:
            Refused: it is neither damaged nor a newer agent's, or cannot be set aside.
        """
        with self.lock:
            aside = self.journal_life.set_aside(self.now().wall)
            self.load()
            return aside

    # --- used by everybody --------------------------------------------------------

    @property
    def journal(self) -> Journal:
        """The journal.

        Raises:
            Refused: there is none, and why.
        """
        return self.journal_life.journal

    @property
    def device_key(self) -> DeviceKey:
        """The key that signs for this PC; one that did not open is looked for again.

        Raises:
            Refused: there is no journal, so no key was loaded; or the disk or Windows does not give the key.
        """
        if self._device_key is None and not self.problem:
            with self.lock:
                self._look_for_device_key()
        if self._device_key is not None:
            return self._device_key
        if self.problem or not self._key_problem:
            raise self.journal_life.refusal()
        raise Refused("device_key_unusable", detail=self._key_problem)

    @property
    def can_sign(self) -> bool:
        """Whether the device key is at hand."""
        return self._device_key is not None

    @property
    def problem(self) -> str:
        """The reason why there is no journal, empty if there is one."""
        return self.journal_life.problem

    def now(self) -> Now:
        """Return the present moment, with the PC's offset."""
        clock = self.computer.clock
        return read_clock(self.state, self.boot_id, fixed(clock.now()), clock.uptime())

    def new_id(self) -> str:
        """Return a new random id (RFC 9562, version 4)."""
        return str(uuid.UUID(bytes=self.random(16), version=4))

    def policy(self) -> Policy:
        """Return the organisation's policy.

        Raises:
            Refused: `policy_invalid`: the settings file is wrong, or pins older keys than this PC has seen.
        """
        return self._usable_settings().policy

    def authorities(self) -> Authorities:
        """Return the keys that issue operators' certificates; without a key no request can be signed.

        Raises:
            Refused: `policy_invalid`.
        """
        return self._usable_settings().signing.pinned

    def _usable_settings(self) -> Settings:
        try:
            settings = self.settings.current()
        except SettingsError as fault:
            raise Refused("policy_invalid", detail=str(fault)) from None
        if problem := older_keys(self.state.authorities, settings.signing.pinned):
            raise Refused("policy_invalid", detail=problem)
        return settings

    def _note_authorities(self) -> None:
        """Journal keys that the settings pin anew, and withdraw the requests that no longer count.

        Raises:
            Refused: they cannot be journalled.
        """
        try:
            settings = self.settings.current()
        except SettingsError:
            return
        wanted = settings.signing.pinned
        if not older_keys(self.state.authorities, wanted):
            self._commit(pin_authorities(self.state, wanted, self.now(), settings.policy))

    def execute(
        self, command: c.AnyCommand, *, actor: Actor = AGENT, key: str = "", sealed: bytes | None = None
    ) -> Decision:
        """Decide a command and journal the decision; return it.

        Args:
            command: the command.
            actor: the account that asks; the journal names it at each event.
            key: the operator's call's.
            sealed: the record that goes with a `GiveGrant`.

        Raises:
            Refused: the rules, the journal or the disk do not allow it.
        """
        with self.lock:
            decision = caused_by(with_call(self._decide(command, actor), key, self.now().at), actor)
            if decision.events and actor.sid:
                self.count_call(type(command), actor, is_limited=is_limited(command, decision))
            put = (command.grant, sealed) if isinstance(command, c.GiveGrant) and sealed is not None else None
            self._commit(decision, put, revokes=isinstance(command, c.REVOKING))
            return decision

    def count_call(self, command: type[c.Command], actor: Actor, *, is_limited: bool = True) -> None:
        """Count a call of an account, before it is journalled.

        Raises:
            Refused: `policy_refuses`: the account has made too many calls within an hour, and this one is limited.
        """
        with self.lock:
            now = self.now().at
            if is_limited and self._calls.is_reached(actor.sid, now):
                refusal = Refused(
                    "policy_refuses", detail=f"at most {CALLS} calls of an account within an hour"
                )
                self.note_refusal(command.__name__, refusal, actor)
                raise refusal
            self._calls.note(actor.sid, now)

    def preview(self, command: c.AnyCommand) -> tuple[Decision, State]:
        """Return what a command would do, and the state after it; change nothing.

        Raises:
            Refused: the rules or the journal do not allow it.
        """
        with self.lock:
            decision = self._decide(command, None)
            return decision, fold(self.state, decision.events)

    def _decide(self, command: c.AnyCommand, actor: Actor | None) -> Decision:
        """Decide at the present moment; journal a refusal unless this is a preview (`actor` None)."""
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
            # The reserve on the disk is for revoking: revoking must not wait for what else is due (rule 7).
            if full.code != "storage_failed" or not isinstance(command, (*c.REVOKING, c.PauseGrant)):
                raise

    def note_refusal(self, command: str, refusal: Refused, actor: Actor) -> None:
        """Journal a refused command."""
        with self.lock:
            now, asked = self.now().at, Asked(command, refusal.code, actor.sid)
            if not self._journalled_refusals.is_due(asked, now):
                return
            refused = e.CommandRefused(at=now, command=command, code=refusal.code, actor=actor)
            try:
                self._commit(Decision((refused,)))
                self._journalled_refusals.note(asked, now)
            except Refused as fault:
                log.warning("the refusal of %s could not be journalled: %s", command, fault.code)

    def tick(self) -> None:
        """End everything whose time is over.

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
            self._settle_halves()
            self._note_settings()
            self._look_for_device_key()
            # A disk that is full now is no reason to stop: revoking must work (rule 7).
            with suppress(Refused):
                self._note_authorities()
            self._keep_receipts()

    def _note_settings(self) -> None:
        """Note in the journal that there was a settings file: from then on a missing one is a broken one."""
        # A disk that is full now is no reason to stop: revoking must work (rule 7).
        with suppress(Refused):
            if self.settings.was_set and not self._settings_noted:
                with self.storage() as journal:
                    journal.keep_key(_SETTINGS_SET, b"yes")
                self._settings_noted = True

    def _settle_halves(self) -> None:
        """Overwrite the operator's halves that serve no longer. Under broken settings no grant is used."""
        self.halves.settle(self.state, self.computer.clock.uptime())
        if self.halves.held:
            try:
                self._usable_settings()
            except Refused:
                self.halves.forget_held()

    def try_tick(self) -> None:
        """Tick for a reader: a reader is answered even if nothing can be written."""
        try:
            self.tick()
        except Refused as refusal:
            log.warning("the passing of time could not be journalled: %s", refusal.code)

    def _commit(
        self, decision: Decision, put: tuple[str, bytes] | None = None, *, revokes: bool = False
    ) -> None:
        if not decision.events:
            return
        # Fold first: an event that contradicts the tables must not get into the journal.
        try:
            state = fold(self.state, decision.events)
        except IllegalTransitionError as fault:
            raise Refused("agent_failed", detail=f"a rule contradicts the tables: {fault}") from None
        ended = [event.grant for event in decision.events if isinstance(event, e.GrantEnded)]
        try:
            with self.storage() as journal:
                count = self._copies.next_for(decision.events)
                journal.commit(Change(decision.events, decision.effects, put, ended, count, revokes))
                self._copies.noted(count)
        except Refused:
            self._end_programs(decision)
            self._close_without_journal(decision)
            raise
        self.state = state
        self._settle_halves()
        self._end_programs(decision)
        self._settle_duties()
        self._keep_receipts()
        for event in decision.events:
            log.info("%s", type(event).__name__)
        self.state_changed.notify_all()

    def _keep_receipts(self) -> None:
        """Store the receipts that are closed now. One that cannot be stored is not closed yet; it is tried again.

        Raises:
            Refused: the journal is damaged.
        """
        if self._device_key is None:
            return
        try:
            self.receipts.keep(self.journal, self.state, self._device_key, self.now().at)
        except JournalUnavailableError as fault:
            log.warning("a receipt is not stored yet: %s", fault)
        except JournalDamagedError as damage:
            raise self._lost(damage) from None

    def _lost(self, damage: JournalDamagedError) -> Refused:
        """Go on without a journal that is damaged; return the refusal to raise."""
        self.state = State()
        self.halves.settle(self.state)
        self.journal_life.fail(damage)
        self.state_changed.notify_all()
        return self.journal_life.refusal()

    def _end_programs(self, decision: Decision) -> None:
        """End the programs that a decision ends, also if it could not be journalled (rule 7)."""
        for event in decision.events:
            if isinstance(event, e.ProgramEnded):
                self.end_program(event.program)

    def end_program(self, program: str) -> None:
        """End a started program and all that it started; does nothing if it does not run."""
        with self.lock:
            started = self.running.get(program)
        if started is not None:
            try:
                started.kill()
            except PortError as fault:
                log.error("a program in the customer's name could not be ended: %s", fault)

    def _close_without_journal(self, decision: Decision) -> None:
        """Let the desktops be closed that a decision closes, though it could not be journalled (rules 7 and 9)."""
        due = {event.permit for event in decision.events if isinstance(event, e.RelockDue)}
        held = {duty.permit for duty in self.duties.all()}
        self.closings |= (due & held) - set(self._closed_early)
        if self.closings:
            self.state_changed.notify_all()

    def closed_early(self, permit: str) -> None:
        """Note that the desktop of a permit is closed, which the journal does not know: it is closed once only.

        Whoever opens it after that does so by hand.
        """
        with self.lock:
            self.closings.discard(permit)
            self._closed_early.setdefault(permit, self.now().at)

    def closed_early_at(self, permit: str) -> datetime | None:
        """Return the moment at which the desktop of a permit was closed, though the journal could not note it."""
        return self._closed_early.get(permit)

    def is_closed_early(self, permit: str) -> bool:
        """Tell whether the desktop of a permit was closed, though the journal does not know it yet."""
        return permit in self._closed_early

    def _settle_duties(self) -> None:
        """Remove the duties whose desktop the journal knows as closed; a boot ends all desktops of the last one."""
        for duty in self.duties.all():
            permit = self.state.permits.get(duty.permit)
            is_closed = permit is not None and settled(permit) and not duty.late
            if duty.boot_id != self.boot_id or is_closed:
                self.duties.settle(duty.permit)
                self.closings.discard(duty.permit)

    @contextmanager
    def storage(self) -> Iterator[Journal]:
        """Use the journal; turn its faults into refusals.

        Raises:
            Refused: there is none, it is damaged, or the disk does not work.
        """
        with self.lock:
            try:
                yield self.journal
                self.is_disk_failing = False
            except JournalUnavailableError as fault:
                if not self.is_disk_failing:
                    self.is_disk_failing = True
                    # What the journal would have caused, such as locking a desktop, must happen without it.
                    self.state_changed.notify_all()
                raise Refused("storage_failed", detail=str(fault)) from None
            except JournalDamagedError as damage:
                raise self._lost(damage) from None

    def in_steps(self, begin: Callable[[Journal], Generator[None, None, T]]) -> T:
        """Read the journal in steps; return the result. The lock is free after each: a revocation goes first.

        Raises:
            Refused: there is no journal, it is damaged, or the disk does not work.
        """
        with self.storage() as journal:
            steps = begin(journal)
        while True:
            with self.storage():
                try:
                    next(steps)
                except StopIteration as end:
                    result: T = end.value
                    return result
            self.pause(BREATH)

    def head(self) -> Head:
        """Return the journal's end."""
        with self.lock:
            return self.journal.head

    # --- sealed records -----------------------------------------------------------

    def _lent(self) -> list[Grant]:
        """Return the live grants with a password."""
        return [grant for grant in live_grants(self.state) if grant.terms.has_secret]

    def give_grant(self, request: Request, secret: bytearray, *, actor: Actor) -> None:
        """Seal the password under the request's terms and journal the grant; the caller overwrites `secret`.

        Raises:
            Refused: the rules, the journal or the disk do not allow it.
            PortError: the PC's key protection failed.
        """
        grant, seal_half = self.new_id(), None
        if request.sealing is not None:
            session = self.state.sessions[request.session].name
            seal_half = operator_half.sealer(request.sealing, session, grant)
        with self.storage():
            try:
                record = self.vault.seal(grant, self._associated_data(grant, request), secret, seal_half)
            except operator_half.HalfError as fault:
                raise Refused("agent_failed", detail=f"the operator's half was not sealed: {fault}") from None
        given = c.GiveGrant(request=request.id, grant=grant, tag=tag_of(record).hex())
        try:
            self.execute(given, actor=actor, sealed=record)
        except Refused:
            with suppress(Refused), self.storage():
                self.slots.overwrite(tag_of(record))
            raise

    def unseal(self, grant: Grant, half: bytearray | None = None) -> bytearray:
        """Return the password of a grant; the caller overwrites it.

        Args:
            grant: the grant.
            half: the operator's half, which the caller overwrites, under terms of two parties.

        Raises:
            Refused: the journal cannot be read.
            VaultError: there is no sealed record, or it does not open.
            WrongHalfError: it does not open with this half.
        """
        with self.storage():
            record = self._record(grant)
            return self.vault.open(record, grant.id, self._associated_data(grant.id, grant), half)

    def sealed_half(self, grant: Grant) -> bytes:
        """Return the operator's half of a grant's record, as it is sealed.

        Raises:
            Refused: the journal cannot be read.
            VaultError: there is no sealed record, or it is none.
        """
        with self.storage():
            return sealed_half(self._record(grant))

    def _record(self, grant: Grant) -> bytes:
        record = self.journal.sealed(grant.id)
        if record is None:
            msg = "nothing is sealed for this grant"
            raise VaultError(msg)
        return record

    def _associated_data(self, grant_id: str, agreed: Request | Grant) -> bytes:
        """Return the data that binds a sealed record to its grant, terms, account and PC."""
        return canonical(agreed.terms, agreed.account, grant_id, self.computer.device)

    # --- waiting ------------------------------------------------------------------

    def wait_for(self, ready: Callable[[], T | None], seconds: float) -> T | None:
        """Return the result of `ready` as soon as it is not None; None when the time is up, or the core closes."""
        with self.lock:
            found: T | None = None

            def check() -> bool:
                nonlocal found
                found = ready()
                return found is not None or self._stopping.is_set()

            self.state_changed.wait_for(check, timeout=seconds)
            return found

    @property
    def is_stopping(self) -> bool:
        """Whether the core closes, or has closed."""
        return self._stopping.is_set()

    def pause(self, seconds: float) -> None:
        """Wait without the lock; return early when the core closes."""
        self._stopping.wait(seconds)

    def close(self) -> None:
        """Close the journal. Waiting calls return at once with the present state.

        The programs in the customer's name end: without the agent no revocation could end them.
        """
        self._stopping.set()
        with self.lock:
            self.halves.settle(State())
            for program in self.running:
                self.end_program(program)
            self.journal_life.close(Refused("agent_not_running"))
            self.state_changed.notify_all()
