# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Asks the agent: one verb, one run of its program on the PC, one typed answer."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from . import _answers as ans
from ._answer_reader import AnswerError, read
from ._connection import ConnectionLost
from ._failure import Failure, agent_failure, failure
from ._powershell_command import AGENT_MISSING, command_line, request_script
from ._remote_words import words
from ._wrong_settings import WrongSetting

if TYPE_CHECKING:
    from ._connection import CommandResult
    from ._contact import Contact
    from ._failure import Outcome
    from ._wait_clock import Clock, Deadline

T = TypeVar("T")

MAX_ANSWER = 4 * 1024 * 1024
"""Largest answer that is read, in bytes: the agent's limit is 1 MiB, and ASCII needs up to three times as many."""

LONG_POLL = 15.0
"""Longest wait of the agent for news, in seconds: WinRM asks back after 20 s."""

SILENCE_SECONDS = 60.0
"""Longest wait for an agent that does not answer, in seconds. During a boot WinRM may answer before the agent, and
during a shutdown after it. Windows gives a service 30 s to start (ServicesPipeTimeout)."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0

_NOT_FOUND = 127
_NO_SERVICE = 69
# Windows ended the program because it shuts down (ntstatus.h: DBG_TERMINATE_PROCESS, STATUS_DLL_INIT_FAILED,
# STATUS_DLL_INIT_FAILED_LOGOFF, STATUS_CONTROL_C_EXIT), as signed and as unsigned numbers.
_SHUTDOWN_CODES = frozenset({0x40010004, 0xC0000142, 0xC000026B, 0xC000013A})
_UNSIGNED = 2**32
# Something came back that is no answer of the agent.
_NO_ANSWER = frozenset({"bad_answer", "program_failed"})
_SENT: dict[Outcome, str] = {
    "unknown": "The requested action may have happened.",
    "refused": "Nothing was sent to the agent.",
}
_KERBEROS_SENT: dict[Outcome, str] = {
    "unknown": "The task had reached the PC before; what it asked for goes on there.",
    "refused": _SENT["refused"],
}


@dataclass(frozen=True)
class Reply(Generic[T]):
    """An answer of the agent, and whether its action changed anything."""

    changed: bool
    result: T


class Agent:
    """The consent agent of one PC. With `check` it predicts its action and changes nothing.

    `path` is the agent's program on the PC, None for the place where its package installs it.
    """

    def __init__(
        self,
        contact: Contact,
        clock: Clock,
        path: str | None,
        *,
        check: bool = False,
    ) -> None:
        self.check = check
        self._contact = contact
        self._link = contact.link
        self._clock = clock
        self._command = command_line(request_script(path))
        self._answered = False

    def change(self, kind: type[T], verb: str, deadline: Deadline, **fields: object) -> Reply[T]:
        """Ask for a change of the PC, as `ask` does.

        The agent recognises a repeated call by its key. So the first call's change counts as this
        task's change, even when its answer was lost.
        """
        return self.ask(kind, verb, deadline, idempotency_key=self.new_key(), **fields)

    def new_key(self) -> str | None:
        """Return the idempotency key of a call; none in check mode, which changes nothing."""
        return None if self.check else str(uuid.uuid4())

    def ask(self, kind: type[T], verb: str, deadline: Deadline, **fields: object) -> Reply[T]:
        """Ask; after a lost connection ask again, until the deadline. Wait for an agent that does not answer.

        Asking again is safe: the agent makes each change only once.

        Raises:
            Failure: the agent refused, its answer is malformed, or no answer came in time.
        """
        first = self._contact.first(deadline)
        silence: Deadline | None = None
        pause = _FIRST_PAUSE
        while True:
            try:
                return self.ask_once(kind, verb, **fields)
            except ConnectionLost as lost:
                until, silence = self._patience(lost, deadline, first), None
            except Failure as fault:
                if not self.may_pass(fault):
                    raise
                until = silence = silence or deadline.sooner(SILENCE_SECONDS)
                if until.over:
                    raise _silent(fault, until) from None
                self._contact.show(
                    f"waiting: the consent agent to answer; for {SILENCE_SECONDS:.0f} s at most"
                )
            self._clock.sleep(min(pause, until.left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def device_key(self, deadline: Deadline) -> str:
        """Return the agent's public key as a line of OpenSSH; raises as `ask`."""
        return self.ask(ans.DeviceKeyAnswer, "device_key", deadline).result.public_key

    def _patience(self, lost: ConnectionLost, deadline: Deadline, first: Deadline) -> Deadline:
        try:
            return self._contact.until(lost, deadline, first)
        except ConnectionLost:
            raise self.failure_of(lost) from lost

    def ask_once(self, kind: type[T], verb: str, **fields: object) -> Reply[T]:
        """Ask once.

        Raises:
            ConnectionLost: the connection is gone.
            Failure: the agent refused, or its answer is malformed.
        """
        request = {"verb": verb, "protocol": ans.PROTOCOL_VERSION, **fields}
        if self.check:
            request["check"] = True
        given = {name: value for name, value in request.items() if value is not None}
        line = json.dumps(given, separators=(",", ":")).encode("ascii") + b"\n"
        answer = self._answer(self._link.run(self._command, line), line)
        if answer.outcome != "done":
            raise _refusal(answer)
        try:
            reply = Reply(answer.changed, read(kind, answer.result))
        except AnswerError as fault:
            raise failure("bad_answer", outcome="unknown", detail=str(fault)) from None
        self._answered = True
        return reply

    def assume_working(self) -> None:
        """Take the agent for one that has answered before: another task has used it."""
        self._answered = True

    def may_pass(self, fault: Failure) -> bool:
        """Tell whether asking again may help.

        A PC that shuts down or starts may cut an answer short, or its PowerShell may fail. The same words from
        a PC whose agent has never answered this task mean a wrong setting, which does not pass.
        """
        return fault.passing or (self._answered and fault.code in _NO_ANSWER)

    def failure_of(self, lost: ConnectionLost) -> Failure:
        """Return the failure of a connection that did not come back."""
        fault = self._fault_of(lost)
        fault.unreachable = not self._link.reached
        return fault.with_facts(connection_error=lost.reason)

    def _fault_of(self, lost: ConnectionLost) -> Failure:
        outcome: Outcome = "unknown" if self._link.sent else "refused"
        if lost.kerberos:
            return failure(lost.kerberos, outcome=outcome, sent=_KERBEROS_SENT[outcome])
        if lost.rejected or lost.final:
            return self._refusal_of(lost, outcome)
        if lost.too_many_shells:
            return failure("too_many_shells", outcome=outcome)
        if lost.timed_out and self._link.accepts():
            return failure("pc_frozen", outcome=outcome)
        return failure("connection_lost" if self._link.sent else "pc_unreachable", outcome=outcome)

    def _refusal_of(self, lost: ConnectionLost, outcome: Outcome) -> Failure:
        """Return the failure of a logon that the PC refuses, or that cannot be tried."""
        sent = _SENT[outcome]
        if lost.wrong_setting is WrongSetting.CERTIFICATE:
            return failure("client_certificate_unusable", outcome=outcome, sent=sent)
        if lost.wrong_setting is WrongSetting.AUTHENTICATION:
            return failure("authentication_not_offered", outcome=outcome, sent=sent)
        if lost.certificate_refused or self._link.by_certificate:
            return failure("client_certificate_rejected", outcome=outcome, sent=sent)
        return failure("credentials_rejected", outcome=outcome, sent=sent)

    def _answer(self, ran: CommandResult, request: bytes) -> ans.Answer:
        text = ran.output.removeprefix(b"\xef\xbb\xbf").strip()
        if len(text) > MAX_ANSWER:
            raise failure("answer_too_large", outcome="unknown", limit=MAX_ANSWER)
        mark, _newline, place = text.partition(b"\n")
        if mark.strip() == AGENT_MISSING.encode():
            # The PC names the place itself: only Windows knows it if agent_path is not set.
            raise failure("agent_not_installed", path=place.decode("utf-8", "replace").strip())
        if not text:
            raise self._no_answer(ran.code, words(ran.error, request))
        return _envelope(text)

    def _no_answer(self, code: int, said: str) -> Failure:
        if code == _NOT_FOUND:
            # A POSIX shell without PowerShell ends with this code.
            return failure("not_windows")
        if code == _NO_SERVICE or code % _UNSIGNED in _SHUTDOWN_CODES:
            return _passing(failure("agent_not_running", waited=""))
        if said:
            return failure("program_failed", outcome="unknown", number=code, detail=said)
        return failure("bad_answer", outcome="unknown", detail=f"no output, exit code {code}")


def _envelope(text: bytes) -> ans.Answer:
    """Read one line of JSON.

    Raises:
        Failure: `bad_answer`; its text describes the form and quotes no content.
    """
    lines = len(text.splitlines())
    if lines > 1:
        raise failure("bad_answer", outcome="unknown", detail=f"{lines} lines instead of one")
    try:
        return read(ans.Answer, _json(text))
    except AnswerError as fault:
        raise failure("bad_answer", outcome="unknown", detail=str(fault)) from None


def _json(text: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise AnswerError(f"{len(text)} bytes that are not JSON") from None


def _refusal(answer: ans.Answer) -> Failure:
    if answer.error is None:
        return failure("bad_answer", outcome="unknown", detail="a refusal without a reason")
    outcome: Outcome = "unknown" if answer.outcome == "unknown" else "refused"
    if answer.error.code == "agent_not_running":
        return _passing(failure("agent_not_running", outcome=outcome, waited=""))
    return agent_failure(answer.error, outcome=outcome, result=answer.result)


def _passing(fault: Failure) -> Failure:
    fault.passing = True
    return fault


def _silent(fault: Failure, until: Deadline) -> Failure:
    """Return the failure of an agent that did not answer in time; its text tells the time."""
    if not fault.passing:
        return fault
    return failure("agent_not_running", outcome=fault.outcome, waited=f" within {until.limit:.0f} s")


def sent_along(fault: Failure, kind: type[T]) -> T | None:
    """Return the answer that the agent sent with its refusal; None where there is none of this kind."""
    try:
        return read(kind, fault.result)
    except AnswerError:
        return None
