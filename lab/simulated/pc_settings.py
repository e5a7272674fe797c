# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The initial settings of a simulated PC, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from lab.simulated.account_model import Lockout
from lab.simulated.logon_habits import Habits
from lab.wsman.host import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.simulated.connections import ListenerName
    from lab.simulated.customer_script import Step
    from lab.simulated.offered_update import Update
    from lab.wsman.host import StandIn
    from lab.wsman.service_key import ServiceKey

OPERATOR = "helpdesk"
POLICY = """\
[organization]
name = "Contoso IT"
phone = "+49 30 5550 100"

[policy]
min_restart_interval = 0
"""
"""The lab's agents allow one restart right after another: tests cannot wait an hour."""


@dataclass(frozen=True)
class Settings:
    """The settings of a PC. Durations are real seconds.

    Attributes:
        name: the computer's name.
        user: the customer's account.
        domain: the domain of the customer's account, which has signed in here before; empty: an account of the PC.
        password: the customer's password, UTF-16LE; None makes a random one. The lab copies it.
        script: the customer's steps, in this order.
        signed_in: whether the customer is at the console after the first boot.
        language: the language of the customer's windows.
        zone: the PC's time zone, by its IANA name.
        lockout: the account lockout policy.
        policy: the text of the agent's settings file; None leaves the file out.
        agent_protocol: the version of the protocol that its agent speaks; None: this checkout's.
        operator_permitted: whether the operator's account may use the agent.
        operator_password: the password of the operator's account; empty makes a random one.
        restart_seconds: how long the PC is off during a restart.
        boot_seconds: from power to the start of the services.
        ending_seconds: from the beginning of a shutdown, when the sessions end, until the services end.
        shutdown_seconds: how long the services have to end.
        logon_seconds: how long Winlogon takes over one logon.
        desktop_seconds: from a logon with a permit that Windows accepts to its desktop, after each boot. A first
            sign-in takes minutes ("EnableFirstLogonAnimation", Policy CSP WindowsLogon, Microsoft Learn).
            Meanwhile a request to lock is lost: LockWorkStation works on the user's own desktop only, and does not
            say whether it worked ("LockWorkStation function", Microsoft Learn).
        desktop_listed: how Windows lists the session until then. The agent must stand all three: no page says it.
        auto_logon: the customer's account signs in by itself after each restart, with AutoAdminLogon ("Configure
            Windows to automate logon"), or with ARSO, which also locks the desktop and needs a customer who was signed
            in ("Winlogon automatic restart sign-on", both Microsoft Learn).
        restart_sign_on: whether Windows signs the last user in again after a restart that asks for it (SHUTDOWN_ARSO);
            `fails`: it is allowed, and does not work.
        auto_logon_at: the event of a boot at which that happens; `boot` is before any service runs.
        notice_seconds: from a change of a session to the agent's notice of it (SERVICE_CONTROL_SESSIONCHANGE).
        session_numbers: the order of the sessions' numbers.
        fast_startup: to shut down hibernates Windows without its users, and the next start is no boot. A restart is
            one ("Distinguishing Fast Startup from Wake-from-Hibernation", Microsoft Learn).
        clock_error: added to the clock at each boot but the first, as an empty battery or another system does.
        clock_right_after: seconds from the moment at which such a PC is up until Windows Time sets the clock right.
        lock_seconds: from a request to lock to the locked screen.
        agent_start_delay: from the start of the services to the agent's; WinRM may answer first.
        listener_start_delay: from the start of the services to the listeners'.
        agent_stops_first: how long the listeners still answer after the agent has stopped; the agent
            stops in the pre-shutdown phase, before ordinary services ("SERVICE_CONTROL_PRESHUTDOWN",
            Microsoft Learn).
        listener_aborts: whether a stopping listener ends each waiting Receive with fault 995.
        unavailable_seconds: how long each listener answers 503 after its start.
        rejecting_seconds: how long each listener refuses every logon after its start.
        lockout_tries: the refused logons after which the operator's account is locked; 0: never.
        shells_per_user: the most open remote shells of the operator's account.
        updates_seconds: how long installing takes for the lab's programs.
        updates: the updates that Windows Update offers.
        servicing_seconds: how long Windows works on installed updates after the restart that they need.
        no_pipe_seconds: how long a client waits for a pipe that does not exist; ansible.windows waits five minutes.
        programs: more programs, as modules of the checkout by their Windows path. Their first
            argument is the socket of the PC's Windows.
        stand_ins: the programs that answer scripts which the lab does not understand.
        variables: the environment of the operator's PowerShell: where Windows and its programs lie.
        listeners: the PC's listeners; each is a process (`lab.simulated.connections`).
        key: the key of a PC that is a member of the lab's domain (`domain_membership.join`): its listeners `http` and
            `https` accept Kerberos.
        ssh_orphans: whether a program outlives its lost ssh connection (lab/ssh/README.md).
        logon_ui: how the logon screen treats credential providers. A simulated PC has no provider: there only
            `rival`, `filtered` and `users_hidden` make a difference.
    """

    name: str = "PC-ANNA"
    user: str = "anna"
    domain: str = ""
    password: bytearray | None = field(default=None, repr=False)
    script: Sequence[Step] = ()
    signed_in: bool = True
    language: str = "en"
    zone: str = "Europe/Berlin"
    lockout: Lockout = field(default_factory=Lockout)
    policy: str | None = POLICY
    agent_protocol: int | None = None
    operator_permitted: bool = True
    operator_password: str = field(default="", repr=False)
    restart_seconds: float = 0.3
    boot_seconds: float = 0.0
    ending_seconds: float = 0.0
    shutdown_seconds: float = 2.0
    logon_seconds: float = 0.02
    desktop_seconds: float = 0.0
    desktop_listed: Literal["absent", "locked", "open"] = "absent"
    auto_logon: Literal["", "admin", "arso"] = ""
    restart_sign_on: Literal["allowed", "forbidden", "fails"] = "allowed"
    auto_logon_at: str = "boot"
    notice_seconds: float = 0.0
    session_numbers: Literal["counted", "changing"] = "counted"
    fast_startup: bool = False
    clock_error: timedelta = timedelta()
    clock_right_after: float = 1.0
    lock_seconds: float = 0.02
    agent_start_delay: float = 0.0
    listener_start_delay: float = 0.0
    agent_stops_first: float = 0.0
    listener_aborts: bool = False
    unavailable_seconds: float = 0.0
    rejecting_seconds: float = 0.0
    lockout_tries: int = 0
    shells_per_user: int = 30
    updates_seconds: float = 0.1
    updates: Sequence[Update] = ()
    servicing_seconds: float = 0.0
    no_pipe_seconds: float = 1.0
    programs: Mapping[str, str] = field(default_factory=dict)
    stand_ins: Sequence[StandIn] = ()
    variables: Mapping[str, str] = field(default_factory=lambda: VARIABLES)
    listeners: Sequence[ListenerName] = ("listener",)
    key: ServiceKey | None = None
    ssh_orphans: bool = False
    logon_ui: Habits = field(default_factory=Habits)
