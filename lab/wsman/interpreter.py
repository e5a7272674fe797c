# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a client's script: one of Ansible's own, or one of the lab's grammar."""

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
"""The exit code of a script that the lab does not understand; Latchkey's programs do not use it."""

_logger = logging.getLogger("lab.wsman.scripts")


def run_script(script: str, host: Host, user: str, console: Console) -> Outcome:
    """Run a script. A script that the lab does not understand does nothing and ends with UNSUPPORTED.

    The log then gets the script's text; secrets travel on the script's input, never in its text.
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
