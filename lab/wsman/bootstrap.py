# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts that Ansible itself sends: put and fetch files, temporary folders, the home folder.

Ansible sends one small wrapper script and everything else on standard input: a JSON object with
Ansible's execution wrapper, a line of four NUL characters, a JSON object with the actions and their
parameters, and where an action takes input a second such line and the input. Seen with ansible-core
2.19 and 2.21 (executor/powershell/module_manifest.py). The actions are known by name and done here.
A module is run by the computer's program of its name (`module_program`), which gets the module's options
as JSON on its standard input and prints the result. Any other action and module is unsupported.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
import ntpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.wsman.host import Host, InvalidPathError, ProgramNotFoundError
from lab.wsman.powershell.script_runner import run_process
from lab.wsman.powershell.tokens import UnsupportedScriptError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lab.wsman.powershell.script_runner import Console

SIGNATURES = ("ConvertFrom-Json", "$code.params.PSObject.Properties", "`0`0`0`0", "& $cmd @splat")
"""Texts that only the wrapper script contains; its whole text changes from release to release."""

SEPARATOR = "\0\0\0\0"

LARGEST_FETCH = 4 * 1024 * 1024
"""Bytes of one fetched piece; Ansible asks for 512 KiB at most."""


_MODULE_ACTION = "module_wrapper.ps1"
_MODULE_FILE = re.compile(r"ansible_collections\.(.+)\.plugins\.modules\.(.+)\.ps1")


def module_program(name: str) -> str:
    """Return the Windows path of the program that stands for a module, by the module's full name."""
    return f"C:\\Lab\\Modules\\{name}.ps1"


def is_wrapper(script: str) -> bool:
    """Return whether the script is the wrapper that Ansible sends before each of its own actions."""
    return all(text in script for text in SIGNATURES)


@dataclass(frozen=True, slots=True)
class Action:
    """One action of Ansible with its parameters, its computer and its input."""

    host: Host
    user: str
    console: Console
    parameters: Mapping[str, Any]
    lines: Iterator[str]

    def text(self, name: str) -> str:
        """Return a text parameter. Raises UnsupportedScriptError: it is missing or not a text."""
        value = self.parameters.get(name)
        if not isinstance(value, str):
            raise UnsupportedScriptError(f"Ansible's action has no text parameter {name}")
        return value

    def number(self, name: str) -> int:
        """Return a number parameter. Raises UnsupportedScriptError: it is missing or not a number."""
        value = self.parameters.get(name)
        if not isinstance(value, int) or value < 0:
            raise UnsupportedScriptError(f"Ansible's action has no number parameter {name}")
        return value


def run(host: Host, user: str, console: Console) -> int:
    """Read Ansible's action from the script's input, carry it out and return the exit code.

    Raises UnsupportedScriptError: the action is not one of this module's.
    """
    lines = console.lines()
    _read_json(lines)
    manifest = _read_json(lines)
    match manifest:
        case {"actions": [*_, {"name": str(name), "params": dict(parameters)}]} if name == _MODULE_ACTION:
            return _run_module(host, console, parameters)
        case {"actions": [{"name": str(name), "params": dict(parameters)}]} if name in _ACTIONS:
            action = Action(host, user, console, parameters, lines)
        case _:
            raise UnsupportedScriptError(f"Ansible's {_names(manifest)}")
    try:
        return _ACTIONS[name](action)
    except (OSError, InvalidPathError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        console.error(f"{name}: {parameters.get('Path', '')}: {reason}", "IOException")
        return 1


def _run_module(host: Host, console: Console, parameters: Mapping[str, Any]) -> int:
    match parameters:
        case {"Script": str(script), "Variables": [{"Name": "complex_args", "Value": dict(options)}]}:
            name = _MODULE_FILE.sub(r"\1.\2", script)
        case _:
            raise UnsupportedScriptError("Ansible's wrapper of a module with unknown parameters")
    try:
        process = host.start(module_program(name), ("module", name))
    except ProgramNotFoundError:
        raise UnsupportedScriptError(f"Ansible's module {name}") from None
    return run_process(process, [json.dumps(options).encode("ascii")], console)


def _read_json(lines: Iterator[str]) -> Any:  # noqa: ANN401 - that is what JSON holds
    text = "\n".join(itertools.takewhile(lambda line: line != SEPARATOR, lines))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnsupportedScriptError(f"Ansible's wrapper got no JSON: {error.msg}") from error


def _names(manifest: object) -> str:
    """Return only the names of the actions: the rest of a manifest may hold secrets."""
    match manifest:
        case {"actions": [*actions]}:
            names = (item.get("name", "?") for item in actions if isinstance(item, dict))
            return "action " + ", ".join(map(str, names))
    return "wrapper with an unknown manifest"


def _put(action: Action) -> int:
    digest = hashlib.sha1(usedforsecurity=False)
    with action.host.create(action.text("Path")) as file:
        for line in action.lines:
            data = _decode(line)
            digest.update(data)
            file.write(data)
    action.console.output(json.dumps({"sha1": digest.hexdigest()}, separators=(",", ":")))
    return 0


def _decode(line: str) -> bytes:
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise UnsupportedScriptError("Ansible's file input is not base64") from error


def _fetch_piece(action: Action) -> int:
    path, size = action.text("Path"), action.number("BufferSize")
    if not action.host.is_file(path):
        return _fetch_no_file(action, path)
    data = action.host.read(path, action.number("Offset"), min(size, LARGEST_FETCH))
    if data:
        action.console.output(base64.b64encode(data).decode("ascii"))
    return 0


def _fetch_no_file(action: Action, path: str) -> int:
    if action.host.is_folder(path):
        action.console.output("[DIR]")
        return 0
    action.console.error(f"{path} does not exist", "FileNotFoundException")
    return 1


def _fetch_all(action: Action) -> int:
    path, size = action.text("Path"), min(action.number("BufferSize"), LARGEST_FETCH)
    if not action.host.is_file(path):
        return _fetch_no_file(action, path)
    action.console.output("[FILE]")
    for offset in itertools.count(0, size):
        data = action.host.read(path, offset, size)
        if not data:
            break
        action.console.output(base64.b64encode(data).decode("ascii"))
    return 0


def _make_temporary_folder(action: Action) -> int:
    folder = action.host.expand(action.text("Directory"), action.user)
    path = ntpath.join(folder, action.text("Name"))
    action.host.make_folder(path)
    action.console.output(path)
    return 0


def _expand_home(action: Action) -> int:
    path = action.text("Path")
    home = action.host.home(action.user)
    if path == "~":
        path = home
    elif path.startswith("~\\"):
        path = ntpath.join(home, path[2:])
    action.console.output(path)
    return 0


_ACTIONS: Mapping[str, Callable[[Action], int]] = {
    "winrm_put_file.ps1": _put,
    "psrp_put_file.ps1": _put,
    "winrm_fetch_file.ps1": _fetch_piece,
    "psrp_fetch_file.ps1": _fetch_all,
    "powershell_mkdtemp.ps1": _make_temporary_folder,
    "powershell_expand_user.ps1": _expand_home,
}
