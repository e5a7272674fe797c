# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's real connection plugins against the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase

from tests.integration.wsman_fixtures import REPORT, USER, WsmanLab, reported

SCRIPT = """$OutputEncoding = [Text.Encoding]::ASCII
if (-not [IO.File]::Exists('{exe}')) {{ 'no agent'; exit 127 }}
$input | & '{exe}' 'report' 'x y'
exit $LASTEXITCODE"""


def make_temporary_folder(connection: ConnectionBase) -> str:
    """Make a temporary folder as `_make_tmp_path` of every action does."""
    command = connection._shell._mkdtemp2(basefile="ansible-tmp-1", tmpdir="%TEMP%")
    code, output, error = connection.exec_command(command.command, command.input_data)
    assert (code, error) == (0, b"")
    return str(output.decode().strip())


@pytest.mark.parametrize("size", [0, 1, 300_000, 700_001])
def test_wsman_files_are_put_and_fetched_whole(wsman_lab: WsmanLab, tmp_path: Path, size: int) -> None:
    """A file of any size is byte-identical after put and fetch."""
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(os.urandom(size))
    connection = wsman_lab.connection()
    folder = make_temporary_folder(connection)
    assert folder == f"C:\\Users\\{USER}\\AppData\\Local\\Temp\\ansible-tmp-1"
    connection.put_file(os.fspath(source), f"{folder}\\file.bin")
    assert wsman_lab.host.read(f"{folder}\\file.bin", 0, size + 1) == source.read_bytes()
    connection.fetch_file(f"{folder}\\FILE.BIN", os.fspath(back))
    assert back.read_bytes() == source.read_bytes()
    code, _, error = connection.exec_command(connection._shell.remove(folder, recurse=True))
    assert (code, error) == (0, b"")
    assert not wsman_lab.host.is_folder(folder)
    connection.close()


def test_wsman_impossible_file_operations_are_errors(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """Putting a file into a missing folder, and fetching or removing a missing file, are errors."""
    source = tmp_path / "source"
    source.write_bytes(b"x")
    connection = wsman_lab.connection()
    with pytest.raises(AnsibleError, match="No such file"):
        connection.put_file(os.fspath(source), "C:\\missing\\x")
    with pytest.raises(AnsibleError, match="failed to transfer"):
        connection.fetch_file("C:\\missing", os.fspath(tmp_path / "back"))
    assert connection.exec_command("Remove-Item 'C:\\missing' -Force")[0] == 1
    assert not (tmp_path / "back").exists()


def test_wsman_home_folder(wsman_lab: WsmanLab) -> None:
    """~ is the user's profile folder."""
    connection = wsman_lab.connection()
    for text, path in (("~", f"C:\\Users\\{USER}"), ("~\\a", f"C:\\Users\\{USER}\\a"), ("b", "b")):
        command = connection._shell._expand_user2(text)
        answer = connection.exec_command(command.command, command.input_data)
        assert answer[1].decode().strip() == path


def test_wsman_the_collections_script_runs(wsman_lab: WsmanLab) -> None:
    """The collection's script runs the agent's program, and reports a missing one."""
    request = json.dumps({"name": 'J\u00fcrgen "x"'}).encode()
    code, output, error = wsman_lab.run(SCRIPT.format(exe=REPORT), request)
    assert (code, error) == (0, b"")
    report = reported(output)
    assert report == {"arguments": ["report", "x y"], "input": request.decode() + "\r\n"}
    assert wsman_lab.run(SCRIPT.format(exe="C:\\none.exe"), request) == (127, b"no agent\r\n", b"")


def test_wsman_unsupported_scripts_never_succeed(
    wsman_lab: WsmanLab, caplog: pytest.LogCaptureFixture
) -> None:
    """Any other script does nothing, ends with 250 and an error, and is logged whole."""
    script = f"& '{REPORT}' report\nGet-Process | Where-Object Name -eq 'x'"
    code, output, error = wsman_lab.run(script)
    assert (code, output) == (250, b"")
    assert error.startswith(b"wsman lab: unsupported script: word 'Get-Process' in line 2")
    assert script in caplog.text


def test_wsman_modules_are_unsupported_and_their_parameters_not_logged(
    wsman_lab: WsmanLab, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names an action of Ansible that the lab lacks, but not its parameters, which may be secret."""
    from ansible.executor.powershell.module_manifest import (  # noqa: PLC0415
        _bootstrap_powershell_script,
    )

    script, given = _bootstrap_powershell_script("async_watchdog.ps1", {"x": "canary-parameter"})
    code, _, error = wsman_lab.run(script, given)
    assert code == 250
    assert b"async_watchdog.ps1" in error
    assert "async_watchdog.ps1" in caplog.text
    assert "canary-parameter" not in caplog.text + error.decode()


def test_wsman_wrong_password_is_reported(wsman_lab: WsmanLab) -> None:
    """Ansible reports a wrong password as such."""
    with pytest.raises(AnsibleConnectionFailure, match="credentials were rejected"):
        wsman_lab.connection(remote_password="wrong").exec_command("'x'")


def test_wsman_quota_makes_ansible_open_a_new_shell(wsman_start: Callable[..., WsmanLab]) -> None:
    """Ansible opens a new shell when the operations of the old one are used up."""
    lab = wsman_start(operations_per_shell=2)
    connection = lab.connection()
    assert [connection.exec_command(f"'{n}'")[1] for n in range(5)] == [f"{n}\r\n".encode() for n in range(5)]
    connection.close()
    assert [entry.operation for entry in lab.requests()].count("Create") == 3


def test_wsman_one_command_is_three_requests(wsman_lab: WsmanLab) -> None:
    """A command takes three requests, one connection and far fewer bytes than a PowerShell module."""
    connection = wsman_lab.connection()
    connection._connect()
    before = len(wsman_lab.requests())
    connection.exec_command(f"& '{REPORT}' exit 0", sudoable=False)
    entries = wsman_lab.requests()[before:]
    assert [entry.operation for entry in entries] == ["Command", "Receive", "Signal"]
    connection.close()


def test_wsman_commands_are_answered_without_delay(wsman_lab: WsmanLab) -> None:
    """No request waits for TCP's delayed acknowledgements, which would cost 40 ms each."""
    connection = wsman_lab.connection()
    connection.exec_command("'x'")
    times = []
    for _ in range(11):
        before = time.perf_counter()
        connection.exec_command("'x'")
        times.append(time.perf_counter() - before)
    connection.close()
    assert sorted(times)[5] < 0.03


PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Run the program
      ansible.builtin.raw: "& '{exe}' report 'a b'; exit $LASTEXITCODE"
      register: report
    - ansible.builtin.debug: {{var: report.stdout}}
    - name: Run an unsupported script
      ansible.builtin.raw: Get-Date
      register: refused
      failed_when: refused.rc != 250
"""


def test_wsman_playbook_runs(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """ansible-playbook runs a raw task through its winrm connection."""
    play = tmp_path / "play.yml"
    play.write_text(PLAY.format(exe=REPORT.replace("\\", "\\\\")), encoding="utf-8")
    inventory = tmp_path / "inventory.json"
    variables = {
        "ansible_connection": "winrm",
        "ansible_host": "127.0.0.1",
        "ansible_port": wsman_lab.port,
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "basic",
        "ansible_user": USER,
        "ansible_password": wsman_lab.password,
    }
    inventory.write_text(json.dumps({"all": {"hosts": {"pc": variables}}}), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", inventory, play],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '\\"arguments\\": [\\"report\\", \\"a b\\"]' in done.stdout
    assert wsman_lab.password not in done.stdout + done.stderr
