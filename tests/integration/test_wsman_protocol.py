# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The WS-Management operations, through pywinrm and raw HTTP."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests.exceptions
import winrm.protocol
from winrm.exceptions import (
    WinRMOperationTimeoutError,
    WSManFaultError,
)

from tests.integration.wsman_fixtures import (
    POWERSHELL,
    REPORT,
    WsmanLab,
    encoded,
    is_running,
    reported,
    started_process,
)
from tests.waiting import eventually

UNEXPECTED_SELECTORS = 2150858843
NOBODY = "11111111-2222-3333-4444-555555555555"


def run(
    protocol: winrm.protocol.Protocol, shell: str, script: str, given: bytes | None = None
) -> tuple[bytes, bytes, int]:
    """Run a script in a shell; return output, error output and exit code."""
    command = protocol.run_command(
        shell, "PowerShell", (*POWERSHELL, encoded(script)), console_mode_stdin=given is None
    )
    if given is not None:
        protocol.send_command_input(shell, command, given, end=True)
    answer = protocol.get_command_output(shell, command)
    protocol.cleanup_command(shell, command)
    return answer


def waiting(lab: WsmanLab, protocol: winrm.protocol.Protocol, shell: str, file: Path) -> int:
    """Start a program that waits, and return its process id."""
    script = f"& '{REPORT}' wait '{file}'"
    protocol.run_command(shell, "PowerShell", (*POWERSHELL, encoded(script)))
    return started_process(file)


def test_wsman_program_gets_arguments_and_input(wsman_lab: WsmanLab) -> None:
    """A program gets literal arguments, and input through $input as ASCII lines with CR LF."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell(codepage=65001)
    output, error, code = run(
        protocol,
        shell,
        f"$input | & '{REPORT}' report 'it''s' x=1",
        '{"a": 1}\n\u00fc\u20ac\U0001f600\nlast'.encode(),
    )
    assert reported(output) == {
        "arguments": ["report", "it's", "x=1"],
        "input": '{"a": 1}\r\n????\r\nlast\r\n',
    }
    assert (error, code) == (b"", 0)
    protocol.close_shell(shell)


def test_wsman_input_is_empty_with_a_console(wsman_lab: WsmanLab) -> None:
    """With a console as standard input, $input is empty at once."""
    protocol = wsman_lab.protocol()
    output, _, _ = run(protocol, protocol.open_shell(), f"$input | & '{REPORT}' report")
    assert reported(output)["input"] == ""


def test_wsman_input_reaches_only_programs_with_a_pipe(wsman_lab: WsmanLab) -> None:
    """Standard input belongs to PowerShell; a program gets it only through $input."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    output, _, _ = run(protocol, shell, f"& '{REPORT}' report", b"secret\n")
    assert reported(output)["input"] == ""


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (f"& '{REPORT}' exit 42\nexit $LASTEXITCODE", 42),
        (f"& '{REPORT}' exit 42", 1),
        (f"& '{REPORT}' exit 0", 0),
        (f"& '{REPORT}' exit 3; exit 9", 9),
        (f"& '{REPORT}' exit 42; & '{REPORT}' exit 0", 0),
        (f"& '{REPORT}' exit 42; 'x'", 0),
        ("'x'", 0),
    ],
)
def test_wsman_exit_codes_are_powershells(wsman_lab: WsmanLab, script: str, code: int) -> None:
    """Without `exit` the last statement makes the exit code 0 or 1 (about_PowerShell_exe, -Command)."""
    protocol = wsman_lab.protocol()
    assert run(protocol, protocol.open_shell(), script)[2] == code


def test_wsman_error_output_is_separate(wsman_lab: WsmanLab) -> None:
    """A program's error output arrives in the stream stderr."""
    protocol = wsman_lab.protocol()
    answer = run(protocol, protocol.open_shell(), f"& '{REPORT}' complain; exit $LASTEXITCODE")
    assert answer == (b"", b"it went wrong\n", 5)


def test_wsman_large_output_arrives_whole(wsman_lab: WsmanLab) -> None:
    """Output of many envelopes arrives whole and in order."""
    protocol = wsman_lab.protocol()
    output, _, _ = run(protocol, protocol.open_shell(), f"& '{REPORT}' write 1000003")
    assert output == (b"0123456789abcdef" * 62501)[:1000003]
    assert sum(entry.operation == "Receive" for entry in wsman_lab.requests()) >= 8


def test_wsman_program_runs_without_powershell(wsman_lab: WsmanLab) -> None:
    """With WINRS_SKIP_CMD_SHELL a program starts directly and gets standard input unchanged."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    command = protocol.run_command(
        shell, REPORT, ['"a b"', "c"], console_mode_stdin=False, skip_cmd_shell=True
    )
    protocol.send_command_input(shell, command, b"\xff\x00raw", end=True)
    output, _, _ = protocol.get_command_output(shell, command)
    assert reported(output) == {"arguments": ["a b", "c"], "input": "\xff\x00raw"}


@pytest.mark.parametrize("program", ["no.exe", r"C:\no.exe", "powershell.exe"])
def test_wsman_missing_program_without_cmd_is_a_fault(wsman_lab: WsmanLab, program: str) -> None:
    """A missing program without cmd.exe is answered with Windows' fault 2147942402.

    Without cmd.exe no PATH is searched, so a program without a folder is missing (recorded by pypsrp).
    """
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    with pytest.raises(WSManFaultError) as caught:
        protocol.run_command(shell, program, skip_cmd_shell=True)
    assert caught.value.wsman_fault_code == 2147942402


def test_wsman_missing_program_in_cmd_is_reported(wsman_lab: WsmanLab) -> None:
    """cmd.exe reports an unknown program and ends with exit code 1."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    command = protocol.run_command(shell, "no.exe")
    _, error, code = protocol.get_command_output(shell, command)
    assert b"'no.exe' is not recognized as an internal or external command" in error
    assert code == 1


def test_wsman_command_line_limit(wsman_lab: WsmanLab) -> None:
    """cmd.exe accepts a command line of 8191 characters and refuses a longer one."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    head = len(f"PowerShell {' '.join(POWERSHELL)} ")
    longest = (8191 - head) // 4 * 3 // 2 - 2
    assert run(protocol, shell, "'" + "x" * longest + "'")[2] == 0
    _, error, code = run(protocol, shell, "'" + "x" * (longest + 3) + "'")
    assert (error, code) == (b"The command line is too long.\r\n", 1)


def test_wsman_unknown_shell_and_command_are_faults(wsman_lab: WsmanLab) -> None:
    """An unknown shell or command is answered with w:InvalidSelectors and Windows' code."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    attempts: list[Callable[[], object]] = [
        lambda: protocol.run_command(NOBODY, "x"),
        lambda: protocol.get_command_output_raw(shell, NOBODY),
        lambda: protocol.cleanup_command(shell, NOBODY),
        lambda: protocol.send_command_input(shell, NOBODY, b""),
        lambda: protocol.close_shell(NOBODY),
    ]
    for attempt in attempts:
        with pytest.raises(WSManFaultError) as caught:
            attempt()
        assert caught.value.wsman_fault_code == UNEXPECTED_SELECTORS
        assert caught.value.fault_subcode == "w:InvalidSelectors"


def test_wsman_shell_of_another_user_is_unknown(wsman_start: Callable[..., WsmanLab]) -> None:
    """A shell belongs to the user who opened it."""
    lab = wsman_start()
    shell = lab.protocol().open_shell()
    lab.host.passwords["other"] = "other's"  # type: ignore[index]
    stranger = lab.protocol(username="other", password="other's")
    with pytest.raises(WSManFaultError) as caught:
        stranger.close_shell(shell)
    assert caught.value.wsman_fault_code == UNEXPECTED_SELECTORS


def test_wsman_quiet_command_times_out_and_continues(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """A Receive without output ends after the OperationTimeout with a code on which clients retry."""
    protocol = wsman_lab.protocol(operation_timeout=1)
    shell = protocol.open_shell()
    script = f"$input | & '{REPORT}' report"
    command = protocol.run_command(
        shell, "PowerShell", (*POWERSHELL, encoded(script)), console_mode_stdin=False
    )
    before = time.monotonic()
    with pytest.raises(WinRMOperationTimeoutError):
        protocol.get_command_output_raw(shell, command)
    assert 0.9 < time.monotonic() - before < 3
    assert wsman_lab.requests()[-1].fault == 2150858793
    protocol.send_command_input(shell, command, b"now\n", end=True)
    output, _, _ = protocol.get_command_output(shell, command)
    assert reported(output)["input"] == "now\r\n"


def test_wsman_signal_and_delete_end_programs(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """A signal ends its command's program; deleting a shell ends all its programs."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    script = f"& '{REPORT}' wait '{tmp_path / 'first'}'"
    command = protocol.run_command(shell, "PowerShell", (*POWERSHELL, encoded(script)))
    first = started_process(tmp_path / "first")
    second = waiting(wsman_lab, protocol, shell, tmp_path / "second")
    protocol.cleanup_command(shell, command)
    eventually(lambda: not is_running(first), "the end of the signalled program")
    assert is_running(second)
    protocol.close_shell(shell)
    eventually(lambda: not is_running(second), "the end of the deleted shell's program")


def test_wsman_program_may_end_before_its_input(wsman_lab: WsmanLab) -> None:
    """The script continues when its program ends without reading all input."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    script = f"$input | & '{REPORT}' exit 3; 'on'; exit $LASTEXITCODE"
    command = protocol.run_command(
        shell, "PowerShell", (*POWERSHELL, encoded(script)), console_mode_stdin=False
    )
    protocol.send_command_input(shell, command, b"x\n" * 100_000)
    assert protocol.get_command_output(shell, command) == (b"on\r\n", b"", 3)
    protocol.send_command_input(shell, command, b"too late\n", end=True)


def test_wsman_client_lost_while_it_waits_ends_programs(
    wsman_start: Callable[..., WsmanLab], tmp_path: Path
) -> None:
    """The server notices a client that disconnects during a Receive long before the time-out."""
    lab = wsman_start()
    protocol = lab.protocol(operation_timeout=60)
    shell = protocol.open_shell()
    file = tmp_path / "file"
    command = protocol.run_command(shell, REPORT, ["wait", str(file)], skip_cmd_shell=True)
    program = started_process(file)
    protocol.transport.read_timeout_sec = 1
    with pytest.raises(requests.exceptions.ReadTimeout):
        protocol.get_command_output_raw(shell, command)
    protocol.transport.close_session()
    eventually(lambda: not is_running(program), "the end of the lost client's program", 5)


def test_wsman_lost_client_ends_programs(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """The server deletes a shell and ends its programs when the shell's last connection is lost."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    program = waiting(wsman_lab, protocol, shell, tmp_path / "file")
    protocol.transport.close_session()
    eventually(lambda: not is_running(program), "the end of the lost client's program")
    with pytest.raises(WSManFaultError):
        wsman_lab.protocol().close_shell(shell)


def test_wsman_shell_lives_while_another_connection_uses_it(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """A shell that a second connection has used survives the loss of the first."""
    first, second = wsman_lab.protocol(), wsman_lab.protocol()
    shell = first.open_shell()
    program = waiting(wsman_lab, second, shell, tmp_path / "file")
    first.transport.close_session()
    # This server closes an orphaned shell after 0.1 s.
    threading.Event().wait(0.3)
    assert is_running(program)
    second.close_shell(shell)


def test_wsman_commands_run_side_by_side(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """A waiting command does not delay other commands, in the same shell or another."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    waiting(wsman_lab, protocol, shell, tmp_path / "file")

    def one(number: int) -> int:
        client = wsman_lab.protocol()
        mine = client.open_shell()
        output, _, _ = run(client, mine, f"& '{REPORT}' report {number}")
        client.close_shell(mine)
        return int(reported(output)["arguments"][1])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(8))) == list(range(8))
    assert run(protocol, shell, "'still'")[0] == b"still\r\n"


def test_wsman_quota_is_reported_as_windows_does(wsman_start: Callable[..., WsmanLab]) -> None:
    """The first operation beyond the quota gets the WMI error that Ansible looks for."""
    protocol = wsman_start(operations_per_shell=1).protocol()
    shell = protocol.open_shell()
    assert run(protocol, shell, "'x'")[2] == 0
    with pytest.raises(WSManFaultError) as caught:
        run(protocol, shell, "'x'")
    assert caught.value.wmierror_code == 0x803381A6


def test_wsman_request_log_has_sizes_and_no_content(wsman_lab: WsmanLab) -> None:
    """The log has operations, ids and sizes, but no password, script, input or output."""
    protocol = wsman_lab.protocol()
    shell = protocol.open_shell()
    run(protocol, shell, f"$input | & '{REPORT}' report", b"canary-input\n")
    protocol.close_shell(shell)
    entries = wsman_lab.requests()
    # A busy machine may send the program's output and its end in two answers.
    assert list(dict.fromkeys(entry.operation for entry in entries)) == [
        "Create",
        "Command",
        "Send",
        "Receive",
        "Signal",
        "Delete",
    ]
    assert {entry.connection for entry in entries} == {1}
    assert all(entry.received > 1000 and entry.sent > 500 for entry in entries)
    assert {entry.shell for entry in entries} == {shell}
    assert wsman_lab.config.request_log is not None
    text = wsman_lab.config.request_log.read_text(encoding="utf-8")
    assert not any(word in text for word in (wsman_lab.password, "canary", "report.exe"))
