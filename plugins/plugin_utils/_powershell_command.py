# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""The command line that carries a PowerShell script to the PC.

Of all forms this one alone is understood alike by Ansible's winrm, psrp and ssh connections: winrm
passes it on as it is, psrp decodes it and runs the script in its own runspace, ssh hands it to
whichever shell is the PC's default.
"""

from __future__ import annotations

import base64

from ._failure import failure

AGENT_MISSING = "latchkey-agent-missing"
"""What the script prints where there is no agent, beside exit code 127."""

MAX_COMMAND_LINE = 8191
"""Characters that cmd.exe takes, which stands between WinRM and PowerShell (Microsoft support article 830473)."""

_PREFIX = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand "

# PowerShell takes typographic quotes for the plain one (Language Specification 2.3.5.2).
_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"
_DOUBLED = str.maketrans({quote: quote * 2 for quote in _SINGLE_QUOTES})


def quoted(text: str) -> str:
    """Return the text as a single-quoted PowerShell string, in which nothing is special."""
    return f"'{text.translate(_DOUBLED)}'"


def command_line(script: str) -> str:
    """Return the command line that runs a script.

    Raises:
        Failure: `bad_option`: the script does not fit.
    """
    line = _PREFIX + base64.b64encode(script.encode("utf-16-le", "surrogatepass")).decode("ascii")
    if len(line) > MAX_COMMAND_LINE:
        detail = f"a text of {len(script)} characters is too long for Windows' command line"
        raise failure("bad_option", detail=detail)
    return line


def request_script(agent_path: str, command: str = "request") -> str:
    """Return the script that hands its input to the agent's program and passes its exit code on.

    `command` is one of the program's that take one JSON request and give one JSON answer.

    Windows PowerShell gives what is piped to a program the encoding of $OutputEncoding; requests
    are ASCII, and so it is set to that on every version.
    """
    path = quoted(agent_path)
    lines = (
        "$OutputEncoding = [Text.Encoding]::ASCII",
        f"if (-not [IO.File]::Exists({path})) {{ {quoted(AGENT_MISSING)}; exit 127 }}",
        f"$input | & {path} {quoted(command)}",
        "exit $LASTEXITCODE",
    )
    return "\n".join(lines)


def program_script(program: str, *arguments: str) -> str:
    """Return the script that runs a program and passes its output and exit code on."""
    return f"& {_words(program, *arguments)}\nexit $LASTEXITCODE"


def windowed_script(program: str, *arguments: str) -> str:
    """Return the script that runs a program with a window to its end and prints its exit code.

    PowerShell waits for such a program only where its output goes on into a pipeline. Its exit code
    may be larger than ssh can pass on: that has eight bits, and but one where the PC's default
    shell is PowerShell.
    """
    return f"& {_words(program, *arguments)} | Out-Null\n$LASTEXITCODE\nexit 0"


def _words(*words: str) -> str:
    return " ".join(quoted(word) for word in words)


def test_script(text: str) -> str:
    """Return the operator's own PowerShell text as a script that passes on how its last program ended.

    An error that is thrown ends it with 1 by itself.
    """
    return f"{text}\nexit $LASTEXITCODE"
