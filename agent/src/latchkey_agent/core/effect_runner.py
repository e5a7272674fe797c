# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the stored effects on the computer, each at least once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from latchkey_agent.domain import (
    Closing,
    Erasure,
    Permit,
    PermitState,
    Refused,
    needs_erasing,
    others,
    owed_effects,
    owes_erasure,
    people,
    signs_out_unasked,
    warning_outlasts,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import effects as fx
from latchkey_agent.ports import PortError
from latchkey_agent.storage import key_slots
from latchkey_agent.storage.journal import Change, Journal, JournalUnavailableError, LeftOver

from .core import Core
from .desktops import DesktopCloser, Target

log = logging.getLogger(__name__)


class EffectRunner:
    """Runs the effects that the journal holds.

    A failed effect stays stored and is tried again, at the next call and after a crash.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.desktops = DesktopCloser(core)
        self._restarting: set[str] = set()
        self._closed: dict[str, tuple[Closing, datetime]] = {}

    def run(self) -> bool:
        """Run every pending effect once; tell whether all of them succeeded.

        Raises:
            Refused: there is no journal, or the disk does not work.
        """
        with self._core.storage() as journal:
            pending = journal.pending()
            lost = self._lost([effect for _, effect in pending])
        # Equal effects are run once: all of them were stored before the first one runs.
        effects = dict.fromkeys((*(effect for _, effect in pending), *lost))
        results = {effect: self._attempt(effect) for effect in effects}
        if done := [number for number, effect in pending if results[effect]]:
            with self._core.storage() as journal:
                journal.done(done)
        if is_done := all(results.values()):
            # Not earlier: on a full disk the effects need the space that a revocation has given up.
            with self._core.storage() as journal:
                journal.keep_reserve()
        return is_done

    def _lost(self, stored: list[fx.AnyEffect]) -> list[fx.AnyEffect]:
        """Return the effects that the state asks for, and that are not stored, or not for this boot."""
        kept = {_subject(effect) for effect in stored if effect.boot_id in {"", self._core.boot_id}}
        lost = [effect for effect in owed_effects(self._core.state) if _subject(effect) not in kept]
        for effect in lost:
            log.error("effect %s is missing in the journal and is done all the same", type(effect).__name__)
        return [*lost]

    def _attempt(self, effect: fx.AnyEffect) -> bool:
        try:
            if not effect.boot_id or effect.boot_id == self._core.computer.power.boot_id():
                self._carry_out(effect)
        except (PortError, Refused) as fault:
            log.warning("effect %s failed and stays to be done: %s", type(effect).__name__, fault)
            return False
        return True

    def _carry_out(self, effect: fx.AnyEffect) -> None:
        match effect:
            case fx.SummonCompanion():
                self._core.computer.notifier.summon_companion(effect.account)
            case fx.Restart():
                self._restart(effect)
            case fx.PlainRestart():
                self._restart_plainly(effect)
            case fx.AnnouncePermit():
                self._core.computer.notifier.announce_permit()
            case fx.CloseDesktop():
                self._close_desktop(effect.permit)
            case fx.ConfirmErasure():
                self._confirm_erasure(effect.grant)

    def _restart(self, effect: fx.Restart) -> None:
        self._core.tick()
        if (permit := self._waiting_permit(effect.permit)) is None:
            return
        if strangers := others(self._core.computer.sessions.signed_in(), permit.account):
            names = " and ".join(strangers)
            self._give_back(permit, f"{names} signed in meanwhile without agreeing to a restart")
            return
        try:
            self._core.computer.power.prepare_restart()
        except PortError as fault:
            self._give_back(permit, str(fault))
            return
        # Windows takes its time with both looks. From here on no revocation comes between (rule 7).
        with self._core.lock:
            self._core.tick()
            self._ask_windows(effect)

    def _ask_windows(self, effect: fx.Restart) -> None:
        """Ask Windows to restart if the permit still waits; the lock is held."""
        if (permit := self._waiting_permit(effect.permit)) is None:
            return
        if self._comes_too_late(permit, effect.grace):
            self._give_back(permit, "the warning would end after the use's own time")
            return
        try:
            self._core.computer.power.restart(
                message=effect.message, grace=effect.grace, sign_on=effect.sign_on
            )
            # Windows refuses a second restart, and the refusal would cancel the permit of the first.
            self._restarting.add(permit.id)
        except PortError as refusal:
            self._give_back(permit, str(refusal))

    def _waiting_permit(self, permit_id: str) -> Permit | None:
        """Return the permit, if its restart is still to be asked for."""
        permit = self._core.state.permits.get(permit_id)
        is_waiting = permit is not None and permit.state is PermitState.ISSUED
        return permit if is_waiting and permit_id not in self._restarting else None

    def _comes_too_late(self, permit: Permit, grace: float) -> bool:
        """Tell whether Windows would restart after the use's own time or the terms: the effect may have waited."""
        terms = self._core.state.grants[permit.grant].terms
        return warning_outlasts(grace, permit.expires_at, terms.not_after, self._core.now())

    def _give_back(self, permit: Permit, why: str) -> None:
        """Cancel a permit whose restart does not happen.

        A restart that may be under way is not given back: without it the permit lapses.
        """
        if not self._core.computer.power.restart_begun():
            self._core.execute(c.CancelPermit(permit=permit.id, detail=why))

    def _restart_plainly(self, effect: fx.PlainRestart) -> None:
        """Ask Windows for a restart without a grant, unless a person has come meanwhile."""
        self._core.tick()
        if not self._is_pending(effect.restart):
            return
        core = self._core
        if core.state.sessions[core.state.restarts[effect.restart].session].ended_at is not None:
            self._drop(effect.restart, "the support session ended")
            return
        here = core.computer.sessions.signed_in()
        names, is_open = people(here), any(s.is_open for s in here)
        if signs_out_unasked(names, core.policy(), is_open=is_open):
            self._drop(effect.restart, f"{' and '.join(names)} signed in meanwhile")
            return
        try:
            core.computer.power.prepare_restart()
            with core.lock:
                core.tick()
                if self._is_pending(effect.restart):
                    core.computer.power.restart(message=effect.message, grace=effect.grace, sign_on=False)
                    self._restarting.add(effect.restart)
        except PortError as refusal:
            self._drop(effect.restart, str(refusal))

    def _is_pending(self, restart_id: str) -> bool:
        """Tell whether a restart without a grant is still to be asked for."""
        restart = self._core.state.restarts.get(restart_id)
        return restart is not None and restart.is_pending and restart_id not in self._restarting

    def _drop(self, restart_id: str, why: str) -> None:
        if not self._core.computer.power.restart_begun():
            self._core.execute(c.DropRestart(restart=restart_id, detail=why))

    # --- rule 9: a logon with a permit ends locked ----------------------------------

    def _close_desktop(self, permit_id: str) -> None:
        permit = self._core.state.permits.get(permit_id)
        if permit is None or not permit.owes_lock:
            return
        if permit.id not in self._closed:
            # Closed once: what fails after that is only the note in the journal.
            how = self.desktops.close(Target.of_permit(permit))
            self._closed[permit.id] = how, self._core.closed_early_at(permit.id) or self._core.now().at
        how, closed_at = self._closed[permit.id]
        self._core.execute(c.CloseDesktop(permit=permit.id, how=how, closed_at=closed_at))
        del self._closed[permit.id]

    # --- rule 8: erased means read back ------------------------------------------------

    def _confirm_erasure(self, grant_id: str) -> None:
        grant = self._core.state.grants.get(grant_id)
        if grant is None or not owes_erasure(grant):
            return
        erasure = self._read_back(grant_id, bytes.fromhex(grant.tag))
        self._core.execute(c.RecordErasure(grant=grant_id, erasure=erasure))
        if needs_erasing(erasure):
            msg = "the erasure could not be confirmed"
            raise PortError(msg)

    def _read_back(self, grant_id: str, tag: bytes) -> Erasure:
        """Erase and look; what the disk does not let the agent do or see is a failed check, not a missing one."""
        with self._core.storage() as journal:
            record_problem = _problem(lambda: _delete(journal, grant_id))
            slot_problem = _problem(lambda: self._core.slots.overwrite(tag))
            log_bytes = journal.empty_log()
            record_problem = record_problem or _problem(lambda: _look_for(journal, grant_id))
        files = self._core.in_steps(lambda journal: journal.search(tag))
        checks = [
            ("sealed record deleted", not record_problem, record_problem or "no record"),
            ("key slot overwritten", not slot_problem, slot_problem or "read back as zeros"),
            ("write-ahead log overwritten", log_bytes is not None, _log_detail(log_bytes)),
        ]
        checks += [
            (f"{f.name} read back", not f.problem and f.found == 0, f.problem or _find_detail(f))
            for f in files
        ]
        confirmed = all(passed for _, passed, _ in checks)
        failed = [detail for _, passed, detail in checks if not passed]
        return Erasure(self._core.now().at, confirmed, tuple(checks), lost=failed == [key_slots.LOST])


def _subject(effect: fx.AnyEffect) -> tuple[str, str]:
    """Return the kind of an effect, and the permit or grant that it closes or erases."""
    match effect:
        case fx.CloseDesktop():
            return "close", effect.permit
        case fx.ConfirmErasure():
            return "erase", effect.grant
    return "", ""


def _problem(act: Callable[[], str]) -> str:
    """Return the problem that an act finds, or the disk's if it refuses the act; empty if there is none."""
    try:
        return act()
    except JournalUnavailableError as fault:
        return str(fault)


def _delete(journal: Journal, grant_id: str) -> str:
    if journal.sealed(grant_id) is not None:
        journal.commit(Change(erased=[grant_id]))
    return ""


def _look_for(journal: Journal, grant_id: str) -> str:
    return "" if journal.sealed(grant_id) is None else "a record is there again"


def _find_detail(file: LeftOver) -> str:
    return f"{file.size} bytes, seal tag found {file.found} times"


def _log_detail(overwritten: int | None) -> str:
    return "another reader holds it" if overwritten is None else f"{overwritten} bytes, then emptied"
