# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The duties to lock a desktop survive a crash, and no fault of the disk stops the agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from latchkey_agent.ports import PortError
from latchkey_agent.storage.lock_duties import LockDuties, LockDuty

DUTY = LockDuty("p-1", "S-1-5-21-1", "boot-1", 1)


def test_a_duty_is_on_the_disk_before_its_block_begins(tmp_path: Path) -> None:
    """A second process that reads the file inside the block finds the duty."""
    file = tmp_path / "duties.json"
    duties = LockDuties(file)
    with duties.taken(DUTY):
        assert LockDuties(file).all() == (DUTY,)
    assert not duties.is_empty
    duties.settle("another")
    duties.settle(DUTY.permit)
    assert LockDuties(file).is_empty


def test_a_block_that_fails_gives_the_duty_up(tmp_path: Path) -> None:
    """Nothing was handed over, so nothing is to be locked."""
    duties = LockDuties(tmp_path / "duties.json")
    with pytest.raises(KeyError), duties.taken(DUTY):
        raise KeyError
    assert duties.is_empty


def test_a_duty_leaves_the_others_alone(tmp_path: Path) -> None:
    """Taken, settled or given up after a failure: the duties of other permits stay, on the disk and in memory."""
    file = tmp_path / "duties.json"
    duties = LockDuties(file)
    first, second, third = (LockDuty(f"p-{number}", "S-1-5-21-1", "boot-1", None) for number in range(3))
    with duties.taken(first), duties.taken(second):
        pass
    with pytest.raises(KeyError), duties.taken(third):
        raise KeyError
    assert duties.all() == LockDuties(file).all() == (first, second)
    duties.settle(first.permit)
    assert duties.all() == LockDuties(file).all() == (second,)


@pytest.mark.parametrize("windows_session", [1, 2])
def test_rule_09_a_second_redeem_leaves_the_duty_of_the_first(tmp_path: Path, windows_session: int) -> None:
    """The password of the first redeem is out: a further one that is refused gives up its own duty only."""
    file = tmp_path / "duties.json"
    duties = LockDuties(file)
    with duties.taken(DUTY):
        pass
    again = LockDuty(DUTY.permit, DUTY.sid, DUTY.boot_id, windows_session)
    with pytest.raises(KeyError), duties.taken(again):
        raise KeyError
    assert duties.all() == LockDuties(file).all() == (DUTY,)


def test_settling_what_is_no_duty_writes_nothing(tmp_path: Path) -> None:
    """Most permits leave no duty, and a file that is not there is not made for them."""
    file = tmp_path / "duties.json"
    LockDuties(file).settle(DUTY.permit)
    assert not file.exists()


def test_a_duty_cannot_be_changed(tmp_path: Path) -> None:
    """What stands in the file is what stands in memory."""
    duties = LockDuties(tmp_path / "duties.json")
    with duties.taken(DUTY), pytest.raises(AttributeError, match="immutable"):
        duties.all()[0].permit = "p-2"  # type: ignore[misc]


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_missing_file_is_no_fault_and_a_path_that_cannot_be_read_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, is_folder: bool
) -> None:
    """Both count as empty."""
    file = tmp_path / "duties.json"
    if is_folder:
        file.mkdir()
    assert LockDuties(file).all() == ()
    assert ("cannot be read" in caplog.text) is is_folder


def test_a_file_that_cannot_be_read_counts_as_empty(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The journal still knows the desktops; the fault is logged."""
    (tmp_path / "duties.json").write_bytes(b"nonsense")
    assert LockDuties(tmp_path / "duties.json").is_empty
    assert "cannot be read" in caplog.text


def test_a_duty_that_cannot_be_written_is_refused_and_one_that_cannot_be_removed_is_met_again(
    tmp_path: Path,
) -> None:
    """On a full disk no duty is taken; one that is settled there is settled in memory only."""
    file = tmp_path / "duties.json"
    duties = LockDuties(file)
    with duties.taken(DUTY):
        pass
    file.with_suffix(".new").mkdir()
    refused = pytest.raises(
        PortError, match=r"^the duty to lock a desktop cannot be written \(Is a directory\)$"
    )
    with refused, duties.taken(LockDuty("p-2", "S-1-5-21-1", "boot-1", 1)):
        pass
    duties.settle(DUTY.permit)
    assert duties.is_empty
    assert duties.all() == ()
    assert LockDuties(file).all() == (DUTY,)


def test_a_late_duty_survives_a_crash_and_holds_nothing_up(tmp_path: Path) -> None:
    """It stands in the file, and is none that something waits for; another permit's stays as it is."""
    file = tmp_path / "duties.json"
    duties = LockDuties(file)
    other = replace(DUTY, permit="p-2", sid="S-1-5-21-2")
    with duties.taken(DUTY), duties.taken(other):
        pass
    duties.defer(DUTY.permit)
    duties.defer("another")
    assert LockDuties(file).all() == (replace(DUTY, late=True), other)
    assert (duties.is_late(DUTY.permit), duties.is_late(other.permit), duties.is_empty) == (
        True,
        False,
        False,
    )
    duties.settle(other.permit)
    assert duties.is_empty


def test_a_new_duty_stands_for_the_late_ones_of_its_account(tmp_path: Path) -> None:
    """Only once it is taken for good, and not for another account's."""
    duties = LockDuties(tmp_path / "duties.json")
    late, other = replace(DUTY, late=True), replace(DUTY, permit="p-2", sid="S-1-5-21-2", late=True)
    for duty in (DUTY, replace(other, late=False)):
        with duties.taken(duty):
            pass
        duties.defer(duty.permit)
    new = replace(DUTY, permit="p-3")
    with pytest.raises(KeyError), duties.taken(new):
        raise KeyError
    assert duties.all() == (late, other)
    with duties.taken(new):
        pass
    assert duties.all() == (other, new)


def test_a_duty_follows_the_session_that_its_logon_opened(tmp_path: Path) -> None:
    """The number stands in the file, and the duty of another permit stays as it is."""
    file = tmp_path / "duties.json"
    duties = LockDuties(file)
    other = replace(DUTY, permit="p-2")
    with duties.taken(DUTY), duties.taken(other):
        pass
    duties.follow(DUTY.permit, 7)
    assert LockDuties(file).all() == (replace(DUTY, windows_session=7), other)
