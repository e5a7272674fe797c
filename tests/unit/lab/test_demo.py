# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os
import subprocess
from datetime import UTC, datetime

import pytest

from lab.computer import Event
from lab.demo.__main__ import TITLES, main
from lab.demo.computers import KINDS
from lab.demo.endings import ENDINGS
from lab.demo.lanes import Lanes
from lab.demo.night import NIGHT
from lab.demo.operator import ROOT, Condenser, CrowdCondenser

OUTPUT = r"""
PLAY [Maintain PCs in a support session] ***************************************

TASK [latchkey.consent.maintenance : Validating arguments against arg spec 'main'] ***
ok: [PC-ANNA]

TASK [latchkey.consent.maintenance : Start the support session, or find it started] ***
changed: [PC-ANNA]
[PC-ANNA] waiting: the window to open; since 08:10:02, until 08:20:02; code 7758

TASK [latchkey.consent.maintenance : Ask the customer for a grant] *******
[ERROR]: Task failed: Action failed: The customer declined.
Origin: roles/maintenance/tasks/request.yml:12:3

12 - name: Ask the customer for a grant
     ^ column 3

fatal: [PC-ANNA]: FAILED! => {"error_code": "denied", "hint": "Respect it.", "msg": "The customer declined."}

TASK [latchkey.consent.maintenance : Show the summary] *************************
ok: [PC-ANNA] => {
    "msg": [
        "PC-ANNA, support session CHG-4711",
        "answered: denied"
    ]
}

TASK [latchkey.consent.maintenance : A task that breaks] ***********************
fatal: [PC-ANNA]: UNREACHABLE! => no JSON at all

PLAY RECAP *********************************************************************
PC-ANNA                    : ok=7    changed=2    unreachable=0    failed=1
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Return that it is a terminal."""
        return True


def test_ansibles_output_becomes_one_line_for_each_event() -> None:
    """The lines have tasks with results, waits, refusals with code and advice, and the summary."""
    lines: list[str] = []
    condenser = Condenser(lines.append)
    for line in OUTPUT.splitlines():
        condenser.feed(line)
    assert lines == [
        "Start the support session, or find it started: changed",
        "  ... waiting: the window to open; since 08:10:02, until 08:20:02; code 7758",
        "Ask the customer for a grant: FAILED [denied]",
        "  ... The customer declined. Respect it.",
        "PC-ANNA, support session CHG-4711\nanswered: denied",
        "A task that breaks: FAILED",
        "  ... ",
    ]


CROWD = r"""
TASK [latchkey.consent.maintenance : Start the support session, or find it started] ***
changed: [PC-ANNA]
ok: [PC-BEN]

TASK [latchkey.consent.maintenance : Set the checkpoint "started" of Windows updates] ***
changed: [PC-ANNA]
[PC-ANNA] waiting: the PC to go down; since 22:00:12, until 22:15:12

TASK [latchkey.consent.maintenance : Ask the customer for a grant] *******
fatal: [PC-BEN]: FAILED! => {"error_code": "denied", "hint": "Respect it.", "msg": "The customer declined."}

TASK [Install the updates] *****************************************************
fatal: [PC-ANNA]: FAILED! => {"msg": "Task failed: the connection is lost, with many words"}

TASK [latchkey.consent.maintenance : Show the summary] *************************
ok: [PC-BEN] => {
    "msg": [
        "PC-BEN, support session CHG-4711",
        "answered: denied, I am busy",
        "receipts: q1"
    ]
}

TASK [Show the answer and the request's code] **********************************
ok: [PC-ANNA] => {
    "msg": "pending, code 7758"
}

TASK [latchkey.consent.maintenance : Show the report's files] ******************
ok: [PC-ANNA] => {
    "msg": [
        "/home/kim/night.json"
    ]
}
"""


def test_the_lines_of_many_pcs_name_the_pc_and_leave_out_the_plain_ones() -> None:
    """Changes, failures with a code and messages are told with their PC; waits, plain successes and advice are not."""
    lines: list[str] = []
    condenser = CrowdCondenser(lines.append)
    for line in CROWD.splitlines():
        condenser.feed(line)
    assert lines == [
        "PC-ANNA: Start the support session, or find it started: changed",
        "PC-BEN: Ask the customer for a grant: FAILED [denied]",
        "  ... The customer declined.",
        "PC-ANNA: Install the updates: FAILED",
        "PC-BEN, support session CHG-4711\n  answered: denied, I am busy",
        "PC-ANNA: pending, code 7758",
    ]


def test_lanes_are_plain_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output to a pipe or with NO_COLOR has no escape sequences; a terminal gets colours."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    texts = []
    for stream in (io.StringIO(), Terminal()):
        Lanes(stream).say("customer", "Declines.")
        texts.append(stream.getvalue())
    assert "customer | Declines." in texts[0]
    assert "\x1b[33mcustomer |\x1b[0m Declines." in texts[1]
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    Lanes(stream).say("customer", "Declines.")
    assert "\x1b" not in stream.getvalue()


def test_the_request_window_is_drawn_as_a_box() -> None:
    """Title, text and buttons are in a box; all its lines have the same width."""
    stream = io.StringIO()
    text = "\n".join(("Title", "long " * 40, "Field", "Allow | Later"))
    Lanes(stream).show(Event(datetime.now(UTC), "customer", "request_shown", text))
    rows = [line.partition("| ")[2] for line in stream.getvalue().splitlines()]
    assert rows[1].startswith("| Title ")
    assert rows[-2].startswith("| Allow | Later ")
    assert len({len(row) for row in rows}) == 1


def test_an_unknown_ending_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name ends with 2 and an error that lists the right names, without any output."""
    assert main(["grnat"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "'grnat'" in output.err
    assert all(name in output.err for name in (*ENDINGS, NIGHT))


def test_an_unknown_pc_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong PC in argument or environment ends with 2 and an error that lists the right ones."""
    assert main(["grant", "bogus"]) == 2
    monkeypatch.setenv("PC", "bogus")
    assert main([]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("There is no PC 'bogus'") == 2
    assert all(kind.title in output.err for kind in KINDS.values())


def test_the_night_is_for_simulated_pcs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The night on a Wine PC is a wrong choice: one sentence says so, before anything is looked for or played."""
    monkeypatch.setenv("PATH", "")
    assert main([NIGHT, "wine"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "The demo 'night' runs on simulated PCs only.\n"


def test_a_pc_without_its_requirements_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the command that installs the missing packages, and the demo fails."""
    monkeypatch.setenv("PATH", "")
    assert main(["grant", "wine"]) == 1
    assert "apt-get install --no-install-recommends maven wine wine64" in capsys.readouterr().err


def test_too_many_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The demo refuses a third argument and names it."""
    assert main(["grant", "simulated", "twice"]) == 2
    assert "twice" in capsys.readouterr().err


def test_the_endings_can_be_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`list` names every ending and the night with its title, and every PC, by argument and by environment."""
    monkeypatch.setenv("DEMO", "list")
    assert main([]) == 0
    assert main(["list"]) == 0
    output = capsys.readouterr().out
    assert output.count(NIGHT) > 1
    titles = [*TITLES.values(), *(kind.title for kind in KINDS.values())]
    assert all(output.count(title) == 2 for title in titles)


@pytest.mark.parametrize(
    ("words", "shown"), [((), "grant simulated"), (("DEMO=deny", "PC=wine"), "deny wine")]
)
def test_make_passes_ending_and_pc_on(words: tuple[str, ...], shown: str) -> None:
    """Make's own variable PC does not disturb the option PC."""
    # Without the variables of an outer make, which would change the output.
    environment = {"PATH": os.environ["PATH"]}
    command = ["make", "--dry-run", "demo", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith(f" lab.demo {shown}")
