# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of connections and ansible-core lines, as a page of the documentation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lab.simulated.connections import CONNECTIONS
from lab.simulated.domain_membership import DOMAIN_CONNECTIONS
from tests.matrix.column import PLAYBOOKS
from tests.matrix.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.matrix.column import Column
    from tests.matrix.foreign import Foreign
    from tests.matrix.steps import Step

HEAD = """\
<!--
SPDX-FileCopyrightText: 2026 Latchkey contributors
SPDX-License-Identifier: GPL-3.0-or-later

Written by `make matrix`; do not edit.
-->

# What works with what

Each cell is one PC of the lab on which every module ran through Ansible's real connection plugin, real restart of the
simulated PC included. `make matrix` runs all cells again and fails where one does. The PCs are simulated, and so is
Windows Installer on them: it installs nothing, but looks whether the package has arrived as it was sent. The tests
install the real package over winrm, on Wine. What only Windows itself can show is in
[verify-on-windows.md](verify-on-windows.md).
"""


LINES = """\
An empty cell is not run. The lines 2.19 to 2.21 run with each connection, the others with one of each plugin and shell.
By Kerberos the account is one of a real directory, Samba's domain controller ([Kerberos](kerberos.md)).
The row of the playbooks is one more PC: `request`, `maintain` with two steps and a restart, `report` and `end` run
without a warning of Ansible's, with answers of a survey as AWX writes them. 2.22 is a release candidate. Ansible
Automation Platform 2.5 and 2.6 run 2.16.

## ansible-core 2.16 to 2.18

These lines have no support by the Ansible project any more. The collection works on them, with these differences:

- Their connections pack each command into PowerShell's command line themselves. The collection hands them the script
  alone, so that PowerShell starts once.
- Without `ANSIBLE_JINJA2_NATIVE=true`, Ansible makes text of numbers that a template returns, and an empty text of
  `none`. So `maintenance_summary` has `""` where newer lines have `null`. With it the values are the same. A time that
  YAML has read as a number and an expression returns is refused there: write it in quotes.
- With `-vvvvv`, 2.16 and 2.17 print each PC's answers, also those of tasks with `no_log`.
- The winrm connection of 2.16 and 2.17 does not open a new shell when a PC's limit of commands in a shell is reached.
"""


def page(columns: Mapping[str, Column], steps: Sequence[Step], told: Foreign | None) -> str:
    """Return the whole page. It has no dates, so it changes only with a result."""
    versions = [column.versions for column in columns.values()]
    head = ["connection", *(f"ansible-core {line}" for line in columns)]
    rows = [
        [name, *(_cell(column.cells.get(name, "")) for column in columns.values())]
        for name in (*CONNECTIONS, *DOMAIN_CONNECTIONS, PLAYBOOKS)
    ]
    parts = [[name, *(one[name] for one in versions)] for name in versions[0]]
    done = [f"{step.name} ({step.fact})" for step in steps]
    return "\n".join(
        [
            HEAD,
            *_table([head, *rows]),
            "",
            LINES,
            "What took part:",
            "",
            *_table([["", *head[1:]], *parts]),
            "",
            "The steps of each cell, in order: " + "; ".join(done) + ".",
            "",
            *(_others(told) if told else ()),
        ]
    )


OTHERS = """\
## What other software says about the lab's WinRM server

The lab's server ([lab/wsman](../lab/wsman/README.md)) is compared with software of other authors. Both parts come out
of the source distributions of {versions}, by pinned hash. None of their data is in this
repository.

pypsrp's tests contain {total} requests with the answers that a real Windows gave. Each request that can apply is sent
to the lab's server. Its answer has to have the same status, action, elements, fault code, subcode and texts; what
differs by its nature does not count: ids, names, addresses, times, and where a stream is cut. Commands are replaced
by a program that writes what the recorded one wrote.
"""

TESTS = """\
The tests of pywinrm and pypsrp that talk to a server, run against the lab's. Their other tests play the server
themselves and say nothing about the lab.
"""


def _others(told: Foreign) -> list[str]:
    counted = told.recordings
    versions = " and ".join(f"{name} {version}" for name, version in sorted(told.versions.items()))
    rows = [
        ["exchanges", "result"],
        [str(counted.alike), "answered alike"],
        [str(len(counted.different)), "answered differently"],
        *([str(number), f"left out: {reason}"] for reason, number in counted.left_out.most_common()),
    ]
    return [
        OTHERS.format(versions=versions, total=counted.total),
        *_table(rows),
        "",
        TESTS,
        *_table([["tests", "of", "with", "result"], *_suite_rows(told)]),
        "",
    ]


def _suite_rows(told: Foreign) -> Iterator[list[str]]:
    for suite in SUITES:
        failed = [line for line in told.failures if line.startswith(suite.library)]
        result = f"failed: {'; '.join(failed)}" if failed else "ok"
        connections = ", ".join(suite.authentications) + (" over TLS" if suite.tls else " over HTTP")
        yield [str(len(suite.chosen)), suite.library, connections, _cell(result)]
        for reason, number in Counter(suite.left_out.values()).most_common():
            yield [str(number), suite.library, "", f"left out: {reason}"]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "| " + " | ".join("---" for _ in rows[0]) + " |", *lines[1:]]
