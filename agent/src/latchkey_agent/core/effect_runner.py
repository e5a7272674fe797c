# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the stored effects on the computer, each at least once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from latchkey_agent.domain import (
    Closing,
    Erasure,
    Permit,
    PermitState,
    Refused,
    needs_erasing,
    others,
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
        self._closed: dict[str, Closing] = {}

    def run(self) -> bool:
        """Run every pending effect once; tell whether all of them succeeded.

        Raises:
            Refused: there is no journal, or the disk does not work.
        """
        with self._core.storage() as journal:
            pending = journal.pending()
        # Equal effects are run once: all of them were stored before the first one runs.
        results = {effect: self._attempt(effect) for effect in dict.fromkeys(effect for _, effect in pending)}
        if done := [number for number, effect in pending if results[effect]]:
            with self._core.storage() as journal:
                journal.done(done)
        if is_done := all(results.values()):
            # Not earlier: on a full disk the effects need the space that a revocation has given up.
            with self._core.storage() as journal:
                journal.keep_reserve()
        return is_done

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
            case fx.AnnouncePermit():
                self._core.computer.notifier.announce_permit()
            case fx.CloseDesktop():
                self._close_desktop(effect.permit)
            case fx.ConfirmErasure():
                self._confirm_erasure(effect.grant)

    def _restart(self, effect: fx.Restart) -> None:
        self._core.tick()
        permit = self._core.state.permits.get(effect.permit)
        if permit is None or permit.state is not PermitState.ISSUED or permit.id in self._restarting:
            return
        if strangers := others(self._core.computer.sessions.signed_in(), permit.account):
            # A restart that may be under way is not given back: without it the permit lapses.
            if not self._core.computer.power.restart_begun():
                names = " and ".join(strangers)
                self._cancel(permit, f"{names} signed in meanwhile without agreeing to a restart")
            return
        if self._comes_too_late(permit, effect.grace):
            if not self._core.computer.power.restart_begun():
                self._cancel(permit, "the warning would end after the use's own time")
            return
        try:
            self._core.computer.power.restart(message=effect.message, grace=effect.grace)
            # Windows refuses a second restart, and the refusal would cancel the permit of the first.
            self._restarting.add(permit.id)
        except PortError as refusal:
            self._cancel(permit, str(refusal))

    def _comes_too_late(self, permit: Permit, grace: float) -> bool:
        """Tell whether Windows would restart after the use's own time or the terms: the effect may have waited."""
        terms = self._core.state.grants[permit.grant].terms
        return warning_outlasts(grace, permit.expires_at, terms.not_after, self._core.now())

    def _cancel(self, permit: Permit, why: str) -> None:
        self._core.execute(c.CancelPermit(permit=permit.id, detail=why))

    # --- rule 9: a logon with a permit ends locked ----------------------------------

    def _close_desktop(self, permit_id: str) -> None:
        permit = self._core.state.permits.get(permit_id)
        if permit is None or not permit.owes_lock:
            return
        if permit.id not in self._closed:
            # Closed once: what fails after that is only the note in the journal.
            self._closed[permit.id] = self.desktops.close(Target.of_permit(permit))
        self._core.execute(c.CloseDesktop(permit=permit.id, how=self._closed[permit.id]))
        del self._closed[permit.id]

    # --- rule 8: erased means read back ------------------------------------------------

    def _confirm_erasure(self, grant_id: str) -> None:
        grant = self._core.state.grants.get(grant_id)
        if grant is None or not needs_erasing(grant.erasure):
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
