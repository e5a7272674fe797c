# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Finds the reasons for a pending restart, and leaves out those that a restart does not settle.

| reason | place | a restart settles it because |
| --- | --- | --- |
| component servicing | `Component Based Servicing\RebootPending` | servicing goes on at the boot |
| windows update | `Auto Update\RebootRequired` | Windows Update finishes its installations at the boot |
| file renames | `PendingFileRenameOperations`, `...2` | the session manager carries them out at the boot |
| computer rename | `ActiveComputerName` differs from `ComputerName` | Windows takes the new name over at the boot |
| domain join | `Netlogon\JoinDomain`, `AvoidSpnSet` | Netlogon finishes the join at the boot |

The first four are in "Determine Pending Reboot Status" (Microsoft's Scripting Blog), the file renames also in
"MoveFileExW" (Microsoft Learn). The agent reads no other place: no document says that a restart settles it.

Programs leave entries that stay, or that come back after every restart. So the agent remembers the entries that it
saw last, and compares them at the first look in the next boot. An entry that is still there was not settled and does
not count in that boot. A computer rename always counts, because a grant is bound to the name.
"""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from latchkey_agent.ports import RENAME, PortError
from latchkey_agent.windows.win32 import registry
from latchkey_agent.windows.win32.registry import agents_key, boot_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from latchkey_agent.windows.win32.registry import OwnKey

Marks = dict[str, frozenset[str]]
"""The entries of each reason, each as a short hash: a path may name a person."""

log = logging.getLogger(__name__)
CBS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing"
UPDATE = r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update"
SESSION_MANAGER = r"SYSTEM\CurrentControlSet\Control\Session Manager"
NAMES = r"SYSTEM\CurrentControlSet\Control\ComputerName"
NETLOGON = r"SYSTEM\CurrentControlSet\Services\Netlogon"
SEEN, UNSETTLED = "PendingRestartSeen", "PendingRestartUnsettled"
"""Values: the entries that were seen last, in the permanent key; those that outlived a restart, in the volatile one."""
TEMPORARY = frozenset({"temp", "tmp"})
_ROOT = re.compile(r"^(?:\*\d+)?\\\?\?\\")
r"""Before a source's path: `\??\`, the root of the names of drives, sometimes with a star and a number before it."""


def reasons() -> list[str]:
    """Return the reasons for a restart that a restart can settle; empty if none is pending."""
    found = _entries()
    _remember(found)
    unsettled = _load(boot_key, UNSETTLED)
    return [reason for reason, marks in found.items() if marks - unsettled.get(reason, frozenset())]


def note_before_restart() -> None:
    """Remember the present entries, to know after the restart which ones it did not settle."""
    _remember(_entries())


def note_new_boot() -> None:
    """Find out which entries the restart did not settle. Call this once in each boot, as early as possible."""
    before, found = _load(agents_key, SEEN), _entries()
    unsettled = {
        reason: kept
        for reason, marks in found.items()
        if reason != RENAME and (kept := marks & before.get(reason, frozenset()))
    }
    # Without this value every entry counts, which costs one restart at most.
    with suppress(PortError):
        key = boot_key()
        # It exists if the agent has crashed in this boot before the end of this function.
        if key.load(UNSETTLED) is None:
            key.save(UNSETTLED, _text(unsettled))
            _remember(found)
    if unsettled:
        log.warning("the restart did not settle these reasons for a restart: %s", ", ".join(unsettled))


def _entries() -> Marks:
    """Return the entries of each reason that has any."""
    found = {reason: frozenset(map(_hash, entries())) for reason, entries in _REASONS.items()}
    return {reason: marks for reason, marks in found.items() if marks}


def _hash(entry: str) -> str:
    return hashlib.sha256(entry.casefold().encode("utf-16-le", "surrogatepass")).hexdigest()[:16]


def _remember(found: Marks) -> None:
    if found == _load(agents_key, SEEN):
        return
    with suppress(PortError):
        agents_key().save(SEEN, _text(found))


def _text(marks: Marks) -> str:
    return msgspec.json.encode({reason: sorted(kept) for reason, kept in marks.items()}).decode()


def _load(key: Callable[[], OwnKey], name: str) -> Marks:
    """Return remembered entries; none if there are none or they cannot be read."""
    with suppress(PortError, msgspec.DecodeError):
        content = key().load(name)
        if isinstance(content, str):
            return msgspec.json.decode(content, type=Marks)
    return {}


def _servicing() -> Iterator[str]:
    # The key has no content that says which package waits: its time tells one request from the next.
    yield from _key(rf"{CBS}\RebootPending", by_time=True)


def _update() -> Iterator[str]:
    # Its values are named after the updates.
    yield from _key(rf"{UPDATE}\RebootRequired", by_time=False)


def _key(path: str, *, by_time: bool) -> Iterator[str]:
    """Yield the names of a key's values, or the time of its last change; nothing if there is no such key."""
    content = registry.content(path)
    if content is None:
        return
    names, changed = content
    yield from [str(changed)] if by_time or not names else names


def _file_renames() -> Iterator[str]:
    """Yield the operations that change something of use.

    The value is a list of pairs: a source and a target, which is empty for a deletion
    ("MoveFileExW", Microsoft Learn; "PendMoves", Sysinternals). It may hold nothing but empty texts. An
    operation without its source changes nothing, and to delete a file in a temporary folder is tidying only.
    """
    for number in ("", "2"):
        value = registry.value(SESSION_MANAGER, f"PendingFileRenameOperations{number}")
        texts = value if isinstance(value, list) else []
        for source, target in zip(texts[::2], [*texts[1::2], ""], strict=False):
            if source.strip() and _is_of_use(source, target):
                yield f"{source}>{target}"


def _is_of_use(operation_source: str, target: str) -> bool:
    # Windows' functions for files write the same root in another way.
    path, is_known = _ROOT.subn(lambda _: "\\\\?\\", operation_source)
    if not is_known:
        return True
    source = Path(path)
    if not target.strip() and not TEMPORARY.isdisjoint(part.casefold() for part in source.parts):
        return False
    try:
        source.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        # The file may be there.
        return True
    return True


def _renamed() -> Iterator[str]:
    active, next_one = (
        registry.value(rf"{NAMES}\{key}", "ComputerName") for key in ("ActiveComputerName", "ComputerName")
    )
    if isinstance(active, str) and isinstance(next_one, str) and active != next_one:
        yield f"{active}>{next_one}"


def _joining() -> Iterator[str]:
    for name in ("JoinDomain", "AvoidSpnSet"):
        if registry.value(NETLOGON, name) is not None:
            yield name


_REASONS: dict[str, Callable[[], Iterator[str]]] = {
    "component servicing": _servicing,
    "windows update": _update,
    "file renames": _file_renames,
    RENAME: _renamed,
    "domain join": _joining,
}
