# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils._older_cores import command_for, core_line
from ansible_collections.latchkey.consent.plugins.plugin_utils._powershell_command import command_line

SCRIPT = "$input | & 'C:\\a.exe' '\u00e4\U0001f600'\nexit $LASTEXITCODE"
LINE = command_line(SCRIPT)
SCRIPTS = [
    ("winrm", "2.16.19"),
    ("winrm", "2.17.0"),
    ("winrm", "2.18.19"),
    ("ssh", "2.16.0"),
    ("ssh", "2.17.14"),
]
LINES = [
    *(("winrm", version) for version in ("2.19.0", "2.22.0rc1", "3.0.0")),
    *(("ssh", version) for version in ("2.18.0", "2.19.0b1", "2.22.0rc1")),
    *(("psrp", version) for version in ("2.16.0", "2.19.0", "2.22.0.dev0")),
]


@pytest.mark.parametrize(("transport", "version"), SCRIPTS)
def test_a_plugin_that_packs_each_command_gets_the_script(transport: str, version: str) -> None:
    """The old winrm and ssh plugins put a command into a command line of their own: they get the script alone."""
    assert command_for(transport, LINE, core_line(version)) == SCRIPT


@pytest.mark.parametrize(("transport", "version"), LINES)
def test_every_other_plugin_gets_the_command_line(transport: str, version: str) -> None:
    """psrp has decoded the command line in every line of ansible-core; newer winrm and ssh pass it on."""
    assert command_for(transport, LINE, core_line(version)) == LINE
