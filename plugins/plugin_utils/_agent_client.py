# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""The agent as the tasks see it: one verb, one run of its program, one typed answer."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _messages as m
from ._connection import Lost
from ._failure import Failure, failure
from ._powershell_command import AGENT_MISSING, command_line, request_script
from ._shape_table import PROTOCOL_VERSION
from ._shapes import ShapeError, read

if TYPE_CHECKING:
    from ._connection import Link, Ran
    from ._failure import Outcome
    from ._wait_clock import Clock, Deadline

T = TypeVar("T")

MAX_ANSWER = 4 * 1024 * 1024
"""Bytes of an answer that are read: the agent's own limit is 1 MiB, and ASCII writes a letter in up to three times its
bytes."""

LONG_POLL = 15.0
"""Seconds that the agent may hold an answer back: below the 20 s after which WinRM asks back."""

# A PC that cannot be connected to at all is unreachable, however long the task may wait for answers.
_FIRST_CONTACT = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0

_NOT_FOUND = 127
_NO_SERVICE = 69


@dataclass(frozen=True)
class Reply(Generic[T]):
    """What was done, and whether it changed anything."""

    changed: bool
    result: T


class Agent:
    """The consent agent of one PC. With `check` it tells what it would do, and does nothing."""

    def __init__(self, link: Link, clock: Clock, path: str, *, check: bool = False) -> None:
        self.check = check
        self._link = link
        self._clock = clock
        self._path = path
        self._command = command_line(request_script(path))

    def change(self, shape: type[T], verb: str, deadline: Deadline, **fields: object) -> Reply[T]:
        """Ask for something that changes the PC, as `ask` does.

        Where an answer was lost, the agent knows the call again by its key: what it did is a change
        of this task, whichever answer arrives.
        """
        return self.ask(shape, verb, deadline, idempotency_key=self.new_key(), **fields)

    def new_key(self) -> str | None:
        """Return what one call is known by again; none in check mode, which leaves nothing to know."""
        return None if self.check else str(uuid.uuid4())

    def ask(self, shape: type[T], verb: str, deadline: Deadline, **fields: object) -> Reply[T]:
        """Ask; where the connection is lost ask again, until the deadline.

        Asking again is safe: every verb of the agent that changes something does it once only.

        Raises:
            Failure: the agent refused, or what came was no answer, or none came in time.
        """
        first_contact = deadline.sooner(_FIRST_CONTACT)
        pause = _FIRST_PAUSE
        while True:
            try:
                return self.ask_once(shape, verb, **fields)
            except Lost as lost:
                until = deadline if self._link.reached else first_contact
                if until.over or (lost.rejected and not self._link.reached):
                    raise self.gone(lost) from lost
            self._clock.sleep(min(pause, until.left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def ask_once(self, shape: type[T], verb: str, **fields: object) -> Reply[T]:
        """Ask once.

        Raises:
            Lost: the connection is gone.
            Failure: the agent refused, or what came was no answer.
        """
        request = {"verb": verb, "protocol": PROTOCOL_VERSION, **fields}
        if self.check:
            request["check"] = True
        said = {name: value for name, value in request.items() if value is not None}
        line = json.dumps(said, separators=(",", ":")).encode("ascii") + b"\n"
        answer = self._answer(self._link.run(self._command, line))
        if answer["outcome"] != "done":
            raise _refusal(answer)
        try:
            return Reply(answer["changed"], read(shape, answer["result"]))
        except ShapeError as fault:
            raise failure("bad_answer", outcome="unknown", detail=str(fault)) from None

    def gone(self, lost: Lost) -> Failure:
        """Return the failure of a connection that did not come back."""
        frozen = lost.timed_out and not lost.rejected and self._link.accepts()
        gone = failure("pc_frozen" if frozen else "connection_lost", outcome="unknown")
        if not self._link.reached:
            gone.unreachable = True
        return gone.with_facts(connection_error=lost.reason)

    def _answer(self, ran: Ran) -> m.Answer:
        text = ran.output.removeprefix(b"\xef\xbb\xbf").strip()
        if len(text) > MAX_ANSWER:
            raise failure("answer_too_large", outcome="unknown", limit=MAX_ANSWER)
        if not text or text == AGENT_MISSING.encode():
            raise self._silence(ran.code, missing=bool(text))
        return _envelope(text)

    def _silence(self, code: int, *, missing: bool) -> Failure:
        if missing:
            return failure("agent_not_installed", path=self._path)
        if code == _NOT_FOUND:
            # A POSIX shell's way to say that there is no PowerShell.
            return failure("not_windows")
        if code == _NO_SERVICE:
            return failure("agent_not_running")
        return failure("bad_answer", outcome="unknown", detail=f"nothing, and exit code {code}")


def _envelope(text: bytes) -> m.Answer:
    """Read one line of JSON.

    Raises:
        Failure: `bad_answer`, which says how it looks but nothing of what it holds.
    """
    lines = len(text.splitlines())
    if lines > 1:
        raise failure("bad_answer", outcome="unknown", detail=f"{lines} lines instead of one")
    try:
        return read(m.Answer, _json(text))
    except ShapeError as fault:
        raise failure("bad_answer", outcome="unknown", detail=str(fault)) from None


def _json(text: bytes) -> Any:  # noqa: ANN401 - whatever JSON can hold
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ShapeError(f"{len(text)} bytes that are not JSON") from None


def _refusal(answer: m.Answer) -> Failure:
    error = answer["error"]
    if error is None:
        return failure("bad_answer", outcome="unknown", detail="it refuses and does not say why")
    refusal = as_failure(error, outcome="unknown" if answer["outcome"] == "unknown" else "refused")
    refusal.about = answer["result"]
    return refusal


def about(fault: Failure, shape: type[T]) -> T | None:
    """Return what the agent sent along with its refusal, None where that is nothing of this kind."""
    try:
        return read(shape, fault.about)
    except ShapeError:
        return None


def as_failure(error: m.ErrorView, *, outcome: Outcome = "refused") -> Failure:
    """Return the failure that an error of the agent means."""
    words = error["code"], error["message"], error["hint"]
    return Failure(*words, outcome=outcome, retry_after=error["retry_after"])
