# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each reason why Kerberos gives no ticket has its own code, by number first and by wording last.

The exceptions are those that pywinrm, pypsrp and kinit raised with the lab's directory. Their classes are stand-ins:
the packages of Kerberos are compiled, and some machines lack them.
"""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.latchkey.consent.plugins.plugin_utils import _connection
from ansible_collections.latchkey.consent.plugins.plugin_utils._connection import ConnectionLost, Link
from ansible_collections.latchkey.consent.plugins.plugin_utils._kerberos_faults import (
    CLOCK_SKEW,
    KDC_UNREACHABLE,
    NO_TICKET,
    NOT_CONFIGURED,
    SPN_MISSING,
    kerberos_fault,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._rejection import tries_in

from tests.unit.plugins.fakes import FakeConnection, FakeTime

KINIT = "Kerberos auth failure for principal helpdesk@LAB.TEST: kinit: "
GSS = "kerberos: authGSSClientStep() failed: (('Unspecified GSS failure.  Minor code may provide more', 851968), "
UNSIGNED = 2**32


class Krb5Error(Exception):
    """As krb5 raises it; its text may be in any language."""

    __module__ = "krb5._exceptions"

    def __init__(self, err_code: int, text: str = "Fehler") -> None:
        self.err_code = err_code
        super().__init__(text)


class GssError(Exception):
    """As gssapi raises it."""

    __module__ = "gssapi.raw.misc"

    def __init__(self, major: int, minor: int) -> None:
        self.maj_code, self.min_code = major, minor
        super().__init__("Fehler")


class Wrapped(Exception):
    """As pyspnego passes on what gssapi raised."""

    __module__ = "spnego.exceptions"

    def __init__(self, base: Exception) -> None:
        self.base_error = base
        super().__init__("Fehler")


def by_kinit(text: str) -> Exception:
    """Return the exception of winrm where kinit fails."""
    return AnsibleConnectionFailure(f"{KINIT}{text} while getting initial credentials")


FAULTS: dict[str, tuple[Exception, str]] = {
    "winrm, away": (by_kinit("Cannot contact any KDC for realm 'LAB.TEST'"), KDC_UNREACHABLE),
    "winrm, no controller named": (by_kinit('Cannot find KDC for realm "LAB.TEST"'), KDC_UNREACHABLE),
    "winrm, no address": (by_kinit("Cannot resolve network address for KDC in realm"), KDC_UNREACHABLE),
    "winrm, skew": (by_kinit("Clock skew too great"), CLOCK_SKEW),
    "winrm, service": (
        AnsibleConnectionFailure(f"{GSS}('Server not found in Kerberos database', -1765328377))"),
        SPN_MISSING,
    ),
    "winrm, service, by number": (AnsibleConnectionFailure(f"{GSS}('Fehler', -1765328377))"), SPN_MISSING),
    "winrm, expired": (AnsibleConnectionFailure(f"{GSS}('Ticket expired', -1765328352))"), NO_TICKET),
    "winrm, none": (
        AnsibleConnectionFailure(
            "kerberos: authGSSClientInit() failed: (('No credentials were supplied, or the credentials were "
            "unavailable or inaccessible', 458752), (\"Can't find client principal helpdesk@LAB.TEST in cache "
            'collection", -1765328243))'
        ),
        NO_TICKET,
    ),
    "winrm, no kinit": (
        AnsibleConnectionFailure(
            "Kerberos auth failure when calling kinit cmd 'kinit': [Errno 2] No such file or directory: 'kinit'"
        ),
        NOT_CONFIGURED,
    ),
    "winrm, no package": (
        AnsibleConnectionFailure(
            "WinRM Kerberos authentication requested but the python kerberos library is not installed."
        ),
        NOT_CONFIGURED,
    ),
    "winrm, no realm": (
        AnsibleConnectionFailure(
            f"{KINIT}Configuration file does not specify default realm when parsing name helpdesk"
        ),
        NOT_CONFIGURED,
    ),
    "winrm, wrong file": (
        AnsibleConnectionFailure(f"{KINIT}Improper format of Kerberos configuration file while initializing"),
        NOT_CONFIGURED,
    ),
    "psrp, away": (Krb5Error(-1765328228), KDC_UNREACHABLE),
    "psrp, no controller named": (Krb5Error(-1765328230), KDC_UNREACHABLE),
    "psrp, skew": (Krb5Error(-1765328347), CLOCK_SKEW),
    "psrp, service": (Wrapped(GssError(851968, UNSIGNED - 1765328377)), SPN_MISSING),
    "psrp, expired": (Wrapped(GssError(720896, 100001)), NO_TICKET),
    "psrp, none": (Wrapped(GssError(458752, UNSIGNED - 1765328243)), NO_TICKET),
    "psrp, no package": (
        ImportError("GSSAPIProxy requires the Python gssapi library: No module named 'gssapi'"),
        NOT_CONFIGURED,
    ),
    "psrp, no realm": (Krb5Error(-1765328160), NOT_CONFIGURED),
}
REFUSALS = {
    "psrp, password": Krb5Error(-1765328360),
    "psrp, locked": Krb5Error(-1765328366),
    "psrp, unknown user": Krb5Error(-1765328378),
    "winrm, unknown user": by_kinit("Client 'nobody@LAB.TEST' not found in Kerberos database"),
    "winrm, password": by_kinit("Password incorrect"),
}
OTHERS: dict[str, Exception] = {
    "ssh": AnsibleConnectionFailure("Failed to connect to the host via ssh: cannot resolve hostname pc"),
    "a file": AnsibleConnectionFailure("The ticket expired on the train"),
    "a library": ImportError("No module named 'pypsrp'"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_reason_has_its_code_and_counts_no_try(name: str) -> None:
    """It is a loss of the connection, and no refusal of the account; a wrong set-up alone ends the tries at once."""
    fault, code = FAULTS[name]
    lost = ConnectionLost(fault)
    assert kerberos_fault(fault) == lost.kerberos == code
    assert _connection.is_lost(fault)
    assert tries_in(fault) == 0
    assert lost.final == (code == NOT_CONFIGURED)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refused_account_is_no_fault_of_kerberos(name: str) -> None:
    """The domain's refusal counts as a try, by its number where there is one."""
    fault = REFUSALS[name]
    assert kerberos_fault(fault) is None
    assert _connection.is_lost(fault)
    assert tries_in(fault) == 1


@pytest.mark.parametrize("name", OTHERS)
def test_other_faults_are_not_of_kerberos(name: str) -> None:
    """Words alone do not make a fault of Kerberos."""
    assert kerberos_fault(OTHERS[name]) is None


class Away(FakeConnection):
    """A connection whose domain controller is away."""

    connected = False

    def exec_command(self, cmd: str, in_data: bytes | None = None, **_: object) -> tuple[int, bytes, bytes]:
        """Fail as psrp does."""
        del cmd, in_data
        raise Krb5Error(-1765328228)


@pytest.mark.parametrize("connected", [False, True])
def test_a_command_was_sent_only_over_a_connection(*, connected: bool) -> None:
    """psrp may have to show its account anew in the middle of a command, which the PC has then seen."""
    connection = Away([], FakeTime())
    connection.connected = connected
    link = Link(connection, connection.time.clock())  # type: ignore[arg-type]  # the fake stands for the plugin
    with pytest.raises(ConnectionLost):
        link.run("x")
    assert link.sent is connected
