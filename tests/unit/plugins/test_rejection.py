# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rejected credentials are recognised on every connection and authentication, and tried twice at most."""

from __future__ import annotations

from typing import Any

import pypsrp.exceptions
import pytest
import requests
import spnego.exceptions
import winrm.exceptions
from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure
from ansible_collections.latchkey.consent.plugins.plugin_utils._connection import (
    REJECTED_PAUSE,
    ConnectionLost,
    Link,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._rejection import tries_in

from tests.unit.plugins.fakes import FakeConnection, FakeTime

COMMAND = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand eAA="
HOST = "Failed to connect to the host via ssh: helpdesk@pc: "
KINIT = "Kerberos auth failure for principal helpdesk@CONTOSO.COM with subprocess: kinit: "


def response(status: int) -> requests.HTTPError:
    """Return the exception of requests for an HTTP status."""
    answer = requests.Response()
    answer.status_code = status
    return requests.HTTPError("no", response=answer)


def caused(fault: Exception, cause: Exception) -> Exception:
    """Return `fault` as it is raised while `cause` is handled."""
    fault.__context__ = cause
    return fault


CREDENTIALS = winrm.exceptions.InvalidCredentialsError(
    "the specified credentials were rejected by the server"
)
REFUSALS: dict[str, tuple[Exception, int]] = {
    "winrm": (AnsibleConnectionFailure("ntlm: the specified credentials were rejected by the server"), 1),
    "winrm, two transports": (
        AnsibleConnectionFailure(
            "kerberos: the specified credentials were rejected by the server, "
            "ssl: the specified credentials were rejected by the server"
        ),
        2,
    ),
    "winrm, connected": (winrm.exceptions.InvalidCredentialsError("whatever it says"), 1),
    "winrm, connected, and the cleaning up": (
        caused(winrm.exceptions.InvalidCredentialsError("x"), CREDENTIALS),
        2,
    ),
    "winrm, as it comes from requests": (
        caused(winrm.exceptions.InvalidCredentialsError("x"), response(401)),
        1,
    ),
    "winrm, by status": (winrm.exceptions.WinRMTransportError("http", 401, "Unauthorized"), 1),
    "kinit": (
        AnsibleConnectionFailure(f"{KINIT}Preauthentication failed while getting initial credentials"),
        1,
    ),
    "kinit, locked": (AnsibleConnectionFailure(f"{KINIT}Client's credentials have been revoked"), 1),
    "kinit, in other words": (AnsibleConnectionFailure(f"{KINIT}Anmeldung fehlgeschlagen"), 1),
    "psrp": (
        caused(
            AnsibleConnectionFailure("failed to authenticate with the server: x"),
            pypsrp.exceptions.AuthenticationError("x"),
        ),
        1,
    ),
    "psrp, connected": (pypsrp.exceptions.AuthenticationError("x"), 1),
    "psrp, by status": (pypsrp.exceptions.WinRMTransportError("http", 401, "x"), 1),
    "spnego": (spnego.exceptions.InvalidCredentialError(context_msg="x"), 1),
    "requests": (response(401), 1),
    "ssh, key": (AnsibleConnectionFailure(f"{HOST}Permission denied (publickey)."), 1),
    "ssh, password": (
        AnsibleConnectionFailure(f"{HOST}Permission denied (publickey,password,keyboard-interactive)."),
        2,
    ),
    "ssh, too many keys": (AnsibleConnectionFailure(f"{HOST}Too many authentication failures"), 1),
    "sshpass": (AnsibleAuthenticationFailure("whatever it says"), 1),
}


def asked(**headers: str) -> requests.HTTPError:
    """Return the exception of requests for a 401 to a request with these headers."""
    answer = requests.Response()
    answer.status_code = 401
    answer.request = requests.Request("POST", "http://pc/wsman", headers=headers).prepare()
    return requests.HTTPError("no", response=answer)


REFUSALS["winrm, with an account"] = (
    caused(winrm.exceptions.InvalidCredentialsError("x"), asked(Authorization="Negotiate YII=")),
    1,
)
OTHERS: dict[str, Exception] = {
    "winrm, without an account": caused(winrm.exceptions.InvalidCredentialsError("x"), asked()),
    "refused": requests.ConnectionError("Max retries exceeded: Connection refused"),
    "busy": winrm.exceptions.WinRMTransportError("http", 503, "Service Unavailable"),
    "denied by the PC": winrm.exceptions.WinRMTransportError("http", 403, "Forbidden"),
    "psrp": pypsrp.exceptions.WinRMError("x"),
    "no domain": AnsibleConnectionFailure(f"{KINIT}Cannot contact any KDC for realm 'CONTOSO.COM'"),
    "a file": AnsibleConnectionFailure("Failed to transfer: C:\\x: Permission denied"),
    "requests": response(503),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_recognised_and_counted(name: str) -> None:
    """By the exception's type or status, and by its wording where there is neither."""
    fault, tries = REFUSALS[name]
    assert tries_in(fault) == tries
    assert ConnectionLost(fault).rejected


@pytest.mark.parametrize("name", OTHERS)
def test_another_loss_is_no_refusal(name: str) -> None:
    """A PC that is away, or a domain that cannot be reached, counts no try."""
    assert tries_in(OTHERS[name]) == 0


class Rejecting(FakeConnection):
    """Raises these exceptions in turn, then connects."""

    def __init__(self, *faults: Exception) -> None:
        super().__init__([], FakeTime())
        self.faults = list(faults)
        self.tried_at: list[float] = []

    def reset(self) -> None:
        """Connect with the next command."""

    def exec_command(self, cmd: str, in_data: bytes | None = None, **_: Any) -> tuple[int, bytes, bytes]:
        """Fail as often as there are exceptions left."""
        del cmd, in_data
        self.tried_at.append(self.time.seconds)
        if self.faults:
            raise self.faults.pop(0)
        return 0, b"", b""


def link_to(connection: Rejecting) -> Link:
    """Return a link over this connection."""
    return Link(connection, connection.time.clock())  # type: ignore[arg-type]  # the fake stands for the plugin


@pytest.mark.parametrize("name", REFUSALS)
def test_no_caller_tries_a_third_time(name: str) -> None:
    """Whoever calls however often: two tries, ten seconds apart, and one where it counts twice."""
    fault, tries = REFUSALS[name]
    connection = Rejecting(*[fault] * 50)
    link = link_to(connection)
    for _ in range(20):
        with pytest.raises(ConnectionLost):
            link.run(COMMAND)
    with pytest.raises(ConnectionLost) as lost:
        link.run(COMMAND)
    assert lost.value.final
    assert connection.tried_at == ([0.0, REJECTED_PAUSE] if tries == 1 else [0.0])


def test_accepted_credentials_count_anew() -> None:
    """Windows forgets the wrong tries at the first right one."""
    connection = Rejecting(CREDENTIALS)
    link = link_to(connection)
    for _ in range(3):
        with pytest.raises(ConnectionLost):
            link.run(COMMAND)
        link.run(COMMAND)
        connection.faults.append(CREDENTIALS)
    assert len(connection.tried_at) == 6
