# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the logons in the log of Samba's Kerberos service.

With the debug class `auth_json_audit` at level 3 Samba writes a line of JSON for each logon that was decided (Samba's
wiki, "Setting up Audit Logging"). The first request of a client, by which it learns how to show that it knows the
password, is not decided and has no line.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RIGHT = "NT_STATUS_OK"
WRONG = "NT_STATUS_WRONG_PASSWORD"
LOCKED = "NT_STATUS_ACCOUNT_LOCKED_OUT"


class Logon(NamedTuple):
    """One logon: the account without its domain, as the client wrote it, the status of Windows, and the moment."""

    account: str
    status: str
    at: datetime


def read_logons(log: Path) -> list[Logon]:
    """Return the logons in the order of the log; none where there is no log."""
    return list(_logons(log.read_text(encoding="utf-8", errors="replace"))) if log.exists() else []


def _logons(text: str) -> Iterator[Logon]:
    # The last line may be half written.
    for line in text.split("\n")[:-1]:
        if line.startswith("{") and (told := json.loads(line)).get("type") == "Authentication":
            logon = told["Authentication"]
            at = datetime.strptime(told["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
            yield Logon(str(logon["clientAccount"]).partition("@")[0], logon["status"], at)
