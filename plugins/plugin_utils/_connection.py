# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The connection to the PC: runs commands, detects a loss, reconnects.

The exceptions of a lost connection were measured: winrm passes on those of requests and pywinrm, psrp
those of pypsrp, and ssh turns its exit code 255 into Ansible's own.

A shell on the PC outlives its connection: Windows keeps it for two hours (IdleTimeout), and allows 30 for
each user (MaxShellsPerUser; "Installation and configuration for Windows Remote Management", Microsoft
Learn). So after a loss the winrm connection goes on in its shell, and psrp deletes the shell that it left.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ._fault_codes import NO_SUCH_SHELL, TOO_MANY_SHELLS, has_code
from ._job_watch import JobWatch
from ._kerberos_faults import NOT_CONFIGURED, kerberos_fault
from ._left_shells import LeftShells
from ._older_cores import command_for
from ._rejection import tries_in
from ._terminal_text import plain
from ._tls_alerts import refuses_certificate
from ._wrong_settings import wrong_setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ansible.plugins.connection import ConnectionBase

    from ._wait_clock import Clock

T = TypeVar("T")

# Every exception of these libraries during a command means a lost connection.
_TRANSPORTS = frozenset(
    {
        "winrm",
        "pypsrp",
        "psrpcore",
        "requests",
        "urllib3",
        "spnego",
        "requests_credssp",
        "krb5",
        "gssapi",
        "kerberos",
    }
)
# The winrm plugin raises AnsibleError with these texts, and for wrong settings too.
_LOST_TEXTS = ("the connection attempt timed out", "winrm send_input failed")
_TIMEOUT_TEXTS = ("timed out", "timeout")

_SSH_NOT_CONNECTED = ("ssh: connect to host", "could not resolve hostname")

_PROBE_SECONDS = 0.5
_LEAST_SECONDS = 0.01
# Seconds that a request waits for an answer during a restart, unless the operator has set less. The
# winrm plugin adds 10 s for reading, which the first shell after a boot needs. ssh gives up after three
# times as many seconds.
_IMPATIENT_SECONDS = 5
_ALIVE = f"-o ServerAliveInterval={_IMPATIENT_SECONDS} -o ServerAliveCountMax=3"
_PORTS = {"winrm": 5986, "psrp": 5986, "ssh": 22}

REJECTED_PAUSE = 10.0
"""Seconds between two tries of rejected credentials."""
_MOST_REJECTIONS = 2


class CommandResult(NamedTuple):
    """The exit code, the standard output and the standard error of a command."""

    code: int
    output: bytes
    error: bytes = b""


class ConnectionLost(Exception):
    """The connection is lost; the command may have run.

    `tries`: how often the PC has refused the operator's account meanwhile. `timed_out`: the PC did not answer.
    `too_many_shells`: the account has as many shells as the PC allows. `kerberos`: the error code of why Kerberos gave
    no ticket for the PC; None for another loss. `wrong_setting`: the setting with which no connection can be made.
    `certificate_refused`: TLS has refused the operator's certificate. `final`: no further try is made.
    """

    def __init__(self, fault: Exception) -> None:
        self.reason = plain(str(fault))
        super().__init__(self.reason)
        text = self.reason.lower()
        self.tries = tries_in(fault)
        self.timed_out = isinstance(fault, TimeoutError) or any(part in text for part in _TIMEOUT_TEXTS)
        self.too_many_shells = has_code(fault, TOO_MANY_SHELLS)
        self.kerberos = kerberos_fault(fault)
        self.wrong_setting = None if self.tries or self.kerberos else wrong_setting(fault)
        self.certificate_refused = refuses_certificate(fault)
        # All other faults of Kerberos may pass: a controller starts, a clock is set, a ticket is renewed.
        self.final = self.wrong_setting is not None or self.kerberos == NOT_CONFIGURED

    @property
    def rejected(self) -> bool:
        """Whether the PC refused the operator's account."""
        return self.tries > 0

    @property
    def pause(self) -> float:
        """The least time before the next try, in seconds."""
        return REJECTED_PAUSE if self.rejected else 0.0

    def ends_within(self, left: float) -> bool:
        """Tell whether no further try is possible in the time that is left, in seconds."""
        return self.final or self.pause > left


def is_lost(fault: Exception) -> bool:
    """Tell whether an exception of a connection plugin means a lost connection."""
    if isinstance(fault, (AnsibleConnectionFailure, OSError)):
        return True
    if isinstance(fault, AnsibleError):
        return any(text in str(fault) for text in _LOST_TEXTS)
    if any(base.__module__.partition(".")[0] in _TRANSPORTS for base in type(fault).__mro__):
        return True
    return kerberos_fault(fault) is not None


class Link:
    """A connection plugin that reconnects, and measures the time without contact to the PC.

    Args:
        connection: the connection plugin.
        clock: the clock of its pauses.
        watch: ends the process before it asks anything for a job that has ended.
    """

    def __init__(self, connection: ConnectionBase, clock: Clock, watch: JobWatch | None = None) -> None:
        self._connection = connection
        self._clock = clock
        self._watch = JobWatch() if watch is None else watch
        self._stale = False
        self._away_since: float | None = None
        self.reached = False
        """Whether this task has ever reached the PC."""
        self.sent = False
        """Whether a command of this task may have reached the PC."""
        self.lost_at: float | None = None
        """The clock's time of the first loss."""
        self._outage = 0.0
        self._shells = LeftShells(connection)
        self._rejections = 0
        self._rejected: ConnectionLost | None = None
        self._rejected_at = 0.0

    def run(self, command: str, stdin: bytes | None = None) -> CommandResult:
        """Run a command line; reconnect first if the connection was lost.

        Raises:
            ConnectionLost: the connection is lost.
        """
        self._set(self._alert_options())
        return self.guarded(lambda: self._exec(command, stdin))

    def guarded(self, action: Callable[[], T]) -> T:
        """Do something over the connection that may lose it; reconnect first if it was lost.

        Rejected credentials are tried twice at most until they are accepted again, with `REJECTED_PAUSE` seconds
        between: each try counts towards the lockout of the account.

        Raises:
            ConnectionLost: the connection is lost.
        """
        self._refrain()
        self._watch.check()
        try:
            self._reconnect()
            result = action()
        except Exception as fault:
            if not is_lost(fault):
                raise
            raise self._lose(ConnectionLost(fault)) from fault
        self._shells.delete()
        self._note_contact()
        return result

    def _exec(self, command: str, stdin: bytes | None) -> CommandResult:
        try:
            return self._exec_once(command, stdin)
        except Exception as fault:
            # The PC has restarted, or has closed an idle shell: the command did not run.
            if not (self._shells.kept and has_code(fault, NO_SUCH_SHELL)):
                raise
            self._shells.forget()
        return self._exec_once(command, stdin)

    def _exec_once(self, command: str, stdin: bytes | None) -> CommandResult:
        sent = command_for(str(self._connection.transport), command)
        code, output, error = self._connection.exec_command(sent, in_data=stdin, sudoable=False)
        return CommandResult(code, bytes(output), bytes(error))

    def _refrain(self) -> None:
        """Try rejected credentials later, or not at all."""
        if self._rejected is None:
            return
        if self._rejected.final:
            raise self._rejected
        pause = self._rejected_at + REJECTED_PAUSE - self._clock.now()
        if pause > 0:
            self._clock.sleep(pause)

    def _lose(self, lost: ConnectionLost) -> ConnectionLost:
        self.reached = self.reached or bool(self._connection.connected)
        self.sent = self.sent or not self._nothing_sent(lost)
        self._note_loss()
        if lost.wrong_setting:
            self._rejected = lost
            self._shells.abandon()
        if lost.rejected:
            self._rejections += lost.tries
            self._rejected, self._rejected_at = lost, self._clock.now()
            lost.final = self._rejections >= _MOST_REJECTIONS
            if lost.final:
                self._shells.abandon()
        return lost

    def _nothing_sent(self, lost: ConnectionLost) -> bool:
        """Tell whether the connection was lost before a command was sent. In case of doubt it was sent.

        ssh connects and sends the command in one program. It says so if it did not connect (OpenSSH, `sshconnect.c`).
        """
        if self._connection.transport != "ssh":
            return not self._connection.connected
        return lost.rejected or any(text in lost.reason.lower() for text in _SSH_NOT_CONNECTED)

    def _reconnect(self) -> None:
        if not self._stale:
            return
        self._shells.reset(may_delete=self._rejected is None)
        self._stale = False

    def _note_loss(self) -> None:
        self._stale = True
        if self._away_since is None:
            self._away_since = self._clock.now()
        if self.reached and self.lost_at is None:
            self.lost_at = self._away_since

    def _note_contact(self) -> None:
        self.reached = self.sent = True
        self._rejections, self._rejected = 0, None
        if self._away_since is not None:
            self._outage += self._clock.now() - self._away_since
            self._away_since = None

    @property
    def by_certificate(self) -> bool:
        """Whether the operator's account is that of a client's certificate."""
        chosen = self._option("auth" if self._connection.transport == "psrp" else "transport")
        return "certificate" in (chosen if isinstance(chosen, list) else [chosen])

    @property
    def away(self) -> bool:
        """Whether the last command lost the connection."""
        return self._away_since is not None

    @property
    def outage(self) -> float:
        """Seconds without contact in total."""
        current = 0.0 if self._away_since is None else self._clock.now() - self._away_since
        return self._outage + current

    def accepts(self) -> bool:
        """Tell whether the PC's port accepts a TCP connection; nothing is sent."""
        address = self._address()
        if address is None:
            return False
        try:
            socket.create_connection(address, timeout=_PROBE_SECONDS).close()
        except OSError:
            return False
        return True

    def hangs_up(self, seconds: float) -> bool:
        """Wait for so long until the PC ends a connection on which nothing is asked; return whether it did.

        A PC that goes down ends its connections, and no program has to run on it to tell.
        """
        address = self._address()
        if address is None:
            return False
        until = self._clock.deadline(seconds)
        try:
            with socket.create_connection(address, timeout=_PROBE_SECONDS) as silent:
                # A server of ssh says its name first.
                while True:
                    silent.settimeout(max(until.left, _LEAST_SECONDS))
                    if not silent.recv(1024):
                        break
        except TimeoutError:
            return False
        except OSError:
            pass
        self._note_loss()
        return True

    def _address(self) -> tuple[str, int] | None:
        host = self._option("remote_addr") or self._option("host")
        port = self._option("port") or _PORTS.get(str(self._connection.transport))
        return (str(host), int(str(port))) if host and port else None

    def _option(self, name: str) -> object:
        try:
            return self._connection.get_option(name)
        except (AttributeError, KeyError):
            return None

    @contextlib.contextmanager
    def impatient(self) -> Iterator[None]:
        """Use short timeouts while the PC restarts."""
        wanted = self._impatient_options()
        before = {name: self._option(name) for name in wanted}
        self._set(wanted)
        # A master connection of ssh keeps the settings of its start.
        self._stale = self._stale or self._connection.transport == "ssh"
        try:
            yield
        finally:
            self._set(before)

    def _impatient_options(self) -> dict[str, object]:
        transport = self._connection.transport
        if transport == "winrm":
            own = self._option("connection_timeout")
            return {"connection_timeout": min(int(str(own or _IMPATIENT_SECONDS)), _IMPATIENT_SECONDS)}
        if transport == "psrp":
            # pypsrp reads an answer six times before it gives up, and waits longer each time unless the backoff
            # is 0. Its read timeout must be longer than its operation timeout.
            return {
                "connection_timeout": _IMPATIENT_SECONDS,
                "operation_timeout": 3,
                "read_timeout": 8,
                "reconnection_backoff": 0.0,
            }
        if transport == "ssh":
            return {"timeout": _IMPATIENT_SECONDS, **self._alert_options()}
        return {}

    def _alert_options(self) -> dict[str, object]:
        """Return the options with which ssh notices a PC that stops answering; without them it waits for ever.

        The operator's own options come first (ssh_config(5): the first value obtained is used).
        """
        if self._connection.transport != "ssh":
            return {}
        given = str(self._option("ssh_extra_args") or "")
        return {"ssh_extra_args": given if _ALIVE in given else f"{given} {_ALIVE}".strip()}

    def _set(self, options: dict[str, object]) -> None:
        for name, value in options.items():
            self._connection.set_option(name, value)
