# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A running PSRP pipeline: one script, with objects for input and output."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from psrpcore import PowerShell
from psrpcore.types import ErrorCategoryInfo, HostMethodIdentifier, NETException, PSInvocationState

from lab.wsman.interpreter import UNSUPPORTED, run_script
from lab.wsman.powershell.script_runner import Outcome
from lab.wsman.running import RunningProgram
from lab.wsman.streams import InputQueue, LineSplitter, OutputBuffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psrpcore import ServerPipeline

    from lab.wsman.host import Host, Process

_logger = logging.getLogger("lab.wsman.scripts")

NATIVE_ERROR = "NativeCommandError"
"""The error id that PowerShell gives to a program's error output."""


class RunningPipeline:
    """A pipeline and the console of its script.

    `lock` guards psrpcore's objects, which all pipelines of a pool share; `flush` sends their messages.
    `kept` is what the pool's scripts keep for the next one.
    """

    def __init__(
        self,
        pipeline: ServerPipeline,
        *,
        host: Host,
        user: str,
        lock: threading.RLock,
        flush: Callable[[], None],
        kept: dict[str, str],
    ) -> None:
        self.buffer = OutputBuffer(whole=True)
        self._pipeline = pipeline
        self._host = host
        self._user = user
        self._lock = lock
        self._flush = flush
        self._kept = kept
        self._input: InputQueue[str] = InputQueue()
        self._program = RunningProgram()
        self._understood = True
        self._program_output = LineSplitter()
        self._program_error = LineSplitter()

    def start(self, powershell: object, *, no_input: bool) -> None:
        """Run a pipeline's script in a thread of its own."""
        if no_input:
            self._input.end()
        # psrpcore's `start` sends the state "running" in a message of its own. Ansible's fetch takes
        # that message for the answer and leaves the file out.
        self._pipeline.state = PSInvocationState.Running
        command = _only_script(powershell)
        threading.Thread(target=self._run, args=(command,), name="pipeline", daemon=True).start()

    def _run(self, command: _Command | None) -> None:
        try:
            self._finish(self._outcome(command))
        except Exception:
            _logger.exception("a pipeline ended with an internal error of the server")
            self._finish(Outcome(UNSUPPORTED, succeeded=False))
        finally:
            # Windows' PowerShell ends every pipeline so; the script's own exit code is a message of PSRP.
            self.buffer.finish(0)

    def _outcome(self, command: _Command | None) -> Outcome:
        if command is None:
            _logger.warning("unsupported pipeline: it is not one script with arguments by position")
            self.error("wsman lab: unsupported pipeline: not one script", "UnsupportedScript")
            return Outcome(UNSUPPORTED, succeeded=False)
        script, arguments = command
        outcome = run_script(script, self._host, self._user, self, arguments=arguments, kept=self._kept)
        if not self._understood:
            self.error("wsman lab: unsupported input: it is not a text", "UnsupportedInput")
            return Outcome(UNSUPPORTED, succeeded=False)
        return outcome

    def _finish(self, outcome: Outcome) -> None:
        with self._lock:
            if outcome.exit_code is not None:
                code = [outcome.exit_code]
                self._pipeline.host_call(HostMethodIdentifier.SetShouldExit, code)
            self._pipeline.complete()
            self._flush()

    def feed(self, data: object) -> None:
        """Take an input object: a text or a list of texts. Any other object ends the pipeline."""
        items = data if isinstance(data, list) else [data]
        if all(isinstance(item, str) for item in items):
            self._input.put(*(str(item) for item in items))
        else:
            _logger.warning("unsupported pipeline input: %s", type(data).__name__)
            self._understood = False
            self.cancel()

    def end_input(self) -> None:
        """Mark the end of the input."""
        self._input.end()

    def cancel(self) -> None:
        """Kill the program, if one runs, and let the script end."""
        self._program.kill()
        self._input.abandon()

    def started(self, process: Process) -> None:
        """Remember the program, so that `cancel` can kill it; kill it now if `cancel` came first."""
        self._program.started(process)

    def ended(self) -> None:
        """Write the program's last lines if they had no newline."""
        for text in self._program_output.feed(b"", end=True):
            self.output(text)
        for text in self._program_error.feed(b"", end=True):
            self.error(text, NATIVE_ERROR)

    def lines(self) -> Iterator[str]:
        """Return the input objects."""
        return iter(self._input)

    def stop_input(self) -> None:
        """Drop the input: the script reads no more of it."""
        self._input.abandon()

    def output(self, text: str) -> None:
        """Write a string object."""
        with self._lock:
            self._pipeline.write_output(text)
            self._flush()

    def error(self, text: str, error_id: str) -> None:
        """Write an error record."""
        with self._lock:
            self._pipeline.write_error(
                NETException(Message=text),
                ErrorCategoryInfo(Reason="RemoteException", TargetName=text),
                fully_qualified_error_id=error_id,
            )
            self._flush()

    def program_output(self, data: bytes) -> None:
        """Write each line of a program's output as a string object."""
        for text in self._program_output.feed(data):
            self.output(text)

    def program_error(self, data: bytes) -> None:
        """Write each line of a program's error output as an error record."""
        for text in self._program_error.feed(data):
            self.error(text, NATIVE_ERROR)


_Command = tuple[str, tuple[object, ...]]
"""A script and its arguments."""


def _only_script(powershell: Any) -> _Command | None:  # noqa: ANN401 - psrpcore's metadata is untyped
    """Return a pipeline that is a single script; None for any other."""
    if not isinstance(powershell, PowerShell) or len(powershell.commands) != 1:
        return None
    command = powershell.commands[0]
    if not command.is_script or any(name is not None for name, _ in command.parameters):
        return None
    return str(command.command_text), tuple(value for _, value in command.parameters)
