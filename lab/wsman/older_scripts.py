# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts that ansible-core 2.16 to 2.18 send themselves.

Each thing that Ansible does is a script of its own, known here by its form (plugins/shell/powershell.py,
plugins/connection/winrm.py and psrp.py of 2.16.19, 2.17.14 and 2.18.19). winrm, and ssh before 2.18, send every command
as a script that starts a second PowerShell, which reads the first one's input. A module arrives as the input of a
wrapper script: Ansible's execution wrapper, four NUL characters, and a JSON object with the module and its options.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.wsman.ansible_actions import Action, run_action, run_module
from lab.wsman.bootstrap import SEPARATOR
from lab.wsman.commandline import POWERSHELL_NAMES, Script, read_command_line
from lab.wsman.powershell.tokens import SINGLE_QUOTES, UnsupportedScriptError
from lab.wsman.shell_operations import CommandLine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.wsman.host import Host
    from lab.wsman.powershell.script_runner import Console

_WRAPPER = ("$exec_wrapper_str = $input | Out-String", "[ScriptBlock]::Create($split_parts[0])")
"""Texts that only the wrapper script of modules contains; the rest of it changes from release to release."""

_MODULE_ACTION = "module_powershell_wrapper"

_STRICT = r"Set-StrictMode -Version Latest\n"
_CONSOLE = (
    r"(?:try \{ \[Console\]::OutputEncoding = New-Object System\.Text\.UTF8Encoding \} catch \{\}(?:; |\n))?"
)
_KEPT_CODE = r"\nIf \(-not \$\?\) \{ If \(Get-Variable LASTEXITCODE [^{]*\{ exit \$LASTEXITCODE \} Else \{ exit 1 \} \}"
_TEXT = f"[{SINGLE_QUOTES}]((?:[^{SINGLE_QUOTES}\\n]|[{SINGLE_QUOTES}]{{2}})*)[{SINGLE_QUOTES}]"
_DOUBLED = re.compile(f"[{SINGLE_QUOTES}]([{SINGLE_QUOTES}])")


@dataclass(frozen=True, slots=True)
class Form:
    """A script's form, the name of its action, and what its texts and arguments mean as the action's parameters."""

    script: str
    action: str
    parameters: Callable[[Sequence[str], Sequence[object]], Mapping[str, Any]]


_FORMS = (
    Form(
        _STRICT + _CONSOLE + r"\$tmp_path = \[System\.Environment\]::ExpandEnvironmentVariables\(" + _TEXT + r"\)\n"
        r"\$tmp = New-Item -Type Directory -Path \$tmp_path -Name " + _TEXT + r"\n"
        r"Write-Output -InputObject \$tmp\.FullName" + _KEPT_CODE,
        "powershell_mkdtemp.ps1",
        lambda texts, _: {"Directory": texts[0], "Name": texts[1]},
    ),
    Form(
        _STRICT + _CONSOLE + r"Write-Output \(Get-Location\)\.Path" + _KEPT_CODE,
        "powershell_expand_user.ps1",
        lambda _texts, _: {"Path": "~"},
    ),
    Form(
        _STRICT + _CONSOLE + r"Write-Output \(\(Get-Location\)\.Path \+ " + _TEXT + r"\)" + _KEPT_CODE,
        "powershell_expand_user.ps1",
        lambda texts, _: {"Path": f"~{texts[0]}"},
    ),
    Form(
        _STRICT + _CONSOLE + "Write-Output " + _TEXT + _KEPT_CODE,
        "powershell_expand_user.ps1",
        lambda texts, _: {"Path": texts[0]},
    ),
    Form(
        r"begin \{\n\$path = " + _TEXT + r"\n.*\$fd = \[System\.IO\.File\]::Create\(\$path\)\n.*"
        r"\$bytes = \[System\.Convert\]::FromBase64String\(\$input\)\n.*\n\}",
        "winrm_put_file.ps1",
        lambda texts, _: {"Path": texts[0]},
    ),
    Form(
        _STRICT + r"\$path = " + _TEXT + r"\nIf \(Test-Path -LiteralPath \$path -PathType Leaf\)\n\{\n"
        r"\$buffer_size = (\d+)\n\$offset = (\d+)\n.*\[System\.Convert\]::ToBase64String\(\$bytes\)\n.*\n\}",
        "winrm_fetch_file.ps1",
        lambda texts, _: {"Path": texts[0], "BufferSize": int(texts[1]), "Offset": int(texts[2])},
    ),
    Form(
        r"begin \{\n.*\$path = \$MyInvocation\.UnboundArguments\[0\]\n.*"
        r"\$bytes = \[System\.Convert\]::FromBase64String\(\$input\)\n.*\n\}\n",
        "psrp_put_file.ps1",
        lambda _texts, arguments: {"Path": arguments[0]},
    ),
)  # fmt: skip

_OPEN = re.compile(
    r"param\(\[string\]\$Path\)\n.*New-Object -TypeName System\.IO\.FileStream .*\n\}", re.DOTALL
)
_READ = re.compile(r"param\(\[int64\]\$Offset, \[int\]\$BufferSize\)\n.*\$fs\.Seek\(.*\n\}", re.DOTALL)
_CLOSE = "$fs.Close()"


@dataclass(frozen=True, slots=True)
class Call:
    """A script with the arguments that psrp gives it, and what it runs on.

    `kept` holds what the scripts of one pool of runspaces keep for the next one.
    """

    script: str
    arguments: Sequence[object]
    host: Host
    user: str
    console: Console
    kept: dict[str, str]

    def act(self, name: str, parameters: Mapping[str, Any]) -> int:
        """Carry out an action of Ansible; return the exit code."""
        return run_action(name, Action(self.host, self.user, self.console, parameters, self.console.lines()))


def runner(call: Call) -> Callable[[], int] | None:
    """Return the function that runs a script and returns its exit code; None if the script has no form of these."""
    if is_wrapper(call.script):
        return lambda: _run_module(call)
    for form in _FORMS:
        if found := re.fullmatch(form.script, call.script, re.DOTALL):
            texts = [_DOUBLED.sub(r"\1", text) for text in found.groups()]
            return lambda: call.act(form.action, form.parameters(texts, call.arguments))
    return _fetch(call)


def is_wrapper(script: str) -> bool:
    """Return whether the script is the wrapper that Ansible sends before each module."""
    return all(text in script for text in _WRAPPER)


def second_powershell(script: str) -> str | None:
    """Return the script of the second PowerShell that a script of one line starts; None if it is another script."""
    if script.partition(" ")[0].casefold() not in POWERSHELL_NAMES or "\n" in script:
        return None
    line = CommandLine(command_id="", program=script, arguments="", encoded_arguments=())
    match read_command_line(line, through_cmd=False):
        case Script(text):
            return text
    return None


def _fetch(call: Call) -> Callable[[], int] | None:
    """Return the function for one of the scripts with which psrp fetches a file, piece by piece."""
    if _OPEN.fullmatch(call.script):
        return lambda: _open(call)
    if _READ.fullmatch(call.script):
        return lambda: _read(call)
    return (lambda: 0) if call.script == _CLOSE else None


def _open(call: Call) -> int:
    path = str(call.arguments[0])
    if call.host.is_file(path):
        call.kept["fs"] = path
        return 0
    return call.act("winrm_fetch_file.ps1", {"Path": path, "BufferSize": 0, "Offset": 0})


def _read(call: Call) -> int:
    offset, size = call.arguments
    return call.act("winrm_fetch_file.ps1", {"Path": call.kept["fs"], "BufferSize": size, "Offset": offset})


def _run_module(call: Call) -> int:
    _wrapper, found, text = "\n".join(call.console.lines()).partition(SEPARATOR)
    if not found:
        raise UnsupportedScriptError("Ansible's wrapper got no payload")
    match _read_json(text):
        case {"actions": [str(action)], "module_args": {"_ansible_module_name": str(name), **options}} if (
            action == _MODULE_ACTION
        ):
            return run_module(
                call.host, call.console, name, {str(key): value for key, value in options.items()}
            )
        case {"actions": [*actions]}:
            raise UnsupportedScriptError(f"Ansible's action {', '.join(map(str, actions))}")
    raise UnsupportedScriptError("Ansible's wrapper with an unknown manifest")


def _read_json(text: str) -> Any:  # noqa: ANN401 - that is what JSON holds
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnsupportedScriptError(f"Ansible's wrapper got no JSON: {error.msg}") from error
