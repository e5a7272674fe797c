# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The base of all actions of this collection."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from ansible import constants as C  # noqa: N812 - its usual name
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ._agent_client import Agent
from ._connection import Link
from ._contact import FIRST_CONTACT, Contact
from ._device_check import DeviceCheck, device_check
from ._failure import Failure, failure
from ._job_watch import JobWatch
from ._options import Spec, duration, validated
from ._progress import Progress
from ._request_signature import FACT
from ._wait_clock import Clock
from ._written_values import exact_text, name_text

if TYPE_CHECKING:
    from ._wait_clock import Deadline

_FOR_MACHINES = frozenset({"json", "jsonl", "null"})
"""The callbacks (without their collection) whose readers are programs."""

FAILS = "latchkey_unreachable_fails"
"""The variable with which a PC that cannot be reached fails the task, and `rescue` and `always` run."""

FIRST_CONTACT_SECONDS = "latchkey_first_contact"
"""The variable with the seconds after which a PC that the task has not reached is unreachable."""


class AgentAction(ActionBase):
    """Base of the actions: validates the options, asks the agent, returns the result.

    A subclass lists its own options in `_latchkey_spec` and does its work in `_latchkey_run`. All names
    begin with `_latchkey`, so that they cannot clash with those of a later ansible-core.
    """

    _supports_check_mode = True
    _supports_async = False

    _latchkey_spec: ClassVar[Spec] = {}
    _latchkey_timeout: ClassVar[float] = 60.0
    _latchkey_needs_session: ClassVar[bool] = True
    _latchkey_clock: Clock = Clock()

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Validate the task, do its work, and return a result for success and failure alike."""
        del tmp
        known = task_vars or {}
        self._latchkey_patience = known.get(FIRST_CONTACT_SECONDS, FIRST_CONTACT)
        self._latchkey_challenges = (known.get("ansible_facts") or {}).get(FACT)
        self._latchkey_host = str(known.get("inventory_hostname", self._play_context.remote_addr))
        try:
            self._latchkey_refuse_unsupported()
            super().run(None, task_vars)
            options = self._latchkey_options(known)
            self._latchkey_watch = JobWatch()
            with self._latchkey_watch.running():
                return {"session": options["session"], "failed": False, **self._latchkey_work(options)}
        except Failure as fault:
            # Ansible skips the always section of a PC that is unreachable, and with it the end of the session.
            fault.unreachable &= not boolean(known.get(FAILS, False), strict=False)
            return {"session": self._task.args.get("session"), **fault.as_result()}

    @abstractmethod
    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Do the task's work; return its result.

        Raises:
            Failure: the work could not be done.
        """

    def _latchkey_work(self, options: dict[str, Any]) -> dict[str, Any]:
        self._latchkey_link = Link(self._connection, self._latchkey_clock, self._latchkey_watch)
        self._latchkey_contact = Contact(
            self._latchkey_link, self._latchkey_progress().show, self._latchkey_first_contact()
        )
        self._latchkey_agent = Agent(
            self._latchkey_contact,
            self._latchkey_clock,
            options["agent_path"] or None,
            check=bool(self._task.check_mode),
        )
        return self._latchkey_run(options, self._latchkey_clock.deadline(options["timeout"]))

    def _latchkey_device(self, options: dict[str, Any], *, continues: bool = True) -> DeviceCheck:
        """Return the check of the PC's answers against the option `known_pcs`.

        Raises:
            Failure: `known_pcs_unusable`.
        """
        dry = bool(self._task.check_mode)
        return device_check(options["known_pcs"], self._latchkey_pc(), dry=dry, continues=continues)

    def _latchkey_pc(self) -> str:
        """Return the name of the PC in the inventory; a task with `delegate_to` asks the other PC."""
        return str(getattr(self._task, "delegate_to", None) or self._latchkey_host)

    def _latchkey_first_contact(self) -> float:
        try:
            return duration(self._templar.template(self._latchkey_patience))
        except TypeError as fault:
            raise failure("bad_option", detail=f"{FIRST_CONTACT_SECONDS}: {fault}") from None

    def _latchkey_progress(self) -> Progress:
        return Progress(self._latchkey_host, self._latchkey_display, self._latchkey_clock)

    def _latchkey_display(self, line: str) -> None:
        """Show a line on standard error, unless `no_log` or the callback wants none."""
        callback = str(C.config.get_config_value("DEFAULT_STDOUT_CALLBACK"))
        if not self._task.no_log and callback.rpartition(".")[2] not in _FOR_MACHINES:
            self._display.display(line, stderr=True)

    # --- refusals before any contact with the host

    def _latchkey_refuse_unsupported(self) -> None:
        """Refuse keywords that need Ansible's module wrapper, which is not used here, and hosts other than Windows.

        The environment of a play or block is meant for other tasks, and a task cannot switch it off.

        Raises:
            Failure: `become_unsupported`, `async_unsupported`, `environment_unsupported` or `not_windows`.
        """
        task = self._task
        if task.become or self._play_context.become:
            raise failure("become_unsupported")
        if task.async_val:
            raise failure("async_unsupported")
        if (task.get_ds() or {}).get("environment"):
            raise failure("environment_unsupported")
        windows = getattr(self._connection._shell, "_IS_WINDOWS", False)  # noqa: SLF001 - as ansible-core does
        if not windows or self._connection.transport == "local":
            raise failure("not_windows")

    # --- options

    def _latchkey_options(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        path = self._templar.template(task_vars.get("latchkey_agent_path")) or None
        common: Spec = {
            "session": {"type": name_text, "required": self._latchkey_needs_session},
            "agent_path": {"type": "str", "default": path},
            "timeout": {"type": duration, "default": self._latchkey_timeout},
            # A default of the action group reaches each module, also those that check nothing.
            "known_pcs": {"type": "path"},
            "sealing_key": {"type": "str", "no_log": True},
            "signing_key": {"type": exact_text, "no_log": True},
            "signing_certificate": {"type": exact_text, "no_log": True},
        }
        return validated({**common, **self._latchkey_spec}, self._task.args)
