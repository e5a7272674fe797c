# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs programs in the customer's name for operators."""

from __future__ import annotations

from latchkey_agent.core.core import Core
from latchkey_agent.core.program_runner import ProgramRunner
from latchkey_agent.domain import (
    Decision,
    Program,
    State,
    done_before,
    find_program,
    may_use,
    session_grant,
    started_session,
)
from latchkey_agent.domain import commands as c
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import control_requests as rq

from . import views
from .peer import Peer


class CommandHandler:
    """Answers `session_command` and `command_wait`."""

    def __init__(self, core: Core, runner: ProgramRunner) -> None:
        self._core = core
        self._runner = runner

    def start(self, request: rq.SessionCommand, peer: Peer) -> ans.Answer:
        """Start a program, or return the one that this request repeats."""
        self._core.policy()
        # Windows may be slow to list its sessions, and revoking must not wait for that.
        windows_session = self._session_of_lender(request)
        with self._core.lock:
            if not request.check and (done := done_before(self._core.state, request.call)):
                program = find_program(self._core.state, done.subject)
                return codec.done(self._answer(self._core.state, program), changed=done.changed)
            decision, state = self._decide(request, peer, windows_session)
        if decision.is_change and not request.check:
            self._runner.begin(state.programs[decision.subject], request.program)
            state = self._core.state
        answer = self._answer(state, find_program(state, decision.subject))
        return codec.done(answer, changed=decision.is_change)

    def _session_of_lender(self, request: rq.SessionCommand) -> int | None:
        """Return the Windows session of the grant's account, the console's first; None if it is not signed in."""
        state = self._core.state
        grant = session_grant(state, started_session(state, request.session).id)
        signed_in = self._core.computer.sessions.signed_in()
        mine = (s.session_id for s in signed_in if grant is not None and s.account.sid == grant.account.sid)
        return next(mine, None)

    def _decide(
        self, request: rq.SessionCommand, peer: Peer, windows_session: int | None
    ) -> tuple[Decision, State]:
        command = c.StartProgram(
            by=peer.require_operator(),
            name=request.session,
            program=self._core.new_id(),
            command_line=request.line,
            folder=request.folder or "",
            limit=request.limit,
            step=request.step,
            windows_session=windows_session,
        )
        if request.check:
            return self._core.preview(command)
        return self._core.execute(command, actor=peer.actor, key=request.call), self._core.state

    def wait(self, request: rq.CommandWait, peer: Peer) -> ans.Answer:
        """Answer when the program has ended, or when the wait is over; only to an operator of its session."""
        program = find_program(self._core.state, request.command)
        may_use(self._core.state.sessions[program.session], peer.require_operator())

        def ended() -> bool | None:
            now = self._core.state.programs.get(program.id)
            return None if now is not None and now.end is None else True

        self._core.wait_for(ended, request.wait)
        state = self._core.state
        return codec.done(self._answer(state, find_program(state, program.id)), changed=False)

    def _answer(self, state: State, program: Program) -> ans.CommandAnswer:
        output = self._runner.output(program.id) if program.end is not None else None
        return ans.CommandAnswer(
            session=state.sessions[program.session].name,
            command=views.command_view(state, program, output),
            boot_id=state.boot_id,
            finished=program.end is not None,
        )
