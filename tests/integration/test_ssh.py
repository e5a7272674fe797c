# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSSH's own client against the lab's SSH server, with either default shell."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.packaging.system_tools import SSH
from lab.simulated.simulated_pc import pc
from lab.ssh.defaultshell import DefaultShell, read_command
from lab.wsman.commandline import TooLong
from tests.integration.wsman_fixtures import canonical, is_running
from tests.needs import require
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.simulated.simulated_pc import SimulatedComputer

CONNECTIONS = {"powershell": "ssh, PowerShell", "cmd": "ssh, cmd"}
HOSTNAME = r"& 'C:\Lab\hostname.exe'"
UPDATES_SECONDS = 30.0


@pytest.fixture(scope="module")
def ssh_pc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedComputer]:
    """A PC with an SSH server for each default shell."""
    require(SSH)
    listeners = ("ssh-powershell", "ssh-cmd")
    with pc(tmp_path_factory.mktemp("ssh"), listeners=listeners, updates_seconds=UPDATES_SECONDS) as computer:
        yield computer


def ssh(computer: SimulatedComputer, shell: str, *command: str) -> list[str]:
    """Return the client's command line."""
    v = computer.inventory(CONNECTIONS[shell])
    return [
        "ssh", *v["ansible_ssh_common_args"].split(), "-i", v["ansible_ssh_private_key_file"],
        "-p", str(v["ansible_port"]), f"{v['ansible_user']}@{v['ansible_host']}", *command,
    ]  # fmt: skip


def run(
    computer: SimulatedComputer, shell: str, *command: str, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run one command to its end; return its result."""
    return subprocess.run(
        ssh(computer, shell, *command), input=given, capture_output=True, timeout=30, check=False
    )


@pytest.mark.parametrize("shell", CONNECTIONS)
def test_a_script_runs_on_the_pc(ssh_pc: SimulatedComputer, shell: str) -> None:
    """The collection's command line runs a program of the PC under both shells."""
    done = run(ssh_pc, shell, canonical(HOSTNAME))
    assert (done.returncode, done.stdout.strip()) == (0, b"PC-ANNA")


@pytest.mark.parametrize("shell", CONNECTIONS)
def test_input_reaches_the_agent(ssh_pc: SimulatedComputer, shell: str) -> None:
    """Input for the command reaches the agent's program, and its answer comes back."""
    script = "$input | & 'C:\\Program Files\\Latchkey\\latchkeyctl.exe' 'request'"
    done = run(ssh_pc, shell, canonical(script), given=b'{"verb":"none","protocol":1}\n')
    assert b'"error"' in done.stdout


@pytest.mark.parametrize(("shell", "code"), [("powershell", 1), ("cmd", 69)])
def test_only_cmd_passes_the_exit_code_on(ssh_pc: SimulatedComputer, shell: str, code: int) -> None:
    """PowerShell as the default shell reduces the exit code of its inner PowerShell to 0 or 1; cmd passes it on."""
    assert run(ssh_pc, shell, canonical("exit 69")).returncode == code


@pytest.mark.parametrize("shell", CONNECTIONS)
def test_unknown_commands_are_reported(ssh_pc: SimulatedComputer, shell: str) -> None:
    """A command that the lab does not know fails with an error that names it."""
    done = run(ssh_pc, shell, "Get-Process | Sort-Object")
    assert done.returncode == 250
    assert b"unsupported" in done.stderr


def sftp(computer: SimulatedComputer, shell: str, batch: str) -> subprocess.CompletedProcess[str]:
    """Run OpenSSH's sftp as Ansible does."""
    _ssh, *options, where = ssh(computer, shell)
    options[options.index("-p")] = "-P"
    client = ["sftp", "-b", "-", *options, where]
    return subprocess.run(client, input=batch, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("shell", CONNECTIONS)
def test_files_are_transferred(ssh_pc: SimulatedComputer, shell: str, tmp_path: Path) -> None:
    """A file that was put is on the PC's disk under its Windows path, and is fetched unchanged."""
    content = random.Random(4711).randbytes(3_000_001)  # noqa: S311 - the same in every run
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(content)
    place = f"/C:/Users/helpdesk/two words {shell}.bin"

    done = sftp(ssh_pc, shell, f"put '{source}' '{place}'\nget '{place}' '{back}'\n")

    assert done.returncode == 0, done.stderr
    assert (ssh_pc.operator_folder / f"two words {shell}.bin").read_bytes() == content
    assert back.read_bytes() == content


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ("put {file} /C:/none/x", "No such file"),
        ("get /C:/none/x {file}", "not found"),
        ("put {file} '/C:/Users/x?'", "Failure"),
        ("mkdir /C:/Users/x", "unsupported"),
    ],
)
def test_impossible_transfers_are_reported(
    ssh_pc: SimulatedComputer, tmp_path: Path, batch: str, message: str
) -> None:
    """A missing folder, a forbidden name and an operation that is not a transfer are errors."""
    file = tmp_path / "file"
    file.write_bytes(b"x")
    done = sftp(ssh_pc, "cmd", batch.format(file=file) + "\n")
    assert done.returncode == 1
    assert re.search(message, done.stderr), done.stderr


def test_cmd_accepts_8191_characters() -> None:
    """One character more is too long for cmd; PowerShell accepts it."""
    fits = canonical("'a'").ljust(8191)[: 8191 - 1] + "x"
    assert read_command(fits, DefaultShell.CMD).task != TooLong()
    assert read_command(fits + "x", DefaultShell.CMD).task == TooLong()
    assert read_command(fits + "x", DefaultShell.POWERSHELL).task != TooLong()


def test_too_long_for_cmd(ssh_pc: SimulatedComputer) -> None:
    """cmd reports a line that is too long in its own words."""
    done = run(ssh_pc, "cmd", canonical("'" + "a" * 4000 + "'"))
    assert (done.returncode, done.stderr) == (1, b"The command line is too long.\r\n")


def test_another_key_is_refused(ssh_pc: SimulatedComputer, tmp_path: Path) -> None:
    """The server accepts only the operator's key."""
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    line = ssh(ssh_pc, "cmd", canonical(HOSTNAME))
    line[line.index("-i") + 1] = str(other)
    done = subprocess.run(line, capture_output=True, timeout=30, check=False)
    assert done.returncode == 255
    assert b"Permission denied" in done.stderr


def begin(computer: SimulatedComputer, shell: str) -> subprocess.Popen[bytes]:
    """Start a slow program of the PC, and wait until it runs."""
    count = len(programs(computer))
    command = ssh(computer, shell, canonical(r"& 'C:\Lab\updates.exe' 'install'"))
    client = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    eventually(lambda: len(programs(computer)) > count, "the program's start", 20)
    return client


def programs(computer: SimulatedComputer) -> list[int]:
    """Return the process ids of the PC's slow program."""
    place = str(computer._pipes).encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"lab.simulated.programs.updates" in line and place in line:
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("shell", CONNECTIONS)
def test_a_program_ends_with_its_connection(ssh_pc: SimulatedComputer, shell: str) -> None:
    """A program ends with its client, as under a Windows' sshd that keeps a session in a job object."""
    client = begin(ssh_pc, shell)
    (program,) = programs(ssh_pc)
    client.kill()
    client.wait()
    eventually(lambda: not is_running(program), "the program's end")


@pytest.mark.parametrize("shell", CONNECTIONS)
def test_a_program_may_outlive_its_connection(tmp_path: Path, shell: str) -> None:
    """With the setting a program goes on without its client, as the sshd of Windows lets it."""
    require(SSH)
    listeners = ("ssh-powershell", "ssh-cmd")
    with pc(tmp_path / "pc", listeners=listeners, updates_seconds=2.0, ssh_orphans=True) as computer:
        client = begin(computer, shell)
        client.kill()
        client.wait()
        computer.events.wait_for("updates_installed", 1, 20)


def test_a_power_cut_ends_connections_and_programs(ssh_pc: SimulatedComputer) -> None:
    """A power cut ends connections and programs at once; after the boot the same port answers."""
    clients = [begin(ssh_pc, shell) for shell in CONNECTIONS]
    running = programs(ssh_pc)
    assert len(running) == 2

    ssh_pc.power_cut()

    assert [client.wait(10) for client in clients] == [255, 255]
    eventually(lambda: not any(map(is_running, running)), "the programs' end")
    assert run(ssh_pc, "cmd", canonical(HOSTNAME)).returncode == 255
    ssh_pc.power_on()
    ssh_pc.wait_until_up()
    assert run(ssh_pc, "cmd", canonical(HOSTNAME)).stdout.strip() == b"PC-ANNA"


def test_a_frozen_pc_accepts_and_never_answers(ssh_pc: SimulatedComputer) -> None:
    """A client of a frozen PC waits, and is served when the PC continues."""
    ssh_pc.freeze()
    client = subprocess.Popen(
        ssh(ssh_pc, "cmd", canonical(HOSTNAME)), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    with pytest.raises(subprocess.TimeoutExpired):
        client.wait(0.5)
    ssh_pc.thaw()
    answer, _ = client.communicate(timeout=20)
    assert answer.strip() == b"PC-ANNA"
