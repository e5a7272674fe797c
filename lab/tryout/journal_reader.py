# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the journal of a PC's agent for the lab's page, and puts its events into words.

It reads copies: a second reader of the database itself would stand in the way of the agent's erasures, and under Wine
the two would not see each other's locks.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from latchkey_agent.core.journal_lifecycle import JOURNAL_NAME

if TYPE_CHECKING:
    from lab.tryout.feed import Party

WORDS: dict[str, tuple[Party, str]] = {
    "session_started": ("operator", "starts the support session {name}: {reason}"),
    "session_ended": ("operator", "The support session is over ({how})."),
    "checkpoint_set": ("operator", "Checkpoint of the step {step}: {state}"),
    "request_made": ("operator", "asks for the sign-in, check code {code}"),
    "request_shown": ("pc", "The request window is on the screen."),
    "request_postponed": ("customer", "wants to be asked later"),
    "request_asked_again": ("pc", "The customer is asked again."),
    "request_reminded": ("pc", "The customer is reminded."),
    "entry_tried": ("customer", "types into the password field"),
    "password_refused": ("pc", "The entry is refused: {why}"),
    "request_denied": ("customer", "declines {why}"),
    "asker_unblocked": ("operator", "unblocks {asker}"),
    "request_closed": ("pc", "The request ends ({how})."),
    "grant_given": ("customer", "lends the sign-in"),
    "trial_begun": ("pc", "Windows is about to check the password."),
    "trial_ended": ("pc", "The check of the password had no result."),
    "grant_paused": ("customer", "pauses the grant"),
    "grant_resumed": ("customer", "resumes the grant"),
    "grant_ended": ("pc", "The grant ends ({how})."),
    "erasure_checked": ("pc", "The erasure is checked."),
    "permit_issued": ("operator", "uses the grant: {action}"),
    "sign_in_omitted": ("pc", "Others restarted the PC; the agent signs in no account ({why})."),
    "permit_redeemed": ("pc", "The logon screen redeems the permit."),
    "permit_logged_on": ("pc", "Windows accepts the logon."),
    "permit_signed_on": ("pc", "Windows has signed the customer in by itself."),
    "logon_reported": ("pc", "The logon screen reports the logon."),
    "permit_refused": ("pc", "The permit led to no logon ({why})."),
    "permit_dropped": ("pc", "The permit is void ({why})."),
    "account_seen": ("pc", "The customer's session is seen."),
    "relock_due": ("pc", "The desktop is to be locked again."),
    "desktop_closed": ("pc", "The desktop is closed ({how})."),
    "program_started": ("operator", "runs a program in the customer's name"),
    "program_ended": ("pc", "The program in the customer's name ends ({end})."),
    "restart_ordered": ("operator", "restarts the PC without a grant, step {step}"),
    "restart_dropped": ("pc", "The restart does not happen ({why})."),
    "notices_closed": ("customer", "closes the notices"),
    "boot_seen": ("pc", "The agent runs in a new boot."),
    "time_seen": ("pc", "The agent notes the time."),
    "clock_taken": ("pc", "The agent takes the PC's clock again."),
    "call_noted": ("pc", "An operator's call changes nothing."),
    "command_refused": ("pc", "The agent refuses {command} ({code})."),
    "journal_begun": ("pc", "The journal begins."),
    "device_key_changed": ("pc", "Another key signs for the PC."),
    "authorities_pinned": ("pc", "The settings pin other keys for operators' certificates."),
    "challenge_issued": ("operator", "A challenge for a signed request was issued."),
    "challenge_used": ("operator", "A signed request asked for nothing new."),
}
"""The party of each event, and its sentence: `{field}` is a field of the event."""


class Entry(NamedTuple):
    """One event of the journal."""

    number: int
    at: str
    what: str
    party: Party
    text: str


def stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return sizes and times of the journal's files: they change whenever the journal does."""
    found = []
    for path in _files(folder):
        with contextlib.suppress(OSError):
            known = path.stat()
            found.append((path.name, known.st_size, known.st_mtime_ns))
    return tuple(found)


def entries(folder: Path, after: int = 0) -> list[Entry] | None:
    """Return the events after a number; None if the files cannot be read at this moment."""
    with tempfile.TemporaryDirectory(prefix="latchkey-lab-") as name:
        try:
            for path in _files(folder):
                shutil.copyfile(path, Path(name) / path.name)
            return _read(Path(name) / JOURNAL_NAME, after)
        except (OSError, sqlite3.Error, ValueError):
            # The agent writes in the middle of the copy, or is being installed: the next look finds a whole one.
            return None


def _files(folder: Path) -> list[Path]:
    names = (JOURNAL_NAME, f"{JOURNAL_NAME}-wal")
    return [folder / name for name in names if (folder / name).exists()]


def _read(copy: Path, after: int) -> list[Entry]:
    if not copy.exists():
        return []
    with contextlib.closing(sqlite3.connect(copy)) as database:
        rows = database.execute(
            "SELECT seq, body FROM events WHERE seq > ? ORDER BY seq", (after,)
        ).fetchall()
    return [_entry(number, json.loads(body)) for number, body in rows]


def _entry(number: int, event: dict[str, Any]) -> Entry:
    what = event["event"]
    party, sentence = WORDS.get(what, ("pc", what.replace("_", " ")))
    return Entry(number, str(event["at"]), what, party, sentence.format_map(_Fields(event)).strip())


class _Fields(dict[str, Any]):
    """The fields of an event; those with their default are not written."""

    def __missing__(self, key: str) -> str:
        return "none"
