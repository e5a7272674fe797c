# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os
import subprocess
from datetime import UTC, datetime

import pytest

from lab.computer import Event
from lab.demo.__main__ import main
from lab.demo.computers import KINDS
from lab.demo.endings import ENDINGS
from lab.demo.lanes import Lanes
from lab.demo.operator import ROOT, Condenser

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
        """Say that it is one."""
        return True


def test_ansibles_output_is_told_in_a_line_for_each_thing_that_happened() -> None:
    """Tasks with their results, what is waited for, refusals with code and advice, the summary."""
    told: list[str] = []
    condenser = Condenser(told.append)
    for line in OUTPUT.splitlines():
        condenser.feed(line)
    assert told == [
        "Start the support session, or find it started: changed",
        "  ... waiting: the window to open; since 08:10:02, until 08:20:02; code 7758",
        "Ask the customer for a grant: FAILED [denied]",
        "  ... The customer declined. Respect it.",
        "PC-ANNA, support session CHG-4711\nanswered: denied",
        "A task that breaks: FAILED",
        "  ... ",
    ]


def test_lanes_are_plain_where_nobody_sees_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe and NO_COLOR get no escape sequences, a terminal gets colours."""
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


def test_the_request_window_is_drawn_as_one() -> None:
    """Title, text and buttons stand in a box, every line of it equally wide."""
    stream = io.StringIO()
    text = "\n".join(("Title", "long " * 40, "Field", "Allow | Later"))
    Lanes(stream).show(Event(datetime.now(UTC), "customer", "request_shown", text))
    rows = [line.partition("| ")[2] for line in stream.getvalue().splitlines()]
    assert rows[1].startswith("| Title ")
    assert rows[-2].startswith("| Allow | Later ")
    assert len({len(row) for row in rows}) == 1


def test_an_unknown_ending_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name shows nothing, exits with 2 and says which names are right."""
    assert main(["grnat"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "'grnat'" in told.err
    assert all(name in told.err for name in ENDINGS)


def test_an_unknown_pc_names_those_there_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By argument and by environment; nothing is shown, and the exit code is 2."""
    assert main(["grant", "bogus"]) == 2
    monkeypatch.setenv("PC", "bogus")
    assert main([]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("There is no PC 'bogus'") == 2
    assert all(kind.title in told.err for kind in KINDS.values())


def test_a_pc_that_cannot_be_here_is_told_with_what_it_lacks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that installs it is named; the demo has failed."""
    monkeypatch.setenv("PATH", "")
    assert main(["grant", "wine"]) == 1
    assert "apt-get install --no-install-recommends maven wine wine64" in capsys.readouterr().err


def test_too_many_words_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Rather than silently left out."""
    assert main(["grant", "simulated", "twice"]) == 2
    assert "twice" in capsys.readouterr().err


def test_the_endings_can_be_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`list` names every ending with its title, and every PC, by argument and by environment."""
    monkeypatch.setenv("DEMO", "list")
    assert main([]) == 0
    assert main(["list"]) == 0
    told = capsys.readouterr().out
    titles = [ending.title for ending in ENDINGS.values()] + [kind.title for kind in KINDS.values()]
    assert all(told.count(title) == 2 for title in titles)


@pytest.mark.parametrize(
    ("words", "shown"), [((), "grant simulated"), (("DEMO=deny", "PC=wine"), "deny wine")]
)
def test_make_passes_on_what_to_show(words: tuple[str, ...], shown: str) -> None:
    """Make itself has a variable named PC, which must not stand in the way."""
    # Not as a part of another make, which would say so.
    environment = {"PATH": os.environ["PATH"]}
    command = ["make", "--dry-run", "demo", *words]
    told = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.rstrip().endswith(f"-m lab.demo {shown}")
