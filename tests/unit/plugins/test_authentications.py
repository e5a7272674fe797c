# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of client certificates and of CredSSP, and settings with which no connection can be made."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any

import pypsrp.exceptions
import pytest
import requests
import winrm.exceptions
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.latchkey.consent.plugins.plugin_utils._agent_client import Agent
from ansible_collections.latchkey.consent.plugins.plugin_utils._connection import (
    ConnectionLost,
    Link,
    is_lost,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._rejection import tries_in
from ansible_collections.latchkey.consent.plugins.plugin_utils._wrong_settings import WrongSetting
from requests_credssp.exceptions import AuthenticationException, NTStatusException

from tests.unit.plugins.fakes import FakeConnection, FakeTime

POOL = "HTTPSConnectionPool(host='pc', port=5986): Max retries exceeded with url: /wsman (Caused by SSLError({}))"
NOT_OFFERED = AuthenticationException(
    "The server did not response CredSSP being an available authentication method - actual: 'Negotiate'"
)


def alert(code: str) -> ssl.SSLError:
    """Return the exception of Python's ssl for an alert of the other side."""
    fault = ssl.SSLError(1, f"[SSL: {code}] some words (_ssl.c:2580)")
    fault.reason = code
    return fault


def ended_after(step: str, offer: str = "Negotiate, NTLM") -> AuthenticationException:
    """Return the exception of requests-credssp for a handshake that ended with this offer instead of a token."""
    return AuthenticationException(
        f"Server did not response with a CredSSP token after step {step} - actual '{offer}'"
    )


def by_winrm(transport: str, fault: Exception) -> AnsibleConnectionFailure:
    """Return the exception that the winrm plugin makes of another one at its first contact."""
    return AnsibleConnectionFailure(f"{transport}: {fault}")


def unread(status: int) -> AuthenticationException:
    """Return the exception of requests-credssp for a status that pyspnego does not know."""
    return AuthenticationException(
        f"SpnegoError (4294967295): Received NTStatus in TSRequest from acceptor, Context: {status}"
    )


EXPIRED = alert("SSLV3_ALERT_CERTIFICATE_EXPIRED")
REFUSALS: dict[str, Exception] = {
    "credssp, winrm": by_winrm("credssp", NTStatusException(0xC000006D, "x")),
    "credssp, psrp": NTStatusException(0xC000006D, "x"),
    "credssp, psrp, a locked account": NTStatusException(0xC0000234, "x"),
    "credssp, winrm, a locked account": by_winrm("credssp", NTStatusException(0xC0000234, "x")),
    "credssp, an unknown status": unread(1),
    "credssp, winrm, an unknown status": by_winrm("credssp", unread(1)),
    "credssp, winrm, the delegated password": by_winrm("credssp", ended_after("Credential exchange")),
    "credssp, psrp, the delegated password": ended_after("Credential exchange"),
    "credssp, no status": ended_after("Authentication 2"),
    "credssp, an older library": ended_after("Step 5. Delegate Credentials"),
    "certificate, winrm, TLS": by_winrm("certificate", Exception(POOL.format(repr(EXPIRED)))),
    "certificate, psrp, TLS": AnsibleConnectionFailure(f"via PSRP: {POOL.format(repr(EXPIRED))}"),
    "certificate, connected": requests.exceptions.SSLError(EXPIRED),
    "certificate, bare": EXPIRED,
    **{
        f"certificate, {code}": requests.exceptions.SSLError(alert(code))
        for code in (
            "TLSV1_ALERT_UNKNOWN_CA",
            "SSLV3_ALERT_BAD_CERTIFICATE",
            "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
            "SSLV3_ALERT_CERTIFICATE_REVOKED",
            "TLSV13_ALERT_CERTIFICATE_REQUIRED",
            "TLSV1_ALERT_ACCESS_DENIED",
        )
    },
    "certificate, winrm, 401": by_winrm(
        "certificate", Exception("the specified credentials were rejected by the server")
    ),
    "two transports, one not offered": AnsibleConnectionFailure(
        f"ntlm: the specified credentials were rejected by the server, credssp: {NOT_OFFERED}"
    ),
}
OTHERS: dict[str, Exception] = {
    "credssp, no logon server": NTStatusException(0xC000005E, "x"),
    "credssp, winrm, a boot": by_winrm("credssp", NTStatusException(0xC0000192, "x")),
    "credssp, TLS": ended_after("TLS Handshake"),
    "credssp, the keys of a lost connection": ended_after("Credential exchange", ""),
    "credssp, winrm, the keys of a lost connection": by_winrm(
        "credssp", ended_after("Credential exchange", "")
    ),
    "credssp, an older library, TLS": ended_after("Step 1. TLS Handshake"),
    "the server's certificate": requests.exceptions.SSLError(
        POOL.format(
            "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed')"
        )
    ),
    "another alert": alert("SSLV3_ALERT_HANDSHAKE_FAILURE"),
    "no alert": ssl.SSLError("closed"),
}
SETTINGS: dict[str, tuple[Exception, WrongSetting]] = {
    "credssp, winrm": (by_winrm("credssp", NOT_OFFERED), WrongSetting.AUTHENTICATION),
    "credssp, psrp": (NOT_OFFERED, WrongSetting.AUTHENTICATION),
    "negotiate, psrp": (
        pypsrp.exceptions.AuthenticationError(
            "The server did not response with one of the following authentication methods Negotiate - actual: ''"
        ),
        WrongSetting.AUTHENTICATION,
    ),
    "no certificate, winrm": (
        by_winrm("certificate", winrm.exceptions.InvalidCredentialsError("cert_pem file not found (x)")),
        WrongSetting.CERTIFICATE,
    ),
    "no key, psrp": (
        OSError("Could not find the TLS key file, invalid path: x"),
        WrongSetting.CERTIFICATE,
    ),
    "another key": (
        requests.exceptions.SSLError(POOL.format("SSLError(116, '[X509: KEY_VALUES_MISMATCH] key values')")),
        WrongSetting.CERTIFICATE,
    ),
    "no PEM": (
        requests.exceptions.SSLError(POOL.format("SSLError(9, '[SSL] PEM lib (_ssl.c:4149)')")),
        WrongSetting.CERTIFICATE,
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_password_or_certificate_counts(name: str) -> None:
    """One try, whether the exception has a code or the plugin has kept its text alone."""
    assert is_lost(REFUSALS[name])
    assert tries_in(REFUSALS[name]) == 1
    assert not ConnectionLost(REFUSALS[name]).wrong_setting


@pytest.mark.parametrize(
    "fault", [NTStatusException(0xC000006D, "x"), ended_after("Credential exchange")], ids=["status", "step"]
)
def test_a_second_refusal_while_cleaning_up_counts(fault: Exception) -> None:
    """winrm may try again to end a command whose connection was refused: both tries count towards a lockout."""
    second = NTStatusException(0xC000006D, "x")
    second.__context__ = fault
    assert tries_in(second) == 2


@pytest.mark.parametrize("name", OTHERS)
def test_a_password_that_was_not_checked_counts_nothing(name: str) -> None:
    """Such as before a domain controller can be reached, or where TLS fails for another reason."""
    lost = ConnectionLost(OTHERS[name])
    assert (lost.tries, lost.wrong_setting, lost.final) == (0, None, False)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_wrong_setting_is_final(name: str) -> None:
    """It counts as no logon, and no further try follows."""
    fault, setting = SETTINGS[name]
    lost = ConnectionLost(fault)
    assert is_lost(fault)
    assert (lost.tries, lost.wrong_setting, lost.final) == (0, setting, True)


class Plugin(FakeConnection):
    """A connection plugin that always fails so, with these options."""

    def __init__(self, name: str, fault: Exception, **options: Any) -> None:
        super().__init__([], FakeTime(), transport=name, options={"connection_timeout": None, **options})
        self.fault = fault
        self.tries = 0
        self.runspace = None

    def reset(self) -> None:
        """Connect with the next command."""

    def exec_command(self, cmd: str, in_data: bytes | None = None, **_: Any) -> tuple[int, bytes, bytes]:
        """Fail."""
        del cmd, in_data
        self.tries += 1
        raise self.fault


def loss(link: Link) -> ConnectionLost:
    """Run a command that loses its connection; return the loss."""
    with pytest.raises(ConnectionLost) as lost:
        link.run("x")
    return lost.value


def failing(plugin: Plugin) -> tuple[str, str, int]:
    """Ask the agent over a plugin three times; return the error's code, its outcome, and the tries of the plugin."""
    clock = plugin.time.clock()
    link = Link(plugin, clock)  # type: ignore[arg-type]  # the fake stands for the plugin
    agent = Agent(SimpleNamespace(link=link), clock, None)  # type: ignore[arg-type]  # nothing waits here
    losses = [loss(link) for _ in range(3)]
    fault = agent.failure_of(losses[-1])
    return fault.code, fault.outcome, plugin.tries


@pytest.mark.parametrize(
    ("plugin", "expected"),
    [
        (Plugin("winrm", EXPIRED, transport=["certificate"]), ("client_certificate_rejected", "refused", 2)),
        (Plugin("psrp", EXPIRED, auth="certificate"), ("client_certificate_rejected", "refused", 2)),
        (
            Plugin("winrm", REFUSALS["certificate, winrm, 401"], transport=["certificate"]),
            ("client_certificate_rejected", "refused", 2),
        ),
        (
            Plugin("psrp", pypsrp.exceptions.AuthenticationError("x"), auth="certificate"),
            ("client_certificate_rejected", "refused", 2),
        ),
        (
            Plugin("winrm", REFUSALS["credssp, winrm"], transport=["credssp"]),
            ("credentials_rejected", "refused", 2),
        ),
        (Plugin("psrp", REFUSALS["credssp, psrp"], auth="credssp"), ("credentials_rejected", "refused", 2)),
        (Plugin("psrp", NOT_OFFERED, auth="credssp"), ("authentication_not_offered", "refused", 1)),
    ],
    ids=[
        *("winrm, certificate", "psrp, certificate", "winrm, certificate, 401", "psrp, certificate, 401"),
        *("winrm, credssp", "psrp, credssp", "not offered"),
    ],
)
def test_each_refusal_has_its_code(plugin: Plugin, expected: tuple[str, str, int]) -> None:
    """Before the first contact nothing was sent; refused logons are tried twice, wrong settings once."""
    assert failing(plugin) == expected
