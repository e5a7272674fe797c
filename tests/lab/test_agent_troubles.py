# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with the agent and its PC: each is told by its own code, and what is mended goes on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Grant
from lab.simulated.pc_settings import POLICY
from lab.simulated.windows_model import WindowsError
from latchkey_agent.protocol import PROTOCOL_VERSION
from latchkey_agent.storage.vault import MAGIC
from tests.lab.job import apply, end, request, start, task
from tests.lab.scenes import Fails, Played, Scene, each, played

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.scenes import Act

pytestmark = pytest.mark.timeout(240)

FLOOD = "C:\\Lab\\flood.exe"
CTL = "& 'C:\\Program Files\\Latchkey\\latchkeyctl.exe'"
OTHER = {"session": "INC-7"}
READERS: dict[str, sqlite3.Connection] = {}


def ctl(*words: str) -> dict[str, Any]:
    """Return the task by which an administrator uses latchkeyctl from afar."""
    return {"name": "ctl", "ansible.builtin.raw": f"{CTL} --json {' '.join(words)}"}


def journal(computer: SimulatedComputer) -> Path:
    """Return the journal's file."""
    return computer.agent_folder / "journal.db"


def while_off(change: Act) -> Act:
    """Return the act that shuts the PC down, changes something on its disk, and switches it on again."""

    def act(computer: SimulatedComputer) -> None:
        computer.shut_down()
        change(computer)
        computer.power_on()
        computer.wait_until_up()

    return act


def fill(computer: SimulatedComputer) -> None:
    """Let the disk be full."""
    computer.fill_disk()


def make_room(computer: SimulatedComputer) -> None:
    """Let there be room again."""
    computer.fill_disk(full=False)


def settings(text: str) -> Act:
    """Return the act that writes the agent's settings file."""
    return lambda computer: (computer.agent_folder / "settings.toml").write_text(text)


def corrupt(computer: SimulatedComputer) -> None:
    """Change one letter of an event."""
    content = journal(computer).read_bytes()
    assert b"Monthly updates" in content
    journal(computer).write_bytes(content.replace(b"Monthly updates", b"Monthly Updates"))


def shorten(computer: SimulatedComputer) -> None:
    """Take the last two events away, as if they had never been."""
    with closing(sqlite3.connect(journal(computer))) as database, database:
        database.execute("DELETE FROM events WHERE seq > (SELECT max(seq) - 2 FROM events)")


def written_by(version: int) -> Act:
    """Return the act that lets the journal be of an agent with this version of it."""

    def act(computer: SimulatedComputer) -> None:
        with closing(sqlite3.connect(journal(computer))) as database:
            database.execute(f"PRAGMA user_version = {version}")

    return while_off(act)


def lose_keys(computer: SimulatedComputer) -> None:
    """Let DPAPI not open any more what it has sealed."""
    computer.lose_keys()


def stop_sessions(computer: SimulatedComputer) -> None:
    """Let Windows not say who is signed in, as without its Remote Desktop Services."""

    def refuse() -> None:
        raise WindowsError(1722, "The RPC server is unavailable.")

    computer.on_loop(lambda: setattr(computer.windows.sessions, "signed_in", refuse))


def start_sessions(computer: SimulatedComputer) -> None:
    """Let Windows say it again."""
    computer.on_loop(lambda: delattr(computer.windows.sessions, "signed_in"))


def read_along(computer: SimulatedComputer) -> None:
    """Let another program read the journal, which keeps its log from being emptied."""
    reader = sqlite3.connect(journal(computer), isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    READERS[str(computer.disk)] = reader


def stop_reading(computer: SimulatedComputer) -> None:
    """Let that program end."""
    READERS.pop(str(computer.disk)).close()


def patiently(one: dict[str, Any]) -> dict[str, Any]:
    """Return a task that is tried until it succeeds."""
    return {**one, "register": "tried", "until": "tried is not failed", "retries": 40, "delay": 0.5}


LENT = {"script": [Grant()]}
SCENES = {
    "full disk": Scene(
        "Nothing is begun on a full disk, and all goes on when there is room.",
        [fill, Fails(start(), "storage_failed"), make_room, start(), end()],
    ),
    "wrong settings": Scene(
        "A settings file that is wrong refuses everything; one that is mended is read again.",
        [start(), settings("policy = 1"), Fails(request(), "policy_invalid"), settings(POLICY), end()],
    ),
    "corrupt journal": Scene(
        "One changed letter is noticed; an administrator sets the journal aside, and a new one begins.",
        [
            *(start(), request(), Fails(ctl("journal", "reset"), "out_of_order"), while_off(corrupt)),
            *(
                Fails(start(), "journal_damaged"),
                Fails(end(), "journal_damaged"),
                task("credential_info", "info"),
            ),
            *(ctl("journal", "reset"), start(), end()),
        ],
        LENT,
    ),
    "newer journal": Scene(
        "What a newer agent wrote is not touched, and goes on when that agent is back.",
        [start(), request(), written_by(2), Fails(apply(), "journal_newer"), written_by(1), apply(), end()],
        LENT,
    ),
    "shortened journal": Scene(
        "A journal without its end is no journal.",
        [start(), request(), while_off(shorten), Fails(request(), "journal_damaged")],
        LENT,
    ),
    "lost keys": Scene(
        "What Windows does not open any more is erased.",
        [start(), request(), lose_keys, Fails(apply(), "grant_rejected"), end()],
        LENT,
    ),
    "Windows fails": Scene(
        "Where Windows itself does not answer nothing is done, and all goes on when it does.",
        [start(), stop_sessions, Fails(request(), "agent_failed"), start_sessions, request(), end()],
        LENT,
    ),
    "not erased": Scene(
        "What is not known to be erased is told so, keeps new secrets out, and is tried again until it is.",
        [
            *(start(), start(**OTHER), request(), read_along, Fails(end(), "erasure_unconfirmed")),
            *(Fails(request(**OTHER), "erasure_unconfirmed"), stop_reading, patiently(end())),
        ],
        LENT,
    ),
    "older agent": Scene(
        "Of an agent of another version nothing is asked.",
        [Fails(start(), "protocol_mismatch"), Fails(task("credential_info", "info"), "protocol_mismatch")],
        {"agent_protocol": PROTOCOL_VERSION - 1},
    ),
    "newer agent": Scene(
        "Nor of a newer one.", [Fails(start(), "protocol_mismatch")], {"agent_protocol": PROTOCOL_VERSION + 1}
    ),
    "large request": Scene(
        "What is longer than a request may be is refused, and the agent goes on.",
        [Fails(start(reason="x" * 70_000), "message_too_large"), start(), end()],
    ),
    "large answer": Scene(
        "Ten megabytes are no answer of the agent's.",
        [Fails(start(agent_path=FLOOD), "answer_too_large"), start(), end()],
        {"programs": {FLOOD: "tests.lab.flood"}},
    ),
}


@pytest.fixture(scope="module")
def troubles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Let all of it happen, each on a PC of its own."""
    with played(tmp_path_factory.mktemp("troubles"), SCENES) as all_played:
        yield all_played


def test_a_damaged_journal_is_not_used(troubles: Played) -> None:
    """Nothing is sealed in what was set aside, and what is not ready says why."""
    for name in ("corrupt journal", "shortened journal"):
        folder = troubles.computers[name].agent_folder
        assert [file.name for file in folder.glob("journal*") if MAGIC in file.read_bytes()] == []
    told = troubles.job.result("info", "corrupt journal")["agent"]
    assert (told["ready"], "event 3 is missing or was changed" in told["problem"]) == (False, True)
    assert list(troubles.computers["corrupt journal"].agent_folder.glob("journal.damaged-*.db"))


def test_an_agent_of_another_version_says_which(troubles: Played) -> None:
    """Both versions are named."""
    told = {name: troubles.job.result("start", f"{name} agent")["msg"] for name in ("older", "newer")}
    ours = PROTOCOL_VERSION
    assert f"uses protocol {ours}; the agent on this PC uses protocol {ours - 1}" in told["older"]
    assert f"uses protocol {ours}; the agent on this PC uses protocol {ours + 1}" in told["newer"]


@pytest.mark.parametrize("name", each(SCENES))
def test_a_trouble_comes_to_this(troubles: Played, name: str) -> None:
    """Each task ends as the scene says: with its code, or well."""
    assert troubles.ends(name) == SCENES[name].ends, troubles.job.output
