# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the agent and its PC: each has its own error code, and the agent recovers after a repair."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Grant
from lab.simulated.pc_settings import POLICY
from lab.simulated.windows_model import WindowsError
from lab.wsman.host import StandIn
from latchkey_agent.protocol import PROTOCOL_VERSION
from latchkey_agent.storage.journal import SCHEMA_VERSION
from latchkey_agent.storage.vault import MAGIC
from tests.lab import kinds
from tests.lab.job import apply, ctl, end, request, start, task
from tests.lab.scenes import Fails, Played, Scene, each, played

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.scenes import Act

pytestmark = pytest.mark.timeout(240)

FLOOD = "C:\\Lab\\flood.exe"
BLOCKED = "C:\\Lab\\blocked.exe"
OTHER = {"session": "INC-7"}
READERS: dict[str, sqlite3.Connection] = {}
KEYS: dict[str, bytes] = {}


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
    """Fill the disk."""
    computer.fill_disk()


def free_space(computer: SimulatedComputer) -> None:
    """Free disk space."""
    computer.fill_disk(full=False)


def settings(text: str) -> Act:
    """Return the act that writes the agent's settings file."""
    return lambda computer: (computer.agent_folder / "settings.toml").write_text(text)


def corrupt(computer: SimulatedComputer) -> None:
    """Change one letter of an event.

    A PC whose agent had no time to close the journal leaves its write-ahead log, which has newer pages than the
    database.
    """
    with closing(sqlite3.connect(journal(computer))) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = journal(computer).read_bytes()
    assert b"Monthly updates" in content
    journal(computer).write_bytes(content.replace(b"Monthly updates", b"Monthly Updates"))


def shorten(computer: SimulatedComputer) -> None:
    """Remove the last two events."""
    with closing(sqlite3.connect(journal(computer))) as database, database:
        database.execute("DELETE FROM events WHERE seq > (SELECT max(seq) - 2 FROM events)")


def written_by(version: int) -> Act:
    """Return the act that sets the version of the journal."""

    def act(computer: SimulatedComputer) -> None:
        with closing(sqlite3.connect(journal(computer))) as database:
            database.execute(f"PRAGMA user_version = {version}")

    return while_off(act)


def lose_keys(computer: SimulatedComputer) -> None:
    """Let DPAPI refuse all that it has sealed."""
    computer.lose_keys()


def block_keys(computer: SimulatedComputer) -> None:
    """Let DPAPI open nothing, and the agent start anew; note its device key."""
    KEYS[str(computer.disk)] = (computer.agent_folder / "device.key").read_bytes()
    computer.block_keys()
    computer.crash_agent()


def open_keys(computer: SimulatedComputer) -> None:
    """Let DPAPI work again."""
    computer.block_keys(blocked=False)


def same_key(computer: SimulatedComputer) -> None:
    """Compare the device key with the noted one."""
    assert (computer.agent_folder / "device.key").read_bytes() == KEYS.pop(str(computer.disk))


def stop_sessions(computer: SimulatedComputer) -> None:
    """Let Windows fail to list the signed-in users, as without its Remote Desktop Services."""

    def refuse() -> None:
        raise WindowsError(1722, "The RPC server is unavailable.")

    computer.on_loop(lambda: setattr(computer.windows.sessions, "signed_in", refuse))


def start_sessions(computer: SimulatedComputer) -> None:
    """Let Windows list the signed-in users again."""
    computer.on_loop(lambda: delattr(computer.windows.sessions, "signed_in"))


def keep_journal_open(computer: SimulatedComputer) -> None:
    """Let another program read the journal; its write-ahead log then cannot be emptied."""
    reader = sqlite3.connect(journal(computer), isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM events").fetchone()
    READERS[str(computer.disk)] = reader


def stop_reading(computer: SimulatedComputer) -> None:
    """End that program."""
    READERS.pop(str(computer.disk)).close()


def retried(one: dict[str, Any]) -> dict[str, Any]:
    """Return a task that Ansible retries until it succeeds."""
    return {**one, "register": "tried", "until": "tried is not failed", "retries": 40, "delay": 0.5}


def withhold_desktop(computer: SimulatedComputer) -> None:
    """Let the desktop of the next logon not appear."""
    computer.faults.withholds_desktop = True


def show_desktop(computer: SimulatedComputer) -> None:
    """Let that desktop appear; return when it is locked."""
    computer.faults.withholds_desktop = False
    computer.events.wait_for("locked")


LENT = {"script": [Grant()]}
SCENES = {
    "full disk": Scene(
        "A full disk refuses a start; the job continues once space is free.",
        [fill, Fails(start(), "storage_failed"), free_space, start(), end()],
    ),
    "wrong settings": Scene(
        "A broken settings file refuses every request; a repaired one is read again.",
        [start(), settings("policy = 1"), Fails(request(), "policy_invalid"), settings(POLICY), end()],
    ),
    "corrupt journal": Scene(
        "One changed letter counts as damage; an administrator sets the journal aside, and a new one starts.",
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
        "The agent does not change a newer agent's journal; it works again when that agent is back.",
        [
            start(),
            request(),
            written_by(SCHEMA_VERSION + 1),
            Fails(apply(), "journal_newer"),
            written_by(SCHEMA_VERSION),
            apply(),
            end(),
        ],
        LENT,
    ),
    "shortened journal": Scene(
        "A shortened journal counts as damaged.",
        [start(), request(), while_off(shorten), Fails(request(), "journal_damaged")],
        LENT,
    ),
    "lost keys": Scene(
        "A sealed record that Windows cannot open any more is erased.",
        [start(), request(), lose_keys, Fails(apply(), "grant_rejected"), end()],
        LENT,
    ),
    "keys do not open": Scene(
        "While Windows opens no keys, the agent keeps its device key; the same key signs when Windows opens it again.",
        [
            *(start(), block_keys, Fails(ctl("device-key"), "device_key_unusable"), open_keys),
            *(ctl("device-key"), same_key, end()),
        ],
    ),
    "Windows fails": Scene(
        "While Windows fails nothing is done; the job continues when Windows works again.",
        [start(), stop_sessions, Fails(request(), "agent_failed"), start_sessions, request(), end()],
        LENT,
    ),
    "not erased": Scene(
        "An unconfirmed erasure is reported, blocks new grants, and is retried until it is confirmed.",
        [
            *(start(), start(**OTHER), request(), keep_journal_open, Fails(end(), "erasure_unconfirmed")),
            *(Fails(request(**OTHER), "erasure_unconfirmed"), stop_reading, retried(end())),
        ],
        LENT,
    ),
    "late desktop": Scene(
        "Windows accepts a logon and does not show its desktop: the agent stays until the desktop is locked.",
        [
            *(start(), request(), withhold_desktop, Fails(apply(timeout=40), "apply_timeout")),
            *(Fails(ctl("erase", "--all"), "desktop_open"), show_desktop, ctl("erase", "--all"), end()),
        ],
        LENT,
    ),
    "older agent": Scene(
        "An older agent gets no request.",
        [Fails(start(), "protocol_mismatch"), Fails(task("credential_info", "info"), "protocol_mismatch")],
        {"agent_protocol": PROTOCOL_VERSION - 1},
    ),
    "newer agent": Scene(
        "A newer agent gets no request.",
        [Fails(start(), "protocol_mismatch")],
        {"agent_protocol": PROTOCOL_VERSION + 1},
    ),
    "large request": Scene(
        "An oversized request is refused, and the agent keeps running.",
        [Fails(start(reason="x" * 70_000), "message_too_large"), start(), end()],
    ),
    "large answer": Scene(
        "Ten megabytes are not a valid answer.",
        [Fails(start(agent_path=FLOOD), "answer_too_large"), start(), end()],
        {"programs": {FLOOD: "tests.lab.flood"}},
    ),
}
if kinds.chosen() == kinds.SIMULATED:
    # A Wine PC runs the script itself.
    SCENES["antivirus"] = Scene(
        "An antivirus program blocks the script before it runs, and its words reach the operator.",
        [Fails(start(), "program_failed")],
        {"programs": {BLOCKED: "tests.lab.blocked"}, "stand_ins": (StandIn(".*latchkeyctl.*", BLOCKED),)},
    )


@pytest.fixture(scope="module")
def troubles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play all scenes, each on its own PC."""
    with played(tmp_path_factory.mktemp("troubles"), SCENES) as all_played:
        yield all_played


def test_a_damaged_journal_is_not_used(troubles: Played) -> None:
    """The journal set aside holds no sealed record, and the agent reports why it is not ready."""
    for name in ("corrupt journal", "shortened journal"):
        folder = troubles.computers[name].agent_folder
        assert [file.name for file in folder.glob("journal*") if MAGIC in file.read_bytes()] == []
    agent = troubles.job.result("info", "corrupt journal")["agent"]
    assert (agent["ready"], "event 3 is missing or was changed" in agent["problem"]) == (False, True)
    assert list(troubles.computers["corrupt journal"].agent_folder.glob("journal.damaged-*.db"))


def test_the_error_names_both_versions(troubles: Played) -> None:
    """The error for another version of the protocol names both versions."""
    messages = {name: troubles.job.result("start", f"{name} agent")["msg"] for name in ("older", "newer")}
    ours = PROTOCOL_VERSION
    assert f"uses protocol {ours}; the agent on this PC uses protocol {ours - 1}" in messages["older"]
    assert f"uses protocol {ours}; the agent on this PC uses protocol {ours + 1}" in messages["newer"]


@pytest.mark.skipif("kinds.chosen() == kinds.WINE", reason="a Wine PC runs the script itself")
def test_the_words_of_powershell_reach_the_operator(troubles: Played) -> None:
    """Where no answer came, the task quotes the PC, and not the request."""
    result = troubles.job.result("start", "antivirus")
    assert "blocked by your antivirus software" in result["msg"]
    assert "ScriptContainedMaliciousContent" in result["msg"]
    assert result["outcome"] == "unknown"


@pytest.mark.parametrize("name", each(SCENES))
def test_each_task_ends_as_expected(troubles: Played, name: str) -> None:
    """Each task of the scene ends with its expected error code or succeeds."""
    assert troubles.ends(name) == SCENES[name].ends, troubles.job.output
