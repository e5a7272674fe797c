# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Windows Installer on the PC: finds the installed agent and runs an installation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ._connection import ConnectionLost
from ._failure import failure
from ._powershell_command import command_line, program_script, windowed_script
from ._terminal_text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._connection import CommandResult, Link
    from ._wait_clock import Clock, Deadline

_SYSTEM = "C:\\Windows\\System32"
_REG = rf"{_SYSTEM}\reg.exe"
_MSIEXEC = rf"{_SYSTEM}\msiexec.exe"
PACKAGE_KEY = r"HKLM\SOFTWARE\Latchkey\Package"
"""The registry key in which the package records its version."""

BUSY = 1618
RESTART_NEEDED = 3010
UNKNOWN_PRODUCT = 1605

SENTENCES = {
    5: "the account that Ansible connects with may not install programs.",
    112: "the PC's disk is full.",
    1601: "the Windows Installer service cannot be reached.",
    1602: "the installation was cancelled at the PC.",
    1603: "the installation failed and was undone.",
    1612: "the installed package's source is missing, so it cannot be removed.",
    1613: "the PC's Windows Installer is too old for the package.",
    1619: "the package could not be opened on the PC.",
    1620: "the file is not a package of Windows Installer.",
    1622: "the log could not be written on the PC.",
    1624: "a policy of the PC forbids this installation.",
    1625: "a policy of the PC forbids this installation.",
    1627: "the installation failed and was undone.",
    1632: "the PC's folder for temporary files is full or cannot be reached.",
    1633: "the package is for 64-bit Windows on x64, which this PC is not.",
    1638: "another version is installed that cannot be upgraded.",
    1639: "it did not understand its command line.",
    1643: "a policy of the PC forbids this update.",
    1644: "a policy of the PC forbids this change.",
}
"""Source: "MsiExec.exe and InstMsi.exe error messages", Microsoft Learn."""

_PAUSE = 5.0
_VALUE = re.compile(r"^\s+(\w+)\s+REG_SZ\s+(.*?)\s*$", re.MULTILINE)
_NUMBER = re.compile(rb"-?\d+")
_REASON = re.compile(r"Product: .*? -- (?!.*(?:completed|failed)\.?\s*$)(.+)")


class Installed(NamedTuple):
    """The installed agent."""

    version: str
    product_code: str


class Installer:
    """Windows Installer of one PC."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self._link = link
        self._clock = clock

    def installed(self, deadline: Deadline) -> Installed | None:
        """Return the installed agent, None if there is none.

        Raises:
            ConnectionLost: the connection is lost and did not come back.
        """
        ran = self._run_until_answered(command_line(program_script(_REG, "query", PACKAGE_KEY)), deadline)
        values = dict(_VALUE.findall(ran.output.decode("utf-8", "replace"))) if ran.code == 0 else {}
        if not {"Version", "ProductCode"} <= values.keys():
            return None
        return Installed(plain(values["Version"]), plain(values["ProductCode"]))

    def _run_until_answered(self, command: str, deadline: Deadline) -> CommandResult:
        while True:
            try:
                return self._link.run(command)
            except ConnectionLost as lost:
                if deadline.over or lost.final or lost.pause > deadline.left:
                    raise
            self._clock.sleep(min(1.0, deadline.left))

    def run(self, arguments: list[str], deadline: Deadline, reason: Callable[[], str]) -> int:
        """Run msiexec without user interaction, after any other installation; return its exit code.

        Args:
            arguments: of msiexec; none may contain both a blank and an equals sign.
            deadline: the end of the wait for another installation.
            reason: returns the reason in the log, after a refusal.

        Raises:
            ConnectionLost: the connection is lost; the installation may have run.
            Failure: `package_busy` or `package_refused`.
        """
        command = command_line(windowed_script(_MSIEXEC, *arguments, "/qn", "/norestart"))
        while (code := _exit_code(self._link.run(command))) == BUSY:
            if deadline.over:
                raise failure("package_busy", limit=f"{deadline.limit:.0f}")
            self._clock.sleep(min(_PAUSE, deadline.left) or _PAUSE)
        if code not in {0, RESTART_NEEDED}:
            sentence = SENTENCES.get(code, "see Microsoft's documentation of this code.")
            raise failure("package_refused", number=code, sentence=sentence, detail=reason())
        return code


def _exit_code(ran: CommandResult) -> int:
    """Return the exit code that the script printed, or PowerShell's own if no program ran."""
    printed = ran.output.removeprefix(b"\xef\xbb\xbf").strip()
    return int(printed) if _NUMBER.fullmatch(printed) else ran.code or 1


def reason_in(log: bytes) -> str:
    """Return the reasons in a log of Windows Installer, to be appended to a sentence."""
    text = log.decode("utf-16" if log.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8", "replace")
    reasons = list(dict.fromkeys(found.strip() for found in _REASON.findall(text)))
    return f" It says: {' '.join(reasons)}" if reasons else ""
