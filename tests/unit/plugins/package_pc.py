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
from typing import Any

import requests
from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AGENT_PATH

from lab.wsman.powershell import grammar
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec
from latchkey_agent.protocol.errors import error
from latchkey_agent.protocol.setup_messages import SetupAnswer
from tests.unit.plugins.fakes import FakeTime, script_of

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

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, *, sudoable: bool
    ) -> tuple[int, bytes, bytes]:
        """Run a script as the lab's WinRM server understands it."""
        assert not sudoable
        if self.lost:
            raise requests.ConnectionError("Connection aborted.")
        (call,) = [step for step in grammar.parse(script_of(cmd)) if isinstance(step, grammar.Call)]
        if call.program == AGENT_PATH:
            return self._agent(call.arguments[0], in_data or b"")
        assert call.program.startswith("C:\\Windows\\System32\\")
        name = ntpath.basename(call.program)
        return (self._registry if name == "reg.exe" else self._msiexec)(call)

    def _registry(self, call: grammar.Call) -> tuple[int, bytes, bytes]:
        assert call.arguments == ("query", "HKLM\\SOFTWARE\\Latchkey\\Package")
        if self.installed is None:
            return 1, b"", b"ERROR: The system was unable to find the specified registry key or value.\r\n"
        lines = [
            call.arguments[1],
            f"    ProductCode    REG_SZ    {PRODUCT}",
            f"    Version    REG_SZ    {self.installed}",
        ]
        return 0, ("\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode(), b""

    def _msiexec(self, call: grammar.Call) -> tuple[int, bytes, bytes]:
        assert call.silent, "PowerShell would not wait for it"
        self.ran.append(call.arguments)
        code = self.codes.pop(0) if self.codes else 0
        if code is None:
            return 0, b"\r\n", b"The term 'C:\\Windows\\System32\\msiexec.exe' is not recognized"
        if code in {0, 3010}:
            self.installed = self.gives if call.arguments[0] == "/i" else None
            self.silent = self.starts
        # ssh passes no such number on by itself.
        return 0, f"{code}\r\n".encode(), b""

    def _agent(self, command: str, line: bytes) -> tuple[int, bytes, bytes]:
        if self.installed is None:
            return 127, b"latchkey-agent-missing\r\n", b""
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
