# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays LogonUI on the harness's logon screen: makes the providers, counts, selects and submits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lab.simulated.logon_habits import Habits

from . import logon_ui as ui

if TYPE_CHECKING:
    from collections.abc import Mapping

E_NOTIMPL = "0x80004001"
OURS, RIVAL = 0, 7
"""The harness's slots of the two providers."""
NO_DEFAULT = -1
"""CREDENTIAL_PROVIDER_NO_DEFAULT (credentialprovider.h)."""


class LogonUI:
    """LogonUI from the moment that it is shown.

    Each CredentialsChanged leads to one enumeration, in which each provider counts once.
    """

    def __init__(
        self,
        screen: ui.LogonScreen,
        users: Mapping[str, str],
        habits: Habits | None = None,
        *,
        locked: bool = False,
    ) -> None:
        """Prepare it; nothing is shown yet.

        Args:
            screen: the harness's process.
            users: the SIDs of the tiles with LogonUI's qualified names, "-" for none.
            habits: the habits; None takes those of Windows 10.
            locked: whether a signed-in session is locked; otherwise nobody is signed in at this screen.
        """
        self.screen = screen
        self.habits = habits or Habits()
        self.usage = ui.LOGON if self.habits.combined or not locked else ui.UNLOCK
        self.default: int | None = None
        """The slot whose tile logs on by itself, None if no tile does."""
        self.submitted: int | None = None
        """The slot whose credential LSA checks."""
        self._users = {} if self.habits.users_hidden else users
        self._handled = 0

    def show(self) -> None:
        """Make the providers and enumerate their tiles."""
        if self.habits.rival != "none":
            self.screen("rival", RIVAL, int(self.habits.rival == "logs_on"))
            self.screen("use", RIVAL, self.usage)
            self.screen("users", RIVAL)
            self._advise(RIVAL)
        if not self.habits.filtered:
            self._make()
        self._enumerate()

    def look(self, milliseconds: int) -> bool:
        """Wait for a CredentialsChanged, and enumerate once if one came; return whether one came."""
        if self.habits.filtered:
            time.sleep(milliseconds / 1000)
            return False
        if (calls := self.screen("changed", OURS, milliseconds)["calls"]) == self._handled:
            return False
        self._handled = calls
        if self.submitted is None:
            self.screen("drop", OURS)
        if self.habits.renews:
            self.screen("unadvise", OURS)
            self._make()
        self._enumerate()
        return True

    def select(self) -> bool:
        """Select the tile that logs on by itself; return whether there is one."""
        if self.default is None or self.screen("at", self.default, 0)["hr"] != ui.S_OK:
            return False
        # Any other answer than S_OK counts as no selection (SetSelected on learn.microsoft.com).
        return not self.habits.selects or self.screen("select", self.default)["hr"] == ui.S_OK

    def take(self) -> dict[str, Any]:
        """Take the selected tile's credential; return the answer of GetSerialization.

        A tile without one is not asked again before the next enumeration.
        """
        selected, self.default = self.default, None
        answer = self.screen("serialize", selected)
        self.submitted = selected if answer["response"] == ui.RETURN_CREDENTIAL else None
        return answer

    def submit(self) -> dict[str, Any] | None:
        """Select and take; None if no tile logs on by itself."""
        return self.take() if self.select() else None

    def unpack(self) -> dict[str, Any]:
        """Return the taken credential as LSA reads it."""
        return self.screen("unpack", self.submitted)

    def report(self, status: int, substatus: int = 0) -> dict[str, Any]:
        """Tell the tile that submitted the result of LSA (NTSTATUS), and release it."""
        submitted, self.submitted = self.submitted, None
        answer = self.screen("report", submitted, status, substatus)
        self.screen("drop", submitted)
        return answer

    def close(self) -> dict[str, Any]:
        """Release the providers; return the objects that ours has not released."""
        if self.habits.rival != "none":
            self.screen("release", RIVAL)
        return self.screen.end(OURS)

    def _make(self) -> None:
        self.screen.make(OURS, self.usage)
        if self.habits.advises_first:
            self._advise(OURS)
        self.screen.set_users(self._users, OURS)
        if not self.habits.advises_first:
            self._advise(OURS)

    def _advise(self, slot: int) -> None:
        """Offer the events; a provider that does without them answers E_NOTIMPL and stays."""
        if (answer := self.screen("advise", slot))["hr"] not in {ui.S_OK, E_NOTIMPL}:
            msg = f"the provider answered Advise with {answer}"
            raise ui.HarnessError(msg)

    def _enumerate(self) -> None:
        """Count once, and find the default: the first that logs on by itself (GetCredentialCount's rules)."""
        self.default = None
        for slot in self._providers():
            counted = self.screen("count", slot)
            is_default = counted["count"] and counted["default"] != NO_DEFAULT
            if self.default is None and is_default and counted["auto_logon"]:
                self.default = slot

    def _providers(self) -> list[int]:
        rival = [] if self.habits.rival == "none" else [RIVAL]
        return rival + ([] if self.habits.filtered else [OURS])
