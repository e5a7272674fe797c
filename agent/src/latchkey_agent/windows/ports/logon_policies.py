# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings in the registry that stop or pre-empt an unattended logon; only read, never changed.

`_SWITCHES` has a row for each setting. Sources: "Security Options" and the Policy CSPs WindowsLogon, ADMX_Logon,
CredentialProviders and Authentication (Microsoft Learn); docs/forecast.md gives the name of each policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from latchkey_agent.windows.win32 import registry
from latchkey_agent.windows.win32.registry import Value

PROVIDER = "{646ad95f-a509-4aef-ac07-e40e406b97bb}"
"""CLSID of Latchkey's credential provider (agent/native/credential_provider/module.h)."""
OWN_FILTERS = frozenset({"{ddc0eed2-adbe-40b6-a217-ede16a79a0de}"})
"""CLSIDs of Windows' own credential provider filters: GenericFilter, for credential dialogs."""

POLICIES = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
WINLOGON = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"
PROVIDERS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\Credential Providers"
FILTERS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\Credential Provider Filters"
CLASS = rf"SOFTWARE\Classes\CLSID\{PROVIDER}\InprocServer32"
PASSWORDLESS = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\PasswordLess\Device"
AUTHENTICATION = r"SOFTWARE\Microsoft\PolicyManager\current\device\Authentication"
POWER = r"SYSTEM\CurrentControlSet\Control\Session Manager\Power"
ENVIRONMENT = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
OWN_POLICY = r"SOFTWARE\Policies\Latchkey"
ARSO_REFUSED = 2
"""ARSOUserConsent: Windows does not sign the last user in after a restart."""
HELLO_ONLY = 2
"""DevicePasswordLessBuildVersion: Windows allows sign-in with Windows Hello only."""
ABSENT = (None, "")
HIDE_USER = 3
"""DontDisplayLockedUserId: do not display user information."""


class Reading(NamedTuple):
    """A fact as one setting has it.

    Attributes:
        fact: the field of `LogonFacts`.
        value: its value; None if it could not be read.
        place: the setting, as an administrator finds it.
    """

    fact: str
    value: Any
    place: str


class _Switch(NamedTuple):
    fact: str
    key: str
    name: str
    is_on: Callable[[Value], bool]


def is_number(wanted: int) -> Callable[[Value], bool]:
    """Return a test for a number, also as text: Winlogon keeps some numbers as REG_SZ."""
    return lambda value: value not in ABSENT and _number(value) == wanted


def _above_zero(value: Value) -> bool:
    return value not in ABSENT and _number(value) > 0


def _set(value: Value) -> bool:
    return value not in {None, 0}


def _has_text(value: Value) -> bool:
    lines = value if isinstance(value, list) else [str(value or "")]
    return bool("".join(lines).strip())


def _excludes(value: Value) -> bool:
    return PROVIDER in str(value or "").casefold()


def _other_processor(value: Value) -> bool:
    if not isinstance(value, str):
        msg = "the processor is not named"
        raise TypeError(msg)
    return value.casefold() != "amd64"


def _number(value: Value) -> int:
    if isinstance(value, (int, str)):
        return int(value)
    msg = "the setting is no number"
    raise TypeError(msg)


_SWITCHES = (
    # The two values with which Windows signs in by itself; ARSO sets the second for the next start.
    _Switch("auto_logon", WINLOGON, "AutoAdminLogon", is_number(1)),
    _Switch("auto_logon", WINLOGON, "ForceAutoLockOnLogon", _above_zero),
    _Switch("logon_banner", POLICIES, "LegalNoticeCaption", _has_text),
    _Switch("logon_banner", POLICIES, "LegalNoticeText", _has_text),
    _Switch("logon_banner", WINLOGON, "LegalNoticeCaption", _has_text),
    _Switch("logon_banner", WINLOGON, "LegalNoticeText", _has_text),
    _Switch("users_hidden", POLICIES, "DontDisplayLastUserName", is_number(1)),
    _Switch("smart_card_required", POLICIES, "scforceoption", is_number(1)),
    _Switch("passwordless_only", PASSWORDLESS, "DevicePasswordLessBuildVersion", is_number(HELLO_ONLY)),
    _Switch("passwordless_only", AUTHENTICATION, "EnablePasswordlessExperience", is_number(1)),
    _Switch("provider_excluded", rf"{PROVIDERS}\{PROVIDER}", "Disabled", is_number(1)),
    _Switch("provider_excluded", POLICIES, "ExcludedCredentialProviders", _excludes),
    _Switch("provider_excluded", OWN_POLICY, "DisableCredentialProvider", _set),
    _Switch("other_processor", ENVIRONMENT, "PROCESSOR_ARCHITECTURE", _other_processor),
    _Switch("locked_user_hidden", POLICIES, "DontDisplayLockedUserId", is_number(HIDE_USER)),
    _Switch("lock_disabled", POLICIES, "DisableLockWorkstation", is_number(1)),
    _Switch("lock_disabled", WINLOGON, "DisableLockWorkstation", is_number(1)),
    _Switch("locks_when_idle", POLICIES, "InactivityTimeoutSecs", _above_zero),
    _Switch("device_lockout", POLICIES, "MaxDevicePasswordFailedAttempts", _above_zero),
    _Switch("fast_startup", POWER, "HiberbootEnabled", is_number(1)),
)


def read(fact: str, key: str, name: str, is_on: Callable[[Value], bool]) -> Reading:
    """Read one setting below HKEY_LOCAL_MACHINE; its value is None if it cannot be read or understood."""
    place = rf"HKLM\{key}\{name or '(default)'}"
    try:
        return Reading(fact, is_on(registry.setting(key, name)), place)
    except (OSError, TypeError, ValueError):
        return Reading(fact, None, place)


def auto_logon() -> bool | None:
    """Return whether Windows signs an account in by itself; None if it cannot be read. Waits for no other program."""
    value: bool | None = settle(read(*switch) for switch in _SWITCHES if switch.fact == "auto_logon").value
    return value


def settle(found: Iterable[Reading]) -> Reading:
    """Return one reading of a fact that several settings can set.

    One setting that is on decides. Otherwise one that is unknown makes the fact unknown.
    """
    first, *others = found
    for value in (True, None) if others else ():
        for reading in (first, *others):
            if reading.value is value:
                return reading
    return first


def readings() -> Iterator[Reading]:
    """Yield a reading for each setting of the PC."""
    for switch in _SWITCHES:
        yield read(*switch)
    yield _registered()
    yield _library()
    yield _filtered()
    yield _ctrl_alt_del()
    yield _restart_sign_on()


def _registered() -> Reading:
    place = rf"HKLM\{PROVIDERS}\{PROVIDER}"
    try:
        names = {name.casefold() for name in registry.keys_below(PROVIDERS)}
    except OSError:
        return Reading("provider_excluded", None, place)
    return Reading("provider_excluded", PROVIDER not in names, place)


def _library() -> Reading:
    return read("provider_excluded", CLASS, "", lambda value: not value or not Path(str(value)).is_file())


def _filtered() -> Reading:
    try:
        filters = [name for name in registry.keys_below(FILTERS) if name.casefold() not in OWN_FILTERS]
    except OSError:
        return Reading("credential_filter", None, rf"HKLM\{FILTERS}")
    return Reading("credential_filter", bool(filters), "\\".join(["HKLM", FILTERS, *filters[:1]]))


def _ctrl_alt_del() -> Reading:
    """The policy overrides Winlogon's own setting; without both, the keys are not required."""
    policy = read("ctrl_alt_del", POLICIES, "DisableCAD", lambda value: value is not None)
    key = POLICIES if policy.value is not False else WINLOGON
    return read("ctrl_alt_del", key, "DisableCAD", is_number(0))


def _restart_sign_on() -> Reading:
    """Windows' default is to sign in (Policy CSP WindowsLogon, AllowAutomaticRestartSignOn)."""
    off = (
        read("restart_sign_on", POLICIES, "DisableAutomaticRestartSignOn", is_number(1)),
        read("restart_sign_on", WINLOGON, "ARSOUserConsent", is_number(ARSO_REFUSED)),
    )
    if any(setting.value is None for setting in off):
        return off[0]._replace(value=None)
    # The reading names the setting that forbids it.
    forbids = next((setting for setting in off if setting.value), off[0])
    return forbids._replace(value=not any(setting.value for setting in off))
