# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible itself does on the PC: put and fetch files, temporary folders, the home folder, modules.

`bootstrap` and `older_scripts` read it out of the scripts that the lines of ansible-core send. A module is run by
the computer's program of its name (`module_program`), which gets the module's options as JSON on its standard input
and prints the result.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.wsman.host import Host, InvalidPathError, ProgramNotFoundError
from lab.wsman.powershell.script_runner import run_process
from lab.wsman.powershell.tokens import UnsupportedScriptError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lab.wsman.powershell.script_runner import Console

LARGEST_FETCH = 4 * 1024 * 1024
"""Bytes of one fetched piece; Ansible asks for 512 KiB at most."""


def module_program(name: str) -> str:
    """Return the Windows path of the program that stands for a module, by the module's full name."""
    return f"C:\\Lab\\Modules\\{name}.ps1"


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


def run_action(name: str, action: Action) -> int:
    """Carry out an action of ACTIONS; return the exit code.

    Raises UnsupportedScriptError: a parameter or the input is not of the known kind.
    """
    try:
        return ACTIONS[name](action)
    except (OSError, InvalidPathError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        action.console.error(f"{name}: {action.parameters.get('Path', '')}: {reason}", "IOException")
        return 1


def run_module(host: Host, console: Console, name: str, options: Mapping[str, Any]) -> int:
    """Run the program of a module; return the exit code. Raises UnsupportedScriptError: there is none."""
    try:
        process = host.start(module_program(name), ("module", name))
    except ProgramNotFoundError:
        raise UnsupportedScriptError(f"Ansible's module {name}") from None
    return run_process(process, [json.dumps(options).encode("ascii")], console)


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


ACTIONS: Mapping[str, Callable[[Action], int]] = {
    "winrm_put_file.ps1": _put,
    "psrp_put_file.ps1": _put,
    "winrm_fetch_file.ps1": _fetch_piece,
    "psrp_fetch_file.ps1": _fetch_all,
    "powershell_mkdtemp.ps1": _make_temporary_folder,
    "powershell_expand_user.ps1": _expand_home,
}
