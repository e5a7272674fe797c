# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a PC's LogonUI treats credential providers: Windows leaves it much room, and a PC takes one of the ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from random import Random

Rival = Literal["none", "idle", "logs_on"]


@dataclass(frozen=True)
class Habits:
    """The habits of one LogonUI; the defaults are those of Windows 10 and later.

    Sources on learn.microsoft.com: CREDENTIAL_PROVIDER_USAGE_SCENARIO (`combined`),
    ICredentialProviderEvents::CredentialsChanged (all credentials are enumerated again) and issue 21 of
    phaetto/windows-credentials-provider on GitHub (a provider is made anew then: `renews`),
    ICredentialProviderCredential::SetSelected (`selects`), ICredentialProvider::GetCredentialCount (which tile logs on
    by itself: `rival`), ICredentialProviderFilter::Filter (`filtered`); issue 4 of microsoft/Windows-classic-samples
    (no user in the array: `users_hidden`).

    Attributes:
        combined: LogonUI asks with CPUS_LOGON at a locked screen, too; before Windows 10, and where policies require
            it, with CPUS_UNLOCK_WORKSTATION.
        renews: after each CredentialsChanged LogonUI makes a new provider; otherwise it asks the same one again.
        selects: LogonUI selects the tile that logs on by itself before it takes the credential.
        advises_first: Advise comes before SetUserArray.
        rival: another program's provider, enumerated first: its tile waits for a click, or logs on by itself once.
        filtered: a credential provider filter hides Latchkey's provider.
        users_hidden: the user array is empty ("Don't display last signed-in").
    """

    combined: bool = True
    renews: bool = True
    selects: bool = True
    advises_first: bool = False
    rival: Rival = "none"
    filtered: bool = False
    users_hidden: bool = False

    @property
    def shows_no_tile(self) -> bool:
        """Whether Latchkey's tile never appears."""
        return self.filtered or self.users_hidden


def at_random(chance: Random) -> Habits:
    """Return habits with which a permit signs in, at random."""
    rivals: list[Rival] = ["none", "idle", "logs_on"]
    flags = {name: chance.random() < 0.5 for name in ("combined", "renews", "selects", "advises_first")}
    return Habits(**flags, rival=chance.choice(rivals))
