# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that replays a transcript, and a task round one action.

A transcript is a file of JSON lines. The first says the task: `{"module", "args", ...}`. Then what the
connection meets, in order:

- `{"ask": {...}, "answer": {...}, "seconds": 1}`: the agent is asked this (as far as the fields are
  named) and answers that, after so long.
- `{"ask": {...}, "lost": "reset"}`: it is asked, and the connection breaks (see FAULTS).
- `{"ask": {...}, "output": "...", "error": "...", "code": 1}`: something else than an answer comes back.
- `{"down": 3, "lost": "refused"}`: for so long nothing can be reached.
- `{"run": "...", "code": 1}`: another script than the agent's is run.

An entry with `"times": n` happens so many times, one with `"times": "always"` to the end.

The last line says what comes of it: `{"result": {...}, "shown": [...], "elapsed": 5}`. Whatever a
transcript says to or of the agent is checked against the protocol's own types.
"""

from __future__ import annotations

import base64
import importlib
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import requests
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.latchkey.consent.plugins.plugin_utils import (
    _powershell_command,
    _wait_clock,
)
from winrm.exceptions import WSManFaultError

from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand "

ANSWERS: dict[str, type[msgspec.Struct]] = {
    "session_start": ans.SessionAnswer,
    "session_end": ans.EndedAnswer,
    "credential_request": ans.RequestAnswer,
    "request_wait": ans.RequestAnswer,
    "request_withdraw": ans.RequestAnswer,
    "credential_apply": ans.ApplyAnswer,
    "apply_wait": ans.ApplyAnswer,
    "session_command": ans.CommandAnswer,
    "command_wait": ans.CommandAnswer,
    "credential_revoke": ans.RevokeAnswer,
    "checkpoint": ans.CheckpointAnswer,
    "info": ans.InfoAnswer,
    "events": ans.EventsAnswer,
    "device_key": ans.DeviceKeyAnswer,
}

READ_TIMEOUT = 15.0


def fault(kind: str) -> Exception:
    """Return what a connection plugin raises."""
    match kind:
        case "refused":
            return requests.ConnectionError("Max retries exceeded: Connection refused")
        case "reset":
            return requests.ConnectionError("('Connection aborted.', ConnectionResetError(104))")
        case "rejected":
            return AnsibleConnectionFailure("basic: the specified credentials were rejected by the server")
        case "certificate":
            return AnsibleConnectionFailure(
                "certificate: Max retries exceeded (Caused by SSLError(SSLError(1, "
                "'[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:2580)')))"
            )
        case "no certificate":
            return AnsibleConnectionFailure("certificate: cert_pem file not found (client.pem)")
        case "no credssp":
            return AnsibleConnectionFailure(
                "credssp: The server did not response CredSSP being an available authentication method"
            )
        case "shells":
            return WSManFaultError(500, "", "", "too many shells", wmierror_code=2150859173)
        case "stale":
            return WSManFaultError(500, "", "", "invalid selectors", wsman_fault_code=2150858843)
    assert kind == "frozen", kind
    return AnsibleConnectionFailure("winrm connection error: Read timed out. (read timeout=15)")


@dataclass
class FakeTime:
    """Time that passes only when somebody waits."""

    seconds: float = 0.0

    def clock(self) -> _wait_clock.Clock:
        """Return the clock that the plugins are given."""
        return _wait_clock.Clock(now=lambda: self.seconds, sleep=self.pass_by)

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds > 0, "a wait that never ends"
        self.seconds += seconds


@dataclass
class FakeConnection:
    """Replays the middle of a transcript."""

    entries: list[dict[str, Any]]
    time: FakeTime
    agent_path: str | None = None
    transport: str = "winrm"
    windows: bool = True
    fresh: bool = True
    ever_connected: bool = False
    options: dict[str, Any] = field(default_factory=lambda: {"connection_timeout": None})
    asked: list[dict[str, Any]] = field(default_factory=list)
    used_options: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._shell = SimpleNamespace(tmpdir=None, _IS_WINDOWS=self.windows)
        self._down_until: float | None = None

    # --- what a connection plugin has

    @property
    def connected(self) -> bool:
        """Whether it was ever connected."""
        return self.ever_connected

    def get_option(self, name: str) -> object:
        """Return an option, KeyError if it has none of that name."""
        return self.options[name]

    def set_option(self, name: str, value: object) -> None:
        """Set an option."""
        assert name in self.options
        self.options[name] = value

    def close(self) -> None:
        """Close the shell: nothing here may do that, a restart has deleted it already."""
        raise AssertionError("close() was called")

    def reset(self) -> None:
        """Connect anew."""
        self._meet_an_outage()
        self.fresh = True

    def exec_command(
        self, cmd: str, in_data: bytes | None = None, *, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Meet the transcript's next entry."""
        assert sudoable is False
        self._meet_an_outage()
        self.ever_connected = True
        assert self.fresh, "a stale connection was used without reset()"
        assert self.entries, f"one more command than the transcript has: {cmd} {in_data!r}"
        entry = self._next_entry()
        self.used_options.append(dict(self.options))
        self._compare(entry, script_of(cmd), in_data)
        self.time.seconds += entry.get("seconds", 0.0)
        if "lost" in entry:
            self._lose(entry["lost"])
        return entry.get("code", 0), output_of(entry), str(entry.get("error", "")).encode()

    # --- the transcript

    def _next_entry(self) -> dict[str, Any]:
        entry = self.entries[0]
        if entry.get("times") == "always":
            return entry
        entry["times"] = entry.get("times", 1) - 1
        return self.entries.pop(0) if entry["times"] == 0 else entry

    def _meet_an_outage(self) -> None:
        if self.entries and "down" in self.entries[0]:
            entry = self.entries[0]
            self._down_until = self._down_until or self.time.seconds + entry["down"]
            if self.time.seconds < self._down_until:
                self._lose(entry["lost"])
            self.entries.pop(0)
            self._down_until = None

    def _lose(self, kind: str) -> None:
        self.fresh = False
        self.time.seconds += READ_TIMEOUT if kind == "frozen" else 0.0
        raise fault(kind)

    def _compare(self, entry: dict[str, Any], script: str, in_data: bytes | None) -> None:
        if "run" in entry:
            assert script == entry["run"]
            return
        assert script == _powershell_command.request_script(self.agent_path)
        assert in_data is not None
        assert in_data.isascii()
        assert in_data.count(b"\n") == 1
        codec.decode_control(in_data)
        said = json.loads(in_data)
        self.asked.append(said)
        wanted = dict(entry["ask"])
        assert {name: said.get(name) for name in wanted} == wanted


def script_of(cmd: str) -> str:
    """Return the script of the one command line that every connection understands."""
    assert cmd.startswith(PREFIX)
    return base64.b64decode(cmd.removeprefix(PREFIX), validate=True).decode("utf-16-le")


def output_of(entry: dict[str, Any]) -> bytes:
    """Return what the PC prints, after checking that the agent could really say it."""
    if "answer" not in entry:
        return str(entry.get("output", "")).encode()
    answer = codec.decode_answer(json.dumps(entry["answer"]).encode())
    if isinstance(answer.result, dict):
        msgspec.convert(answer.result, ANSWERS[entry["ask"]["verb"]])
    return codec.encode_line(answer).replace(b"\n", b"\r\n")


def entries_of(path: Path) -> list[dict[str, Any]]:
    """Return a transcript's lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


@dataclass
class Stage:
    """One action plugin with everything round it that is not the plugin."""

    connection: FakeConnection
    time: FakeTime
    shown: list[str] = field(default_factory=list)

    def run(
        self,
        module: str,
        args: dict[str, Any],
        task_vars: dict[str, Any] | None = None,
        written: dict[str, object] | None = None,
        **task: object,
    ) -> dict[str, Any]:
        """Run a task; return its result. `written` are the task's own keywords, `task` those that it has in the end."""
        plugin = importlib.import_module(f"ansible_collections.latchkey.consent.plugins.action.{module}")
        action = plugin.ActionModule(
            task=self._task(module, args, task, written or {}),
            connection=self.connection,
            play_context=SimpleNamespace(become=False, remote_addr="192.0.2.7", no_log=False),
            loader=None,
            templar=SimpleNamespace(template=lambda value: value),
            shared_loader_obj=None,
        )
        action._latchkey_clock = self.time.clock()
        action._display = SimpleNamespace(display=self._show)
        known = {"inventory_hostname": "pc1", **(task_vars or {})}
        result: dict[str, Any] = action.run(task_vars=known)
        json.dumps(result)
        return result

    def _show(self, line: str, *, stderr: bool) -> None:
        assert stderr, "standard output is the callback's"
        self.shown.append(line)

    @staticmethod
    def _task(
        module: str, args: dict[str, Any], more: dict[str, object], written: dict[str, object]
    ) -> SimpleNamespace:
        plain = {"check_mode": False, "async_val": 0, "no_log": False, "become": False}
        return SimpleNamespace(action=module, args=args, get_ds=lambda: written, **{**plain, **more})


def stage(entries: list[dict[str, Any]], **connection: Any) -> Stage:
    """Return a stage whose connection replays these entries."""
    time = FakeTime()
    return Stage(FakeConnection(entries, time, **connection), time)
