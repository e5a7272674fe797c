# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutants that no test can tell from the code, each with its reason.

`make mutants` leaves them out of its count. It fails if one no longer exists, or if a test kills it.
"""

from __future__ import annotations

_ALWAYS_GIVEN = "every notice is made with this value given, so the default is never used"

_FLAG = "the flag is only asked whether it holds, and None holds as little as False"
_ALWAYS_THERE = (
    "the key is there: the first thing that a closing does is to note since when its desktop is awaited"
)
_ONLY_TEXT = "only the text of the error is used, not its number"
_FROM_THE_START = "what stood before is zeros by now, so a search from the start finds the same record"

EQUIVALENT: dict[str, dict[str, str]] = {
    "core/desktops.py": {
        "DesktopCloser.close: ited.pop(target.permit, None) -> ited.pop(target.permit, )": _ALWAYS_THERE,
        "DesktopCloser._has_waited: ited.get(target.permit, now) -> ited.get(target.permit, None)": _ALWAYS_THERE,
        "DesktopCloser._has_waited: ited.get(target.permit, now) -> ited.get(target.permit, )": _ALWAYS_THERE,
    },
    "domain/clock.py": {
        "wait_ends: 16 -> 17": "2 to the power of 16 minutes is far more than `LONGEST_WAIT` already",
    },
    "domain/decide.py": {
        "_request: request.state is RequestState.LATER and request.later_until is not None -> "
        "(request.state is RequestState.LATER)": "a postponed request always has the moment until which it waits",
    },
    "domain/model.py": {
        "(while_away): while_away: bool = True -> while_away: bool = None": _ALWAYS_GIVEN,
        "(while_away): True -> False": _ALWAYS_GIVEN,
    },
    "storage/journal.py": {
        "(_BLOCK): 65_536 -> 65537": "the same bytes are written, only in blocks of another size",
        "JournalUnavailableError.__init__: super().__init__(reason) -> pass": (
            "Python keeps the positional arguments of an exception before it calls `__init__`"
        ),
        "connect: None, check_same_thread=False) -> None, check_same_thread=None)": (_FLAG),
        "connect: ect(path, timeout=wait, isolation_level=None, check_same_thread=False)"
        " -> ect(path, timeout=wait, check_same_thread=False)": (
            "each transaction is begun by a statement of its own, so Python begins none itself"
        ),
        "Journal.__init__: self._is_behind = False -> self._is_behind = None": _FLAG,
        "Journal._save_anchor: self._is_behind = False -> self._is_behind = None": _FLAG,
        "(): 1 -> 2": "any negative number means no limit to SQLite (documentation of SELECT, LIMIT)",
        'Journal._transaction: "BEGIN IMMEDIATE" -> "BEGIN DEFERRED"': (
            "the first statement of each transaction writes, and takes the same lock"
        ),
        "Journal._checkpoint: busy == 0 and frames == copied -> (busy == 0)": (
            "SQLite calls a checkpoint of these modes busy if it has not copied all frames"
        ),
        'link: seq.to_bytes(8, "big") -> seq.to_bytes(8, )': "big is Python's default, since 3.11",
    },
    "storage/key_slots.py": {
        '_read: OSError(errno.EIO, "it ends too early") -> OSError(None, "it ends too early")': _ONLY_TEXT,
        '_write: OSError(errno.EIO, "a slot was not writte -> OSError(None, "a slot was not writte': _ONLY_TEXT,
    },
    "storage/vault.py": {
        "(SLOT_HALF): 2 -> 3": "only the sum of both bits is used, and 1 | 3 is 1 | 2",
        "scrub: <= _PAGE -> < _PAGE": "a record of just one page is overwritten for one page either way",
        "scrub: content.find(MAGIC, end) -> content.find(MAGIC, None)": _FROM_THE_START,
        "scrub: content.find(MAGIC, end) -> content.find(MAGIC, )": _FROM_THE_START,
    },
}
"""By module and mutant, as `make mutants` prints them."""
