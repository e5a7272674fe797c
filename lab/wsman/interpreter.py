# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a client's script: one of Ansible's own, or one of the lab's grammar."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lab.wsman import bootstrap, older_scripts
from lab.wsman.powershell import grammar
from lab.wsman.powershell.script_runner import Console, Outcome, ScriptRun
from lab.wsman.powershell.tokens import UnsupportedScriptError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.wsman.host import Host

UNSUPPORTED = 250
"""The exit code of a script that the lab does not understand; Latchkey's programs do not use it."""

_logger = logging.getLogger("lab.wsman.scripts")


def run_script(
    script: str,
    host: Host,
    user: str,
    console: Console,
    *,
    arguments: Sequence[object] = (),
    kept: dict[str, str] | None = None,
) -> Outcome:
    """Run a script. A script that the lab does not understand does nothing and ends with UNSUPPORTED.

    `kept` is what the scripts of a pool of runspaces keep for the next one. The log gets the text of a script that is
    not understood; secrets travel on the script's input, never in its text.
    """
    inner = older_scripts.second_powershell(script)
    if inner is not None:
        code = run_script(inner, host, user, console).process_code
        # PowerShell reduces its last program's exit code to 0 or 1 (about_PowerShell_exe, -Command).
        return Outcome(None, succeeded=code == 0)
    stand_in = host.stand_in(script)
    if stand_in is not None:
        call = grammar.Call(*stand_in, with_input=True)
        return ScriptRun(host, console).run((call, grammar.Exit(None)))
    ansible = _ansible(
        older_scripts.Call(script, arguments, host, user, console, {} if kept is None else kept)
    )
    try:
        if ansible is not None:
            code = ansible()
            return Outcome(code or None, succeeded=code == 0)
        return ScriptRun(host, console).run(_parsed(script, arguments))
    except UnsupportedScriptError as error:
        _logger.warning("unsupported script: %s\n%s", error, script if ansible is None else "(Ansible's own)")
        console.error(f"wsman lab: unsupported script: {error}", "UnsupportedScript")
        return Outcome(UNSUPPORTED, succeeded=False)


def _parsed(script: str, arguments: Sequence[object]) -> Sequence[grammar.Statement]:
    if arguments:
        raise UnsupportedScriptError("a script with arguments")
    return grammar.parse(script)


def _ansible(call: older_scripts.Call) -> Callable[[], int] | None:
    """Return the function that runs one of Ansible's own scripts; None for any other script."""
    if bootstrap.is_wrapper(call.script):
        return lambda: bootstrap.run(call.host, call.user, call.console)
    return older_scripts.runner(call)
