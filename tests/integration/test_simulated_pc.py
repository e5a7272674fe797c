# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated PC itself: power, processes, programs, faults."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import tempfile
import threading
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import winrm.protocol

from lab.computer import LabError
from lab.simulated.simulated_pc import pc
from lab.simulated.windows_model import WindowsError
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from tests.integration.simulated_fixtures import SESSION, ask, refusal, start_session

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.integration.simulated_fixtures import MakePc

LATCHKEYCTL = r"C:\Program Files\Latchkey\latchkeyctl.exe"


def listens(computer: SimulatedComputer) -> bool:
    """Return whether the listener's port accepts connections."""
    with socket.socket() as probe:
        return probe.connect_ex((computer.reach.host, computer.reach.port)) == 0


def connect(computer: SimulatedComputer) -> winrm.protocol.Protocol:
    """Connect with pywinrm, as Ansible's winrm connection does."""
    reach = computer.reach
    return winrm.protocol.Protocol(
        f"http://{reach.host}:{reach.port}/wsman",
        transport="plaintext",
        username=reach.user,
        password=reach.password,
        # The test does not use TLS; without a value pywinrm warns about the machine's own setting.
        ca_trust_path="unused",
    )


def run(computer: SimulatedComputer, program: str, *arguments: str) -> tuple[int, str]:
    """Run a program through WinRM, without PowerShell; return exit code and output."""
    client = connect(computer)
    shell = client.open_shell()
    try:
        command = client.run_command(shell, program, arguments, skip_cmd_shell=True)
        out, err, code = client.get_command_output(shell, command)
    finally:
        client.close_shell(shell)
        client.transport.close_session()
    return code, (out + err).decode()


def info(computer: SimulatedComputer) -> ans.InfoAnswer:
    """Return the agent's answer to info."""
    return ask(computer, rq.Info(), ans.InfoAnswer)


def processes_of(folder: Path) -> list[str]:
    """Return the processes of this machine that have a file of the PC's folder open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            files = [link.readlink() for link in (process / "fd").iterdir()]
        except OSError:
            continue
        if process.name != str(Path("/proc/self").readlink()) and any(
            file.is_relative_to(folder) for file in files
        ):
            found.append(process.name)
    return found


def test_a_pc_comes_up_with_the_customer_signed_in(simulated_pc: MakePc) -> None:
    """After the boot the agent and the listener answer, and the customer is signed in at the console."""
    with simulated_pc() as computer:
        assert listens(computer)
        assert info(computer).agent.device == "PC-ANNA"
        session = computer.on_loop(computer.windows.sessions.on_console)
        assert session is not None
        assert (session.account.user, session.locked) == ("anna", False)


def test_only_the_folder_of_a_pc_remains(simulated_pc: MakePc, tmp_path: Path) -> None:
    """After the context no process, socket or port of the PC remains."""
    with simulated_pc() as computer:
        assert len(processes_of(tmp_path)) == 2
    assert processes_of(tmp_path) == []
    assert not listens(computer)
    assert not computer._pipes.exists()
    assert (computer.disk / "C/ProgramData/Latchkey/journal.db").is_file()


def test_a_power_cut_kills_everything_and_the_disk_survives(simulated_pc: MakePc, tmp_path: Path) -> None:
    """A power cut closes the port; after the next boot the port is the same and the journal continues."""
    with simulated_pc() as computer:
        start_session(computer)
        before = info(computer).agent.boot_id
        computer.power_cut()
        assert processes_of(tmp_path) == []
        assert not listens(computer)
        with pytest.raises(OSError, match="refused"):
            info(computer)
        port = computer.reach.port
        computer.power_on()
        computer.wait_until_up()
        after = info(computer)
        assert (listens(computer), computer.reach.port) == (True, port)
        assert after.agent.boot_id != before
        assert [session.name for session in after.sessions] == [SESSION]


async def linger() -> None:
    """End slowly."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(1)


def test_power_that_comes_back_at_once_boots_the_pc(simulated_pc: MakePc) -> None:
    """The end of a power cut's processes does not end processes of the next boot."""
    with simulated_pc() as computer:
        computer.on_loop(lambda: computer._machine.boot_tasks.start(linger(), "linger"))
        cutting = threading.Thread(target=computer.power_cut)
        cutting.start()
        computer.events.wait_for("power_cut")
        computer.power_on()
        cutting.join()
        computer.wait_for_logon_screen(2)
        assert info(computer).agent.ready


def test_a_power_cut_kills_the_programs_that_run(simulated_pc: MakePc, tmp_path: Path) -> None:
    """A power cut kills a program that was started through WinRM."""
    with simulated_pc(updates_seconds=60.0) as computer:
        client = connect(computer)
        arguments = ("install",)
        shell = client.open_shell()
        client.run_command(shell, r"C:\Lab\updates.exe", arguments, skip_cmd_shell=True)
        computer.events.wait_for("updates_begun")
        client.transport.close_session()
        running = [
            process
            for process in Path("/proc").glob("[0-9]*/cmdline")
            if str(computer._pipes).encode() in process.read_bytes()
        ]
        assert len(running) == 1
        program = os.pidfd_open(int(running[0].parent.name))
        try:
            assert select.select([program], [], [], 0)[0] == []
            computer.power_cut()
            assert select.select([program], [], [], 20)[0] == [program]
        finally:
            os.close(program)


def test_a_pc_is_off_after_a_shutdown(simulated_pc: MakePc, tmp_path: Path) -> None:
    """An orderly shutdown signs the customer out and stops the services; a boot can follow."""
    with simulated_pc() as computer:
        computer.shut_down()
        assert processes_of(tmp_path) == []
        names = [event.what for event in computer.events.all()]
        assert names[-3:] == ["going_down", "signed_out", "down"]
        computer.power_on()
        computer.wait_until_up()
        assert listens(computer)
    assert "the PC is gone" not in (tmp_path / "pc" / "agent.log").read_text()


def test_a_pc_that_is_on_cannot_be_switched_on(simulated_pc: MakePc) -> None:
    """Switching on a running PC is an error."""
    with simulated_pc() as computer, pytest.raises(LabError, match="is not off, it is on"):
        computer.power_on()


def test_no_user_can_sign_in_at_a_pc_that_is_off(simulated_pc: MakePc) -> None:
    """A sign-in at a PC without power is an error."""
    with simulated_pc() as computer:
        computer.power_cut()
        with pytest.raises(LabError, match="does not run"):
            computer.customer.sign_in()


def test_a_frozen_pc_accepts_and_does_not_answer(simulated_pc: MakePc) -> None:
    """A frozen PC accepts a connection and stays silent until it continues."""
    with simulated_pc() as computer:
        computer.freeze()
        reach = computer.reach
        with socket.create_connection((reach.host, reach.port), timeout=0.3) as connection:
            connection.sendall(b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            with pytest.raises(TimeoutError):
                connection.recv(1)
            computer.thaw()
            connection.settimeout(5)
            assert connection.recv(8) == b"HTTP/1.1"


def test_a_crashed_agent_is_started_again_in_the_same_boot(simulated_pc: MakePc) -> None:
    """A crashed agent comes back as a new process in the same boot."""
    with simulated_pc() as computer:
        before = info(computer).agent.boot_id
        computer.crash_agent()
        assert info(computer).agent.boot_id == before


def test_a_repeated_restart_happens_once(simulated_pc: MakePc) -> None:
    """The agent may repeat its restart after a crash; another party's restart meanwhile is refused."""
    with simulated_pc() as computer:
        for _ in range(2):
            computer.on_loop(lambda: computer._power.restart(message="", grace=0.2, by_agent=True))
        with pytest.raises(WindowsError, match="1190"):
            computer.windows_update_restart()
        computer.wait_for_logon_screen(2)
        assert computer.events.count("restart_announced") == 1


def test_setting_the_clock_is_known_to_the_agent_at_once(simulated_pc: MakePc) -> None:
    """After `set_clock` the agent's next answer has the new time, in the PC's zone."""
    with simulated_pc() as computer:
        moment = datetime(2027, 7, 1, 22, 30).astimezone(computer.windows.clock.zone)
        computer.set_clock(moment)
        now = datetime.fromisoformat(info(computer).agent.now)
        assert timedelta(0) <= now - moment < timedelta(seconds=10)
        assert now.utcoffset() == timedelta(hours=2)


def test_the_programs_of_the_pc_run_through_winrm(simulated_pc: MakePc) -> None:
    """The programs are real processes that act on this PC: its name, its pending restart, its events."""
    with simulated_pc(updates_seconds=0.01) as computer:
        assert run(computer, r"C:\Lab\hostname.exe") == (0, "PC-ANNA\n")
        assert not info(computer).pending_restart.pending
        code, _ = run(computer, r"C:\Lab\updates.exe", "install")
        assert code == 0
        assert info(computer).pending_restart.reasons == ["Windows Update"]
        assert run(computer, r"C:\Lab\accounting.exe", "upgrade")[0] == 0
        assert computer.events.count("accounting_upgraded") == 1
        assert run(computer, r"C:\Lab\updates.exe", "uninstall")[0] == 87
        assert "PC-ANNA" in run(computer, LATCHKEYCTL, "status")[1]


def test_latchkeyctl_says_when_the_agent_does_not_run(simulated_pc: MakePc) -> None:
    """While the service is down latchkeyctl reports that the agent does not run."""
    with simulated_pc() as computer:
        computer.faults.agent_stays_down = True
        computer.power_cut()
        computer.power_on()
        computer.wait_until_up()
        assert run(computer, LATCHKEYCTL, "--json", "status")[0] == 69


def test_an_operator_without_the_right_is_refused(simulated_pc: MakePc) -> None:
    """An account that is neither administrator nor in the group of operators gets no data from the agent."""
    with simulated_pc(operator_permitted=False) as computer:
        assert refusal(computer, rq.Info()).code == "not_permitted"


def test_a_full_disk_is_reported_until_space_is_free(simulated_pc: MakePc) -> None:
    """A command is refused while the disk is full, and succeeds once space is free."""
    with simulated_pc() as computer:
        computer.fill_disk()
        start = rq.SessionStart(session=SESSION, reason="x")
        assert refusal(computer, start).code == "storage_failed"
        computer.fill_disk(full=False)
        start_session(computer)


def test_several_pcs_live_side_by_side(tmp_path: Path) -> None:
    """Each PC has its own name, port, clock and disk; a power cut of one does not affect the others."""
    with ExitStack() as stack:
        one, two, three = (
            stack.enter_context(pc(tmp_path / name, name=name)) for name in ("PC-1", "PC-2", "PC-3")
        )
        assert len({computer.reach.port for computer in (one, two, three)}) == 3
        two.set_clock(one.windows.clock.now() + timedelta(days=400))
        start_session(one)
        one.power_cut()
        assert [info(c).agent.device for c in (two, three)] == ["PC-2", "PC-3"]
        days = datetime.fromisoformat(info(two).agent.now) - datetime.fromisoformat(info(three).agent.now)
        assert round(days / timedelta(days=1)) == 400
        assert info(three).sessions == []


def test_a_failure_inside_the_lab_is_not_lost(simulated_pc: MakePc) -> None:
    """A failure in a background task of the lab fails the test that used the PC."""

    async def fail() -> None:
        raise ZeroDivisionError

    def use_a_pc() -> None:
        with simulated_pc() as computer:
            computer.on_loop(lambda: computer._machine.tasks.start(fail(), "failing"))
            with pytest.raises(LabError, match="failing: ZeroDivisionError"):
                computer.events.wait_for("never")

    with pytest.raises(LabError, match="something failed inside PC-ANNA: ZeroDivisionError"):
        use_a_pc()


def test_a_pc_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid setting ends in its error, and leaves no folder for sockets behind."""
    places = tmp_path / "t"
    places.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(places))
    with pytest.raises(LabError, match="time zone"), pc(tmp_path / "pc", zone="Middle/Earth"):
        pass
    assert list(places.iterdir()) == []


def test_a_socket_folder_with_a_long_path_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error for a temporary folder that is too deep for Unix sockets explains it in a sentence."""
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with pytest.raises(LabError, match="set TMPDIR to a shorter one"), pc(tmp_path / "pc"):
        pass
    assert list(deep.iterdir()) == []
