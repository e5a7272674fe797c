# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab.computer import EventLog, LabError
from lab.simulated.account_model import Lockout
from lab.simulated.keys import KeysError, MachineKeys
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
    """After a boot nobody is signed in, nothing is pending, and the boot's id is another."""
    anna = windows.accounts.add("anna", canary)
    windows.sessions.sign_in(anna.account)
    windows.registry.pending_restart.append("Windows Update")
    before = windows.boot_id()
    assert windows.boot_id() == before
    windows.boot()
    assert windows.boot_id() != before
    assert windows.sessions.signed_in() == []
    assert windows.registry.pending_restart == []


def test_a_pin_is_told_from_a_wrong_password_only_where_one_is_set_up(
    windows: Windows,
    canary: bytearray,
) -> None:
    """Digits look like the PIN on an account that has one, and are just wrong on another."""
    anna = windows.accounts.add("anna", canary)
    digits = bytearray("123456".encode("utf-16-le"))
    assert windows.check(anna, digits) is LogonRefusal.WRONG_PASSWORD
    anna.set_pin(bytearray("987654".encode("utf-16-le")))
    assert windows.check(anna, digits) is LogonRefusal.LOOKS_LIKE_PIN


def test_a_blank_entry_is_refused_before_windows_counts_it(
    windows: Windows,
    canary: bytearray,
) -> None:
    """Blank entries never lock an account out."""
    anna = windows.accounts.add("anna", canary)
    for _ in range(20):
        assert windows.check(anna, bytearray()) is LogonRefusal.BLANK_PASSWORD
    assert windows.check(anna, canary) is None


def test_the_clock_can_be_set_and_goes_on_in_the_pcs_zone(windows: Windows) -> None:
    """A clock that is set shows that moment, with the zone's offset, and moves on."""
    moment = datetime(2027, 7, 1, 20, 0, tzinfo=UTC)
    windows.clock.set(moment)
    now = windows.clock.now()
    assert timedelta(0) <= now - moment < timedelta(seconds=5)
    assert now.utcoffset() == timedelta(hours=2)


def test_an_unknown_zone_says_what_to_install() -> None:
    """A zone that this machine does not know ends in a sentence, not in a traceback's guess."""
    with pytest.raises(LabError, match="tzdata"):
        Windows("PC-1", "Middle/Earth", Lockout(), lambda _change, _session: None)


def test_what_a_machine_sealed_opens_there_with_the_same_entropy_only(
    canary: bytearray,
) -> None:
    """Another entropy, another machine, a changed or a cut blob: none opens."""
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
        with pytest.raises(KeysError):
            machine.unprotect(what, entropy)


def test_waiting_for_an_event_counts_past_ones() -> None:
    """The second of two past events is there at once; a third one times out and tells what was."""
    log = EventLog()
    log.add("pc", "boot", "Boot 1.")
    log.add("pc", "boot", "Boot 2.")
    assert log.wait_for("boot", count=2).text == "Boot 2."
    with pytest.raises(LabError, match="seen: boot, boot"):
        log.wait_for("boot", count=3, timeout=0.01)


def test_waiting_for_an_event_ends_when_it_happens() -> None:
    """A future for an event that has not happened is done once it has, and not before."""
    log = EventLog()
    future = log.future("locked", 1)
    log.add("pc", "unlocked", "")
    assert not future.done()
    event = log.add("pc", "locked", "")
    assert future.result(0) == event
