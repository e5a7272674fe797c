# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Windows Installer on the PC: finds the installed agent and runs an installation.

Nothing here depends on the language of Windows, on its drive or on the bits of Ansible's PowerShell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ._connection import ConnectionLost
from ._failure import failure
from ._powershell_command import command_line, of_windows, program_script, windowed_script
from ._remote_words import words
from ._terminal_text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._connection import CommandResult
    from ._contact import Contact
    from ._failure import Outcome
    from ._wait_clock import Clock, Deadline

_REG = "reg.exe"
_MSIEXEC = "msiexec.exe"
_VIEW = "/reg:64"
"""Makes reg.exe read the registry of 64-bit programs, where the package writes (Microsoft, "reg query")."""
_TOP, _VENDOR, _PACKAGE = "HKLM\\SOFTWARE", "Latchkey", "Package"
PACKAGE_KEY = rf"{_TOP}\{_VENDOR}\{_PACKAGE}"
"""The registry key in which the package records its version."""
_EVERYWHERE = "microsoft"
"""A key below SOFTWARE on every Windows: a listing without it is none."""

PRODUCT = "Latchkey agent"
"""The package's name in Windows Installer's log."""

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
_SUBKEY = re.compile(r"^HKEY_LOCAL_MACHINE\\(?:[^\\\r\n]+\\)*([^\\\r\n]+?)\s*$", re.MULTILINE)
# "Product: NAME -- TEXT" is one line of the log; its first word is in the language of Windows.
_LINE = re.compile(rf"{re.escape(PRODUCT)}\s+(?:--|\u2013|\u2014)\s+(.+)")
# The messages 1707 to 1729 say how the whole ended. A line of the log's own names the number before them, and
# the sentence after them ends with Windows Installer's exit code. Source: "Windows Installer Error Messages",
# Microsoft Learn.
_END_BEFORE = re.compile(r": 1: 17(?:07|08|24|25|28|29)\s*$")
_END_AFTER = re.compile(rf"{re.escape(PRODUCT)}.*\d\W*$")


class Installed(NamedTuple):
    """The installed agent."""

    version: str
    product_code: str


class Installer:
    """Windows Installer of one PC."""

    def __init__(self, contact: Contact, clock: Clock) -> None:
        self._contact = contact
        self._link = contact.link
        self._clock = clock

    def installed(self, deadline: Deadline, *, outcome: Outcome = "refused") -> Installed | None:
        """Return the installed agent, None if Windows says that there is none.

        reg.exe ends with 1 for a missing key and for every fault alike, and its words are in the language of
        Windows. So a missing key is proved by a listing of the key above it, whose form is the same in every
        language. reg.exe was chosen over .NET's registry classes because Constrained Language Mode allows it.

        Args:
            deadline: the end of the wait for a lost connection.
            outcome: of the failure, `unknown` after an installation.

        Raises:
            ConnectionLost: the connection is lost and did not come back.
            Failure: `package_unknown`: Windows says neither.
        """
        ran = self._query(PACKAGE_KEY, deadline)
        values = dict(_VALUE.findall(_text(ran))) if ran.code == 0 else {}
        if {"Version", "ProductCode"} <= values.keys():
            return Installed(plain(values["Version"]), plain(values["ProductCode"]))
        above = _TOP
        for name in (_VENDOR, _PACKAGE):
            if not self._has(name, above, deadline, outcome):
                return None
            above = rf"{above}\{name}"
        raise failure("package_unknown", outcome=outcome, detail=_said(ran))

    def _has(self, name: str, key: str, deadline: Deadline, outcome: Outcome) -> bool:
        """Tell whether a key of the registry has a key of this name. Raises Failure: `package_unknown`."""
        ran = self._query(key, deadline)
        names = {found.casefold() for found in _SUBKEY.findall(_text(ran))}
        if ran.code != 0 or (key == _TOP and _EVERYWHERE not in names):
            raise failure("package_unknown", outcome=outcome, detail=_said(ran))
        return name.casefold() in names

    def _query(self, key: str, deadline: Deadline) -> CommandResult:
        script = program_script(of_windows(_REG), "query", key, _VIEW)
        return self._run_until_answered(command_line(script), deadline)

    def _run_until_answered(self, command: str, deadline: Deadline) -> CommandResult:
        first = self._contact.first(deadline)
        while True:
            try:
                return self._link.run(command)
            except ConnectionLost as lost:
                until = self._contact.until(lost, deadline, first)
            self._clock.sleep(min(1.0, until.left))

    def run(self, arguments: list[str], deadline: Deadline, reason: Callable[[], str]) -> int:
        """Run msiexec without user interaction, after any other installation; return its exit code.

        Args:
            arguments: of msiexec; none may contain both a blank and an equals sign.
            deadline: the end of the wait for another installation.
            reason: returns the reason in the log, after a refusal.

        Raises:
            ConnectionLost: the connection is lost; the installation may have run.
            Failure: `package_busy`, `package_refused` or `package_not_run`.
        """
        command = command_line(windowed_script(of_windows(_MSIEXEC), *arguments, "/qn", "/norestart"))
        while (code := _exit_code(self._link.run(command))) == BUSY:
            if deadline.over:
                raise failure("package_busy", limit=f"{deadline.limit:.0f}")
            self._contact.show(f"waiting: another installation to end; for {deadline.limit:.0f} s at most")
            self._clock.sleep(min(_PAUSE, deadline.left) or _PAUSE)
        if code not in {0, RESTART_NEEDED}:
            sentence = SENTENCES.get(code, "see Microsoft's documentation of this code.")
            raise failure("package_refused", number=code, sentence=sentence, detail=reason())
        return code


def _exit_code(ran: CommandResult) -> int:
    """Return the exit code that the script printed. Raises Failure: `package_not_run`."""
    printed = ran.output.removeprefix(b"\xef\xbb\xbf").strip()
    if not _NUMBER.fullmatch(printed):
        raise failure("package_not_run", outcome="unknown", detail=_said(ran))
    return int(printed)


def _text(ran: CommandResult) -> str:
    return ran.output.decode("utf-8", "replace")


def _said(ran: CommandResult) -> str:
    """Return the PC's own words, or that there are none."""
    return words(ran.error) or f"no answer, exit code {ran.code}"


def reason_in(log: bytes) -> str:
    """Return the reasons in a log of Windows Installer, to be appended to a sentence.

    The log is in the language of Windows; only the product's name and numbers are the same everywhere.
    """
    text = log.decode("utf-16" if log.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8", "replace")
    lines = [line for line in text.split("\n") if line.strip()]
    around = zip(["", *lines], lines, [*lines[1:], ""], strict=False)
    found = [
        said[1].strip()
        for before, line, after in around
        if (said := _LINE.search(line)) and not _is_end(before, after)
    ]
    reasons = list(dict.fromkeys(found))
    return f" It says: {' '.join(reasons)}" if reasons else ""


def _is_end(before: str, after: str) -> bool:
    """Tell from the lines around it whether a line only says how the whole ended."""
    status = _END_AFTER.search(after) and not _LINE.search(after)
    return bool(status or _END_BEFORE.search(before))
