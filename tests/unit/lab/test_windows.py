# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab.computer import EventLog, LabError
from lab.simulated.account_model import Lockout
from lab.simulated.keys import ForeignKeysError, KeysError, MachineKeys
from lab.simulated.windows_model import Windows
from latchkey_agent.domain import LogonRefusal


@pytest.fixture
def windows() -> Windows:
    """A PC in Berlin."""
    return Windows("PC-1", "Europe/Berlin", Lockout(), lambda _change, _session: None)


def test_a_boot_forgets_sessions_pending_restarts_and_the_boot_id(
    windows: Windows,
    canary: bytearray,
) -> None:
    """After a boot no user is signed in, no restart is pending, and the boot id is new."""
    anna = windows.accounts.add("anna", canary)
    windows.sessions.sign_in(anna.account)
    windows.registry.pending_restart.append("Windows Update")
    before = windows.boot_id()
    assert windows.boot_id() == before
    windows.boot()
    assert windows.boot_id() != before
    assert windows.sessions.signed_in() == []
    assert windows.registry.pending_restart == []


def test_a_pin_is_recognized_only_on_an_account_with_a_pin(
    windows: Windows,
    canary: bytearray,
) -> None:
    """Digits are refused as a PIN on an account with a PIN, and as a wrong password on another."""
    anna = windows.accounts.add("anna", canary)
    digits = bytearray("123456".encode("utf-16-le"))
    assert windows.check(anna, digits) is LogonRefusal.WRONG_PASSWORD
    anna.set_pin(bytearray("987654".encode("utf-16-le")))
    assert windows.check(anna, digits) is LogonRefusal.LOOKS_LIKE_PIN


def test_a_blank_entry_is_refused_before_windows_counts_it(
    windows: Windows,
    canary: bytearray,
) -> None:
    """Blank entries never lock an account."""
    anna = windows.accounts.add("anna", canary)
    for _ in range(20):
        assert windows.check(anna, bytearray()) is LogonRefusal.BLANK_PASSWORD
    assert windows.check(anna, canary) is None


def test_a_set_clock_continues_in_the_pcs_zone(windows: Windows) -> None:
    """A set clock shows that moment with the zone's offset, and continues."""
    moment = datetime(2027, 7, 1, 20, 0, tzinfo=UTC)
    windows.clock.set(moment)
    now = windows.clock.now()
    assert timedelta(0) <= now - moment < timedelta(seconds=5)
    assert now.utcoffset() == timedelta(hours=2)


def test_the_error_for_an_unknown_zone_names_the_package() -> None:
    """The error for an unknown zone is a sentence that names the package to install."""
    with pytest.raises(LabError, match="tzdata"):
        Windows("PC-1", "Middle/Earth", Lockout(), lambda _change, _session: None)


def test_a_sealed_blob_opens_only_on_its_machine_with_its_entropy(
    canary: bytearray,
) -> None:
    """A blob does not open with other entropy, on another machine, or after a change."""
    keys = MachineKeys()
    blob = keys.protect(canary, b"grant-1")
    assert keys.unprotect(blob, b"grant-1") == canary
    changed = blob[:-1] + bytes([blob[-1] ^ 1])
    for machine, what, entropy in (
        (keys, blob, b"grant-2"),
        (MachineKeys(), blob, b"grant-1"),
        (keys, changed, b"grant-1"),
        (keys, blob[:5], b"grant-1"),
    ):
        with pytest.raises(KeysError) as refused:
            machine.unprotect(what, entropy)
        assert isinstance(refused.value, ForeignKeysError) is (machine is not keys or len(what) < 8)


def test_waiting_for_an_event_counts_past_events() -> None:
    """The second of two past events returns at once; a wait for a third times out and lists the events."""
    log = EventLog()
    log.add("pc", "boot", "Boot 1.")
    log.add("pc", "boot", "Boot 2.")
    assert log.wait_for("boot", count=2).text == "Boot 2."
    with pytest.raises(LabError, match="seen: boot, boot"):
        log.wait_for("boot", count=3, timeout=0.01)


def test_waiting_for_an_event_ends_when_it_happens() -> None:
    """The future of an event is done when the event happens, and not before."""
    log = EventLog()
    future = log.future("locked", 1)
    log.add("pc", "unlocked", "")
    assert not future.done()
    event = log.add("pc", "locked", "")
    assert future.result(0) == event
