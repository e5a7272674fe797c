# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends recorded requests to the lab's WinRM server and compares its answers with those of the real Windows.

Three things of a request are changed: the ids of shells and commands become the lab's, a command line becomes that of
a program which writes what the recorded command wrote, and a time-out that ended without output becomes one second.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import secrets
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lab.wsman.host import LocalHost
from lab.wsman.listener import Listener, ListenerConfig
from lab.wsman.shell_operations import DELETE
from lab.wsman.soapfault import UNEXPECTED_SELECTORS
from tests.matrix import recorded
from tests.matrix.recorded import TIMED_OUT, Element, Exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

USER = "operator"
PLAYER = r"C:\Lab\player.exe"
SHORT = "PT1S"
"""The time-out in place of a recorded one that ended without output."""

MOST_PARTS = 20
"""The most answers in which the lab may send what Windows sent in one."""


@dataclass
class Outcome:
    """What became of the recorded exchanges: alike, left out for a reason, or different in some line."""

    alike: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """The number of recorded exchanges."""
        return self.alike + self.left_out.total() + len(self.different)


class Client:
    """A connection to the lab's server that sends whole messages."""

    def __init__(self, port: int, password: str) -> None:
        self._client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        token = base64.b64encode(f"{USER}:{password}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {token}",
            "Content-Type": "application/soap+xml;charset=UTF-8",
        }

    def send(self, message: str) -> tuple[int, str]:
        """Return the status and the body of the answer."""
        self._client.request("POST", "/wsman", message.encode(), self._headers)
        response = self._client.getresponse()
        return response.status, response.read().decode()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


class Story:
    """One recording, replayed on one connection."""

    def __init__(self, name: str, story: Sequence[Exchange], client: Client, folder: Path) -> None:
        self._name = name
        self._story = story
        self._client = client
        self._folder = folder
        self._ids: dict[str, str] = {}
        self._turns: Counter[str] = Counter()
        self._pool = b""

    def replay(self, outcome: Outcome) -> None:
        """Send every request that can apply; note each one's result."""
        for number, one in enumerate(self._story):
            reason = recorded.left_out(self._story, number)
            if reason:
                outcome.left_out[reason] += 1
                if reason == recorded.NO_WINDOWS_7:
                    # What follows needs the shell.
                    _, answer = self._answer(number, one)
                    self._learn(one.response, answer)
            elif difference := self._differs(number, one):
                outcome.different.append(f"{self._name}, exchange {number + 1}, {one.action}: {difference}")
            else:
                outcome.alike += 1

    def _differs(self, number: int, one: Exchange) -> str:
        if one.powershell and one.action == "Receive" and not one.fault:
            return self._pool_differs(one)
        if one.action == "Get" and one.fault == UNEXPECTED_SELECTORS:
            # Windows had closed the shell in between, since it was idle for too long.
            self._client.send(
                self._mapped(one.request)
                .replace(_action(one), DELETE)
                .replace("/windows/shell<", "/windows/shell/cmd<")
            )
        status, answer = self._answer(number, one)
        self._learn(one.response, answer)
        if status != (500 if one.fault else 200):
            return _status(status, answer)
        return _first_difference(recorded.lines(one.response), recorded.lines(answer))

    def _answer(self, number: int, one: Exchange) -> tuple[int, str]:
        request = self._mapped(one.request)
        if one.action == "Command" and not one.powershell and not one.fault:
            request = self._played(number, request)
        if one.fault == TIMED_OUT:
            request = re.sub(r"(OperationTimeout>)[^<]+", rf"\g<1>{SHORT}", request)
        if one.action == "Receive" and not one.powershell and not one.fault:
            self._next_turn(one)
            return self._received(one, request)
        return self._client.send(request)

    def _mapped(self, request: str) -> str:
        for theirs, ours in self._ids.items():
            request = request.replace(theirs, ours)
        return request

    def _learn(self, theirs: str, ours: str) -> None:
        for name in ("Selector", "CommandId"):
            known, new = Element(theirs).text(name), Element(ours).text(name)
            if known and new:
                self._ids[known] = new

    def _played(self, number: int, request: str) -> str:
        """Return a Command that plays what the recorded one wrote."""
        command = Element(self._story[number].response).text("CommandId")
        answers = [
            one.response
            for one in self._story
            if one.action == "Receive" and one.command == command and not one.fault
        ]
        sends = any(one.action == "Send" and one.command == command for one in self._story)
        turns = [
            [(piece.get("Name"), piece.text) for piece in Element(answer).all("Stream") if piece.text]
            for answer in answers
        ]
        code = Element(answers[-1]).text("ExitCode") if answers else "0"
        file = self._folder / f"{self._name}-{number}.json"
        file.write_text(json.dumps({"turns": turns, "code": code, "reads": sends}), encoding="utf-8")
        line = f"<rsp:Command>{escape(PLAYER)}</rsp:Command><rsp:Arguments>{file}</rsp:Arguments>"
        return re.sub("<rsp:Command>.*</rsp:(Command|Arguments)>", lambda _: line, request, flags=re.DOTALL)

    def _next_turn(self, one: Exchange) -> None:
        """Let the player write what this Receive gets."""
        turn = self._turns[one.command]
        self._turns[one.command] += 1
        for file in self._folder.glob(f"{self._name}-*.json"):
            Path(f"{file}.{turn}").touch()

    def _received(self, one: Exchange, request: str) -> tuple[int, str]:
        """Receive as often as it takes to get to the recorded state of the command; join the answers."""
        wanted = _state(one.response)
        status, answer = self._client.send(request)
        parts = [answer]
        while status == 200 and not (_state(answer) == wanted and _complete(one.response, parts)):
            if len(parts) == MOST_PARTS:
                break
            status, answer = self._client.send(request)
            parts.append(answer)
        return status, _joined(parts)

    def _pool_differs(self, one: Exchange) -> str:
        """Compare the first messages of a pool: Windows sends them in two or three answers, the lab in one or two."""
        if not self._pool:
            status, answer = self._client.send(self._mapped(one.request))
            if status != 200:
                return _status(status, answer)
            if difference := _first_difference(
                recorded.lines(one.response, whole=False), recorded.lines(answer, whole=False)
            ):
                return difference
            self._pool = recorded.streams(answer).get("stdout", b"")
        wanted = recorded.message_types(recorded.streams(one.response).get("stdout", b""))
        had = recorded.message_types(self._pool)
        if had[: len(wanted)] != wanted:
            return f"PSRP messages {[hex(kind) for kind in had]} instead of {[hex(kind) for kind in wanted]}"
        self._pool = _after(self._pool, len(wanted))
        return ""


def _after(stream: bytes, count: int) -> bytes:
    """Return a stream of unfragmented PSRP messages without the first `count`."""
    for _ in range(count):
        stream = stream[21 + int.from_bytes(stream[17:21]) :]
    return stream


def _action(one: Exchange) -> str:
    return Element(one.request).text("Action")


def _state(answer: str) -> str:
    state = Element(answer).first("CommandState")
    return "" if state is None else state.get("State", "")


def _complete(response: str, parts: Sequence[str]) -> bool:
    got: dict[str, bytes] = {}
    for part in parts:
        for name, data in recorded.streams(part).items():
            got[name] = got.get(name, b"") + data
    return all(len(got.get(name, b"")) >= len(data) for name, data in recorded.streams(response).items())


def _joined(parts: Sequence[str]) -> str:
    """Return the last answer with the streams of all before it."""
    before = "".join(
        piece for part in parts[:-1] for piece in re.findall("<rsp:Stream .*?</rsp:Stream>", part, re.DOTALL)
    )
    return parts[-1].replace("<rsp:ReceiveResponse>", f"<rsp:ReceiveResponse>{before}", 1)


def _status(status: int, answer: str) -> str:
    fault = Element(answer).first("WSManFault")
    code, text = (fault.get("Code"), Element(answer).text("Text")) if fault is not None else ("none", "")
    return f"HTTP status {status}, fault {code} {text}".strip()


def _first_difference(theirs: Sequence[str], ours: Sequence[str]) -> str:
    for wanted, had in zip([*theirs, "(the end)"], [*ours, "(the end)"], strict=False):
        if wanted != had:
            return f"Windows has {wanted}, the lab {had}"
    return ""


def replay(source: Path, folder: Path) -> Outcome:
    """Replay every recording of pypsrp's source distribution; `folder` gets the server's and programs' files."""
    (folder / "pc" / "C").mkdir(parents=True)
    password = secrets.token_hex(16)
    player = (sys.executable, "-I", "-S", str(Path(__file__).with_name("player.py")))
    host = LocalHost(root=folder / "pc", programs={PLAYER: player}, passwords={USER: password})
    outcome = Outcome()
    with Listener(ListenerConfig(host=host, powershell=True, allow_unencrypted=True)) as listener:
        for name, story in recorded.stories(source):
            client = Client(listener.port, password)
            try:
                Story(name, story, client, folder).replay(outcome)
            finally:
                client.close()
    return outcome
