# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs whatever script a client sent: Ansible's own, one of the lab's grammar, or none."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lab.wsman import bootstrap
from lab.wsman.powershell import grammar
from lab.wsman.powershell.script_runner import Console, Outcome, ScriptRun
from lab.wsman.powershell.tokens import UnsupportedScriptError

if TYPE_CHECKING:
    from lab.wsman.host import Host

UNSUPPORTED = 250
"""The exit code of a script that the lab does not understand; no program of ours uses it."""

_logger = logging.getLogger("lab.wsman.scripts")


def run_script(script: str, host: Host, user: str, console: Console) -> Outcome:
    """Run a script. One that is not understood does nothing and ends with UNSUPPORTED.

    Its text goes to the log (secrets travel on the script's input, never in its text).
    """
    stand_in = host.stand_in(script)
    if stand_in is not None:
        call = grammar.Call(*stand_in, with_input=True)
        return ScriptRun(host, console).run((call, grammar.Exit(None)))
    try:
        if bootstrap.is_wrapper(script):
            code = bootstrap.run(host, user, console)
            return Outcome(code or None, succeeded=code == 0)
        return ScriptRun(host, console).run(grammar.parse(script))
    except UnsupportedScriptError as error:
        shown = "(Ansible's wrapper)" if bootstrap.is_wrapper(script) else script
        _logger.warning("unsupported script: %s\n%s", error, shown)
        console.error(f"wsman lab: unsupported script: {error}", "UnsupportedScript")
        return Outcome(UNSUPPORTED, succeeded=False)
