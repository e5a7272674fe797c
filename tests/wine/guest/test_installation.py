# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer's steps that need no installation; tests/package installs."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from latchkey_agent.cli import removal
from latchkey_agent.ports import PortError
from latchkey_agent.windows import folders, installation, operators
from latchkey_agent.windows.pipes import client_stream

PROGRAM = r"C:\Program Files\Latchkey\pythonw.exe"


@pytest.mark.parametrize("line", [
    rf"{PROGRAM} -I -B -m x",
    rf'"{PROGRAM}" -I -B -m x',
    rf"{PROGRAM.upper()} -I -B -m x",
])  # fmt: skip
def test_the_program_is_quoted_once(line: str) -> None:
    """The program is quoted once, whatever the installer wrote, and the arguments stay."""
    made = installation.quoted(line, PROGRAM)
    assert made.lower() == rf'"{PROGRAM}" -I -B -m x'.lower()


def test_another_program_is_not_touched() -> None:
    """The command line of another program stays unchanged."""
    assert installation.quoted(r"C:\other.exe -x", PROGRAM) == r"C:\other.exe -x"


def test_erasing_without_a_service_leaves_it_to_the_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped service cannot prove an erasure; the removal overwrites its data later."""
    monkeypatch.setattr(client_stream, "connect_control", _nobody)
    installation.erase(keep_receipts=False)


def test_receipts_that_cannot_be_kept_stop_the_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The removal stops if receipts are wanted but the service, which writes them, does not run."""
    monkeypatch.setattr(client_stream, "connect_control", _nobody)
    with pytest.raises(PortError, match="start the service LatchkeyAgent and remove again"):
        installation.erase(keep_receipts=True)


def test_receipts_that_are_lost_stop_the_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The removal stops if the service sends no receipts; they are still in the journal."""

    def silent(*_: object) -> None:
        raise removal.NoAnswer

    monkeypatch.setattr(removal, "erase_all", lambda _connect: None)
    monkeypatch.setattr(removal, "keep_receipts", silent)
    with pytest.raises(PortError, match="or remove without KEEPRECEIPTS=1"):
        installation.erase(keep_receipts=True)


def _nobody() -> None:
    raise ConnectionRefusedError


def test_a_step_that_fails_ends_with_1_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, trap: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed step ends with 1, so that Windows Installer undoes the change, and logs its reason."""
    monkeypatch.setattr(folders, "data_folder", lambda: trap)
    with caplog.at_level(logging.CRITICAL):
        assert installation.main(["configure"]) == 1
    assert "not to the system" in caplog.text


def test_wiping_refuses_a_folder_that_is_not_ours(monkeypatch: pytest.MonkeyPatch, trap: Path) -> None:
    """Wiping refuses another account's folder and overwrites nothing in it."""
    (trap / "precious.txt").write_text("precious")
    monkeypatch.setattr(folders, "data_folder", lambda: trap)
    with pytest.raises(PortError, match="not to the system"):
        installation.remove()
    assert (trap / "precious.txt").read_text() == "precious"


def test_a_missing_account_is_none() -> None:
    """A missing account is None, and an existing one has a SID."""
    group = operators.WindowsOperators()
    assert group.find("nobody-of-this-name") is None
    everyone = group.find("Everyone")
    assert everyone is not None
    assert everyone.sid == "S-1-1-0"
