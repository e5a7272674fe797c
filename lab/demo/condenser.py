# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the output of ansible-playbook into the few sentences that a reader of the demo needs."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Say = Callable[[str, str], None]
    """Takes the PC's name, empty for all PCs, and one sentence."""

SHOWS, OVERVIEW = "Show the summary", "Show the overview"
"""The role's tasks whose messages are told."""
SUMMARY = ("done: ", "not needed: ", "left over: ", "skipped: ", "erasure: ")
"""The lines of the role's summary that a reader has not seen before."""
UNTOLD = ("Show the state", "Show the answer", "Show the report's files")
"""Tasks whose messages the demo tells otherwise: by the overview of all PCs, in the customer's lane, and at its end."""
LAST_FAILURE = "Fail unless "
"""The role's task that repeats a failure, with the advice."""


class Condenser:
    """Tells each fact once. Leaves out codes, waits, and the tasks by which the role keeps its books."""

    def __init__(self, say: Say, told: set[tuple[str, str]] | None = None) -> None:
        """`told`: the answers and summaries that earlier jobs of the same demo have told."""
        self._say = say
        self._told = set() if told is None else told
        self._task = ""
        self._host = ""
        self._message: list[str] = []
        self._codes: set[str] = set()
        self._reasons: list[str] = []

    def feed(self, line: str) -> None:
        """Take one line of the output of Ansible's default callback."""
        if self._message:
            self._collect(line)
        elif line.startswith("TASK ["):
            self._task = line[len("TASK [") :].rpartition("]")[0].rpartition(" : ")[2]
        elif line.startswith("fatal: ["):
            self._failed(_host(line), line.partition("=> ")[2])
        elif line.startswith(("changed: [", "ok: [")):
            self._done(line)
        elif line.startswith("[") and "] " in line and not line.startswith(("[ERROR]", "[WARNING]")):
            self._progressed(_host(line), line.partition("] ")[2])

    def _done(self, line: str) -> None:
        if line.endswith("=> {"):
            self._host = _host(line)
            self._message = ["{"]

    def _progressed(self, host: str, text: str) -> None:
        """Tell an answer or a sign-in; of the waits only the first with a check code."""
        if not text.startswith("waiting"):
            self._say(host, _sentence(text))
        elif (code := re.search(r"; code (\d+)$", text)) and code[1] not in self._codes:
            self._codes.add(code[1])
            self._say(host, f"Waits for the customer's answer. Check code: {code[1]}.")

    def _failed(self, host: str, content: str) -> None:
        result: dict[str, Any] = {}
        with suppress(ValueError):
            result = json.loads(content)
        message = str(result.get("msg", ""))
        if self._task.startswith(LAST_FAILURE):
            for reason in self._reasons:
                message = message.replace(f"{reason} ", "")
            self._say(host, message)
        elif "error_code" in result:
            self._reasons.append(message)
            self._say_once(host, f"{self._task}: failed. {message}")
        else:
            # Without a code it is the long message of the connection, or that of a step's own task.
            self._say(host, f"{self._task}: failed.")

    def _collect(self, line: str) -> None:
        self._message.append(line)
        if line == "}":
            message = json.loads("\n".join(self._message)).get("msg", "")
            self._message = []
            self._tell(self._host, message if isinstance(message, list) else [str(message)])

    def _tell(self, host: str, lines: list[str]) -> None:
        if self._task == SHOWS:
            told = [_sentence(line.replace(": -", ": none")) for line in lines if line.startswith(SUMMARY)]
            self._say_once(host, " ".join(told))
        elif self._task.startswith(OVERVIEW):
            self._say("", "\n".join(map(_sentence, lines)))
        elif not self._task.startswith(UNTOLD):
            self._say(host, "\n".join(lines))

    def _say_once(self, host: str, text: str) -> None:
        if (host, text) not in self._told:
            self._told.add((host, text))
            self._say(host, text)


def _host(line: str) -> str:
    """Return the PC of a line such as `ok: [PC-ANNA]`."""
    return line.partition("[")[2].partition("]")[0]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
