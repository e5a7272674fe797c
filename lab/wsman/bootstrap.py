# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts that ansible-core 2.19 and newer send themselves.

Ansible sends one small wrapper script and everything else on standard input: a JSON object with
Ansible's execution wrapper, a line of four NUL characters, a JSON object with the actions and their
parameters, and where an action takes input a second such line and the input. Seen with ansible-core
2.19 to 2.22 (executor/powershell/module_manifest.py). ansible-core 2.22 compresses the second JSON object. The actions
are known by name; any other action and module is unsupported.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

from lab.wsman.ansible_actions import ACTIONS, Action, run_action, run_module
from lab.wsman.powershell.tokens import UnsupportedScriptError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.wsman.host import Host
    from lab.wsman.powershell.script_runner import Console

SIGNATURES = ("ConvertFrom-Json", "$code.params.PSObject.Properties", "`0`0`0`0", "& $cmd @splat")
"""Texts that only the wrapper script contains; its whole text changes from release to release."""

SEPARATOR = "\0\0\0\0"

_MODULE_ACTION = "module_wrapper.ps1"
_MODULE_FILE = re.compile(r"ansible_collections\.(.+)\.plugins\.modules\.(.+)\.ps1")


def is_wrapper(script: str) -> bool:
    """Return whether the script is the wrapper that Ansible sends before each of its own actions."""
    return all(text in script for text in SIGNATURES)


def run(host: Host, user: str, console: Console) -> int:
    """Read Ansible's action from the script's input, carry it out and return the exit code.

    Raises UnsupportedScriptError: the action is not a known one.
    """
    lines = console.lines()
    manifest = _manifest(lines)
    match manifest:
        case {"actions": [*_, {"name": str(name), "params": dict(parameters)}]} if name == _MODULE_ACTION:
            return run_module(host, console, *_module(parameters))
        case {"actions": [{"name": str(name), "params": dict(parameters)}]} if name in ACTIONS:
            return run_action(name, Action(host, user, console, parameters, lines))
    raise UnsupportedScriptError(f"Ansible's {_names(manifest)}")


def _manifest(lines: Iterator[str]) -> object:
    """Read the actions that follow the execution wrapper."""
    match _read_json(_part(lines)):
        case {"params": {"DecompressInput": True}}:
            return _read_json(_decompressed(_part(lines)))
    return _read_json(_part(lines))


def _module(parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a module's name and options."""
    match parameters:
        case {"Script": str(script), "Variables": [{"Name": "complex_args", "Value": dict(options)}]}:
            return _MODULE_FILE.sub(r"\1.\2", script), options
        case {"Script": str(script), "ArgumentJSON": str(text)}:
            return _MODULE_FILE.sub(r"\1.\2", script), _read_json(text)
    raise UnsupportedScriptError("Ansible's wrapper of a module with unknown parameters")


def _part(lines: Iterator[str]) -> str:
    return "\n".join(itertools.takewhile(lambda line: line != SEPARATOR, lines))


def _decompressed(text: str) -> str:
    try:
        return gzip.decompress(base64.b64decode(text, validate=True)).decode()
    except (ValueError, OSError, EOFError) as error:
        raise UnsupportedScriptError("Ansible's wrapper got no base64 of gzip") from error


def _read_json(text: str) -> Any:  # noqa: ANN401 - that is what JSON holds
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
