# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real product on a Wine PC, in addition to the tests that run on both kinds of PC.

The tests use the agent from its MSI, the real service, the real credential
provider, and the real ansible-playbook over winrm.
"""

from __future__ import annotations

import io
import shutil
import sqlite3
from typing import TYPE_CHECKING

from agent.packaging.system_tools import PACKAGE, WINE
from lab.demo.computers import KINDS
from lab.demo.endings import ENDINGS
from lab.demo.lanes import Lanes
from lab.demo.stage import Stage
from lab.simulated.customer_script import Deny, Grant, Mistype, Revoke
from lab.wine.prefix import template
from tests.canary import search, search_processes
from tests.lab.job import apply, end, play, request, start
from tests.lab.kinds import ON_WINE
from tests.lab.loud import loud
from tests.lab.relaunch import kill_and_launch_again
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.wine.wine_computer import WineComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Operator

    Wine = Callable[..., tuple[Operator, WineComputer]]


NOT_THE_PRODUCTS = (
    "C",
    "drive_c/lab/",
    "drive_c/users/anna",
    "drive_c/users/helpdesk",
    "drive_c/windows/Installer",
)
"""The lab's own files on the disk, and a folder of Windows Installer."""
PRODUCTS = ("drive_c/Program Files/Latchkey", "drive_c/ProgramData/Latchkey")
"""Files of the same name in the prefix that every PC is a copy of."""


@ON_WINE
def test_a_no_is_a_no(lab_pc: LabPC) -> None:
    """A declined request fails the task with its own error code and leaves no sealed record."""
    operator, computer = lab_pc(script=[Deny()])

    job = operator.run(start(), {**request(), "ignore_errors": True}, end())

    assert job.result("request")["error_code"] == "denied"
    assert job.result("end")["erasure"] == {"confirmed": True, "checked_at": None, "checks": [], "grants": []}
    assert computer.events.count("typed") == 0


@ON_WINE
def test_a_revocation_before_the_restart_and_one_during_it(lab_pc: LabPC) -> None:
    """The first revocation stops the restart; after the second the PC restarts and signs no user in."""
    operator, computer = lab_pc(script=[Mistype(), Grant(), Grant(), Revoke(when="restart_announced")])
    operator.run(start(), request()).succeed()
    computer.customer.revoke()

    before = operator.run(apply()).fail().result("apply")
    job = operator.run(request(grace=8, ask_again=True), apply()).fail()
    computer.wait_for_logon_screen(2)

    assert (before["error_code"], before["outcome"]) == ("grant_revoked", "refused")
    assert job.result("apply")["error_code"] == "grant_revoked"
    assert [computer.events.count(what) for what in ("boot", "permit_redeemed", "entry_refused")] == [2, 0, 1]
    assert computer.on_loop(computer.windows.sessions.all) == []


@ON_WINE
def test_a_job_that_was_killed_goes_on(lab_pc: LabPC) -> None:
    """A job killed while the PC is down and launched again does every step once."""
    kill_and_launch_again(lab_pc, "while the PC is down")


@ON_WINE
def test_no_trace_of_the_grant_and_of_the_agent_remains(lab_pc: Wine, canary: bytearray) -> None:
    """The disk has the sealed record during the grant, not after the session, and no agent after its removal."""
    operator, computer = lab_pc(script=[Mistype(), Grant()])
    loud(operator)
    operator.run(start(), request()).succeed()
    sealed = sealed_records(computer, operator.folder / "copy")
    assert places(computer, sealed)

    job = operator.begin([play(apply(), end())])
    computer.events.wait_for("locked", timeout=60)
    seen = search_processes(canary)
    ended = job.succeed().result("end")

    assert ended["erasure"]["confirmed"]
    assert places(computer, sealed) == []
    # Wine's installer leaves files in use: the logon screen uses the provider, the companion the runtime.
    computer.customer.sign_in()
    computer.wait_for_desktop()
    computer.end_lab_programs()
    operator.variables = {"agent_state": "absent"}
    removed = operator.begin("latchkey.consent.install_agent").succeed()
    assert removed.result("Install, upgrade")["erasure"]["confirmed"]
    assert "Latchkey" not in computer.registry(r"HKLM\SOFTWARE")
    computer.shut_down()
    assert left_over(computer) == []
    assert named_in_registry(computer) == []
    assert (seen, search(computer.disk_files, canary), search([operator.folder], canary)) == ([], [], [])


def test_the_demo_keeps_its_promises(tmp_path: Path) -> None:
    """The demo keeps its promises on a Wine PC, and keeps only the files of the disk that the PC has written."""
    require(WINE, PACKAGE)
    stream = io.StringIO()
    ending = ENDINGS["revoke"]
    with Stage(ending, tmp_path, Lanes(stream), KINDS["wine"].run).played() as story:
        verdicts = [check(story) for check in ending.promises]
    assert all(verdict.kept for verdict in verdicts), (verdicts, stream.getvalue())
    assert (tmp_path / "pc/disk/drive_c/ProgramData/Latchkey/journal.db").exists()
    assert not (tmp_path / "pc/disk/drive_c/windows/system32/ntdll.dll").exists()


def sealed_records(computer: WineComputer, copy: Path) -> list[bytes]:
    """Return the sealed records from a copy of the journal: the agent has the original open."""
    copy.mkdir()
    for file in computer.agent_folder.glob("journal.db*"):
        shutil.copy2(file, copy)
    journal = sqlite3.connect(copy / "journal.db")
    try:
        return [bytes(record) for (record,) in journal.execute("SELECT record FROM sealed")]
    finally:
        journal.close()
        shutil.rmtree(copy)


def places(computer: WineComputer, sealed: list[bytes]) -> list[Path]:
    """Return the files of the PC that contain one of these records."""
    assert sealed
    return [file for file in computer.disk_files if any(record in file.read_bytes() for record in sealed)]


def left_over(computer: WineComputer) -> list[str]:
    """Return every file and folder that the prefix did not have before the agent's installation."""
    known = {path for path in paths(template()) if not path.startswith(PRODUCTS)}
    return [
        path for path in paths(computer.disk) if path not in known and not path.startswith(NOT_THE_PRODUCTS)
    ]


def paths(folder: Path) -> list[str]:
    """Return all paths below a folder."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*")]


def named_in_registry(computer: WineComputer) -> list[str]:
    """Return every line of Wine's registry that names the product."""
    lines = (line for file in computer.disk.glob("*.reg") for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if "latchkey" in line.lower()]
