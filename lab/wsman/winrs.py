# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command shell of WinRS: one process for each command, three byte streams."""

from __future__ import annotations

import logging
import ntpath
import threading
from typing import TYPE_CHECKING

from lab.wsman import soapfault
from lab.wsman.commandline import Program, Script, Task, TooLong, Unsupported, read_command_line
from lab.wsman.host import Host, Process, ProgramNotFoundError
from lab.wsman.interpreter import UNSUPPORTED, run_script
from lab.wsman.powershell.native import COMMAND_LINE_TOO_LONG
from lab.wsman.powershell.script_runner import run_process
from lab.wsman.running import RunningProgram
from lab.wsman.shell_operations import Chunk, CommandLine, Output, ends_command
from lab.wsman.shells import Shell
from lab.wsman.soap import Request, new_id
from lab.wsman.streams import InputQueue, LineSplitter, OutputBuffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_logger = logging.getLogger("lab.wsman.scripts")


class WinrsShell(Shell):
    """A shell in which each command is a process of its own."""

    def __init__(self, resource_uri: str, owner: str, shell_id: str, *, host: Host, operations: int) -> None:
        super().__init__(resource_uri, owner, shell_id)
        self._host = host
        self._lock = threading.Lock()
        self._commands: dict[str, WinrsCommand] = {}
        self._operations_left = operations
        self._operations = operations

    def command(self, line: CommandLine, request: Request) -> str:
        """Start a command and return its id. Raises SoapFault: the shell's quota is used up."""
        through_cmd = request.options.get("WINRS_SKIP_CMD_SHELL", "").upper() != "TRUE"
        task = read_command_line(line, through_cmd=through_cmd)
        if not through_cmd and not self._finds(line.program, task):
            raise soapfault.file_not_found()
        console = request.options.get("WINRS_CONSOLEMODE_STDIN", "").upper() == "TRUE"
        command = WinrsCommand(task, self._host, self.owner, has_input=not console)
        command_id = line.command_id or new_id()
        with self._lock:
            if self._operations_left <= 0:
                raise soapfault.quota_max_operations(self._operations)
            self._operations_left -= 1
            self._commands[command_id] = command
        command.start()
        return command_id

    def _finds(self, program: str, task: Task) -> bool:
        """Return whether Windows finds a program without cmd.exe, which searches the PATH."""
        known = not isinstance(task, Program) or self._host.knows_program(task.path)
        return known and ntpath.isabs(program)

    def _find(self, command_id: str) -> WinrsCommand:
        with self._lock:
            command = self._commands.get(command_id)
        if command is None:
            raise soapfault.unknown_command()
        return command

    def send(self, chunk: Chunk) -> None:
        """Take input. Raises SoapFault: no such command, or not its standard input."""
        command = self._find(chunk.command_id)
        if chunk.stream != "stdin":
            raise soapfault.invalid_parameter(soapfault.COMMAND_SHELL)
        command.send(chunk.data, end=chunk.end)

    def receive(
        self, command_id: str, limit: int, timeout: float, alive: Callable[[], bool]
    ) -> Output | None:
        """Return the next output, or None after `timeout` seconds. Raises SoapFault: no such command."""
        if not command_id:
            raise soapfault.invalid_parameter(soapfault.COMMAND_SHELL)
        return self._find(command_id).buffer.take(command_id, limit, timeout, alive)

    def signal(self, command_id: str, code: str) -> None:
        """End a command and forget it. Raises SoapFault: no such command or signal."""
        command = self._find(command_id)
        if not ends_command(code):
            raise soapfault.invalid_parameter(soapfault.COMMAND_SHELL)
        with self._lock:
            self._commands.pop(command_id, None)
        command.cancel()

    def abort(self) -> None:
        """Let every waiting Receive raise the SoapFault 995."""
        with self._lock:
            commands = list(self._commands.values())
        for command in commands:
            command.buffer.abort()

    def close(self) -> None:
        """End every command."""
        with self._lock:
            commands = list(self._commands.values())
            self._commands.clear()
        for command in commands:
            command.cancel()


class WinrsCommand:
    """A running command, and the console of its script."""

    def __init__(self, task: Task, host: Host, user: str, *, has_input: bool) -> None:
        self.buffer = OutputBuffer()
        self._task = task
        self._host = host
        self._user = user
        self._input: InputQueue[bytes] = InputQueue()
        self._program = RunningProgram()
        if not has_input:
            self._input.end()

    def start(self) -> None:
        """Run in a thread of its own."""
        threading.Thread(target=self._run, name="command", daemon=True).start()

    def _run(self) -> None:
        code = UNSUPPORTED
        try:
            code = self._run_task()
        except Exception:
            _logger.exception("a command ended with an internal error of the server")
            self.error("wsman lab: internal error; see the server's log", "InternalError")
        finally:
            self.buffer.finish(code)

    def _run_task(self) -> int:
        match self._task:
            case Script(text):
                return run_script(text, self._host, self._user, self).process_code
            case Program():
                return self._run_program(self._task)
            case TooLong():
                self.program_error(COMMAND_LINE_TOO_LONG.encode())
                return 1
            case Unsupported(reason):
                _logger.warning("unsupported command: %s", reason)
                self.error(f"wsman lab: unsupported command: {reason}", "UnsupportedCommand")
                return UNSUPPORTED

    def _run_program(self, program: Program) -> int:
        try:
            process = self._host.start(program.path, program.arguments)
        except ProgramNotFoundError:
            self.error(
                f"'{program.path}' is not recognized as an internal or external command,\r\n"
                "operable program or batch file.",
                "",
            )
            return 1
        return run_process(process, self._input, self)

    def send(self, data: bytes, *, end: bool) -> None:
        """Take a piece of input."""
        if data:
            self._input.put(data)
        if end:
            self._input.end()

    def cancel(self) -> None:
        """Kill the program, if one runs, and let the script end."""
        self._program.kill()
        self._input.abandon()

    def started(self, process: Process) -> None:
        """Remember the program, so that `cancel` can kill it; kill it now if `cancel` came first."""
        self._program.started(process)

    def ended(self) -> None:
        """Do nothing: the streams are bytes, so no partial line is left."""

    def lines(self) -> Iterator[str]:
        """Yield the input as text lines."""
        splitter = LineSplitter()
        for data in self._input:
            yield from splitter.feed(data)
        yield from splitter.feed(b"", end=True)

    def stop_input(self) -> None:
        """Drop the input: the script reads no more of it."""
        self._input.abandon()

    def output(self, text: str) -> None:
        """Write a string object, as powershell.exe does to a pipe."""
        self.buffer.write("stdout", f"{text}\r\n".encode())

    def error(self, text: str, error_id: str) -> None:
        """Write an error record's text; Windows would send CLIXML, which Ansible decodes."""
        shown = f"{text}\r\n    + FullyQualifiedErrorId : {error_id}" if error_id else text
        self.buffer.write("stderr", f"{shown}\r\n".encode())

    def program_output(self, data: bytes) -> None:
        """Pass on the program's output: it shares powershell.exe's own standard output."""
        self.buffer.write("stdout", data)

    def program_error(self, data: bytes) -> None:
        """Pass on the program's error output: it shares powershell.exe's own standard error output."""
        self.buffer.write("stderr", data)
