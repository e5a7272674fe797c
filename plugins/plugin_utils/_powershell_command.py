# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The command line that carries a PowerShell script to the PC.

Only this form works the same over Ansible's winrm, psrp and ssh connections: winrm passes it on
unchanged, psrp decodes it and runs the script in its own runspace, and ssh passes it to the PC's default
shell. `_older_cores` has the exceptions.
"""

from __future__ import annotations

import base64

from ._failure import failure

AGENT_MISSING = "latchkey-agent-missing"
"""First line of the script's output if the agent is not installed; the second one is the place, the exit code 127."""

AGENT_PLACE = "\\Latchkey\\latchkeyctl.exe"
"""The agent's program below the folder of 64-bit programs."""

MAX_COMMAND_LINE = 8191 - len("chcp.com 65001 >nul 2>&1 && ")
"""Longest command line of cmd.exe, which WinRM uses to start PowerShell (Microsoft support article 830473).

The ssh plugin of ansible-core 2.16 and 2.17 puts a command before it.
"""

_PREFIX = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand "

# PowerShell treats typographic quotes as the plain one (Language Specification 2.3.5.2).
_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
_DOUBLED = str.maketrans({quote: quote * 2 for quote in _SINGLE_QUOTES})


def quoted(text: str) -> str:
    """Return the text as a single-quoted PowerShell string, which has no other special characters."""
    return f"'{text.translate(_DOUBLED)}'"


def command_line(script: str) -> str:
    """Return the command line that runs a script.

    Raises:
        Failure: `bad_option`: the script is too long.
    """
    line = _PREFIX + base64.b64encode(script.encode("utf-16-le", "surrogatepass")).decode("ascii")
    if len(line) > MAX_COMMAND_LINE:
        detail = f"a text of {len(script)} characters is too long for Windows' command line"
        raise failure("bad_option", detail=detail)
    return line


def script_in(line: str) -> str:
    """Return the script that `command_line` made a line of."""
    return base64.b64decode(line.removeprefix(_PREFIX)).decode("utf-16-le", "surrogatepass")


def at(path: str) -> str:
    """Return the start of a script whose program lies at this path."""
    return f"$program = {quoted(path)}"


def installed_agent() -> str:
    """Return the start of a script whose program is the agent's, where its package installs it.

    Windows names its folder for 64-bit programs in ProgramW6432, in 32-bit processes too. Source: Microsoft,
    "WOW64 Implementation Details", Environment Variables.
    """
    place = quoted(AGENT_PLACE)
    return (
        f"$program = $env:ProgramW6432 + {place}\n"
        f"if (-not $env:ProgramW6432) {{ $program = $env:ProgramFiles + {place} }}"
    )


def of_windows(name: str) -> str:
    """Return the start of a script whose program is one of Windows' own, for 64-bit Windows.

    Windows shows a 32-bit PowerShell other programs in System32, and the real ones in Sysnative, which no
    other process sees. PROCESSOR_ARCHITEW6432 is set only in a 32-bit process on 64-bit Windows. Sources:
    Microsoft, "File System Redirector" and "WOW64 Implementation Details".
    """
    native, own = quoted(f"\\Sysnative\\{name}"), quoted(f"\\System32\\{name}")
    return (
        f"$program = $env:SystemRoot + {own}\n"
        f"if ($env:PROCESSOR_ARCHITEW6432) {{ $program = $env:SystemRoot + {native} }}"
    )


def request_script(agent_path: str | None, command: str = "request") -> str:
    """Return the script that passes its input to the agent's program, and passes on the exit code.

    `agent_path` is None for the place where the agent's package installs the program. `command` is a command
    of the program that takes one JSON request and prints one JSON answer.

    Windows PowerShell encodes the input of a program by $OutputEncoding. Requests are ASCII, so the
    script sets ASCII on every version.
    """
    lines = (
        "$OutputEncoding = [Text.Encoding]::ASCII",
        at(agent_path) if agent_path else installed_agent(),
        f"if (-not [IO.File]::Exists($program)) {{ {quoted(AGENT_MISSING)}; $program; exit 127 }}",
        f"$input | & $program {quoted(command)}",
        "exit $LASTEXITCODE",
    )
    return "\n".join(lines)


def program_script(place: str, *arguments: str) -> str:
    """Return the script that runs the program of a place and passes on its output and exit code."""
    return f"{place}\n& $program {_words(*arguments)}\nexit $LASTEXITCODE"


def windowed_script(place: str, *arguments: str) -> str:
    """Return the script that runs a program with a window, waits for its end and prints its exit code.

    PowerShell waits for such a program only if its output goes into a pipeline. The script prints the exit
    code because ssh passes on eight bits of it, and only one bit if the PC's default shell is PowerShell.
    """
    return f"{place}\n& $program {_words(*arguments)} | Out-Null\n$LASTEXITCODE\nexit 0"


def _words(*words: str) -> str:
    return " ".join(quoted(word) for word in words)


def test_script(text: str) -> str:
    """Return the operator's own PowerShell text as a script with the exit code of its last program.

    A thrown error ends the script with 1 by itself.
    """
    return f"{text}\nexit $LASTEXITCODE"
