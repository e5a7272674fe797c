# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Effects: the work that follows an event. Stored with the event, run at least once.

Every effect is idempotent. One with a `boot_id` belongs to that boot and is
dropped in any other.
"""

from __future__ import annotations

from msgspec import Struct

from .model import Account


class Effect(Struct, frozen=True, kw_only=True, tag_field="effect", omit_defaults=True):
    """Base."""

    boot_id: str = ""


class SummonCompanion(Effect, tag="summon_companion", frozen=True, kw_only=True):
    """Start the companion of an account, if the account is signed in."""

    account: Account


class Restart(Effect, tag="restart", frozen=True, kw_only=True):
    """Restart the PC, if the permit is still issued. `sign_on`: ask Windows to sign the last user in again (ARSO)."""

    permit: str
    message: str
    grace: float
    sign_on: bool = False


class PlainRestart(Effect, tag="plain_restart", frozen=True, kw_only=True):
    """Restart the PC without a grant, if the restart is still pending and its session goes on."""

    restart: str
    message: str
    grace: float


class AnnouncePermit(Effect, tag="announce_permit", frozen=True, kw_only=True):
    """Signal the credential provider that a permit waits."""

    permit: str


class CloseDesktop(Effect, tag="close_desktop", frozen=True, kw_only=True):
    """Lock the session that a permit opened; disconnect it if that fails."""

    permit: str


class ConfirmErasure(Effect, tag="confirm_erasure", frozen=True, kw_only=True):
    """Overwrite key slot and log, and read the files back: none may have the grant's sealed record."""

    grant: str


AnyEffect = SummonCompanion | Restart | PlainRestart | AnnouncePermit | CloseDesktop | ConfirmErasure
