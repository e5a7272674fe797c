# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer's steps that can be tested without an installation. tests/package tests the installation."""

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
    """The result is the same with and without the installer's quotes. The arguments stay."""
    made = installation.quoted(line, PROGRAM)
    assert made.lower() == rf'"{PROGRAM}" -I -B -m x'.lower()


def test_another_program_is_not_touched() -> None:
    """The command line of another program stays as it is."""
    assert installation.quoted(r"C:\other.exe -x", PROGRAM) == r"C:\other.exe -x"


def test_erasing_without_a_service_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped service cannot prove the erasure. A later step overwrites its files."""
    monkeypatch.setattr(client_stream, "connect_control", _not_running)
    installation.erase(keep_receipts=False)


def test_receipts_that_cannot_be_kept_stop_the_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the service can write the receipts, and the administrator wants to keep them."""
    monkeypatch.setattr(client_stream, "connect_control", _not_running)
    with pytest.raises(PortError, match="start the service LatchkeyAgent and remove again"):
        installation.erase(keep_receipts=True)


def test_a_failure_after_the_erasure_stops_the_removal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The passwords are already erased. The receipts are still in the journal."""

    def silent(*_: object) -> None:
        raise removal.NoAnswer

    monkeypatch.setattr(removal, "erase_all", lambda _connect: None)
    monkeypatch.setattr(removal, "keep_receipts", silent)
    with pytest.raises(PortError, match="or remove without KEEPRECEIPTS=1"):
        installation.erase(keep_receipts=True)


def _not_running() -> None:
    raise ConnectionRefusedError


def test_a_step_that_fails_ends_with_1_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, trap: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Windows Installer then rolls the change back. The event log has the reason."""
    monkeypatch.setattr(folders, "data_folder", lambda: trap)
    with caplog.at_level(logging.CRITICAL):
        assert installation.main(["configure"]) == 1
    assert "not to the system" in caplog.text


def test_wiping_refuses_a_folder_of_another_owner(monkeypatch: pytest.MonkeyPatch, trap: Path) -> None:
    """Its files are not overwritten."""
    (trap / "precious.txt").write_text("precious")
    monkeypatch.setattr(folders, "data_folder", lambda: trap)
    with pytest.raises(PortError, match="not to the system"):
        installation.remove()
    assert (trap / "precious.txt").read_text() == "precious"


def test_an_unknown_account_is_none() -> None:
    """A known account has a SID."""
    group = operators.WindowsOperators()
    assert group.find("nobody-of-this-name") is None
    everyone = group.find("Everyone")
    assert everyone is not None
    assert everyone.sid == "S-1-1-0"
