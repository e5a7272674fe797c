# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two nights whose reports a browser shows: one in an office, and one with everything that is hard to show.

Each PC has the real agent in memory; the report is written by the real task.
"""

from __future__ import annotations

import copy
import json
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, ZONE, World
from tests.unit.plugins.report_night import OFF, POLICY, SESSION, entry, info, later, report, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

AFTERNOON = datetime(2026, 11, 27, 16, 50, tzinfo=ZONE)
SETUP = "C:\\ProgramData\\Deploy\\editor-user-setup.exe"
TITLES = {"en": "Maintenance on 27 November", "de": "Wartung am 27. November"}
NEEDLES = {"en": "Windows updates", "de": "Windows-Updates"}

LONG = "Donaudampfschifffahrtsgesellschaftskapitaenskajuetentuerschluesselverwaltung" * 2
"""A name without a place to break a line."""
HOSTILE = (
    "<script>alert(1)</script>\" onload=x style='position:fixed' \u202e\u2067gnirts desrever\u2069 "
    "\u0301\u0300\u0489" + "W" * 300 + " \u200d\u00ad\ufeff https://example.org/a.png {{ 7 * 7 }} &amp;"
)
"""A text that would run, load, turn, float over the page or widen it, if it could."""


class Office:
    """The PCs of one night, each with its agent."""

    def __init__(self, folder: Path, password: bytearray) -> None:
        self._folder = folder
        self._password = password
        self._made: list[Bench] = []

    def pc(self, zone: timedelta = timedelta()) -> Bench:
        """Make a PC at which it is ten to five; `zone`: how far its clock is ahead of the office's."""
        folder = self._folder / f"pc-{len(self._made)}"
        folder.mkdir()
        world = World(now=AFTERNOON, booted=AFTERNOON - timedelta(hours=9), device=f"PC-{len(self._made):02}")
        if zone:
            world.zone = type(ZONE)(ZONE.utcoffset(None) + zone)
        self._made.append(Bench(folder, world, POLICY))
        return self._made[-1]

    def close(self) -> None:
        """Stop all agents."""
        for bench in self._made:
            bench.stop()

    # --- how the customer answers

    def asked(self, minutes: float = 4, **terms: Any) -> tuple[Bench, str]:
        """Ask at a PC and wait before the answer; return the PC and the request."""
        bench = self.pc()
        bench.world.set_password(ANNA, self._password)
        bench.start_session()
        request = bench.request(**{"restarts": 3, "unlocks": 1, "foreign_restarts": True, **terms})
        bench.show(request)
        later(bench, minutes=minutes)
        return bench, request

    def agreed(self, minutes: float = 4, **terms: Any) -> Bench:
        """Let a customer agree."""
        bench, request = self.asked(minutes, **terms)
        assert bench.allow(request, self._password).done
        return bench

    def declined(self, why: str, minutes: float = 7, *, report: bool = False) -> Bench:
        """Let a customer say no, or report the request."""
        bench, request = self.asked(minutes)
        assert bench.customer(cm.RequestDecline(request=request, why=why, report=report)).done
        return bench

    def silent(self) -> Bench:
        """Let a request's time pass."""
        bench, _request = self.asked(answer_within=1800.0)
        later(bench, minutes=40)
        return bench

    def mistyped(self) -> Bench:
        """Let a customer type passwords that are wrong."""
        bench, request = self.asked()
        for _entry in range(2):
            bench.allow(request, bytearray(b"not the password"))
        return bench

    # --- the night

    def worked(self, steps: Sequence[str], *, others: bool = False, minutes: float = 4) -> Bench:
        """Do all steps at night, each with a restart; `others`: somebody else restarts the PC once."""
        bench = self.agreed(minutes, programs=True)
        bench.world.now = AFTERNOON.replace(hour=22, minute=3)
        bench.wake()
        for name in steps:
            step(bench, name, "started")
            later(bench, minutes=22)
            restart(bench, step=name)
            step(bench, name)
            later(bench, minutes=6)
        if others:
            bench.reboot()
            later(bench, minutes=2)
            bench.sign_in_with_permit()
            later(bench, minutes=11)
        return bench

    def ended(self, bench: Bench) -> Bench:
        """End a PC's session."""
        bench.result(rq.SessionEnd(session=SESSION))
        bench.effects()
        return bench


def restart(bench: Bench, **options: Any) -> None:
    """Restart a PC and sign the customer in."""
    bench.restart(**options)
    later(bench, seconds=45)
    bench.reboot()
    later(bench, seconds=75)
    bench.sign_in_with_permit()


def program(bench: Bench, code: int, *arguments: str) -> None:
    """Run a program in the customer's name that ends with this code."""
    bench.world.exit_codes = [code]
    bench.command(SETUP, *arguments, step="Editor")
    later(bench, seconds=50)
    bench.follow_programs()


def unlocked(bench: Bench) -> None:
    """Unlock the desktop for a step, for ten minutes."""
    bench.open_desktop()
    step(bench, "Accounting")
    later(bench, minutes=11)


@contextmanager
def office(folder: Path, password: bytearray) -> Iterator[Office]:
    """Open an office, and stop its agents."""
    made = Office(folder, password)
    try:
        yield made
    finally:
        made.close()


FAILED = {
    "step": "Windows updates",
    "error_code": "command_failed",
    "msg": "The program has ended with the exit code 1603.",
    "hint": "Read the installer's log on the PC.",
}


def ordinary(here: Office) -> list[dict[str, Any]]:
    """Return the entries of a night in an office: most PCs are done, some are not."""
    steps = ("Windows updates", "Office suite")
    accounting = here.worked(steps, others=True)
    unlocked(accounting)
    editor = here.worked(steps, minutes=9)
    program(editor, 0, "/SILENT", "/LOG=C:\\ProgramData\\Deploy\\editor.log")
    failed = here.worked((), minutes=21)
    step(failed, "Windows updates", "started")
    later(failed, minutes=31)
    failed.reboot()
    later(failed, minutes=2)
    left = {"left_over": list(steps), "failure": FAILED}
    return [
        entry("accounting-1", info(here.ended(accounting))),
        entry("accounting-2", info(here.ended(editor))),
        entry("reception", info(here.ended(here.worked(steps, minutes=2)))),
        entry("sales-1", info(here.declined("I present from this PC tonight"))),
        entry("sales-2", info(failed), summary=left),
        entry("workshop", info(here.silent())),
        entry("warehouse", OFF),
    ]


def everything(here: Office) -> list[dict[str, Any]]:
    """Return the entries of a night with each result, long names, hostile texts, and PCs that lie."""
    changed = copy.deepcopy(info(here.ended(here.worked(("Windows updates",), others=True))))
    changed["receipts"][0]["document"]["device"] = "another"
    changed["erasure"][0]["confirmed"] = False
    changed["erasure"][0]["checks"][0]["passed"] = False
    long = here.worked((LONG[:60],))
    program(long, 1603, LONG, *["a b"] * 30)
    pending = info(here.worked(("Windows updates",)))
    pending["pending_restart"] = {"pending": True, "reasons": ["component_servicing", "windows_update"]}
    revoked = here.agreed()
    later(revoked, minutes=1)
    assert revoked.revoke()
    tokyo = here.pc(timedelta(hours=8))
    tokyo.lend(here._password, restarts=1)
    nothing = here.pc()
    started = here.pc()
    started.start_session()
    return [
        *ordinary(here),
        entry(LONG, info(long), failure={**FAILED, "msg": f"{LONG} {LONG}", "step": LONG[:60]}),
        entry("changed", changed),
        entry("pending", pending),
        entry("reported", info(here.declined("I know nobody of that name", report=True))),
        entry("mistyped", info(here.mistyped())),
        entry("revoked", info(revoked)),
        entry("waiting", info(here.asked()[0])),
        entry("tokyo", info(tokyo)),
        entry("nothing", info(nothing)),
        {"name": "lost"},
        entry("begun", info(here.worked(("Windows updates",))), summary={"left_over": ["Office suite"]}),
        entry("not-asked", info(started), failure={"error_code": "nobody_signed_in", "msg": "Nobody is signed in."}),
        entry(HOSTILE, poisoned(info(here.worked(("Windows updates",)))), failure={"step": HOSTILE, "msg": HOSTILE}),
        entry("x" * 255, info(here.declined(f"<b>&amp; {'W' * 49} {'W' * 49} {'W' * 49}"))),
    ]  # fmt: skip


KEPT = {
    "session",
    "state",
    "action",
    "now",
    "at",
    "asked_at",
    "answered_at",
    "issued_at",
    "not_before",
    "not_after",
}


def poisoned(value: Any, key: str = "") -> Any:
    """Return a PC's answer with the hostile text in each of its texts that the page shows as it is."""
    if isinstance(value, dict):
        return {name: poisoned(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [poisoned(part, key) for part in value]
    is_kept = key in KEPT or key.endswith(("_at", "_before", "_after")) or key in {"id", "request", "permit"}
    return value if is_kept or not isinstance(value, str) else HOSTILE


def write(
    path: Path, entries: Callable[[Office], list[dict[str, Any]]], password: bytearray, language: str
) -> Path:
    """Write the report of a night; return its page."""
    folder = path.with_name(f"{path.name}-pcs")
    folder.mkdir()
    with office(folder, password) as here:
        options: dict[str, Any] = {
            "language": language,
            "title": TITLES[language],
            "organization": "Contoso IT",
        }
        result = report(path, *entries(here), **options)
    assert result["failed"] is False, result
    return path.with_name(f"{path.name}.html")


def results(page: Path) -> dict[str, str]:
    """Return the result of each PC of a report by the PC's name."""
    stored: dict[str, Any] = json.loads(page.with_suffix(".json").read_bytes())
    return {pc["name"]: pc["outcome"] for pc in stored["pcs"]}
