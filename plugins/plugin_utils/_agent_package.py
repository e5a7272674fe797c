# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Installs, upgrades, repairs, sets up and removes the agent."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from . import _answers as ans
from ._agent_client import Agent
from ._connection import ConnectionLost
from ._erasure import summary, unconfirmed
from ._failure import Failure, failure
from ._package_file import version_of
from ._package_installer import RESTART_NEEDED, Installed, Installer, reason_in
from ._powershell_command import command_line, request_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._contact import Contact
    from ._device_check import DeviceCheck
    from ._package_file import PackageFile
    from ._wait_clock import Clock, Deadline

_SILENT = frozenset({"agent_not_installed", "agent_not_running"})


class Place(Protocol):
    """A temporary folder on the PC."""

    def put(self, package: PackageFile) -> str:
        """Copy the package into the folder; return its path. Raises Failure."""

    def path(self, name: str) -> str:
        """Return the path of a file in the folder."""

    def read(self, path: str) -> bytes:
        """Return a file's content; empty if it cannot be read."""


class SetupAgent(Agent):
    """The agent's setup program, which needs an administrator."""

    def __init__(self, contact: Contact, clock: Clock, path: str | None, *, check: bool = False) -> None:
        super().__init__(contact, clock, path, check=check)
        self._command = command_line(request_script(path, "setup"))


@dataclass
class Package:
    """The agent's package on one PC."""

    installer: Installer
    agent: Agent
    setup: SetupAgent
    place: Place
    device: DeviceCheck
    check: bool
    result: dict[str, Any] = field(default_factory=lambda: {"changed": False, "restart_required": False})

    def present(self, package: PackageFile, wanted: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Install the package's version, set the agent up, and wait for its answer; return the result.

        Raises:
            Failure: a part failed; its facts report the parts done before.
        """
        with self._facts_so_far():
            return self._present(package, wanted, deadline)

    @contextlib.contextmanager
    def _facts_so_far(self) -> Iterator[None]:
        """Add the parts already done to a failure."""
        try:
            yield
        except Failure as fault:
            raise fault.with_facts(**{**self.result, **fault.facts}) from None

    def _present(self, package: PackageFile, wanted: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        before = self.installer.installed(deadline)
        self.result.update(version_before=before and before.version, version=package.version)
        if before and version_of(before.version) > version_of(package.version):
            raise failure("package_older", installed=before.version, wanted=package.version)
        if before is None or before.version != package.version:
            self._install(package, before, deadline)
        elif not self._answers(deadline):
            self._install(package, before, deadline, "REINSTALL=ALL")
        if self.check and self.result["changed"]:
            # Only the new agent could check the settings.
            return self.result
        self._set_up(wanted, deadline)
        answer = self.agent.ask(ans.InfoAnswer, "info", deadline).result
        known = self.device.facts(answer.journal_head, outcome="unknown", problem=answer.agent.problem)
        self.result["changed"] |= known["enrolled"]
        self.result.update(
            agent=asdict(answer.agent), device_key=known["device_key"], enrolled=known["enrolled"]
        )
        return self.result

    def _answers(self, deadline: Deadline) -> bool:
        try:
            self.agent.ask(ans.InfoAnswer, "info", deadline)
        except Failure as fault:
            if fault.code in _SILENT:
                return False
            raise
        return True

    def _install(
        self, package: PackageFile, before: Installed | None, deadline: Deadline, *more: str
    ) -> None:
        self.result["changed"] = self.check
        if self.check:
            return
        self._msiexec(["/i", self.place.put(package), *more], deadline)
        self.result["changed"] = True
        after = self.installer.installed(deadline, outcome="unknown")
        self.result["changed"] = bool(more) or after != before
        if after is None or after.version != package.version:
            installed = after.version if after else "none"
            raise failure("package_other_version", installed=installed, wanted=package.version)

    def _msiexec(self, arguments: list[str], deadline: Deadline) -> None:
        log = self.place.path("installer.log")
        words = [*arguments, "/l*v", log]
        code = self.installer.run(words, deadline, lambda: reason_in(self.place.read(log)))
        self.result["restart_required"] = code == RESTART_NEEDED

    def _set_up(self, wanted: dict[str, Any], deadline: Deadline) -> None:
        if not wanted:
            return
        reply = self.setup.ask(ans.SetupAnswer, "setup", deadline, **wanted)
        self.result["changed"] |= reply.changed
        self.result.update(asdict(reply.result))

    def absent(self, deadline: Deadline, *, keep_receipts: bool) -> dict[str, Any]:
        """Erase every grant and remove the agent; return the result with the checks of the erasure.

        Raises:
            Failure: a part failed; its facts report the parts done before.
        """
        with self._facts_so_far():
            return self._absent(deadline, keep_receipts=keep_receipts)

    def _absent(self, deadline: Deadline, *, keep_receipts: bool) -> dict[str, Any]:
        before = self.installer.installed(deadline)
        self.result.update(version_before=before and before.version, version=None, erasure=None)
        if before is None:
            return self.result
        self.result["changed"] = self.check
        self._erase(deadline)
        if not self.check:
            self._remove(before, deadline, keep_receipts=keep_receipts)
        return self.result

    def _erase(self, deadline: Deadline) -> None:
        """Erase before the removal: only an installed agent can check the erasure."""
        try:
            reply = self.agent.change(ans.RevokeAnswer, "erase_all", deadline)
        except Failure as fault:
            # If the service does not answer, the package overwrites its data at the removal.
            if fault.code not in _SILENT:
                raise
            return
        self.result["changed"] |= reply.changed
        self.result["erasure"] = summary(reply.result.erasure)
        if not self.check and (detail := unconfirmed(reply.result.erasure)):
            raise failure("erasure_unconfirmed", outcome="unknown", detail=detail)

    def _remove(self, before: Installed, deadline: Deadline, *, keep_receipts: bool) -> None:
        receipts = ["KEEPRECEIPTS=1"] if keep_receipts else []
        self._msiexec(["/x", before.product_code, *receipts], deadline)
        self.result["changed"] = True
        after = self.installer.installed(deadline, outcome="unknown")
        if after is not None:
            raise failure("package_other_version", installed=after.version, wanted="none")


@contextlib.contextmanager
def loss_as_failure(agent: Agent) -> Iterator[None]:
    """Turn a lost connection into a failure."""
    try:
        yield
    except ConnectionLost as lost:
        raise agent.failure_of(lost) from lost
