# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make lab`: PCs that stay up, with the player's own playbooks, until Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.packaging import system_tools
from lab.computer import LabError
from lab.tryout import deeds
from lab.tryout.deeds import DEEDS
from latchkey_agent.protocol import control_requests as rq
from tests.lab.tryout import LabProcess, Played, marked_processes, played
from tests.needs import require
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(300)


def shown(lab: LabProcess) -> bool:
    """Tell whether the request window is on the screen of pc1."""
    return "on the screen" in lab.lab("pc1", "status").stdout


@pytest.mark.parametrize("connection", ["winrm", "psrp", "ssh, cmd"])
def test_the_players_own_playbook_runs_over_each_connection(tmp_path: Path, connection: str) -> None:
    """A playbook of the player's own asks, is allowed with `lab pc1 allow`, restarts the PC and ends the session."""
    if connection.startswith("ssh"):
        require(system_tools.SSH)
    with LabProcess(tmp_path, CONNECTION=connection) as lab:
        own = tmp_path / "own.yml"
        own.write_text((lab.folder / "first.yml").read_text(encoding="utf-8"), encoding="utf-8")
        job = lab.started(f"ansible-playbook {own}")
        eventually(lambda: shown(lab), "the request window", 60)
        assert lab.lab("pc1", "allow").stdout.strip().endswith("allowed it.")
        output, _ = job.communicate(timeout=120)
        assert job.returncode == 0, output
        assert "PC-1\\anna is signed in again" in output
        eventually(lambda: "CHG-4711: ended" in lab.lab("pc1", "status").stdout, "the end of the session")
        assert "grant: erased" in lab.lab("pc1", "status").stdout
        version = lab.run("ansible-galaxy collection list latchkey.consent").stdout
        assert str(lab.folder / ".lab-collections") in version, "the playbook used another installation"


def test_ctrl_c_leaves_nothing_but_the_players_own_files(tmp_path: Path) -> None:
    """The folder keeps a changed example and a new file; every process and all else is gone."""
    with LabProcess(tmp_path) as lab:
        (lab.folder / "mine.yml").write_text("- hosts: all\n", encoding="utf-8")
        (lab.folder / "hello.yml").write_text("# changed\n", encoding="utf-8")
        other = lab.folder / "collections/ansible_collections/other/one"
        other.mkdir(parents=True)
        assert lab.end() == 0
        assert sorted(path.name for path in lab.folder.iterdir()) == ["collections", "hello.yml", "mine.yml"]
        assert other.is_dir()
        assert (lab.folder / "hello.yml").read_text(encoding="utf-8") == "# changed\n"
        assert list(lab.temporary.iterdir()) == []
        eventually(lambda: processes(lab) == [], "the end of all processes")
        lab.start()
        assert (lab.folder / "hello.yml").read_text(encoding="utf-8") == "# changed\n", (
            "the example is new again"
        )


@pytest.mark.parametrize("moment", ["pc1 starts", "pc1 is up", "pc2 starts", "the collection is built"])
def test_ctrl_c_ends_a_lab_that_starts(tmp_path: Path, moment: str) -> None:
    """Ctrl-C reaches all programs of the terminal. The lab ends without a trace of the program, and leaves nothing."""
    starting = LabProcess(tmp_path, PCS="3")
    starting.until = moment
    with starting as lab:
        os.killpg(lab.process.pid, signal.SIGINT)
        assert lab.process.wait(40) in {0, 130}
        assert "Traceback" not in lab.said, lab.said
        assert "stays up" not in lab.said
        assert list(lab.temporary.iterdir()) == []
        eventually(lambda: processes(lab) == [], "the end of all processes")


def test_a_killed_lab_leaves_no_process_and_the_next_one_starts(tmp_path: Path) -> None:
    """SIGKILL of the lab ends its PCs too; the next lab removes the private folder of the killed one."""
    with LabProcess(tmp_path) as lab:
        assert lab.end(signal.SIGKILL) < 0
        eventually(lambda: processes(lab) == [], "the end of all processes")
        left = list(lab.temporary.iterdir())
        assert len(left) == 2
        lab.start()
        assert not any(path.exists() for path in left)
        assert "PC-1" in lab.lab().stdout


def processes(lab: LabProcess) -> list[str]:
    """Return the command lines of all processes with the lab's temporary folder in their environment."""
    return marked_processes(lab.temporary)


def test_a_second_lab_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """The sentence says which lab is in the way; the first one goes on."""
    with LabProcess(tmp_path) as lab:
        second = LabProcess(tmp_path)
        second._log = tmp_path / "second.txt"
        with second:
            assert second.process.wait(30) == 1
            assert second.said.strip().endswith("End it with Ctrl-C in its terminal.")
        assert lab.lab("pc1", "status").returncode == 0


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"PCS": "none"}, "PCS=none is not a number from 1 to 20"),
        ({"PCS": "21"}, "PCS=21 is not a number from 1 to 20"),
        ({"PC": "real"}, "There is no PC 'real'"),
        ({"CONNECTION": "telnet"}, "There is no connection 'telnet'"),
        ({"PORT": "99999"}, "PORT=99999 is not a number from 0 to 65535"),
    ],
)
def test_a_wrong_choice_gets_a_sentence(tmp_path: Path, choices: dict[str, str], sentence: str) -> None:
    """Nothing starts, and the exit code says so."""
    with LabProcess(tmp_path, **choices) as lab:
        assert lab.process.wait(30) == 1
        assert sentence in lab.said
        assert "Traceback" not in lab.said


# --- in this process -------------------------------------------------------------------


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A lab of one PC for all tests of this module; the page's libraries are not needed."""
    place = tmp_path_factory.mktemp("played")
    (place / "packages").mkdir()
    with played(place, place / "packages") as running:
        yield running


def back(game: Played) -> None:
    """Bring the PC back to an open desktop without a request."""
    computer = game.lab.pcs[0].computer
    if computer.power_state in {"off", "halted"}:
        computer.power_on()
    computer.wait_until_up()
    computer.customer.sign_in()


EXPECTED = {
    "lock": "locked the screen",
    "sign-in": "is at the desktop",
    "sign-out": "signed out",
    "change-password": "has a new Windows password",
    "power-cut": "has no power",
    "shut-down": "is off",
    "windows-update": "Windows Update restarts",
    "pending": "Windows waits for a restart",
    "clock": "on pc1",
    "sleep": "is awake again",
    "crash-agent": "Windows has started it again",
}
"""The deeds that need neither a request window nor a grant nor a PC that is off, and their sentences."""
OF_A_GRANT = {"revoke": "took the sign-in back", "pause": "paused", "resume": "resumed"}
ANSWERS = {"allow", "mistype", "decline", "later", "report"}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_deed_is_done_and_told(game: Played, name: str) -> None:
    """Each deed returns its sentence, and the PC gets over it."""
    back(game)
    needed = DEEDS[name].argument
    said = game.lab.done("pc1", name, "+2h" if needed and not needed.usual else "")
    assert EXPECTED[name] in said
    if name == "windows-update":
        game.lab.pcs[0].computer.events.wait_for("down")
    if name == "sign-out":
        back(game)
    game.lab.pcs[0].computer.settle() if game.lab.pcs[0].computer.power_state == "on" else None


def test_every_deed_has_a_test() -> None:
    """No deed is left out of these tests."""
    assert set(EXPECTED) | set(OF_A_GRANT) | ANSWERS | {"power-on"} == set(DEEDS)


def ask(game: Played, session: str) -> None:
    """Ask the customer as the operator, and wait for the window."""
    computer = game.lab.pcs[0].computer
    computer.ask_agent(rq.SessionStart(session=session, reason="Updates"))
    computer.ask_agent(rq.CredentialRequest(session=session, restarts=1))
    eventually(computer.customer.screen, "the window")


def test_the_answers_and_the_deeds_of_a_grant(game: Played) -> None:
    """`mistype` returns the words of the window. The customer can pause, resume and revoke a grant."""
    back(game)
    for name in OF_A_GRANT:
        with pytest.raises(LabError, match="has lent nothing"):
            game.lab.done("pc1", name)
    ask(game, "CHG-1")
    assert "1 try left" in game.lab.done("pc1", "mistype")
    assert "on the screen: " in game.lab.done("pc1", "status")
    assert game.lab.done("pc1", "allow") == "PC-1\\anna allowed it."
    for name in ("pause", "resume", "revoke"):
        assert OF_A_GRANT[name] in game.lab.done("pc1", name)
    game.lab.pcs[0].computer.ask_agent(rq.SessionEnd(session="CHG-1"))
    ask(game, "CHG-2")
    with pytest.raises(LabError, match="decline did not succeed"):
        game.lab.done("pc1", "decline", "x" * 5000)
    with pytest.raises(LabError, match="at most 1d"):
        game.lab.done("pc1", "later", "2d")
    game.lab.done("pc1", "lock")
    with pytest.raises(LabError, match=r"it is locked\. First: lab pc1 sign-in"):
        game.lab.done("pc1", "allow")
    game.lab.done("pc1", "sign-in")
    eventually(game.lab.pcs[0].computer.customer.screen, "the window")
    assert game.lab.done("pc1", "decline", "Tsch\u00fc\u00df") == "PC-1\\anna declined."
    game.lab.pcs[0].computer.ask_agent(rq.SessionEnd(session="CHG-2"))


def test_the_status_is_that_of_this_moment(game: Played) -> None:
    """After a power cut the PC is off, and nobody is at its console."""
    back(game)
    game.lab.done("pc1", "power-cut")
    status = game.lab.done("pc1", "status")
    assert "PC-1, off; the agent does not answer" in status
    assert "console: nobody" in status


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_a_deed_that_is_not_possible_gets_a_sentence(game: Played, name: str) -> None:
    """On a PC that is off each deed but to switch it on is refused with a sentence, and nothing else happens."""
    back(game)
    computer = game.lab.pcs[0].computer
    if name == "power-on":
        with pytest.raises(LabError, match="not off"):
            game.lab.done("pc1", name)
        return
    computer.power_cut()
    if name == "change-password":
        # An account changes its password elsewhere, too.
        assert game.lab.done("pc1", name)
        return
    needed = DEEDS[name].argument
    with pytest.raises(LabError, match=r"\w"):
        game.lab.done("pc1", name, "+2h" if needed and not needed.usual else "")
    assert computer.power_state == "off"


@pytest.mark.parametrize(
    ("deed", "argument", "sentence"),
    [
        ("fly", "", "There is no deed 'fly'"),
        ("lock", "twice", "The deed lock has no argument"),
        ("clock", "", "The deed clock needs an argument"),
        ("clock", "yesterday", "'yesterday' is no time"),
        ("clock", "0h", "'0h' is no time"),
        ("clock", "999999d", "'999999d' is no time"),
        ("sleep", "-1h", "'-1h' is no time"),
    ],
)
def test_a_wrong_deed_gets_a_sentence(game: Played, deed: str, argument: str, sentence: str) -> None:
    """A name or an argument that does not exist changes nothing."""
    back(game)
    with pytest.raises(LabError, match=sentence):
        deeds.done(game.lab.pcs[0], deed, argument)


def test_the_state_follows_the_pc(game: Played) -> None:
    """The feed tells each change of the screen and of the power; the customer's acts and the PC's come in order."""
    back(game)
    pc = game.lab.pcs[0]
    fresh = threading.Event()
    stop = game.lab.feed.watch(fresh.set)
    pc.computer.customer.lock()
    eventually(lambda: (game.lab.feed.last_state("pc1")["console"] or {}).get("locked"), "the locked screen")
    pc.computer.power_cut()
    eventually(lambda: game.lab.feed.last_state("pc1")["power"] == "off", "the power cut")
    assert game.lab.feed.last_state("pc1")["agent"] == "does not answer"
    stop()
    assert fresh.is_set()
    told = [news.content.get("what") for news in game.lab.feed.after(0) if news.kind == "happened"]
    assert told.index("locked") < len(told) - told[::-1].index("power_cut")
    json.dumps(game.lab.description())
