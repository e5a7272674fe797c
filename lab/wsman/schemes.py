# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The authentication schemes that a listener offers, each with its authenticator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lab.wsman.auth import Authenticator, BasicAuthenticator

if TYPE_CHECKING:
    from lab.wsman.host import Host

AuthenticatorMaker = Callable[[], Authenticator]
"""Makes the authenticator of one connection."""


def authenticator_makers(schemes: Sequence[str], host: Host) -> Mapping[str, AuthenticatorMaker]:
    """Return the maker of each scheme's authenticators, by the scheme's name in lower case.

    Schemes are Basic, NTLM, Negotiate and CredSSP. Raises ValueError: the server has no such scheme.
    """
    return {scheme.casefold(): _maker(scheme, host) for scheme in schemes}


def _maker(scheme: str, host: Host) -> AuthenticatorMaker:
    match scheme.casefold():
        case "basic":
            return lambda: BasicAuthenticator(host)
        case "ntlm" | "negotiate":
            return _negotiate_maker(scheme, host)
        case "credssp":
            return _credssp_maker(host)
    raise ValueError(f"unknown scheme {scheme!r}: use Basic, NTLM, Negotiate or CredSSP")


def _negotiate_maker(scheme: str, host: Host) -> AuthenticatorMaker:
    # pyspnego costs 10 MB and a quarter of a second: only a listener with NTLM or Negotiate loads it.
    from lab.wsman.negotiate import AccountStore, NegotiateAuthenticator  # noqa: PLC0415

    store = AccountStore(host.name, host.accounts())
    return lambda: NegotiateAuthenticator(scheme, store)


def _credssp_maker(host: Host) -> AuthenticatorMaker:
    from lab.wsman.credssp_scheme import CredSspAuthenticator  # noqa: PLC0415 - as above
    from lab.wsman.negotiate import AccountStore  # noqa: PLC0415 - as above

    store = AccountStore(host.name, host.accounts())
    return lambda: CredSspAuthenticator(store, host)
