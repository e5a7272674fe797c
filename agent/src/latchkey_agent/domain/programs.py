# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for programs that run in the customer's name: only with a live grant that covers them, and no longer than it.

The end of the grant or of the session, and a pause, end them: see `decision.stop_programs`.
"""

from __future__ import annotations

from . import commands as c
from . import effects as fx
from . import events as e
from .clock import Now
from .decision import Decision, own_session
from .grants import live_grant, must_hold, nothing_under_way
from .model import Grant, Program, State, SupportSession
from .policy import Policy
from .refusal import Refused

MOST_RUNNING = 4
"""The programs that may run at the same time for a session; each takes a thread of the agent."""
MOST_PROGRAMS = 200
"""The programs of a session; each of them makes the state and the receipt larger."""
LONGEST_LINES = 100_000
"""The characters in all command lines of a session: an answer with its receipts must stay below the pipe's limit."""


def find_program(state: State, program: str) -> Program:
    """Return a program by its id.

    Raises:
        Refused: `call_forgotten`.
    """
    if (found := state.programs.get(program)) is None:
        raise Refused("call_forgotten")
    return found


def start(state: State, command: c.StartProgram, now: Now, policy: Policy) -> Decision:
    """Note a program that is about to be started, or join the one that runs or has succeeded for this step."""
    session = own_session(state, command.name, command.by)
    if (same := _joined(state, session, command)) is not None:
        return Decision(subject=same.id)
    grant = _covering(state, session, now, policy)
    if command.windows_session is None:
        raise Refused("not_signed_in", account=grant.account.qualified)
    nothing_under_way(state, now)
    _not_too_many(state, session, command)
    started = e.ProgramStarted(
        at=now.at,
        program=command.program,
        grant=grant.id,
        command_line=command.command_line,
        folder=command.folder,
        limit=command.limit,
        windows_session=command.windows_session,
        step=command.step,
    )
    return Decision((started,), subject=command.program)


def _joined(state: State, session: SupportSession, command: c.StartProgram) -> Program | None:
    """Return the program that this command repeats: a job that is launched again does nothing twice (rule 13)."""
    what = (session.id, command.step, command.command_line, command.folder)
    for program in reversed(state.programs.values()):
        is_same = (program.session, program.step, program.command_line, program.folder) == what
        if command.step and is_same and (program.end is None or program.exit_code == 0):
            return program
    return None


def _covering(state: State, session: SupportSession, now: Now, policy: Policy) -> Grant:
    """Return the session's grant if it covers programs now.

    Raises:
        Refused: it does not; the code says why.
    """
    grant = live_grant(state, session)
    if not grant.terms.programs:
        raise Refused("programs_not_agreed")
    # The policy may have become stricter since the customer's yes.
    if not policy.allow_programs:
        raise Refused("policy_refuses", detail="programs may not run in a customer's name")
    must_hold(grant, now)
    return grant


def _not_too_many(state: State, session: SupportSession, command: c.StartProgram) -> None:
    """Raise Refused (`policy_refuses`) at the limits of a session."""
    theirs = [p for p in state.programs.values() if p.session == session.id]
    if sum(p.end is None for p in theirs) >= MOST_RUNNING:
        raise Refused(
            "policy_refuses", retry_after=5.0, detail=f"at most {MOST_RUNNING} programs run at the same time"
        )
    if len(theirs) >= MOST_PROGRAMS:
        raise Refused("policy_refuses", detail=f"at most {MOST_PROGRAMS} programs of a support session")
    if sum(len(p.command_line) for p in theirs) + len(command.command_line) > LONGEST_LINES:
        raise Refused(
            "policy_refuses",
            detail=f"all command lines of a support session have at most {LONGEST_LINES} characters",
        )


def end(state: State, command: c.EndProgram, now: Now, _policy: Policy) -> Decision:
    """Note the end of a program. One that was ended by the customer's word keeps that as its end."""
    program = find_program(state, command.program)
    if program.end is not None:
        return Decision(subject=program.id)
    ended = e.ProgramEnded(
        at=now.at,
        program=program.id,
        end=command.end,
        exit_code=command.exit_code,
        why=command.why,
        detail=command.detail,
    )
    return Decision((ended,), (fx.SummonCompanion(account=program.account),), program.id)
