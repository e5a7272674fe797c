# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's LogonUI: a program on a Wine PC that drives the credential provider."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

from .wine_pc import WinePC

PROGRAM = r"C:\lab\logon_screen.exe"

LOGON, UNLOCK = 1, 2
"""CREDENTIAL_PROVIDER_USAGE_SCENARIO (credentialprovider.h)."""
RETURN_CREDENTIAL = 2
"""CREDENTIAL_PROVIDER_GET_SERIALIZATION_RESPONSE (credentialprovider.h)."""
NEGOTIATE = 9
"""The number that the harness' stand-in for LSA gives to Negotiate."""
S_OK = "0x00000000"

_SCRAMBLE = 0x9E3779B97F4A7C15
_PROTECTION = 0x1000
ENDS_WITHIN = 60
"""Seconds that a program under Wine may need to end on a busy machine."""


class HarnessError(Exception):
    """A program of the harness ended unexpectedly."""


def end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the end of a program that is about to end.

    It does not wait for the end of the output: Wine keeps the pipes open for another second.
    """
    process.wait(ENDS_WITHIN)
    for stream in (process.stdin, process.stdout, process.stderr):
        # The input of a killed program may still hold unwritten commands.
        with suppress(BrokenPipeError):
            if stream is not None:
                stream.close()


def streams(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    """Return the standard input and output of a program with pipes."""
    if process.stdin is None or process.stdout is None:
        msg = "the program was started without pipes"
        raise HarnessError(msg)
    return process.stdin, process.stdout


class LogonScreen:
    """The harness's LogonUI: one process, which loads the provider through COM."""

    def __init__(self, pc: WinePC) -> None:
        self._process = pc.start(program=PROGRAM)
        self._input, self._output = streams(self._process)
        self.expects_password = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.send("quit")
        self.close()

    def kill(self) -> None:
        """Kill it at once; a caller that waits for an answer gets a HarnessError."""
        self._process.kill()

    def close(self) -> None:
        """Wait for its end."""
        end(self._process)

    def send(self, *words: object) -> None:
        """Send a command without waiting for its answer."""
        try:
            self._input.write(" ".join(map(str, words)).encode() + b"\n")
            self._input.flush()
        except OSError as fault:
            msg = f"the logon screen takes no command: {fault}"
            raise HarnessError(msg) from None

    def answer(self) -> dict[str, Any]:
        """Return the answer to the oldest unanswered command.

        Raises:
            HarnessError: the program has ended (the provider crashed it), or its memory holds the password.
        """
        line = self._output.readline()
        # Wine reports crashes of programs there.
        if not line.startswith(b"{"):
            msg = f"the logon screen ended with {self._process.wait(ENDS_WITHIN)}: {line.decode(errors='replace')}"
            raise HarnessError(msg)
        fields: dict[str, Any] = json.loads(line)
        if fields.get("places", 0) and not self.expects_password:
            msg = f"the password is left in {fields['places']} places of the process"
            raise HarnessError(msg)
        return fields

    def __call__(self, *words: object) -> dict[str, Any]:
        """Send a command and return its answer."""
        self.send(*words)
        return self.answer()

    def begin(self, usage: int = LOGON, *, slot: int = 0, users: Mapping[str, str]) -> None:
        """Create a provider and call it as LogonUI does before it counts credentials.

        `users` maps the SIDs of the tiles to LogonUI's qualified names, "-" for none.
        """
        self.make(slot, usage)
        self.set_users(users, slot)
        self._must(self("advise", slot), hr=S_OK)

    def make(self, slot: int, usage: int) -> None:
        """Create a provider in a slot, and tell it the usage scenario; one that was there is released."""
        self._must(self("create", slot), led=1)
        self._must(self("use", slot, usage), hr=S_OK)

    def set_users(self, users: Mapping[str, str], slot: int = 0) -> None:
        """Give the provider the user array."""
        self("users", slot, *(word for user in users.items() for word in user))

    @staticmethod
    def _must(answer: dict[str, Any], **wanted: object) -> None:
        if not answer.items() >= wanted.items():
            msg = f"the provider answered {answer}, expected {wanted}"
            raise HarnessError(msg)

    def tile(self, slot: int = 0) -> dict[str, Any]:
        """Count credentials until there is one; for tests of what comes after, on a busy computer.

        LogonUI counts once (`logon_play.LogonUI`): an agent that misses the deadline of a peek has no tile then.
        No tile comes if the provider has none.
        """
        counted = self("count", slot)
        for _ in range(20):
            if counted["count"]:
                break
            counted = self("count", slot)
        return counted

    def end(self, slot: int = 0) -> dict[str, Any]:
        """Release the provider as LogonUI does; return the objects that it has not released."""
        self("unadvise", slot)
        return self("release", slot)

    def look_for(self, password: bytes | bytearray) -> None:
        """Search writable memory for any aligned 8 bytes of the password from now on.

        The search runs after each `serialize`, and by the command `memory`.
        """
        pieces = [int.from_bytes(password[i : i + 8], "little") for i in range(0, len(password) - 7, 8)]
        scrambled = [piece * _SCRAMBLE % 2**64 for piece in pieces]
        self("pieces", *(piece.to_bytes(8, "little").hex() for piece in scrambled))


def unprotect(text: str) -> bytearray:
    """Decode the output of the harness' stand-in for CredProtectW; the caller overwrites the result."""
    raw = bytearray(text.encode("utf-16-le", "surrogatepass"))
    for at in range(0, len(raw), 2):
        unit = int.from_bytes(raw[at : at + 2], "little") - _PROTECTION
        raw[at : at + 2] = (unit % 65536).to_bytes(2, "little")
    return raw
