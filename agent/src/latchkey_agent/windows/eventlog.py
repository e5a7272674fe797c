# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the agent's entries to Windows' Application event log.

Every kind of journal event has its own id, so that monitoring tools can count
or alert by it. `names.EVENT_MESSAGE_FILE` has a message for every id. An entry
names the event without its contents, because every user of the PC can read
the Application log.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import pywintypes
import win32evtlog

from . import names
from .event_ids import EVENT_IDS, GENERAL_IDS

_TYPES = (
    (logging.ERROR, win32evtlog.EVENTLOG_ERROR_TYPE),
    (logging.WARNING, win32evtlog.EVENTLOG_WARNING_TYPE),
    (logging.NOTSET, win32evtlog.EVENTLOG_INFORMATION_TYPE),
)
_NONE: Any = None

LONGEST_ENTRY = 16_000
"""Characters of an entry. Windows refuses a text of more than 31,839 ("ReportEventW", Microsoft Learn)."""
_TAIL = 6_000
"""Characters kept of a longer entry's end, where a traceback has its exception."""


def event_id(record: logging.LogRecord) -> int:
    """Return the id of an entry: the id of its journal event, or else the id of its level."""
    event_name = record.args[-1] if isinstance(record.args, tuple) and record.args else None
    general = GENERAL_IDS.get(record.levelno, GENERAL_IDS[logging.INFO])
    return EVENT_IDS.get(event_name, general) if isinstance(event_name, str) else general


def entry_text(text: str) -> str:
    """Return a text in the form that the event log takes and shows whole.

    "ReportEventW", Microsoft Learn: a text ends at its first null character, must not be too long, and must not
    contain `%1` or the like, which the Event Viewer takes for a place to insert something.
    """
    shown = re.sub(r"%(?=[0-9])", "% ", text.replace("\0", "\ufffd"))
    if len(shown) <= LONGEST_ENTRY:
        return shown
    return f"{shown[: LONGEST_ENTRY - _TAIL]}\n[...]\n{shown[-_TAIL:]}"


class EventLogHandler(logging.Handler):
    """Writes log records to the event log.

    A full, broken, stopped or disabled event log never stops the agent or its installation. The entries go on once
    it works again.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._source: Any = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one entry. Try twice: a handle does not outlive the event log's service."""
        kind = next(kind for level, kind in _TYPES if record.levelno >= level)
        text = entry_text(self.format(record))
        for _ in range(2):
            try:
                if self._source is None:
                    self._source = win32evtlog.RegisterEventSource(_NONE, names.EVENT_SOURCE)
                win32evtlog.ReportEvent(self._source, kind, 0, event_id(record), _NONE, [text], _NONE)
            except pywintypes.error:
                self._source = None
            else:
                return
