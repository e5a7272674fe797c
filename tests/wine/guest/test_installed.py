# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed agent of this PC; skipped if none is installed."""

from __future__ import annotations

import json
import subprocess
import winreg
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import win32service

from latchkey_agent.windows import names

ROOT = Path(__file__).resolve().parents[3]
HARNESS = ROOT / "harness" / "logon_screen.exe"
CLASS = "{646ad95f-a509-4aef-ac07-e40e406b97bb}"
PROVIDERS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\Credential Providers"
S_OK, E_NOTIMPL = "0x00000000", "0x80004001"
LOGON, UNLOCK, CHANGE_PASSWORD = 1, 2, 3
NOBODY = "S-1-5-21-1-2-3-1001"
DLL = "latchkey_credential_provider.dll"


def value(key: str, name: str = "") -> Any:
    """Return a value below HKEY_LOCAL_MACHINE; None if there is none."""
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
            return winreg.QueryValueEx(opened, name)[0]
    except FileNotFoundError:
        return None


SERVICE_KEY = rf"SYSTEM\CurrentControlSet\Services\{names.SERVICE}"
pytestmark = pytest.mark.skipif(
    value(rf"{PROVIDERS}\{CLASS}") is None, reason="no agent from a package is installed here"
)


class Harness:
    """The lab's LogonUI: a line in, a line of JSON out."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([HARNESS], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)

    def __call__(self, *words: object) -> dict[str, Any]:
        """Send a command; return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate(timeout=20)


@pytest.fixture
def screen() -> Iterator[Harness]:
    """A new logon screen."""
    if not HARNESS.exists():
        pytest.skip("the lab's LogonUI is missing")
    started = Harness()
    yield started
    started.end()


def test_the_service_runs_from_the_quoted_program_of_the_package() -> None:
    """Windows starts the service with the PC, by a quoted program."""
    manager = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_CONNECT)
    rights = win32service.SERVICE_QUERY_STATUS | win32service.SERVICE_QUERY_CONFIG
    service = win32service.OpenService(manager, names.SERVICE, rights)
    assert win32service.QueryServiceStatus(service)[1] == win32service.SERVICE_RUNNING
    assert win32service.QueryServiceConfig(service)[1] == win32service.SERVICE_AUTO_START
    assert value(SERVICE_KEY, "ImagePath").startswith('"C:\\Program Files\\Latchkey\\pythonw.exe" -I -B')


def test_latchkeyctl_asks_the_service() -> None:
    """latchkeyctl, started like Ansible does, returns the service's answer as one line of JSON."""
    program = r"C:\Program Files\Latchkey\latchkeyctl.exe"
    done = subprocess.run([program, "request"], input=b'{"verb":"info"}\n', capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["outcome"], answer["result"]["agent"]["ready"]) == ("done", True)


def test_com_finds_the_provider_where_it_is_installed() -> None:
    """COM finds the installed provider for a single-threaded apartment such as LogonUI's."""
    server = rf"SOFTWARE\Classes\CLSID\{CLASS}\InprocServer32"
    assert value(server) == rf"C:\Program Files\Latchkey\{DLL}"
    assert value(server, "ThreadingModel") == "Apartment"


def test_the_provider_shows_nothing_without_a_permit(screen: Harness) -> None:
    """Without a permit of the real service the provider shows no tile."""
    assert screen("create", 0)["hr"] == S_OK
    assert screen("use", 0, LOGON)["hr"] == S_OK
    screen("users", 0, NOBODY, r"PC\nobody")
    assert screen("advise", 0)["hr"] == S_OK
    assert screen("count", 0)["count"] == 0
    screen("unadvise", 0)
    assert screen("release", 0) == {"left": 0, "kept_events": 0, "kept_users": 0}


def test_the_provider_serves_logon_and_unlock_alone(screen: Harness) -> None:
    """The provider serves only logon and unlock, and refuses other uses of credentials."""
    screen("create", 0)
    results = [screen("use", 0, usage)["hr"] for usage in (LOGON, UNLOCK, CHANGE_PASSWORD)]
    assert results == [S_OK, S_OK, E_NOTIMPL]
