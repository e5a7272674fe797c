# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""DPAPI, the boot id and the anchor."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest
import win32api
import winerror

from latchkey_agent.ports import ForeignKeyError, PortError
from latchkey_agent.windows import names
from latchkey_agent.windows.ports import anchor, counter, dpapi, power
from latchkey_agent.windows.win32 import registry

from .conftest import refusing

CANARY = "Kanarienvogel 9!".encode("utf-16-le")


def test_dpapi_opens_a_blob_only_with_the_same_entropy() -> None:
    """It refuses another entropy, a changed blob and a truncated blob."""
    keys = dpapi.SystemKeys()
    blob = keys.protect(bytearray(CANARY), b"grant 1")
    assert CANARY not in blob
    assert keys.unprotect(blob, b"grant 1") == bytearray(CANARY)
    changed = blob[:-8] + bytes(8)
    for other, entropy in ((blob, b"grant 2"), (blob, b""), (changed, b"grant 1"), (blob[:20], b"grant 1")):
        with pytest.raises(PortError, match="DPAPI"):
            keys.unprotect(other, entropy)


@pytest.mark.parametrize(
    ("code", "foreign"),
    [(dpapi.NTE_BAD_KEY_STATE - 2**32, True), (winerror.ERROR_INVALID_DATA, False), (1722, False)],
)
def test_only_a_missing_master_key_makes_a_blob_foreign(
    monkeypatch: pytest.MonkeyPatch, code: int, *, foreign: bool
) -> None:
    """Damage and a service that does not answer may pass or be mended: they do not make the blob another PC's."""

    def fail(*_: object) -> int:
        ctypes.set_last_error(code)
        return 0

    monkeypatch.setattr(dpapi, "CryptUnprotectData", fail)
    with pytest.raises(PortError, match="DPAPI") as refused:
        dpapi.SystemKeys().unprotect(b"blob", b"entropy")
    assert isinstance(refused.value, ForeignKeyError) is foreign


def test_dpapi_leaves_the_callers_buffer_to_the_caller() -> None:
    """The caller can overwrite and resize it: no reference to the buffer is left."""
    secret = bytearray(CANARY)
    dpapi.SystemKeys().protect(secret, b"x")
    secret.extend(b"resizable again")
    assert secret.startswith(CANARY)


def test_the_boot_id_is_the_same_for_the_whole_boot() -> None:
    """Every process of one boot reads the same id."""
    first = power.WindowsPower(list).boot_id()
    code = "from latchkey_agent.windows.ports.power import WindowsPower as P; print(P(list).boot_id())"
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == first
    assert len(bytes.fromhex(first)) == 16


def unreadable(patch: pytest.MonkeyPatch) -> None:
    """Make every read of a registry value fail."""
    patch.setattr(win32api, "RegQueryValueEx", refusing(winerror.ERROR_NO_SYSTEM_RESOURCES))


def test_a_boot_id_that_cannot_be_read_is_not_replaced() -> None:
    """With a second id in the same boot, a permit that waits for the restart could be redeemed at once."""
    windows_power = power.WindowsPower(list)
    first = windows_power.boot_id()
    with pytest.MonkeyPatch.context() as patch:
        unreadable(patch)
        with pytest.raises(PortError, match=r"reading Id from the registry failed: .+1450"):
            windows_power.boot_id()
    assert windows_power.boot_id() == first


def test_an_anchor_that_cannot_be_read_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing anchor means that the journal is damaged, and all sealed passwords are erased."""
    anchor.RegistryAnchor().save(b"1 aa")
    unreadable(monkeypatch)
    with pytest.raises(PortError, match="reading JournalHead from the registry failed"):
        anchor.RegistryAnchor().load()


def test_only_a_missing_value_is_none() -> None:
    """A value that cannot be read is an error."""
    key = registry.agents_key()
    assert key.load("NeverWritten") is None
    win32api.RegCloseKey(key._key)
    with pytest.raises(PortError, match="reading NeverWritten from the registry failed"):
        key.load("NeverWritten")


def test_no_restart_starts_while_the_registry_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The agent would not know whether it has already started one."""
    calls: list[object] = []
    monkeypatch.setattr(power, "InitiateShutdownW", lambda *a: calls.append(a))
    unreadable(monkeypatch)
    with pytest.raises(PortError, match="reading RestartBegun"):
        power.WindowsPower(list).restart(message="", grace=0, sign_on=False)
    assert not calls


def test_the_anchor_keeps_the_head_that_was_saved_last() -> None:
    """A new object reads the same head."""
    saved = anchor.RegistryAnchor()
    for head in (b"1 aa", b"2 bb"):
        saved.save(head)
        assert anchor.RegistryAnchor().load() == head


def test_the_head_of_this_boot_is_in_the_volatile_key() -> None:
    """Windows deletes that key when the PC goes down; the other anchor stays."""
    anchor.RegistryAnchor().save(b"1 aa")
    anchor.boot_anchor().save(b"2 bb")
    assert registry.value(names.BOOT_KEY, "JournalHead") == b"2 bb"
    assert anchor.RegistryAnchor().load() == b"1 aa"
    assert anchor.boot_anchor().load() == b"2 bb"


def test_no_counter_is_claimed() -> None:
    """Until a TPM's counter was tried on a real PC, the agent says that there is none."""
    assert counter.NoCounter().read() is None


def test_an_anchor_of_the_wrong_type_is_refused() -> None:
    """The agent never writes a text."""
    registry.agents_key().save("JournalHead", "1 aa")
    with pytest.raises(PortError, match="somebody changed it"):
        anchor.RegistryAnchor().load()
    anchor.RegistryAnchor().save(b"3 cc")
