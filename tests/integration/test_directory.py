# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's domain controller, asked by MIT Kerberos's own programs."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agent.packaging.system_tools import WRONG_CLOCK
from lab.computer import LabError
from lab.directory.domain_controller import full_name, principal
from lab.directory.kdc_log import RIGHT, WRONG, read_logons
from tests.domain import OPERATOR, Domain, domain
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Tool = Callable[..., str]

__all__ = ["domain"]

WRONG_PASSWORD = "Wrong-Horse-7"


@pytest.fixture
def tool(domain: Domain, tmp_path: Path) -> Tool:
    """Runs a program of MIT Kerberos with files of its own; returns all that it says."""

    def run(*command: str, given: str = "", **lookup: object) -> str:
        settings = domain.controller.settings(tmp_path / "krb5.conf", **lookup)
        environment = {
            "PATH": os.environ["PATH"],
            "KRB5_CONFIG": str(settings),
            "KRB5CCNAME": f"FILE:{tmp_path / 'cache'}",
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            command,
            input=f"{given}\n".encode(),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        return done.stdout.decode()

    return run


def test_a_user_gets_a_ticket_for_a_member_and_for_no_other_pc(
    domain: Domain, tool: Tool, tmp_path: Path
) -> None:
    """The Kerberos ticket for a PC's service can be decrypted with its keytab; an unknown PC has no service."""
    keytab = tmp_path / "keytab"
    domain.controller.add_computer("PC-ANNA", keytab)
    tool("kinit", principal(OPERATOR), given=domain.password)

    told = tool("kvno", "-k", str(keytab), f"HTTP/{full_name('PC-ANNA')}")
    unknown = tool("kvno", f"HTTP/{full_name('PC-NOBODY')}")

    assert "keytab entry valid" in told
    assert "not found in Kerberos database" in unknown


def test_the_log_counts_right_and_wrong_passwords(domain: Domain, tool: Tool) -> None:
    """Each kinit with a password is one logon in the controller's log, and its status tells the two apart."""
    before = len(domain.controller.logons())
    for password in (domain.password, WRONG_PASSWORD, WRONG_PASSWORD):
        tool("kinit", principal(OPERATOR), given=password)
    told = [(logon.account, logon.status) for logon in domain.controller.logons()[before:]]
    assert told == [(OPERATOR, RIGHT), (OPERATOR, WRONG), (OPERATOR, WRONG)]


def test_a_half_written_line_is_no_logon(tmp_path: Path) -> None:
    """The controller may be writing while its log is read; before its start there is no log."""
    log = tmp_path / "kdc.log"
    assert read_logons(log) == []
    log.write_text('samba version 4.17\n{"type": "Authentication", "Authe', encoding="utf-8")
    assert read_logons(log) == []


def test_a_stopped_controller_cannot_be_reached_until_it_starts_again(domain: Domain, tool: Tool) -> None:
    """Its port and its accounts stay the same."""
    domain.controller.stop()
    away = tool("kinit", principal(OPERATOR), given=domain.password)
    domain.controller.start()
    back = tool("kinit", principal(OPERATOR), given=domain.password)
    assert "Cannot contact any KDC" in away
    assert "Cannot contact" not in back
    assert OPERATOR in tool("klist")


def test_a_controller_with_a_wrong_clock_refuses(domain: Domain, tool: Tool) -> None:
    """A client that does not calculate with the controller's time is refused for the skew of the clocks."""
    require(WRONG_CLOCK)
    domain.controller.stop()
    domain.controller.start(clock_error=timedelta(minutes=20))
    try:
        told = tool("kinit", principal(OPERATOR), given=domain.password, corrects_clock=False)
    finally:
        domain.controller.stop()
        domain.controller.start()
    assert "Clock skew too great" in told


def test_a_refused_account_is_said_without_its_password(domain: Domain) -> None:
    """Samba refuses a password that is too simple, and the error does not repeat it."""
    with pytest.raises(LabError, match="python3 failed") as caught:
        domain.controller.add_users({"weak": "aaaa"})
    assert "aaaa" not in str(caught.value)
