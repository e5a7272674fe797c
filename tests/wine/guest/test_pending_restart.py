# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pending restart counts only if a restart settles it: the customer lends few restarts."""

from __future__ import annotations

import logging
import winreg
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from latchkey_agent.ports import PortError
from latchkey_agent.windows import names
from latchkey_agent.windows.ports import pending_restart, power
from latchkey_agent.windows.win32 import registry

HKLM = winreg.HKEY_LOCAL_MACHINE
RENAMES = "PendingFileRenameOperations"
UPDATE_1, UPDATE_2 = "1b7c0d3e-0001-4c55-9a6e-5e2d6f0c0001", "1b7c0d3e-0002-4c55-9a6e-5e2d6f0c0002"


def forget_the_boot() -> None:
    """Delete the volatile key, as Windows does at shutdown."""
    registry.boot_key()
    winreg.DeleteKey(HKLM, names.BOOT_KEY)


@pytest.fixture(autouse=True)
def pc() -> Iterator[power.WindowsPower]:
    """Return the power of a PC that remembers no entries and has just booted."""
    registry.agents_key().save(pending_restart.SEEN, "{}")
    forget_the_boot()
    windows_power = power.WindowsPower(list)
    windows_power.boot_id()
    yield windows_power
    registry.agents_key().save(pending_restart.SEEN, "{}")
    forget_the_boot()


@pytest.fixture
def restart(pc: power.WindowsPower, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that restarts the PC with the agent's own call; entries stay unless the test removes them."""
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *_: 0)

    def again() -> None:
        pc.prepare_restart()
        pc.restart(message="", grace=0, sign_on=False)
        forget_the_boot()
        pc.boot_id()

    return again


def keep(hklm: Any, *operations: str, number: str = "") -> None:
    """Set the list of file operations."""
    hklm(pending_restart.SESSION_MANAGER, RENAMES + number, list(operations), winreg.REG_MULTI_SZ)


@pytest.fixture
def kept_file() -> Iterator[str]:
    """Return a file that exists, as the list of file operations names it; its folder is not a temporary one."""
    file = Path(r"C:\lab-driver.dll")
    file.write_bytes(b"old")
    yield rf"\??\{file}"
    file.unlink()


@pytest.fixture
def temporary_file() -> Iterator[str]:
    r"""Return a file that exists in C:\Windows\Temp, as the list of file operations names it."""
    folder = Path(r"C:\Windows\Temp")
    folder.mkdir(exist_ok=True)
    file = folder / "lab-left-over.tmp"
    file.write_bytes(b"x")
    yield rf"\??\{file}"
    file.unlink()


def test_a_fresh_pc_has_no_pending_restart(pc: power.WindowsPower) -> None:
    """The list of reasons is empty."""
    assert pc.pending_reasons() == []


def test_each_reason_for_a_restart_is_named(pc: power.WindowsPower, hklm: Any, kept_file: str) -> None:
    """Windows stores the reasons in five places."""
    hklm(rf"{pending_restart.CBS}\RebootPending")
    hklm(rf"{pending_restart.UPDATE}\RebootRequired")
    keep(hklm, kept_file, "")
    hklm(rf"{pending_restart.NAMES}\ComputerName", "ComputerName", "RENAMED")
    hklm(pending_restart.NETLOGON, "JoinDomain", "1")
    assert pc.pending_reasons() == list(pending_restart._REASONS)


@pytest.mark.parametrize(
    "operations",
    [
        pytest.param([""], id="one empty text"),
        pytest.param(["", ""], id="an empty pair"),
        pytest.param([r"\??\C:\lab\gone.dll", ""], id="a deletion without its file"),
        pytest.param([r"\??\C:\lab\gone.tmp", r"!\??\C:\lab\new.dll"], id="a replacement without its source"),
        pytest.param([r"\??\C:\gone\gone.dll", ""], id="a deletion without its folder"),
    ],
)
def test_a_file_operation_that_changes_nothing_does_not_count(
    pc: power.WindowsPower, hklm: Any, operations: list[str]
) -> None:
    """The value may stay behind with empty texts. An operation without its source has nothing to do."""
    keep(hklm, *operations)
    assert pc.pending_reasons() == []


def test_to_delete_a_temporary_file_is_no_reason(
    pc: power.WindowsPower, hklm: Any, temporary_file: str
) -> None:
    """Installers and printer drivers leave such deletions every day; nothing waits for them."""
    keep(hklm, temporary_file, "")
    assert pc.pending_reasons() == []


def test_a_temporary_file_that_replaces_another_is_a_reason(
    pc: power.WindowsPower, hklm: Any, temporary_file: str
) -> None:
    """The new version of a file waits in a temporary folder for the restart."""
    keep(hklm, temporary_file, r"!\??\C:\lab\driver.dll")
    assert pc.pending_reasons() == ["file renames"]


@pytest.mark.parametrize("number", ["", "2"])
@pytest.mark.parametrize("star", ["", "*1"])
def test_a_file_operation_behind_an_empty_one_counts(
    pc: power.WindowsPower, hklm: Any, kept_file: str, number: str, star: str
) -> None:
    """The whole list is read, also of the second value, and with the number that some entries begin with."""
    keep(hklm, r"\??\C:\lab\gone.dll", "", star + kept_file, "", number=number)
    assert pc.pending_reasons() == ["file renames"]


def test_a_file_operation_on_another_kind_of_path_counts(pc: power.WindowsPower, hklm: Any) -> None:
    """Whether its file exists is unknown."""
    keep(hklm, r"\Device\HarddiskVolume3\lab\old.dll", "")
    assert pc.pending_reasons() == ["file renames"]


@pytest.mark.parametrize("key", ["ActiveComputerName", "ComputerName"])
def test_a_name_that_cannot_be_read_is_no_rename(
    pc: power.WindowsPower, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Only two names that differ show a rename."""
    real = registry.value
    monkeypatch.setattr(registry, "value", lambda p, n: None if p.endswith(rf"\{key}") else real(p, n))
    assert pc.pending_reasons() == []


def test_an_entry_that_outlives_a_restart_asks_for_no_other(
    pc: power.WindowsPower, restart: Any, hklm: Any, kept_file: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Two lent restarts would be spent on an entry that is there again after each. The log names the reason."""
    keep(hklm, kept_file, "")
    hklm(pending_restart.NETLOGON, "AvoidSpnSet", "1")
    assert pc.pending_reasons() == ["file renames", "domain join"]
    with caplog.at_level(logging.WARNING):
        restart()
    assert pc.pending_reasons() == []
    assert "did not settle these reasons for a restart: file renames, domain join" in caplog.text
    restart()
    assert pc.pending_reasons() == []


def test_a_new_entry_beside_one_that_stayed_counts(
    pc: power.WindowsPower, restart: Any, hklm: Any, kept_file: str, temporary_file: str
) -> None:
    """Each entry is compared, not the reason alone."""
    keep(hklm, kept_file, "")
    restart()
    keep(hklm, kept_file, "", temporary_file, r"\??\C:\lab\driver.dll")
    assert pc.pending_reasons() == ["file renames"]


def test_an_entry_that_comes_after_the_boot_counts(
    pc: power.WindowsPower, restart: Any, hklm: Any, kept_file: str
) -> None:
    """A restart settled the first one, and an installer made the same entry again."""
    keep(hklm, kept_file, "")
    with registry_key(pending_restart.SESSION_MANAGER) as key:
        pc.prepare_restart()
        pc.restart(message="", grace=0, sign_on=False)
        winreg.DeleteValue(key, RENAMES)
        forget_the_boot()
        pc.boot_id()
        assert pc.pending_reasons() == []
        winreg.SetValueEx(key, RENAMES, 0, winreg.REG_MULTI_SZ, [kept_file, ""])
    assert pc.pending_reasons() == ["file renames"]
    restart()
    assert pc.pending_reasons() == []


def registry_key(path: str) -> winreg.HKEYType:
    """Open a key to change it."""
    return winreg.CreateKeyEx(HKLM, path, access=winreg.KEY_ALL_ACCESS)


def test_another_update_counts_and_the_same_one_does_not(
    pc: power.WindowsPower, restart: Any, hklm: Any
) -> None:
    """Windows Update names the updates that wait. One that still waits after the restart fails every time."""
    key = rf"{pending_restart.UPDATE}\RebootRequired"
    hklm(key)
    hklm(key, UPDATE_1, 1, winreg.REG_DWORD)
    assert pc.pending_reasons() == ["windows update"]
    restart()
    assert pc.pending_reasons() == []
    hklm(key, UPDATE_2, 1, winreg.REG_DWORD)
    assert pc.pending_reasons() == ["windows update"]


def test_servicing_that_asks_anew_counts(pc: power.WindowsPower, restart: Any, hklm: Any) -> None:
    """Some packages need two restarts: the key is made anew after the first. An old key does not count."""
    key = rf"{pending_restart.CBS}\RebootPending"
    hklm(key)
    restart()
    assert pc.pending_reasons() == []
    hklm(key, "Touched", "1")
    assert pc.pending_reasons() == ["component servicing"]


def test_a_rename_counts_in_every_boot(pc: power.WindowsPower, restart: Any, hklm: Any) -> None:
    """A grant is bound to the PC's name, so a wrong "no" would cost the grant."""
    hklm(rf"{pending_restart.NAMES}\ComputerName", "ComputerName", "RENAMED")
    restart()
    assert pc.pending_reasons() == ["computer rename"]


def test_a_restart_by_others_is_compared_with_the_last_look(
    pc: power.WindowsPower, hklm: Any, kept_file: str
) -> None:
    """Nobody tells the agent of it beforehand; credential_info has looked."""
    keep(hklm, kept_file, "")
    pc.pending_reasons()
    forget_the_boot()
    pc.boot_id()
    assert pc.pending_reasons() == []


def test_a_crash_in_the_first_look_of_a_boot_settles_nothing(
    pc: power.WindowsPower, hklm: Any, kept_file: str
) -> None:
    """An entry that is new in this boot is not compared with itself at the agent's next start."""
    forget_the_boot()
    keep(hklm, kept_file, "")
    pending_restart.note_new_boot()
    pc.boot_id()
    assert pc.pending_reasons() == ["file renames"]


@pytest.mark.parametrize("memory", ["", "{", "[1]", '{"file renames": 1}'])
def test_a_broken_memory_lets_everything_count(
    pc: power.WindowsPower, hklm: Any, kept_file: str, memory: str
) -> None:
    """One restart too many is better than an update that never ends."""
    keep(hklm, kept_file, "")
    registry.agents_key().save(pending_restart.SEEN, memory)
    forget_the_boot()
    pc.boot_id()
    assert pc.pending_reasons() == ["file renames"]


def test_a_registry_that_cannot_be_written_lets_everything_count(
    pc: power.WindowsPower, hklm: Any, kept_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reasons are told all the same."""

    def fail(*_: object) -> None:
        raise PortError

    keep(hklm, kept_file, "")
    monkeypatch.setattr(registry.OwnKey, "save", fail)
    pending_restart.note_new_boot()
    assert pc.pending_reasons() == ["file renames"]
    monkeypatch.setattr(registry.OwnKey, "load", fail)
    assert pc.pending_reasons() == ["file renames"]


def test_the_memory_names_no_file(pc: power.WindowsPower, hklm: Any, kept_file: str) -> None:
    """A path may name a person: the registry holds hashes alone."""
    keep(hklm, kept_file, "")
    pc.pending_reasons()
    memory = registry.agents_key().load(pending_restart.SEEN)
    assert isinstance(memory, str)
    assert "file renames" in memory
    assert "driver" not in memory
