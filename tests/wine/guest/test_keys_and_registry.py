# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""DPAPI, the boot id, the anchor, pending restarts, the clock."""

from __future__ import annotations

import subprocess
import sys
import winreg
from typing import Any

import pytest
import win32api
import winerror

from latchkey_agent.ports import PortError
from latchkey_agent.windows.ports import anchor, dpapi, power
from latchkey_agent.windows.win32 import registry

from .conftest import refusing

CANARY = "Kanarienvogel 9!".encode("utf-16-le")


def test_dpapi_opens_what_it_sealed_and_only_with_the_same_entropy() -> None:
    """DPAPI opens a blob only unchanged and with the same entropy."""
    keys = dpapi.SystemKeys()
    blob = keys.protect(bytearray(CANARY), b"grant 1")
    assert CANARY not in blob
    assert keys.unprotect(blob, b"grant 1") == bytearray(CANARY)
    changed = blob[:-8] + bytes(8)
    for other, entropy in ((blob, b"grant 2"), (blob, b""), (changed, b"grant 1"), (blob[:20], b"grant 1")):
        with pytest.raises(PortError, match="DPAPI"):
            keys.unprotect(other, entropy)


def test_dpapi_leaves_the_callers_buffer_to_the_caller() -> None:
    """After a call no reference holds the caller's buffer, so the caller can overwrite it."""
    secret = bytearray(CANARY)
    dpapi.SystemKeys().protect(secret, b"x")
    secret.extend(b"resizable again")
    assert secret.startswith(CANARY)


def test_boot_id_is_the_same_all_through_a_boot_in_a_volatile_key() -> None:
    """Every process of one boot reads the same boot id."""
    first = power.WindowsPower(list).boot_id()
    code = "from latchkey_agent.windows.ports.power import WindowsPower as P; print(P(list).boot_id())"
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == first
    assert len(bytes.fromhex(first)) == 16


def unreadable(patch: pytest.MonkeyPatch) -> None:
    """Let Windows read no value."""
    patch.setattr(win32api, "RegQueryValueEx", refusing(winerror.ERROR_NO_SYSTEM_RESOURCES))


def test_a_boot_id_that_cannot_be_read_is_not_replaced() -> None:
    """An unreadable boot id is an error: a new id would let a permit be redeemed before the restart."""
    here = power.WindowsPower(list)
    first = here.boot_id()
    with pytest.MonkeyPatch.context() as patch:
        unreadable(patch)
        with pytest.raises(PortError, match=r"reading Id from the registry failed: .+1450"):
            here.boot_id()
    assert here.boot_id() == first


def test_an_anchor_that_cannot_be_read_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable anchor is an error: a missing one would count as damage and erase the sealed records."""
    anchor.RegistryAnchor().save(b"1 aa")
    unreadable(monkeypatch)
    with pytest.raises(PortError, match="reading JournalHead from the registry failed"):
        anchor.RegistryAnchor().load()


def test_only_a_value_that_is_not_there_is_none() -> None:
    """Only a missing value is None; an unreadable one is an error."""
    key = registry.agents_key()
    assert key.load("NeverWritten") is None
    win32api.RegCloseKey(key._key)
    with pytest.raises(PortError, match="reading NeverWritten from the registry failed"):
        key.load("NeverWritten")


def test_no_restart_starts_while_the_registry_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unreadable registry refuses a restart: another one may have started already."""
    asked: list[object] = []
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *a: asked.append(a))
    unreadable(monkeypatch)
    with pytest.raises(PortError, match="reading RestartBegun"):
        power.WindowsPower(list).restart(message="", grace=0)
    assert not asked


def test_anchor_keeps_what_was_saved_last() -> None:
    """Another process reads the last saved anchor."""
    kept = anchor.RegistryAnchor()
    for head in (b"1 aa", b"2 bb"):
        kept.save(head)
        assert anchor.RegistryAnchor().load() == head


def test_a_changed_anchor_is_refused() -> None:
    """An anchor of another type is refused."""
    registry.agents_key().save("JournalHead", "1 aa")
    with pytest.raises(PortError, match="somebody changed it"):
        anchor.RegistryAnchor().load()
    anchor.RegistryAnchor().save(b"3 cc")


def test_nothing_pending_means_no_reason() -> None:
    """A new PC has no reason for a restart."""
    assert power.WindowsPower(list).pending_reasons() == []


def test_each_reason_for_a_restart_is_named(hklm: Any) -> None:
    """Each of Windows' five places for a pending restart has its own reason."""
    hklm(rf"{power._CBS}\RebootPending")
    hklm(rf"{power._UPDATE}\RebootRequired")
    hklm(power._SESSION_MANAGER, "PendingFileRenameOperations", [r"\??\C:\old"], winreg.REG_MULTI_SZ)
    hklm(rf"{power._NAMES}\ComputerName", "ComputerName", "RENAMED")
    hklm(power._NETLOGON, "JoinDomain", "1")
    assert power.WindowsPower(list).pending_reasons() == list(power._REASONS)
