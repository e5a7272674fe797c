# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Checks that the enrolled PC gave an answer, and that its journal goes on from the last one that was seen."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._armored_signature import SignatureError, key_of_line, signed_json, verified
from ._failure import Failure, failure
from ._journal_heads import Heads, device_key_changed, heads_of
from ._known_pcs import JOURNAL, enroll, read_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from . import _answers as ans
    from ._failure import Outcome
    from ._known_pcs import KnownPcs

_SCHEMA = "latchkey-journal-1"
_COVERED = ("device", "position", "hash", "at")
"""The fields that a head's signature covers, beside its `schema_version`."""


@dataclass(frozen=True)
class DeviceCheck:
    """The check of one PC's answers against `known_pcs`; without that file nothing is checked.

    Attributes:
        known: the content of the file when the task began, None for no check.
        pc: the PC's name in the inventory.
        last: the last head that was kept when the task began; None if there is none.
        dry: whether the task is in check mode, and nothing is written.
        continues: whether the head has to continue the last one.
    """

    known: KnownPcs | None
    pc: str
    last: ans.HeadView | None = None
    dry: bool = False
    continues: bool = True

    @property
    def seen(self) -> dict[str, Any] | None:
        """The last head as a call to the agent names it; None if there is none."""
        if self.last is None or self.last.position < 1:
            return None
        return {"position": self.last.position, "hash": self.last.hash, "at": self.last.at}

    @contextlib.contextmanager
    def names_another_key(self, ask_key: Callable[[], str]) -> Iterator[None]:
        """Let a PC with another key fail for its key: another PC, or a new installation, has another journal, too.

        A call is refused for the journal before the agent tells its key, so the key is asked for then.

        Args:
            ask_key: asks the agent for its public key, a line of OpenSSH. It is not verified: the task fails anyway.

        Raises:
            Failure: `device_key_changed` in place of `journal_head_unknown`.
        """
        try:
            yield
        except Failure as fault:
            if fault.code == "journal_head_unknown" and self.known is not None:
                self._require_named(self.known, ask_key)
            raise

    def _require_named(self, pcs: KnownPcs, ask_key: Callable[[], str]) -> None:
        known = pcs.of(self.pc)
        try:
            key = key_of_line(ask_key())
        except (Failure, SignatureError):
            return
        if known and key not in {one.key for one in known}:
            raise device_key_changed(pcs, self.pc, key)

    def require_signer(self, line: str) -> None:
        """Refuse a challenge by another key than the PC's: the PC can set facts, and pass on what another PC signed.

        Args:
            line: the key that has signed it, as a line of OpenSSH.

        Raises:
            Failure: `device_key_changed`, or `known_pcs_unusable`: no line names the PC.
        """
        if self.known is None:
            return
        if not self.known.of(self.pc):
            detail = f"{self.known.path}: no line names {self.pc}; set known_pcs for support_session, too"
            raise failure("known_pcs_unusable", detail=detail)
        # As for the journal head beside which the challenge came.
        if (key := key_of_line(line)) not in self.known.keys_of(self.pc, JOURNAL):
            raise device_key_changed(self.known, self.pc, key)

    def facts(
        self, head: ans.HeadView | None, *, outcome: Outcome = "refused", problem: str = ""
    ) -> dict[str, Any]:
        """Check the head of an answer, keep it, and return the values that the task's result has of it.

        Call it before anything else of the answer is used.

        Args:
            head: the answer's journal head; an agent of an earlier release sends none.
            outcome: the outcome that a failure reports: `unknown` after a change of the PC.
            problem: the agent's reason for having no journal.

        Raises:
            Failure: `device_key_changed`, `device_key_shared`, `journal_head_invalid` or `known_pcs_unusable`.
        """
        enrolled = False
        if self.known is not None:
            try:
                enrolled = self._checked(self.known, head, problem)
            except Failure as fault:
                fault.outcome = outcome
                raise
        return {
            "device_key": head and head.public_key,
            "journal_head": head and asdict(head),
            "enrolled": enrolled,
        }

    def _checked(self, known: KnownPcs, head: ans.HeadView | None, problem: str) -> bool:
        if head is None:
            reason = f"the agent has no journal: {problem.rstrip('.')}" if problem else "the answer has none"
            raise self._invalid(reason)
        try:
            key = verified(head.signature, _signed(head), JOURNAL)
            named = key_of_line(head.public_key)
        except SignatureError as fault:
            raise self._invalid(f"its signature: {fault}") from None
        if key != named:
            raise self._invalid("it names another key than the one that signed it")
        enrolled = self._require_known(known, key)
        if self.continues:
            self._require_later(head)
            if not self.dry:
                heads_of(known.path).keep(self.pc, head)
        return enrolled

    def _require_known(self, known: KnownPcs, key: bytes) -> bool:
        """Refuse another key than the PC's; return whether the key was added for its first use."""
        enrolled = not known.of(self.pc)
        if enrolled and self.dry:
            known.require_unshared(self.pc, key)
            return True
        if enrolled:
            # Another task may have added the PC meanwhile.
            enrolled, known = enroll(known.path, heads_of(known.path).lock, self.pc, key)
        if key in known.keys_of(self.pc, JOURNAL):
            return enrolled
        if key in {one.key for one in known.of(self.pc)}:
            raise failure(
                "known_pcs_unusable",
                detail=f"{known.path}: no line of {self.pc} allows its key for {JOURNAL} at this time",
            )
        raise device_key_changed(known, self.pc, key)

    def _require_later(self, head: ans.HeadView) -> None:
        last = self.last
        if last is None:
            return
        if head.position < last.position or (head.position == last.position and head.hash != last.hash):
            raise self._invalid(
                f"it is entry {head.position}, and entry {last.position} was seen before, at {last.at}"
            )

    def _invalid(self, detail: str) -> Failure:
        return failure("journal_head_invalid", pc=self.pc, detail=detail)


def device_check(known_pcs: str | None, pc: str, *, dry: bool, continues: bool = True) -> DeviceCheck:
    """Return the check of a PC's answers, with the last head that was kept.

    Args:
        known_pcs: the file on the controller; None for no check.
        pc: the PC's name in the inventory.
        dry: whether the task is in check mode.
        continues: whether the PC's journal has to continue the last head. A new installation begins a journal.

    Raises:
        Failure: `known_pcs_unusable`: the kept head cannot be read.
    """
    if not known_pcs:
        return DeviceCheck(None, pc)
    path = Path(known_pcs)
    heads: Heads = heads_of(path)
    last = heads.last(pc) if continues else None
    # A line that cannot be read fails the task before the PC is asked.
    known = read_known(path)
    known.of(pc)
    return DeviceCheck(known, pc, last, dry, continues)


def _signed(head: ans.HeadView) -> bytes:
    """Return the bytes that a head's signature covers."""
    told = {"schema_version": _SCHEMA, **{name: getattr(head, name) for name in _COVERED}}
    return signed_json(told)
