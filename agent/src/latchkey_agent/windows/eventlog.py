# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's entries in Windows' Application event log.

Every kind of event of the journal has an id of its own, so that a console can
count or alert by it. The ids stay within what `names.EVENT_MESSAGE_FILE` knows.
An entry names the event and carries nothing of what was said, for every user
of the PC can read the Application log.
"""

from __future__ import annotations

import logging
from contextlib import suppress
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


def event_id(record: logging.LogRecord) -> int:
    """Return the id of an entry: that of the journal's event it tells of, or that of its level."""
    told = record.args[-1] if isinstance(record.args, tuple) and record.args else None
    general = GENERAL_IDS.get(record.levelno, GENERAL_IDS[logging.INFO])
    return EVENT_IDS.get(told, general) if isinstance(told, str) else general


class EventLogHandler(logging.Handler):
    """Writes log records as entries; a full or broken event log never stops the agent."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        anywhere: Any = None
        self._source = win32evtlog.RegisterEventSource(anywhere, names.EVENT_SOURCE)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one entry."""
        kind = next(kind for level, kind in _TYPES if record.levelno >= level)
        nobody: Any = None
        with suppress(pywintypes.error):
            win32evtlog.ReportEvent(
                self._source, kind, 0, event_id(record), nobody, [self.format(record)], nobody
            )
