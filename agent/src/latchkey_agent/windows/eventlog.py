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
    """Return the id of an entry: the id of its journal event, or else the id of its level."""
    event_name = record.args[-1] if isinstance(record.args, tuple) and record.args else None
    general = GENERAL_IDS.get(record.levelno, GENERAL_IDS[logging.INFO])
    return EVENT_IDS.get(event_name, general) if isinstance(event_name, str) else general


class EventLogHandler(logging.Handler):
    """Writes log records to the event log. A full or broken event log never stops the agent."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        local_machine: Any = None
        self._source = win32evtlog.RegisterEventSource(local_machine, names.EVENT_SOURCE)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one entry."""
        kind = next(kind for level, kind in _TYPES if record.levelno >= level)
        no_user: Any = None
        with suppress(pywintypes.error):
            win32evtlog.ReportEvent(
                self._source, kind, 0, event_id(record), no_user, [self.format(record)], no_user
            )
