# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a PC with Windows Installer, and perhaps the agent, on it.

It runs what the lab's WinRM server would run: a script that is not of the lab's grammar fails the test.
"""

from __future__ import annotations

import json
import ntpath
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests

from lab.wsman.host import VARIABLES
from lab.wsman.powershell import grammar
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec
from latchkey_agent.protocol.errors import error
from latchkey_agent.protocol.setup_messages import SetupAnswer
from tests.unit.plugins.fakes import FakeTime, script_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PRODUCT = "{00000000-0000-5000-8000-000000000001}"
TEMPORARY = "C:\\Users\\Anna Bell\\AppData\\Local\\Temp\\ansible-tmp-1"
ERASURE = ans.ErasureView(grant="G-1", confirmed=True, checked_at="2026-11-23T10:00:00+01:00", checks=[])
AGENT = ans.AgentView(
    version="0.2.0", protocol=1, device="PC", boot_id="b", now="2026-11-23T10:00:00+01:00", ready=True,
    organization="", problem="",
)  # fmt: skip
INFO = ans.InfoAnswer(
    agent=AGENT, sessions=[], requests=[], grants=[], erasure=[], receipts=[],
    pending_restart=ans.PendingRestartView(pending=False, reasons=[]),
)  # fmt: skip
SET_UP = SetupAnswer(settings_changed=True, operators_added=["PC\\anna"], operators_removed=[])
RUNNING = error("agent_not_running")
TOP, VENDOR, KEY = r"HKLM\SOFTWARE", r"HKLM\SOFTWARE\Latchkey", r"HKLM\SOFTWARE\Latchkey\Package"
NOT_FOUND = "FEHLER: Der angegebene Registrierungsschl\u00fcssel bzw. Wert wurde nicht gefunden."
Ran = tuple[int, bytes, bytes]
"""Exit code, standard output and standard error of a program."""


def program_of(statements: Iterable[grammar.Statement], variables: Mapping[str, str]) -> str:
    """Return the program that a script runs where the environment has these variables."""
    program = ""
    for step in statements:
        match step:
            case grammar.Assignment("$program", terms):
                program = "".join(
                    term if isinstance(term, str) else variables.get(term.name, "") for term in terms
                )
            case grammar.IfSet(name, inner, negated) if (name in variables) != negated:
                program = program_of(inner, variables)
    return program


@dataclass
class PC:
    """A connection to a PC with Windows Installer, and perhaps the agent, on it.

    The agent does not answer the next `silent` requests; after an installation, the next `starts`.
    """

    time: FakeTime = field(default_factory=FakeTime)
    installed: str | None = None
    codes: list[int | None] = field(default_factory=list)
    gives: str = "0.2.0"
    silent: int = 0
    starts: int = 0
    answers: dict[str, ans.Answer] = field(default_factory=dict)
    log: bytes = b""
    full: Exception | None = None
    registry: dict[str, Ran] = field(default_factory=dict)
    """Other answers of reg.exe, by the key that it is asked for."""
    variables: dict[str, str] = field(default_factory=lambda: dict(VARIABLES))
    lost: bool = False
    connected: bool = True
    transport: str = "winrm"
    ran: list[tuple[str, ...]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._shell = SimpleNamespace(tmpdir=None, _IS_WINDOWS=True, join_path=ntpath.join)

    def get_option(self, name: str) -> object:
        """Have none."""
        raise KeyError(name)

    def reset(self) -> None:
        """Connect anew."""
        self.lost = False

    def exec_command(self, cmd: str, in_data: bytes | None = None, *, sudoable: bool) -> Ran:
        """Run a script as the lab's WinRM server understands it."""
        assert not sudoable
        if self.lost:
            raise requests.ConnectionError("Connection aborted.")
        script = grammar.parse(script_of(cmd))
        (call,) = [step for step in script if isinstance(step, grammar.Call)]
        folder, name = ntpath.split(program_of(script, self.variables))
        if name == "latchkeyctl.exe":
            assert folder == ntpath.join(self.variables["ProgramW6432"], "Latchkey")
            return self._agent(call.arguments[0], in_data or b"")
        inner = "Sysnative" if "PROCESSOR_ARCHITEW6432" in self.variables else "System32"
        assert folder == ntpath.join(self.variables["SystemRoot"], inner)
        return (self._query if name == "reg.exe" else self._msiexec)(call)

    def _query(self, call: grammar.Call) -> Ran:
        _query, key, view = call.arguments
        assert view == "/reg:64", "a 32-bit program would see another registry"
        if key in self.registry:
            return self.registry[key]
        lines = self._listings().get(key)
        if lines is None:
            return 1, b"", f"{NOT_FOUND}\r\n".encode()
        return 0, ("\r\n" + "\r\n".join(lines) + "\r\n").encode(), b""

    def _listings(self) -> dict[str, list[str]]:
        """Return the lines that reg.exe prints for each key."""
        whole = TOP.replace("HKLM", "HKEY_LOCAL_MACHINE")
        names = ["Classes", "Microsoft", "WOW6432Node"]
        if self.installed is None:
            return {TOP: [rf"{whole}\{name}" for name in names]}
        values = [f"    ProductCode    REG_SZ    {PRODUCT}", f"    Version    REG_SZ    {self.installed}"]
        return {
            TOP: [rf"{whole}\{name}" for name in [*names, "Latchkey"]],
            VENDOR: [rf"{whole}\Latchkey\Package"],
            KEY: [rf"{whole}\Latchkey\Package", *values, ""],
        }

    def _msiexec(self, call: grammar.Call) -> Ran:
        assert call.silent, "PowerShell would not wait for it"
        self.ran.append(call.arguments)
        code = self.codes.pop(0) if self.codes else 0
        if code is None:
            return 0, b"\r\n", b"The term 'msiexec.exe' is not recognized"
        if code in {0, 3010}:
            self.installed = self.gives if call.arguments[0] == "/i" else None
            self.silent = self.starts
        # ssh passes no such number on by itself.
        return 0, f"{code}\r\n".encode(), b""

    def _agent(self, command: str, line: bytes) -> Ran:
        if self.installed is None:
            return 127, b"latchkey-agent-missing\r\nC:\\latchkeyctl.exe\r\n", b""
        said = json.loads(line)
        self.asked.append({"command": command, **said})
        if self.silent and command == "request":
            self.silent -= 1
            return 69, codec.encode_line(ans.Answer(outcome="unknown", error=RUNNING)), b""
        plain = {
            "info": codec.done(INFO, changed=False),
            "erase_all": codec.done(ans.RevokeAnswer(grants=[], erasure=[ERASURE]), changed=True),
            "setup": codec.done(SET_UP, changed=True),
        }
        return 0, codec.encode_line({**plain, **self.answers}[said["verb"]]), b""

    def put_file(self, source: str, target: str) -> None:
        """Take a file."""
        if self.full:
            raise self.full
        self.files[target] = Path(source).read_bytes()

    def fetch_file(self, source: str, target: str) -> None:
        """Give the installer's log."""
        assert source == ntpath.join(TEMPORARY, "installer.log")
        Path(target).write_bytes(self.log)
