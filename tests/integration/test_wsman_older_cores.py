# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts that the lines of ansible-core send themselves, as they stand in its plugins, against the server.

`make matrix` runs the real plugins of 2.16 to 2.22. These tests need none of them.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable

import pytest

from lab.ssh.defaultshell import DefaultShell, read_command
from lab.wsman.ansible_actions import module_program
from lab.wsman.commandline import Script, TooLong
from tests.integration.wsman_fixtures import REPORT, USER, WsmanLab, canonical, reported

TEMP = f"C:\\Users\\{USER}\\AppData\\Local\\Temp"
STRICT = "Set-StrictMode -Version Latest\n"
KEPT_CODE = (
    "\nIf (-not $?) { If (Get-Variable LASTEXITCODE -ErrorAction SilentlyContinue)"
    " { exit $LASTEXITCODE } Else { exit 1 } }"
)
UTF8 = "try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding } catch {}"
MKDTEMP = (
    "$tmp_path = [System.Environment]::ExpandEnvironmentVariables('%TEMP%')\n"
    "$tmp = New-Item -Type Directory -Path $tmp_path -Name 'it''s'\n"
    "Write-Output -InputObject $tmp.FullName"
)
PUT = """begin {
$path = 'C:\\it''s'
$DebugPreference = "Continue"
$ErrorActionPreference = "Stop"
Set-StrictMode -Version 2
$fd = [System.IO.File]::Create($path)
$sha1 = [System.Security.Cryptography.SHA1CryptoServiceProvider]::Create()
$bytes = @() #initialize for empty file case
}
process {
$bytes = [System.Convert]::FromBase64String($input)
$sha1.TransformBlock($bytes, 0, $bytes.Length, $bytes, 0) | Out-Null
$fd.Write($bytes, 0, $bytes.Length)
}
end {
$sha1.TransformFinalBlock($bytes, 0, 0) | Out-Null
$hash = [System.BitConverter]::ToString($sha1.Hash).Replace("-", "").ToLowerInvariant()
$fd.Close()
Write-Output "{""sha1"":""$hash""}"
}"""
FETCH = """$path = 'C:\\it''s'
If (Test-Path -LiteralPath $path -PathType Leaf)
{
$buffer_size = 4
$offset = 2
$stream = New-Object -TypeName IO.FileStream($path, [IO.FileMode]::Open, [IO.FileAccess]::Read, [IO.FileShare]::ReadWrite)
$stream.Seek($offset, [System.IO.SeekOrigin]::Begin) > $null
$bytes_read = $stream.Read($buffer, 0, $buffer_size)
if ($bytes_read -gt 0) {
$bytes = $buffer[0..($bytes_read - 1)]
[System.Convert]::ToBase64String($bytes)
}
$stream.Close() > $null
}
ElseIf (Test-Path -LiteralPath $path -PathType Container)
{
Write-Host "[DIR]";
}
Else
{
Write-Error "$path does not exist";
Exit 1;
}"""  # noqa: E501 - a line of Ansible's
OLD_WRAPPER = """$exec_wrapper_str = $input | Out-String
$split_parts = $exec_wrapper_str.Split(@("`0`0`0`0"), 2, [StringSplitOptions]::RemoveEmptyEntries)
$exec_wrapper = [ScriptBlock]::Create($split_parts[0])
&$exec_wrapper"""
NEW_WRAPPER = """"`0`0`0`0"
$code = $codeJson | ConvertFrom-Json
foreach ($obj in $code.params.PSObject.Properties) { }
$inputData | & $cmd @splat"""
PING = {"_ansible_module_name": "ansible.windows.win_ping", "data": "canary-option"}


@pytest.mark.parametrize("start", ["", f"{UTF8}\n"])
def test_wsman_older_temporary_folders_are_made(wsman_lab: WsmanLab, start: str) -> None:
    """With and without the line that 2.18 puts first; a quote in a name is part of the name."""
    folder = f"{TEMP}\\it's"
    done = wsman_lab.run(STRICT + start + MKDTEMP + KEPT_CODE)
    assert done == (0, f"{folder}\r\n".encode(), b"")
    assert wsman_lab.host.is_folder(folder)


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("Write-Output (Get-Location).Path", f"C:\\Users\\{USER}"),
        ("Write-Output ((Get-Location).Path + '\\a')", f"C:\\Users\\{USER}\\a"),
        (f"{UTF8}; Write-Output 'b'", "b"),
    ],
)
def test_wsman_older_home_folder(wsman_lab: WsmanLab, script: str, path: str) -> None:
    """~ is the user's profile folder."""
    assert wsman_lab.run(STRICT + script + KEPT_CODE) == (0, f"{path}\r\n".encode(), b"")


def test_wsman_older_files_are_put_and_fetched(wsman_lab: WsmanLab) -> None:
    """A file arrives whole, and each piece of it comes back."""
    data = b"0123456789"
    code, output, _ = wsman_lab.run(PUT, base64.b64encode(data) + b"\r\n")
    assert (code, json.loads(output)["sha1"]) == (0, hashlib.sha1(data, usedforsecurity=False).hexdigest())
    code, output, error = wsman_lab.run(STRICT + FETCH)
    assert (code, base64.b64decode(output), error) == (0, data[2:6], b"")
    missing = wsman_lab.run(STRICT + FETCH.replace("it''s", "none"))
    assert (missing[0], b"does not exist" in missing[2]) == (1, True)


def as_script(line: str) -> str:
    """Return a command line that the winrm plugin of today packs, as those before 2.19 pack every one."""
    return line.replace(" -EncodedCommand ", "\t-EncodedCommand ")


def test_wsman_a_second_powershell_reads_the_input_and_reduces_the_code(wsman_lab: WsmanLab) -> None:
    """As on Windows: the outer PowerShell passes its input on, and ends with 0 or 1."""
    code, output, _ = wsman_lab.run(as_script(canonical(f"$input | & '{REPORT}' 'report'")), b"x\n")
    assert (code, reported(output)["input"]) == (0, "x\r\n")
    assert wsman_lab.run(as_script(canonical(f"& '{REPORT}' exit 7; exit $LASTEXITCODE")))[0] == 1


def old_module(options: dict[str, str], action: str = "module_powershell_wrapper") -> bytes:
    """Return the input of the wrapper of 2.16 to 2.18."""
    manifest = {"module_entry": "eA==", "actions": [action], "module_args": options}
    return b"begin { }\n\n\0\0\0\0" + json.dumps(manifest).encode()


def new_module(*, compressed: bool) -> bytes:
    """Return the input of the wrapper of 2.22."""
    script = "ansible_collections.ansible.windows.plugins.modules.win_ping.ps1"
    parameters = {"Script": script, "ArgumentJSON": json.dumps(PING)}
    inner = json.dumps({"actions": [{"name": "module_wrapper.ps1", "params": parameters}]}).encode()
    sent = base64.b64encode(gzip.compress(inner)) if compressed else inner
    outer = {"name": "exec_wrapper", "params": {"DecompressInput": compressed}}
    return json.dumps(outer).encode() + b"\n\0\0\0\0\n" + sent


@pytest.mark.parametrize(
    ("script", "given"),
    [
        (OLD_WRAPPER, old_module(PING)),
        (NEW_WRAPPER, new_module(compressed=True)),
        (NEW_WRAPPER, new_module(compressed=False)),
    ],
    ids=["2.16", "2.22", "2.22, not compressed"],
)
def test_wsman_a_module_is_found_by_its_name(
    wsman_start: Callable[..., WsmanLab], script: str, given: bytes
) -> None:
    """The module's program gets its options; here it is the program that reports its input."""
    lab = wsman_start()
    lab.host.programs[module_program("ansible.windows.win_ping")] = lab.host.programs[REPORT]  # type: ignore[index]
    code, output, _ = lab.run(script, given)
    report = reported(output)
    assert (code, report["arguments"]) == (0, ["module", "ansible.windows.win_ping"])
    assert json.loads(report["input"])["data"] == "canary-option"


@pytest.mark.parametrize(
    "given",
    [
        old_module(PING, "async_wrapper"),
        old_module({"_ansible_module_name": "none", "data": "canary-option"}),
        b"canary-option",
        b"x\0\0\0\0canary-option",
        b"x\0\0\0\0[]",
    ],
)
def test_wsman_an_older_wrapper_that_is_unknown_never_succeeds(
    wsman_lab: WsmanLab, caplog: pytest.LogCaptureFixture, given: bytes
) -> None:
    """It ends with 250, and neither its error nor the log shows options, which may be secret."""
    code, output, error = wsman_lab.run(OLD_WRAPPER, given)
    assert (code, output) == (250, b"")
    assert "canary-option" not in caplog.text + error.decode()


def test_wsman_a_damaged_compressed_wrapper_never_succeeds(wsman_lab: WsmanLab) -> None:
    """What is no base64 of gzip ends with 250."""
    for text in (b"?", b"eA==", base64.b64encode(gzip.compress(b"{}")[:-9])):
        outer = json.dumps({"params": {"DecompressInput": True}}).encode()
        assert wsman_lab.run(NEW_WRAPPER, outer + b"\n\0\0\0\0\n" + text)[0] == 250


@pytest.mark.parametrize(
    ("shell", "start", "keeps_code"),
    [
        (DefaultShell.POWERSHELL, "chcp.com 65001 > $null ; ", False),
        (DefaultShell.CMD, "chcp.com 65001 >nul 2>&1 && ", True),
    ],
)
def test_ssh_of_older_cores_sets_the_code_page_first(
    shell: DefaultShell, start: str, *, keeps_code: bool
) -> None:
    """2.16 and 2.17 put this command before PowerShell; cmd.exe counts it too."""
    reading = read_command(start + canonical("'x'"), shell)
    assert (reading.task, reading.keeps_code) == (Script("'x'"), keeps_code)
    full = canonical("x" * 3030)
    if shell is DefaultShell.CMD:
        assert read_command(full, shell).task != TooLong()
        assert read_command(start + full, shell).task == TooLong()
