# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts programs in the customer's name, follows each to its end, and keeps their output for the operator.

The journal knows of a program before it starts. Its code begins under the core's lock, so no program begins after a
revocation. Output is in memory only: the journal must not hold what a program prints.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from latchkey_agent.domain import Program, Refused
from latchkey_agent.domain import commands as c
from latchkey_agent.ports import PortError, ProgramOrder, ProgramOutput, StartedProgram

from .core import Core

log = logging.getLogger(__name__)
KEPT_OUTPUTS = 16
"""The outputs of ended programs that are kept: who lost an answer asks again within minutes."""
LOOK = 5.0
"""Seconds between two looks whether a running program has to be ended once more."""
RETRY = 1.0
"""Seconds until an end that could not be journalled is noted again, and a program that did not end is ended again."""


def _in_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="latchkey-program", daemon=True).start()


class ProgramRunner:
    """Runs the programs of one agent.

    Attributes:
        spawn: runs work beside the caller; a test runs it when it says so.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._outputs: dict[str, ProgramOutput] = {}
        self.spawn: Callable[[Callable[[], None]], None] = _in_thread

    def output(self, program: str) -> ProgramOutput | None:
        """Return the output of an ended program; None if it is not kept."""
        return self._outputs.get(program)

    def begin(self, program: Program, path: str) -> None:
        """Start a journalled program, and follow it. A failure becomes the program's end.

        Args:
            program: the program, as the journal has it.
            path: the full path of its file.
        """
        order = ProgramOrder(
            program.windows_session, program.account, path, program.command_line, program.folder
        )
        try:
            started = self._core.computer.programs.prepare(order)
        except PortError as fault:
            self._not_started(program, fault)
            return
        try:
            is_running = self._resume(program, started)
        except PortError as fault:
            self._discard(started)
            self._not_started(program, fault)
            return
        if is_running:
            self.spawn(partial(self._follow, program, started))
        else:
            self._discard(started)

    def _resume(self, program: Program, started: StartedProgram) -> bool:
        """Let a program begin, unless it was stopped meanwhile; tell whether it runs."""
        with self._core.lock:
            known = self._core.state.programs.get(program.id)
            if known is None or known.end is not None or self._core.is_stopping:
                return False
            started.resume()
            self._core.running[program.id] = started
            return True

    def _discard(self, started: StartedProgram) -> None:
        try:
            started.kill()
            started.close()
        except PortError as fault:
            log.warning("a program that must not run could not be discarded: %s", fault)

    def _not_started(self, program: Program, fault: PortError) -> None:
        ended = c.EndProgram(program=program.id, end="not_started", detail=str(fault))
        try:
            self._core.execute(ended)
        except Refused:
            self.spawn(partial(self._note, ended))

    def _follow(self, program: Program, started: StartedProgram) -> None:
        """Wait for the end of a program; end it when its time is over."""
        try:
            ended = self._end_of(program, started)
            self._keep(program.id, started)
        except PortError as fault:
            log.error("the end of a program in the customer's name is not known: %s", fault)
            ended = c.EndProgram(program=program.id, end="lost")
        with self._core.lock:
            self._core.running.pop(program.id, None)
        self._discard(started)
        self._note(ended)

    def _end_of(self, program: Program, started: StartedProgram) -> c.EndProgram:
        code, left = None, program.limit
        while code is None and left > 0 and not self._is_over(program.id):
            code = started.wait(min(left, LOOK))
            left -= LOOK
        if code is not None:
            return c.EndProgram(program=program.id, end="exited", exit_code=code)
        while code is None and not self._core.is_stopping:
            started.kill()
            code = started.wait(RETRY)
        return c.EndProgram(program=program.id, end="stopped", why="limit")

    def _is_over(self, program: str) -> bool:
        """Tell whether a program has ended for the rules: it runs on only if Windows failed to end it."""
        known = self._core.state.programs.get(program)
        return known is None or known.end is not None

    def _keep(self, program: str, started: StartedProgram) -> None:
        self._outputs[program] = started.output()
        for oldest in list(self._outputs)[:-KEPT_OUTPUTS]:
            del self._outputs[oldest]

    def _note(self, ended: c.EndProgram) -> None:
        """Journal an end; on a disk that does not work until it does. At the agent's next start it is not known."""
        while not self._core.is_stopping:
            try:
                self._core.execute(ended)
            except Refused as refusal:
                log.warning("the end of a program was not journalled: %s", refusal.code)
                self._core.pause(RETRY)
            else:
                return
