# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The authentication schemes that a listener offers, each with its authenticator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lab.wsman.auth import Authenticator, BasicAuthenticator

if TYPE_CHECKING:
    from lab.wsman.host import Host
    from lab.wsman.service_key import ServiceKey

AuthenticatorMaker = Callable[[], Authenticator]
"""Makes the authenticator of one connection."""


def authenticator_makers(
    schemes: Sequence[str], host: Host, key: ServiceKey | None = None
) -> Mapping[str, AuthenticatorMaker]:
    """Return the maker of each scheme's authenticators, by the scheme's name in lower case.

    Schemes are Basic, NTLM, Kerberos, Negotiate and CredSSP. With a key, Negotiate accepts Kerberos, too.
    Raises ValueError: the server has no such scheme, or Kerberos lacks a key.
    """
    return {scheme.casefold(): _maker(scheme, host, key) for scheme in schemes}


def _maker(scheme: str, host: Host, key: ServiceKey | None) -> AuthenticatorMaker:
    match scheme.casefold():
        case "basic":
            return lambda: BasicAuthenticator(host)
        case "ntlm":
            return _negotiate_maker(scheme, host, None)
        case "negotiate":
            return _negotiate_maker(scheme, host, key)
        case "kerberos" if key:
            return _negotiate_maker(scheme, host, key)
        case "credssp":
            return _credssp_maker(host)
    raise ValueError(
        f"unknown scheme {scheme!r}: use Basic, NTLM, Negotiate, CredSSP, or Kerberos with a key"
    )


def _negotiate_maker(scheme: str, host: Host, key: ServiceKey | None) -> AuthenticatorMaker:
    # pyspnego costs 10 MB and a quarter of a second: only a listener with one of these schemes loads it.
    from lab.wsman.negotiate import AccountStore, NegotiateAuthenticator  # noqa: PLC0415

    store = AccountStore(host.name, host.accounts())
    secrets = (store.in_force, key.in_force) if key else (store.in_force,)
    return lambda: NegotiateAuthenticator(scheme, *secrets)


def _credssp_maker(host: Host) -> AuthenticatorMaker:
    from lab.wsman.credssp_scheme import CredSspAuthenticator  # noqa: PLC0415 - as above
    from lab.wsman.negotiate import AccountStore  # noqa: PLC0415 - as above

    store = AccountStore(host.name, host.accounts())
    return lambda: CredSspAuthenticator(store, host)
