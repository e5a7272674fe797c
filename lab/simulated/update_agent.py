# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows Update on a simulated PC, and the process with which `ansible.windows.win_updates` uses it.

The module starts a process of its own on the PC and reads that process's lines from a pipe; the process outlives the
connection, but no restart. What it writes is seen in release 3.8.0 of ansible.windows. Windows Update refuses to
install while an earlier update waits for a restart, and ends a running installation with ERROR_SHUTDOWN_IN_PROGRESS
when Windows shuts down.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.simulated import codes
from lab.simulated.windows_model import WindowsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lab.simulated import windows_calls
    from lab.simulated.machine import Machine
    from lab.simulated.offered_update import Update

REASON = "Windows Update"
QUIET = 1.0
"""Seconds without a new line after which a reader takes what it has."""
SUCCEEDED = 2
"""orcSucceeded ("OperationResultCode enumeration", Microsoft Learn)."""
GOING_DOWN = -0x80000000 + 0x70000 + codes.ERROR_SHUTDOWN_IN_PROGRESS
"""The HRESULT of ERROR_SHUTDOWN_IN_PROGRESS, with its sign (HRESULT_FROM_WIN32, winerror.h)."""

Line = dict[str, Any]


@dataclass
class _Pipe:
    """The lines of one process until a reader takes them."""

    lines: list[Line] = field(default_factory=list)
    written: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Task[None] | None = None

    def write(self, task: str, **result: Any) -> None:
        self.lines.append({"task": task, "result": result})
        self.written.set()

    def over(self) -> bool:
        return any(line["task"] == "exit" for line in self.lines)


class UpdateAgent:
    """The updates of one PC. Runs on the lab's loop."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._offered = list(machine.settings.updates)
        self._downloaded: set[str] = set()
        self._waiting: set[str] = set()
        self._pipes: dict[str, _Pipe] = {}
        self.servicing = False
        machine.on_going_down.append(self._go_down)

    def boot(self) -> None:
        """Finish the updates that waited for a restart; every process is gone."""
        self._pipes = {}
        if self._machine.windows.registry.pending_restart:
            # Windows started fast, which is no restart.
            return
        self._offered = [update for update in self._offered if update.id not in self._waiting]
        self.servicing = bool(self._waiting) and self._machine.settings.servicing_seconds > 0
        self._waiting = set()
        if self.servicing:
            self._machine.boot_tasks.start(self._service(), "servicing")

    async def _service(self) -> None:
        await asyncio.sleep(self._machine.settings.servicing_seconds)
        self.servicing = False

    def search(self, call: windows_calls.SearchUpdates) -> str:
        """Start a process, and return the name of its pipe."""
        name = f"Ansible.Windows.WinUpdates-{uuid.uuid4()}"
        pipe = self._pipes[name] = _Pipe()
        pipe.work = self._machine.boot_tasks.follow(self._run(pipe, call), "win_updates")
        return name

    async def read(self, name: str) -> list[Line]:
        """Return the lines of a pipe, after the first one has come.

        Raises:
            WindowsError: there is no such pipe, and none has come.
        """
        pipe = self._pipes.get(name)
        if pipe is None:
            await asyncio.sleep(self._machine.settings.no_pipe_seconds)
            # ERROR_SEM_TIMEOUT, with which WaitNamedPipeW gives up.
            raise WindowsError(121, "The semaphore timeout period has expired.")
        await pipe.written.wait()
        while not pipe.over():
            pipe.written.clear()
            try:
                async with asyncio.timeout(QUIET):
                    await pipe.written.wait()
            except TimeoutError:
                break
        lines, pipe.lines = pipe.lines, []
        pipe.written.clear()
        return lines

    def cancel(self, name: str) -> None:
        """End the process of a pipe."""
        pipe = self._pipes.pop(name, None)
        if pipe is not None and pipe.work is not None:
            pipe.work.cancel()

    def _go_down(self) -> None:
        """Let every running installation fail, as Windows Update does when Windows shuts down."""
        for pipe in self._pipes.values():
            if pipe.work is not None and not pipe.work.done():
                pipe.work.cancel()
                pipe.write("exit", **self._told_to_end())

    def _told_to_end(self) -> Line:
        number = f"0x{GOING_DOWN & 0xFFFFFFFF:08X}"
        text = f"Installing updates: A system shutdown is in progress. (Exception from HRESULT: {number})"
        booted = str(self._machine.windows.clock.boot_file_time())
        fault = {"message": text, "hresult": GOING_DOWN, "_is_rebooting_last_boot_time": booted}
        return {**self._ended(changed=False, failed=True), "exception": fault}

    def _ended(self, *, changed: bool, failed: bool = False) -> Line:
        return {
            "changed": changed,
            "failed": failed,
            "reboot_required": bool(self._waiting),
            "exception": None,
        }

    async def _run(self, pipe: _Pipe, call: windows_calls.SearchUpdates) -> None:
        filtered = {update.id: list(_reasons(update, call)) for update in self._left()}
        selected = [update for update in self._left() if not filtered[update.id]]
        pipe.write(
            "search_result",
            updates=[_shown(update) for update in self._left()],
            filtered=[{"id": key, "reasons": reasons} for key, reasons in filtered.items() if reasons],
        )
        if call.check or call.until == "searched" or not selected:
            changed = bool(selected) and call.until != "searched"
            pipe.write("exit", **self._ended(changed=changed))
        elif self._waiting:
            text = "A reboot is required before more updates can be installed"
            pipe.write("exit", **self._ended(changed=False, failed=True) | {"exception": {"message": text}})
        else:
            self._downloaded.update(update.id for update in selected)
            pipe.write("download_result", info=[_succeeded(update) for update in selected])
            if call.until == "installed":
                await self._install(pipe, selected)
            pipe.write("exit", **self._ended(changed=True))

    def _left(self) -> list[Update]:
        return [update for update in self._offered if update.id not in self._waiting]

    async def _install(self, pipe: _Pipe, updates: Sequence[Update]) -> None:
        record = self._machine.record
        record("pc", "updates_begun", f"Windows installs {len(updates)} updates.")
        for number, update in enumerate(updates, 1):
            await asyncio.sleep(update.seconds)
            self._finish(update)
            progress = {
                "CurrentUpdateId": update.id,
                "CurrentUpdatePercentComplete": 100,
                "PercentComplete": 100 * number // len(updates),
            }
            pipe.write("install", progress=progress)
            record("pc", "update_installed", f"{update.title} is installed.")
        pipe.write("install_result", info=[_succeeded(update, update.needs_restart) for update in updates])
        record("pc", "updates_installed", "Windows has installed its updates.")

    def _finish(self, update: Update) -> None:
        if update.needs_restart:
            self._waiting.add(update.id)
            self._machine.need_restart(REASON)
        else:
            self._offered.remove(update)


def _reasons(update: Update, call: windows_calls.SearchUpdates) -> Iterator[str]:
    names = [update.title, f"KB{update.article}"]
    if call.accept and not _listed(names, call.accept):
        yield "accept_list"
    if _listed(names, call.reject):
        yield "reject_list"
    wanted = {category.casefold() for category in call.categories}
    if wanted and not wanted & {"*", *(category.casefold() for category in update.categories)}:
        yield "category_names"


def _listed(names: Sequence[str], patterns: Sequence[str]) -> bool:
    return any(re.search(pattern, name, re.IGNORECASE) for pattern in patterns for name in names)


def _shown(update: Update) -> Line:
    kb, categories = [f"KB{update.article}"], list(update.categories)
    return {"id": update.id, "title": update.title, "kb": kb, "categories": categories}


def _succeeded(update: Update, *needs: bool) -> Line:
    result = {"id": update.id, "result_code": SUCCEEDED, "hresult": 0}
    return {**result, "reboot_required": needs[0]} if needs else result
